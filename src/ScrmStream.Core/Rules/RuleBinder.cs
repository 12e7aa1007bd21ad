using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// Collects, while rules are compiled, the aggregates they need. Equal aggregates of several rules are one; two that differ but
/// share a key are refused.
/// </summary>
/// <param name="apart">Every aggregate is to have a key of its own, other than those of the same rules elsewhere.</param>
internal sealed class RuleBinder(RuleFileSyntax file, bool apart)
{
    private const int AggregatesMax = 4096;

    private readonly Dictionary<uint, Aggregate> _byKey = [];
    private readonly List<(Aggregate Aggregate, int Timeline)> _earlier = [];

    public CalendarZone Zone => file.Zone;

    /// <summary>The conditions are those of actions: they are asked about every moment of the recent past.</summary>
    public bool IsOfActions => apart;

    public List<FoldStep> Steps { get; } = [];
    public int Timelines { get; private set; }

    /// <summary>Of the tag that is being compiled: how long it lasts; 0 when it does not expire.</summary>
    public long ExpiresMs { get; private set; }

    /// <summary>The lists that conditions of the tag being compiled look back into.</summary>
    public (Aggregate Aggregate, int Timeline)[] EarlierLists => [.. _earlier];

    /// <summary>What the tag being compiled reads.</summary>
    public List<Aggregate> Used { get; } = [];

    /// <summary>What is being compiled, where not every condition has a place there.</summary>
    public string Place { get; private set; } = "";

    public void StartTag(long expiresMs)
    {
        (ExpiresMs, Place) = (expiresMs, "a tag that expires");
        Used.Clear();
        _earlier.Clear();
    }

    /// <summary>Guards of a pipeline ask about every time at which one of its events came.</summary>
    public void StartGuards()
    {
        StartTag(Window.Ever.HorizonMs);
        Place = "a condition of a pipeline";
    }

    /// <summary>So many attributes, from the first, can be used; while attributes are compiled, those above the one in hand.</summary>
    public int AttributesKnown { get; set; }

    public int NewTimeline() => Timelines++;

    public int EarlierTimeline(Aggregate aggregate, EventFilter filter)
    {
        _earlier.Add((Use(aggregate, filter), NewTimeline()));
        return _earlier[^1].Timeline;
    }

    /// <summary>The rule set's aggregate with this text, fed by the events that pass the filter.</summary>
    public T Use<T>(T aggregate, EventFilter filter) where T : Aggregate => Use(aggregate, [(filter, 0)]);

    /// <summary>The same for an aggregate that weighs: each filter with its micro points.</summary>
    public T Use<T>(T aggregate, IReadOnlyList<(EventFilter Filter, long MicroPoints)> entries) where T : Aggregate
    {
        if (apart) aggregate = (T)aggregate.Apart("before");
        if (_byKey.TryGetValue(aggregate.Key, out var known))
        {
            if (known.Text == aggregate.Text)
            {
                Used.Add(known);
                return (T)known;
            }
            throw new ExpressionException(
                0,
                $"the keys of two aggregates collide ({known.Text} and {aggregate.Text}); add to the filter of one of them "
                + "a condition that always holds, such as page != \"-\"");
        }
        if (_byKey.Count == AggregatesMax) throw new ExpressionException(0, $"the rules need more than {AggregatesMax} aggregates");
        _byKey.Add(aggregate.Key, aggregate);
        Used.Add(aggregate);
        foreach (var (filter, microPoints) in entries) Steps.Add(new FoldStep(filter, aggregate, microPoints));
        return aggregate;
    }

    /// <summary>The place of a tag in the rule set; the reader has checked that it exists.</summary>
    public int TagIndex(string name)
    {
        for (var i = 0; i < file.Tags.Count; i++)
        {
            if (file.Tags[i].Name == name) return i;
        }
        throw new ArgumentException($"There is no tag '{name}'.", nameof(name));
    }

    /// <summary>The tag's value is a list of members.</summary>
    public bool IsSet(string tag) => file.Tags[TagIndex(tag)].Kind == TagKind.Set;

    /// <summary>The value of an attribute.</summary>
    /// <param name="fits">The types it may have there; a type that fits nothing can never be.</param>
    public EdgeValue Attribute(string name, int position, string use, params ReadOnlySpan<AttributeType> fits)
    {
        var attribute = Declared(name, position);
        if (attribute.Type != AttributeType.Any && !fits.Contains(attribute.Type))
        {
            throw new ExpressionException(
                position, $"attribute '{name}' is a {attribute.Type.ToString().ToLowerInvariant()}, which does not go with {use}");
        }
        return Edge((EdgeValueSyntax)attribute.Value.Syntax);
    }

    /// <summary>An attribute that is calculated; null for one that events give.</summary>
    public NumberValue? Calculated(string name, int position) =>
        (Declared(name, position).Value.Syntax as ArithmeticSyntax)?.Root.Bind(this);

    /// <summary>An attribute as a number, whether calculated or given.</summary>
    public NumberValue AttributeNumber(string name, int position) =>
        Calculated(name, position) ?? new EdgeNumber(Attribute(name, position, "a calculation", AttributeType.Number));

    /// <summary>Its value may be another by the mere passing of time.</summary>
    public bool AttributeChangesByItself(string name) => Declared(name, 0).Value.Syntax switch
    {
        ArithmeticSyntax arithmetic => arithmetic.ChangesByItself || arithmetic.Root.Attributes.Any(AttributeChangesByItself),
        _ => false,
    };

    private EdgeValue Edge(EdgeValueSyntax value) => Use(new EdgeValue(value.IsLast, value.Field, value.Filter.Text), value.Filter);

    private AttributeRuleSyntax Declared(string name, int position)
    {
        var known = file.Attributes.Take(AttributesKnown);
        if (known.FirstOrDefault(a => a.Name == name) is { } attribute) return attribute;
        var isBelow = file.Attributes.Any(a => a.Name == name);
        throw new ExpressionException(position, isBelow
            ? $"attribute '{name}' is declared below; a calculation uses attributes above it"
            : $"there is no attribute '{name}' under 'attributes:'{Suggestion.Of(name, known.Select(a => a.Name))}");
    }

    /// <summary>A score of the file as it is read with these grades, highest first.</summary>
    public ScoreRule Score(string name, int position, IReadOnlyList<Grade>? grades)
    {
        var score = file.KnownScores.FirstOrDefault(s => s.Name == name) ?? throw new ExpressionException(
            position, $"there is no score '{name}'{Suggestion.Of(name, file.KnownScores.Select(s => s.Name))}");
        if (grades is not null) score = score with { Grades = grades, HysteresisMicro = 0 };
        return new ScoreCompiler(this, score).Compile();
    }
}
