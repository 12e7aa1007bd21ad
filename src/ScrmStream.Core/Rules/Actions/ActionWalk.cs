using ScrmStream.Profiles;

namespace ScrmStream.Rules.Actions;

/// <summary>An occurrence of an action that has been decided.</summary>
public readonly record struct ActionDecision(ActionRule Rule, ActionEntry Entry);

/// <summary>
/// Decides the actions of one customer: goes from moment to moment, over the recent events and over what changes between them by itself,
/// finds the moments that actions wait for, and decides each at its time, in order of time. What comes out is a function of the events,
/// of the times from and up to which it goes, and of what was decided before. Scratch of one thread, reused.
/// </summary>
/// <param name="sinceMs">
/// By rule: what happened up to then is no occasion for it. Null: everything is.
/// </param>
public sealed class ActionWalk(ActionSet actions, long[]? sinceMs = null)
{
    // Moments in one go; where there are more, the rest is decided in the next.
    private const int StepsMax = 8_192;
    // Found and not decided yet, in order of their moments.
    private readonly List<Pending> _pending = [];
    private readonly RecentShards _shards = new(actions.Memory);
    private readonly Conclusion _conclusion = new();
    // Of each rule: its condition held at the moment before (or, of one that waits for a loss, did not).
    private readonly bool[] _active = new bool[actions.Rules.Count];
    private ActionLog _log = new();
    private long _nowMs;

    /// <param name="AgainMs">It was decided before, at this later moment: if it holds until then, it is the same occurrence.</param>
    private readonly record struct Pending(int Rule, long AtMs, long DueMs, long AgainMs);

    /// <summary>What has been decided, in order of time.</summary>
    public List<ActionDecision> Decisions { get; } = [];

    /// <summary>The next moment that has to be looked at; <see cref="long.MaxValue"/>: none, without a new event.</summary>
    public long NextMs { get; private set; }

    /// <summary>Up to here every moment is decided.</summary>
    public long DecidedUpToMs { get; private set; }

    /// <summary>Decides all occurrences whose time has come, and adds them to the log.</summary>
    /// <param name="fromMs">Occurrences later than this are looked for, as far back as events are remembered.</param>
    /// <param name="upToMs">And up to here.</param>
    public void Run(ShardSet customer, ActionLog log, long fromMs, long upToMs)
    {
        Decisions.Clear();
        _pending.Clear();
        _log = log;
        (DecidedUpToMs, NextMs) = (upToMs, long.MaxValue);
        if (customer.Events == 0) return;
        _shards.Start(customer, fromMs);
        Begin();
        for (var steps = 0; ; steps++)
        {
            var nextMs = Next();
            if (nextMs > upToMs || steps == StepsMax)
            {
                NextMs = nextMs;
                if (nextMs <= upToMs) DecidedUpToMs = _nowMs;
                break;
            }
            _nowMs = nextMs;
            LookAround();
            DecidePending();
        }
        _shards.Clear();
    }

    // Before the first event nothing holds; what holds at the start is no news.
    private void Begin()
    {
        _nowMs = _shards.StartMs;
        if (_nowMs < _shards.FirstSeenMs)
        {
            for (var i = 0; i < _active.Length; i++) _active[i] = actions.Rules[i].IsLost;
            return;
        }
        Evaluate();
        for (var i = 0; i < _active.Length; i++) _active[i] = IsActive(i);
    }

    private long Next()
    {
        var nextMs = _shards.NextMs;
        if (_nowMs >= _shards.FirstSeenMs) nextMs = Math.Min(nextMs, _conclusion.NextChangeMs);
        else nextMs = Math.Min(nextMs, _shards.FirstSeenMs);
        foreach (var pending in _pending)
        {
            // One that waits to be known as the same is decided as soon as it is known not to be.
            var dueMs = pending.AgainMs > _nowMs ? pending.AgainMs : pending.DueMs;
            nextMs = Math.Min(nextMs, Math.Max(dueMs, _nowMs + 1));
        }
        return nextMs;
    }

