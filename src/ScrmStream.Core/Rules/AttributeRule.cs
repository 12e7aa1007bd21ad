using System.Text;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>One attribute of customers, as a rule file declares it. Immutable, any thread.</summary>
public sealed class AttributeRule
{
    private readonly EdgeValue? _edge;
    private readonly NumberValue? _number;

    internal AttributeRule(AttributeRuleSyntax syntax, EdgeValue edge) : this(syntax) => _edge = edge;

    internal AttributeRule(AttributeRuleSyntax syntax, NumberValue number) : this(syntax) => _number = number;

    private AttributeRule(AttributeRuleSyntax syntax)
    {
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

    /// <summary>
    /// The value of the customer that was concluded last, as of the time of the scores; false when there is none or an empty text has taken
    /// it away. Valid until the next call, and only while the shards concluded from are unchanged.
    /// </summary>
    public bool TryGet(Conclusion concluded, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (concluded.Concluded is not { } evaluation) return false;
        if (_edge is not null) return _edge.TryGet(evaluation.Shards, out value, out _) && !value.IsEmpty;
        if (!_number!.TryGet(evaluation, concluded.ScoresAsOfMs, out var micro)) return false;
        value = evaluation.Text(micro);
        return true;
    }
}
