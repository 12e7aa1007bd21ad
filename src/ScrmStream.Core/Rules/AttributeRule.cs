using System.Text;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>One attribute of customers, as a rule file declares it. Immutable, any thread.</summary>
public sealed class AttributeRule
{
    private readonly EdgeValue _value;

    internal AttributeRule(AttributeRuleSyntax syntax, EdgeValue value)
    {
        _value = value;
        Name = syntax.Name;
        Type = syntax.Type == AttributeType.Any ? "" : syntax.Type.ToString().ToLowerInvariant();
        Line = syntax.Place.Line;
        Text = syntax.Text;
        NameUtf8 = Encoding.UTF8.GetBytes(Name);
    }

    public string Name { get; }
    /// <summary>text, number, boolean or date; empty when the file does not say.</summary>
    public string Type { get; }
    /// <summary>Where it stands in the rule file.</summary>
    public int Line { get; }
    /// <summary>The attribute in canonical form.</summary>
    public string Text { get; }

    internal byte[] NameUtf8 { get; }

    /// <summary>The value, valid as long as the shards are; false when there is none or an empty text has taken it away.</summary>
    public bool TryGet(ShardSet shards, out ReadOnlySpan<byte> value) => _value.TryGet(shards, out value, out _) && !value.IsEmpty;
}
