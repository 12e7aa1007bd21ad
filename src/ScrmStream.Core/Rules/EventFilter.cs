using System.Text;
using ScrmStream.Events;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>A test of one event. Immutable; <see cref="Text"/> is canonical: equal filters, however written, have equal texts.</summary>
internal abstract class EventFilter
{
    public static readonly EventFilter Any = new ConstantFilter(true);
    public static readonly EventFilter None = new ConstantFilter(false);

    public abstract string Text { get; }

    public abstract bool Matches(EventBatch batch, in TrackingEvent e);

    /// <summary>What is left of the filter when the event's name is known; null: a name that the rules do not mention.</summary>
    public virtual EventFilter Given(string? eventName) => this;

    public virtual void CollectEventNames(ISet<string> names) { }

    public static EventFilter Not(EventFilter inner) =>
        inner == Any ? None : inner == None ? Any : inner is NotFilter twice ? twice.Inner : new NotFilter(inner);

    public static EventFilter All(IEnumerable<EventFilter> parts) => Join(parts, isAnd: true);

    public static EventFilter OneOf(IEnumerable<EventFilter> parts) => Join(parts, isAnd: false);

    // Flattens, sorts and removes repeats, so that the order in which a rule names its conditions does not matter.
    private static EventFilter Join(IEnumerable<EventFilter> parts, bool isAnd)
    {
        var (neutral, absorbing) = isAnd ? (Any, None) : (None, Any);
        var flat = parts.SelectMany(p => p is JoinFilter j && j.IsAnd == isAnd ? j.Parts : [p])
            .Where(p => p != neutral).DistinctBy(p => p.Text).OrderBy(p => p.Text, StringComparer.Ordinal).ToArray();
        if (flat.Contains(absorbing)) return absorbing;
        return flat.Length switch { 0 => neutral, 1 => flat[0], _ => new JoinFilter(isAnd, flat) };
    }

    public override string ToString() => Text;

    /// <summary>A text as it stands in canonical texts.</summary>
    public static string Quote(string text) => '"' + text.Replace("\\", "\\\\").Replace("\"", "\\\"") + '"';
}

internal sealed class ConstantFilter(bool value) : EventFilter
{
    public override string Text => value ? "any" : "none";

    public override bool Matches(EventBatch batch, in TrackingEvent e) => value;
}

internal sealed class NotFilter(EventFilter inner) : EventFilter
{
    public EventFilter Inner => inner;
    public override string Text { get; } = $"not ({inner.Text})";

    public override bool Matches(EventBatch batch, in TrackingEvent e) => !inner.Matches(batch, in e);

    public override EventFilter Given(string? eventName) => Not(inner.Given(eventName));

    public override void CollectEventNames(ISet<string> names) => inner.CollectEventNames(names);
}

internal sealed class JoinFilter(bool isAnd, EventFilter[] parts) : EventFilter
{
    public bool IsAnd => isAnd;
    public EventFilter[] Parts => parts;
    public override string Text { get; } = string.Join(isAnd ? " and " : " or ", parts.Select(p =>
        p is JoinFilter ? $"({p.Text})" : p.Text));

    public override bool Matches(EventBatch batch, in TrackingEvent e)
    {
        foreach (var part in parts)
        {
            if (part.Matches(batch, in e) != isAnd) return !isAnd;
        }
        return isAnd;
    }

    public override EventFilter Given(string? eventName)
    {
        var given = parts.Select(p => p.Given(eventName));
        return isAnd ? All(given) : OneOf(given);
    }

    public override void CollectEventNames(ISet<string> names)
    {
        foreach (var part in parts) part.CollectEventNames(names);
    }
}

/// <summary><c>event = "x"</c> or <c>event in (...)</c>; decided once per name, never per event.</summary>
internal sealed class EventNameFilter(IEnumerable<string> names) : EventFilter
{
    private readonly string[] _names = [.. names.Distinct().Order(StringComparer.Ordinal)];
    private readonly byte[][] _utf8 = [.. names.Distinct().Select(Encoding.UTF8.GetBytes)];

    public IReadOnlyList<string> Names => _names;
    public override string Text => $"event in ({string.Join(", ", _names.Select(Quote))})";

    public override bool Matches(EventBatch batch, in TrackingEvent e)
    {
        var name = batch.Text(e.Name);
        foreach (var candidate in _utf8)
        {
            if (name.SequenceEqual(candidate)) return true;
        }
        return false;
    }

    public override EventFilter Given(string? eventName) => eventName is not null && _names.Contains(eventName) ? Any : None;

    public override void CollectEventNames(ISet<string> names) => names.UnionWith(_names);
}

internal sealed class ChannelFilter(IEnumerable<Channel> channels) : EventFilter
{
    private readonly uint _bits = channels.Aggregate(0u, (bits, c) => bits | 1u << (int)c);

    public IEnumerable<string> Words => Enum.GetValues<Channel>().Where(c => (_bits >> (int)c & 1) != 0).Select(c => c.Word());
    public override string Text => $"channel in ({string.Join(", ", Words.Select(Quote))})";

    public override bool Matches(EventBatch batch, in TrackingEvent e) => (_bits >> (int)e.Channel & 1) != 0;
}

/// <summary>A field's text is one of some texts, byte for byte; a number or boolean property counts with its literal.</summary>
internal sealed class TextFilter(EventField eventField, IEnumerable<string> values) : EventFilter
{
    private readonly string[] _values = [.. values.Distinct().Order(StringComparer.Ordinal)];
    private readonly byte[][] _utf8 = [.. values.Distinct().Select(Encoding.UTF8.GetBytes)];

    public EventField Field => eventField;
    public IReadOnlyList<string> Values => _values;
    public override string Text => $"{Quote(eventField.Name)} in ({string.Join(", ", _values.Select(Quote))})";

    public override bool Matches(EventBatch batch, in TrackingEvent e)
    {
        Span<byte> scratch = stackalloc byte[24];
        if (!eventField.TryGetText(batch, in e, scratch, out var text)) return false;
        foreach (var value in _utf8)
        {
            if (text.SequenceEqual(value)) return true;
        }
        return false;
    }
}

/// <summary>A field is a number that compares so; false when it is absent or no number.</summary>
internal sealed class NumberFilter(EventField eventField, Comparison comparison, Int128 micro) : EventFilter
{
    public EventField Field => eventField;
    public Comparison Comparison => comparison;
    public Int128 Micro => micro;
    public override string Text => $"{Quote(eventField.Name)} {comparison.Symbol()} {micro}u";

    public override bool Matches(EventBatch batch, in TrackingEvent e) =>
        eventField.TryGetMicro(batch, in e, out var value) && comparison.Holds(value, micro);
}

/// <summary>A property is a boolean with this value.</summary>
internal sealed class BooleanFilter(EventField eventField, bool value) : EventFilter
{
    public EventField Field => eventField;
    public string Word => value ? "true" : "false";
    public override string Text => $"{Quote(eventField.Name)} is {Word}";

    public override bool Matches(EventBatch batch, in TrackingEvent e)
    {
        if (eventField.TypeOf(batch, in e) != PropertyType.Boolean) return false;
        return eventField.TryGetText(batch, in e, default, out var text) && text.SequenceEqual(value ? "true"u8 : "false"u8);
    }
}
