using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Pipeline.Reload;

/// <summary>Puts a rule file in force, in place of what is.</summary>
/// <param name="EventsStored">How many events there are to go through.</param>
/// <param name="NowMs">What is up to now the past, in event time (Unix milliseconds).</param>
/// <param name="ActsOnThePast">Actions that are new may be decided for what happened before, within their limits.</param>
public sealed record RulePublication(string File, string Text, long EventsStored, long NowMs, bool ActsOnThePast = false)
{
    // The events of a part are read by a query that goes through all of them, so parts are few; what it adds up to is held in memory.
    private const long EventsPerPart = 2_500_000;
    private const int PartsMin = 4, PartsMax = 256;

    // Two processes that publish at once: one of them comes second and is on top of the other.
    private const int AttemptsMax = 5;

    /// <summary>Returns what is in force then: these rules, by this call or before it.</summary>
    /// <exception cref="RuleFileException">The file is not right, or what is in force cannot be read by this program.</exception>
    /// <exception cref="StoreUnavailableException">The store did not answer, or others published all the time.</exception>
    public async Task<RulesInForce> PublishAsync(IRuleStore store, CancellationToken cancel)
    {
        var rules = RuleSet.Parse(Text, File);
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var old = await store.ReadAsync(cancel);
            if (old?.Fingerprint == rules.Fingerprint) return old;
            var next = old is null ? First(rules) : After(old, rules);
            if (await store.PublishAsync(next, cancel)) return await store.ReadAsync(cancel) ?? next;
        }
        throw new StoreUnavailableException("Other processes publish rules all the time; see that all have the same rule file.");
    }

    // What is stored, if anything, was made by these rules or is as it is: the first time nothing is gone through.
    private RulesInForce First(RuleSet rules) => new(1, rules.Fingerprint, File, Text);

    private RulesInForce After(RulesInForce old, RuleSet rules)
    {
        var before = RuleSet.Parse(old.Text, old.File);
        HashSet<uint> complete = [.. Keys(before.Aggregates).Except(old.Incomplete)];
        HashSet<uint> incomplete = [.. Keys(rules.Aggregates).Where(key => !complete.Contains(key))];
        // What lies behind what is remembered moment by moment belongs to it.
        uint[] ofActions = rules.Actions is { } actions ? [.. Keys(actions.Aggregates)] : [];
        if (rules.Actions is { } with && incomplete.Contains(with.Memory.Key)) incomplete.UnionWith(ofActions);
        var change = RuleChange.Between(before, rules);
        var number = old.Number + 1;
        bool IsNew(uint key) => incomplete.Contains(key) && !old.Incomplete.Contains(key);
        return new RulesInForce(number, rules.Fingerprint, File, Text)
        {
            Incomplete = [.. incomplete.Order()],
            CompleteFrom = incomplete.Any(IsNew) ? number : old.CompleteFrom,
            ActionsFrom = ofActions.Any(IsNew) ? number : old.ActionsFrom,
            ActionsSince = Since(old, before, rules),
            Change = old.IsSwept || old.Parts == 0 ? change : old.Change.Then(change),
            Parts = (int)Math.Clamp(EventsStored / EventsPerPart + 1, PartsMin, PartsMax),
        };
    }

    // An action that waits for the same as before goes on where it is; any other begins now.
    private Dictionary<string, long> Since(RulesInForce old, RuleSet before, RuleSet rules)
    {
        var (had, has) = (ActionCompiler.Meanings(before.Syntax), ActionCompiler.Meanings(rules.Syntax));
        var since = new Dictionary<string, long>();
        foreach (var (name, meaning) in has)
        {
            if (had.GetValueOrDefault(name) == meaning)
            {
                if (old.ActionsSince.TryGetValue(name, out var from)) since.Add(name, from);
            }
            else if (!ActsOnThePast) since.Add(name, NowMs);
        }
        return since;
    }

    private static IEnumerable<uint> Keys(IEnumerable<Aggregate> aggregates) => aggregates.Select(a => a.Key);
}