    private void Evaluate()
    {
        _shards.MoveTo(_nowMs);
        actions.Watched.Evaluate(_shards.Set, _nowMs, _conclusion);
    }

    private bool Holds(int tag) => _conclusion.Concluded!.Tags[tag].Holds;

    private bool IsActive(int rule) => Holds(actions.Rules[rule].When) != actions.Rules[rule].IsLost;

    private void LookAround()
    {
        Evaluate();
        for (var i = 0; i < _active.Length; i++)
        {
            var was = _active[i];
            _active[i] = IsActive(i);
            if (was || !_active[i] || _nowMs <= sinceMs?[i]) continue;
            var rule = actions.Rules[i];
            if (rule.If >= 0 && !Holds(rule.If)) continue;
            var againMs = long.MinValue;
            foreach (var entry in _log.Entries)
            {
                if (entry.Key != rule.Key || entry.AtMs < _nowMs) continue;
                againMs = againMs == long.MinValue ? entry.AtMs : Math.Min(againMs, entry.AtMs);
            }
            if (againMs == _nowMs) continue;
            var dueMs = rule.IsForStaff || actions.Contact.Quiet is null ? _nowMs : actions.Contact.Quiet.EndOf(_nowMs);
            _pending.Add(new Pending(i, _nowMs, dueMs, againMs));
        }
    }

    // In the order in which they came, and of one moment in that of the file.
    private void DecidePending()
    {
        for (var i = 0; i < _pending.Count; i++)
        {
            var pending = _pending[i];
            // Late events may move an occurrence that was decided: it is the same one as long as its condition held from then until now.
            if (pending.AgainMs >= _nowMs && _active[pending.Rule])
            {
                if (pending.AgainMs == _nowMs) _pending.RemoveAt(i--);
                continue;
            }
            if (pending.DueMs > _nowMs) continue;
            _pending.RemoveAt(i--);
            var rule = actions.Rules[pending.Rule];
            var entry = new ActionEntry(rule.Key, pending.AtMs, _nowMs, rule.IsForStaff, Reason(pending));
            _log.Entries.Add(entry);
            Decisions.Add(new ActionDecision(rule, entry));
        }
    }

    private string Reason(Pending pending)
    {
        var rule = actions.Rules[pending.Rule];
        if (pending.AtMs < _nowMs && pending.AgainMs == long.MinValue && !_active[pending.Rule]) return "over";
        if (!rule.IsForStaff)
        {
            foreach (var (reason, tag) in actions.Never)
                if (Holds(tag)) return reason;
        }
        if (rule.OncePerMs > 0 && WasSent(rule)) return "once";
        return !rule.IsForStaff && IsCapped() ? "cap" : "";
    }

    private bool WasSent(ActionRule rule)
    {
        foreach (var entry in _log.Entries)
        {
            if (entry.Key == rule.Key && entry.IsSent
                && (rule.OncePerMs == long.MaxValue || Math.Abs(_nowMs - entry.DecidedMs) < rule.OncePerMs)) return true;
        }
        return false;
    }

    private bool IsCapped()
    {
        for (var i = 0; i < actions.Contact.Caps.Count; i++)
        {
            var cap = actions.Contact.Caps[i];
            var contacts = actions.Also < 0 ? 0 : NumberOf(actions.Also + i);
            foreach (var entry in _log.Entries)
                if (entry is { IsSent: true, IsForStaff: false } && Math.Abs(_nowMs - entry.DecidedMs) < cap.WithinMs) contacts++;
            if (contacts >= cap.AtMost) return true;
        }
        return false;
    }

    private long NumberOf(int tag) =>
        Holds(tag) && Micro.TryParse(_conclusion.Concluded!.ValueOf(tag), out var micro) ? (long)(micro / Micro.One) : 0;
}
