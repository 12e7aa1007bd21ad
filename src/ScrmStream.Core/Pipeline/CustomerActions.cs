using System.Buffers.Text;
using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Pipeline;

/// <summary>
/// Decides the actions of customers as they are published: everything up to the watermark that is not decided yet, and what late events
/// bring to light. What was decided is kept with the view of the customer's root; a customer's log is that of all identifiers that are or
/// were roots. Owned by the deciding thread.
/// </summary>
/// <param name="inForce">Null: the rules are those of the first start.</param>
internal sealed class CustomerActions(CustomerState state, ActionSet actions, string fingerprint, RulesInForce? inForce)
{
    private readonly ActionWalk _walk = new(actions, SinceOf(actions, inForce));
    private readonly long _completeFrom = inForce?.ActionsFrom ?? 0;
    // The watermark of the flush before this one: up to there everything has been decided, of whoever was there.
    private long _beforeMs = long.MinValue, _nowMs = long.MinValue;
    private readonly ActionLog _own = new(), _all = new();
    private readonly (ActionRule Rule, byte[] Outcome, byte[] At)[] _fields = [.. actions.Rules.Select(r =>
        (r, Encoding.UTF8.GetBytes($"action.{r.Name}"), Encoding.UTF8.GetBytes($"action.{r.Name}.at")))];

    /// <summary>Begins a flush.</summary>
    /// <param name="watermarkMs">Every moment up to here has been; <see cref="long.MinValue"/>: that is not known yet.</param>
    public void Begin(long watermarkMs) => (_beforeMs, _nowMs) = (_nowMs == long.MinValue ? watermarkMs : _nowMs, watermarkMs);

    /// <summary>Decides what its time has come for, notes it in the slice, and lets the conclusion carry the log.</summary>
    public void Decide(FlushSlice slice, int root, ShardSet shards, Conclusion conclusion)
    {
        Gather(root);
        var againMs = shards.FirstSeenMs;
        // Whoever completes the last of its shards publishes the customer, and decides.
        if (!AreComplete(shards)) againMs = long.MaxValue;
        else if (_nowMs > long.MinValue)
        {
            var upToMs = Math.Max(_nowMs, _all.DecidedUpToMs);
            var lateMs = Math.Min(_beforeMs, upToMs) - actions.LateMs;
            _walk.Run(shards, _all, _all.DecidedUpToMs == long.MinValue ? lateMs : Math.Min(_all.DecidedUpToMs, lateMs), upToMs);
            Note(slice, new IdentifierId(state.Graph.Nodes[root].Id));
            againMs = _walk.NextMs;
        }
        conclusion.Carry(_own.Store(), againMs);
    }

    // What a shard begins to remember after its events looks as if these had not been.
    private bool AreComplete(ShardSet shards)
    {
        if (_completeFrom == 0) return true;
        for (var i = 0; i < shards.Count; i++)
            if (shards[i].CompleteFrom < _completeFrom) return false;
        return true;
    }

    private static long[]? SinceOf(ActionSet actions, RulesInForce? inForce) => inForce is not { ActionsSince.Count: > 0 }
        ? null : [.. actions.Rules.Select(r => inForce.ActionsSince.GetValueOrDefault(r.Name, long.MinValue))];

    private void Note(FlushSlice slice, IdentifierId customer)
    {
        foreach (var decision in _walk.Decisions)
        {
            _own.Entries.Add(decision.Entry);
            slice.Actions.Add(CustomerAction.Of(customer, in decision) with { Rules = fingerprint });
        }
        _own.DecidedUpToMs = _walk.DecidedUpToMs;
        _own.Trim(_own.DecidedUpToMs - actions.LateMs, _own.DecidedUpToMs - actions.CapsMs);
    }

    /// <summary>The public fields of a view: what became of each action last, and when.</summary>
    public void WriteFields(ByteArena arena)
    {
        Span<byte> text = stackalloc byte[24];
        foreach (var (rule, outcome, at) in _fields)
        {
            var last = default(ActionEntry);
            foreach (var entry in _all.Entries)
                if (entry.Key == rule.Key && (last.Key == 0 || entry.DecidedMs >= last.DecidedMs)) last = entry;
            if (last.Reason is null) continue;
            arena.AddField(outcome, last.IsSent ? "sent"u8 : Encoding.UTF8.GetBytes(last.Reason));
            Utf8Formatter.TryFormat(last.DecidedMs, text, out var written);
            arena.AddField(at, text[..written]);
        }
    }

    private void Gather(int root)
    {
        _own.Clear();
        _all.Clear();
        _own.Add(Conclusion.ActionsOf(state.Conclusions[state[root].Conclusion]));
        var node = root;
        do
        {
            _all.Add(Conclusion.ActionsOf(state.Conclusions[state[node].Conclusion]));
            node = state.Graph.Nodes[node].CustomerNext;
        }
        while (node != root);
    }
}
