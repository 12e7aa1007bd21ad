using System.Text;
using ScrmStream.Host.Replay;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.Host.Simulating;

/// <summary>
/// Who the customers are after all events were folded, and their tags and leads: what is left of an engine's state when it is gone.
/// Immutable once read.
/// </summary>
internal sealed class FoldedCustomers
{
    /// <summary>Stands for no customer.</summary>
    public const int Nobody = -1;

    private readonly Dictionary<UInt128, int> _customerOf;
    private readonly List<UInt128> _roots = [];
    // Of each customer where its values begin; what it has of which rule, by the word's number.
    private readonly List<int> _starts = [];
    private readonly List<(int Rule, int Word)> _values = [];
    private readonly List<string> _words = [];
    private readonly Dictionary<string, int> _numbers = [];
    private readonly RuleSet _rules;

    private FoldedCustomers(CustomerState state, RuleSet rules) => (_rules, _customerOf) = (rules, new(state.Count));

    /// <summary>By number, in order of id.</summary>
    public IReadOnlyList<UInt128> Roots => _roots;

    /// <summary>Every identifier, also one that is nobody's.</summary>
    public IReadOnlyCollection<UInt128> Identifiers => _customerOf.Keys;

    /// <summary>The latest event of all, Unix milliseconds; 0 without any.</summary>
    public long AsOfMs { get; private set; }

    /// <summary>Places in <see cref="ValuesOf"/>: tags, then pipelines, in the order of the rules.</summary>
    public static int RuleCount(RuleSet rules) => rules.Tags.Count + rules.Pipelines.Count;

    /// <summary>Reads a state that is not worked on any more; tags and leads as of the latest event of all.</summary>
    public static FoldedCustomers Of(CustomerState state, RuleSet rules)
    {
        var folded = new FoldedCustomers(state, rules);
        var (roots, customer) = (CustomerProfile.RootsInOrder(state), new CustomerProfile(state, rules));
        foreach (var root in roots) folded.AsOfMs = Math.Max(folded.AsOfMs, customer.LastSeenOf(root));
        var numbers = new Dictionary<int, int>(roots.Length);
        foreach (var root in roots)
        {
            numbers.Add(root, folded._roots.Count);
            customer.Read(root, folded.AsOfMs, tagsToo: true);
            folded.Add(state.Graph.Nodes[root].Id, customer.Conclusion);
        }
        for (var node = 0; node < state.Count; node++)
        {
            ref var n = ref state.Graph.Nodes[node];
            folded._customerOf[n.Id] = n.Root < 0 ? Nobody : numbers[n.Root];
        }
        folded._starts.Add(folded._values.Count);
        return folded;
    }

    /// <summary>The number of the customer that an identifier belongs to.</summary>
    public int CustomerOf(UInt128 identifier) => _customerOf.GetValueOrDefault(identifier, Nobody);

    /// <summary>Puts what a customer has into the places of the rules, null where it has nothing.</summary>
    public void ValuesOf(int customer, Span<string?> values)
    {
        values.Clear();
        if (customer == Nobody) return;
        for (var i = _starts[customer]; i < _starts[customer + 1]; i++) values[_values[i].Rule] = _words[_values[i].Word];
    }

    private void Add(UInt128 root, Conclusion conclusion)
    {
        _roots.Add(root);
        _starts.Add(_values.Count);
        for (var i = 0; i < conclusion.TagCount; i++)
        {
            var tag = conclusion.Tag(i);
            var name = Encoding.UTF8.GetString(tag.Name);
            Add(Place(_rules.Tags, t => t.Name == name), tag.Value);
        }
        for (var i = 0; i < conclusion.LeadCount; i++)
        {
            var lead = conclusion.Lead(i);
            var name = Encoding.UTF8.GetString(lead.Pipeline);
            Add(_rules.Tags.Count + Place(_rules.Pipelines, p => p.Name == name), lead.Stage);
        }
    }

    private void Add(int rule, ReadOnlySpan<byte> value)
    {
        var word = Encoding.UTF8.GetString(value);
        if (!_numbers.TryGetValue(word, out var number))
        {
            _numbers.Add(word, number = _words.Count);
            _words.Add(word);
        }
        _values.Add((rule, number));
    }

    private static int Place<T>(IReadOnlyList<T> rules, Predicate<T> isThis)
    {
        for (var i = 0; i < rules.Count; i++)
            if (isThis(rules[i])) return i;
        throw new InvalidOperationException("A conclusion names a rule that is not there.");
    }
}
