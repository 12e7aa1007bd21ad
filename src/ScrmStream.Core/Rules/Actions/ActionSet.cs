using ScrmStream.Profiles;

namespace ScrmStream.Rules.Actions;

/// <summary>The actions of a rule file, compiled. Immutable, any thread; <see cref="ActionWalk"/> decides with it.</summary>
public sealed class ActionSet
{
    internal ActionSet(
        IReadOnlyList<ActionRule> rules, ContactSyntax contact, RuleSet watched, RecentEvents memory, long lateMs,
        IReadOnlyList<(string, int)> never, int also)
    {
        (Rules, Contact, Watched, Memory, LateMs, Never, Also) = (rules, contact, watched, memory, lateMs, never, also);
        CapsMs = contact.Caps.Count == 0 ? 0 : contact.Caps.Max(c => c.WithinMs);
    }

    /// <summary>In the order of the file, which decides who comes first of one moment.</summary>
    public IReadOnlyList<ActionRule> Rules { get; }

    /// <summary>What an identifier's shard keeps for them, besides what tags and scores do.</summary>
    public IEnumerable<Aggregate> Aggregates => [Memory, .. Memory.Earlier];

    /// <summary>How far behind what is decided already a late occurrence is still decided, in milliseconds.</summary>
    public long LateMs { get; }

    internal ContactSyntax Contact { get; }
    /// <summary>The conditions of the actions, as tags that nobody sees.</summary>
    internal RuleSet Watched { get; }
    internal RecentEvents Memory { get; }
    /// <summary>Reasons never to contact, with the places of their conditions among the tags that are watched.</summary>
    internal IReadOnlyList<(string Reason, int Tag)> Never { get; }
    /// <summary>The tag whose value is the number of contacts by others, cap by cap from here on; -1: they do not count.</summary>
    internal int Also { get; }
    /// <summary>The longest time that a cap looks back.</summary>
    internal long CapsMs { get; }

    internal string Text => string.Join('\n', Rules.Select(r => r.Text)) + '\n' + Contact.Text;
}
