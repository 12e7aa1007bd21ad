using System.Text;
using System.Text.RegularExpressions;
using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules.Sql;

namespace ScrmStream.Rules;

/// <summary>Where in a text a part of it has to stand.</summary>
internal enum TextPlace : byte { Anywhere, Start, End }

/// <summary>A field is there, whatever its type.</summary>
internal sealed class ExistsFilter(EventField eventField) : EventFilter
{
    public EventField Field => eventField;
    public override string Text => $"{Quote(eventField.Name)} exists";

    public override bool Matches(EventBatch batch, in TrackingEvent e)
    {
        Span<byte> scratch = stackalloc byte[24];
        return eventField.TryGetText(batch, in e, scratch, out _);
    }
}

/// <summary>A field's text has a part, byte for byte.</summary>
internal sealed class PartFilter(EventField eventField, TextPlace place, string part) : EventFilter
{
    private readonly byte[] _utf8 = Encoding.UTF8.GetBytes(part);

    public EventField Field => eventField;
    public TextPlace Place => place;
    public string Part => part;
    public override string Text => $"{Quote(eventField.Name)} {place.ToString().ToLowerInvariant()} {Quote(part)}";

    public override bool Matches(EventBatch batch, in TrackingEvent e)
    {
        Span<byte> scratch = stackalloc byte[24];
        if (!eventField.TryGetText(batch, in e, scratch, out var text)) return false;
        return place switch
        {
            TextPlace.Start => text.StartsWith(_utf8),
            TextPlace.End => text.EndsWith(_utf8),
            _ => text.IndexOf(_utf8) >= 0,
        };
    }
}

/// <summary>
/// A field's text matches a pattern somewhere. The pattern is run without backtracking, so its time is linear in the text; of a longer
/// text the first 2,048 bytes are looked at.
/// </summary>
internal sealed class PatternFilter : EventFilter
{
    public const int TextBytesMax = 2048;

    private readonly EventField _field;
    private readonly string _pattern;
    private readonly Regex _regex;

    /// <exception cref="NotSupportedException">The pattern needs backtracking.</exception>
    /// <exception cref="ArgumentException">It is no pattern.</exception>
    public PatternFilter(EventField field, string pattern)
    {
        _field = field;
        _pattern = pattern;
        _regex = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        SqlPattern = PatternSql.Of(pattern);
    }

    public EventField Field => _field;
    /// <summary>The same pattern as ClickHouse reads it.</summary>
    public string SqlPattern { get; }
    public override string Text => $"{Quote(_field.Name)} matches {Quote(_pattern)}";

    public override bool Matches(EventBatch batch, in TrackingEvent e)
    {
        Span<byte> scratch = stackalloc byte[24];
        if (!_field.TryGetText(batch, in e, scratch, out var text)) return false;
        Span<char> characters = stackalloc char[TextBytesMax];
        var length = Encoding.UTF8.GetChars(EdgeEntry.Cut(text, TextBytesMax), characters);
        return _regex.IsMatch(characters[..length]);
    }
}
