using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline;

/// <summary>
/// The hot path: folds the events of a batch into the customer state. Every identifier of the batch must be loaded. Nothing is
/// written anywhere; the state knows what a flush has to write. Owned by the deciding thread.
/// </summary>
/// <param name="completeFrom">What a shard that begins now is marked with (<see cref="ShardBuffer.MarkComplete"/>); 0: nothing.</param>
public sealed class EventFolder(CustomerState state, RuleSet rules, ShardHistory history, long completeFrom = 0)
{
    private readonly ShardBuffer _shard = new();
    private readonly EvidenceGraph _graph = state.Graph;

    /// <summary>The largest event_id ring met since the last <see cref="ResetRing"/>; a flush lets rings shrink.</summary>
    public int LargestRing { get; private set; }

    /// <summary>Events folded, repeats of folded ones, duplicates dropped.</summary>
    public (long Folded, long Repeats, long Duplicates) Counts { get; private set; }

    public void ResetRing() => LargestRing = 0;

    /// <param name="batch">Its events get their anchor id and verdict.</param>
    /// <param name="publishAll">The batch was applied before and may be half written: publish everything concerned.</param>
    public void Fold(EventBatch batch, bool publishAll)
    {
        for (var first = 0; first < batch.Count; first += StateHints.Together)
        {
            var events = StateHints.Next(batch.Events, first);
            state.Hints.BeforeFold(batch, events);
            foreach (ref var e in events) Fold(batch, ref e, publishAll);
        }
    }

    private void Fold(EventBatch batch, ref TrackingEvent e, bool publishAll)
    {
        var seen = Attribute(batch, ref e);
        var changed = NoteSeen(batch, in e) | NoteEvidence(batch, in e);
        if (changed || publishAll || seen != EventHistory.New) MarkMembership(batch, in e);
    }

    // An island has one member marked; a parked identifier is none of its neighbours' islands.
    private void MarkMembership(EventBatch batch, in TrackingEvent e)
    {
        state.FollowQuarantine();
        state.Mark(batch.Identifiers[e.Anchor].Node, CellFlags.Membership);
        if (!_graph.HasParked) return;
        foreach (ref var identifier in batch.IdentifiersOf(in e))
            if (identifier.Verified) state.Mark(identifier.Node, CellFlags.Membership);
    }

    // Folds the event into its anchor's shard, unless the shard has it already.
    private EventHistory Attribute(EventBatch batch, ref TrackingEvent e)
    {
        var anchor = batch.Identifiers[e.Anchor].Node;
        ref var cell = ref state[anchor];
        e.AnchorId = _graph.Nodes[anchor].Id;
        _shard.Load(state.Shards[cell.Shard]);
        var seen = history.Enter(_shard, batch.PositionOf(in e), ShardHistory.HashOf(batch.Text(e.EventId)));
        (e.Verdict, e.IsStored) = (VerdictOf(seen), false);
        var (folded, repeats, duplicates) = Counts;
        Counts = (folded + (seen == EventHistory.New ? 1 : 0), repeats + (seen >= EventHistory.Folded ? 1 : 0),
            duplicates + (seen == EventHistory.DuplicateId ? 1 : 0));
        if (seen >= EventHistory.Folded)
        {
            state.Mark(anchor, CellFlags.Touched);
            return seen;
        }
        if (seen == EventHistory.New)
        {
            if (completeFrom > 0 && _shard.Events == 0) _shard.MarkComplete(completeFrom);
            _shard.Count(e.EventTimeMs, (int)e.Channel);
            rules.Fold(batch, in e, _shard);
            NoteFirstEvent(anchor);
        }
        LargestRing = Math.Max(LargestRing, _shard.RingCount);
        cell.Shard = state.Shards.Store(cell.Shard, _shard.Bytes);
        state.Mark(anchor, CellFlags.Dirty | CellFlags.Touched);
        return seen;
    }

    private static Verdict VerdictOf(EventHistory seen) => seen switch
    {
        EventHistory.New or EventHistory.Folded => Verdict.Accepted,
        EventHistory.Forgotten => Verdict.Forgotten,
        _ => Verdict.Duplicate,
    };

    private void NoteFirstEvent(int anchor)
    {
        ref var node = ref _graph.Nodes[anchor];
        if (node.HasEvents) return;
        node.HasEvents = true;
        state.Mark(anchor, CellFlags.Membership);
    }

    private bool NoteSeen(EventBatch batch, in TrackingEvent e)
    {
        var changed = false;
        foreach (ref var identifier in batch.IdentifiersOf(in e))
        {
            if (!identifier.Verified) continue;
            var isEarlier = _graph.Sight(identifier.Node, e.EventTimeMs);
            // Also when the event is a repeat: a writer may have stopped before the neighbours' halves said it.
            if (identifier.Kind.IsBridge() && e.EventTimeMs == _graph.Nodes[identifier.Node].FirstSeenMs)
                state.Spread(identifier.Node);
            if (!isEarlier) continue;
            state.Mark(identifier.Node, CellFlags.Dirty);
            changed = true;
        }
        return changed;
    }

    private bool NoteEvidence(EventBatch batch, in TrackingEvent e)
    {
        var name = batch.Text(e.Name);
        var (isUnbind, isRelease) = (IdentifierScreen.IsUnbind(name), IdentifierScreen.IsRelease(name));
        if (e.IdentifierCount == 1 && !isUnbind && !isRelease) return false;
        var anchor = batch.Identifiers[e.Anchor].Node;
        var position = batch.PositionOf(in e);
        var source = new EvidenceSource(position.Partition.Id, position.Offset, position.Index);
        var changed = isUnbind ? NoteUnbind(batch, in e) : isRelease && NoteRelease(batch, in e);
        foreach (ref var identifier in batch.IdentifiersOf(in e))
        {
            if (identifier.AliasOf >= 0) changed |= NoteAlias(batch, in identifier, e.EventTimeMs, source);
            else if (!isUnbind && !isRelease && identifier.Verified && identifier.Node != anchor)
                changed |= NoteLink(anchor, identifier.Node, e.EventTimeMs, source);
        }
        return changed;
    }

    private bool NoteLink(int anchor, int other, long timeMs, EvidenceSource source)
    {
        if (!_graph.Link(anchor, other, timeMs, source)) return false;
        state.Mark(anchor, CellFlags.Dirty);
        state.Mark(other, CellFlags.Dirty);
        return true;
    }

    // An alias is the same phone or e-mail under an old key, so it is linked with that and with nothing else, at an unbind too.
    private bool NoteAlias(EventBatch batch, in EventIdentifier alias, long timeMs, EvidenceSource source)
    {
        var principal = batch.Identifiers[alias.AliasOf].Node;
        var changed = NoteLink(principal, alias.Node, timeMs, source);
        // The latest evidence is kept in the anchor's half only (docs/decisions/0004); this edge may be without one.
        state.Mark(principal, CellFlags.Dirty);
        return changed;
    }

    // An unbind that named a second identifier which was dropped as junk unbinds nothing: there is no such edge.
    private bool NoteUnbind(EventBatch batch, in TrackingEvent e)
    {
        var (named, other) = (0, e.Anchor);
        for (var i = e.FirstIdentifier; i < e.FirstIdentifier + e.IdentifierCount; i++)
        {
            ref var identifier = ref batch.Identifiers[i];
            if (identifier.AliasOf >= 0) continue;
            if (!identifier.Verified) return false;
            named++;
            if (i != e.Anchor) other = i;
        }
        if (named != e.NamedIdentifiers) return false;
        // What was linked under an old key is unbound under that key.
        var oldKeys = Math.Max(AliasesOf(batch, in e, e.Anchor), AliasesOf(batch, in e, other));
        var changed = false;
        for (var key = 0; key <= oldKeys; key++)
            changed |= Unbind(NodeUnder(batch, in e, e.Anchor, key), NodeUnder(batch, in e, other, key), e.EventTimeMs);
        return changed;
    }

    private bool Unbind(int anchor, int other, long timeMs)
    {
        var changed = other == anchor ? _graph.Unbind(anchor, timeMs) : _graph.Unbind(anchor, other, timeMs);
        // Also when it is a repeat: a writer may have stopped before the neighbours' halves said it.
        if (other == anchor) state.Spread(anchor);
        if (!changed) return false;
        state.Mark(anchor, CellFlags.Dirty);
        state.Mark(other, CellFlags.Dirty);
        return true;
    }

    private bool NoteRelease(EventBatch batch, in TrackingEvent e)
    {
        var changed = false;
        foreach (ref var identifier in batch.IdentifiersOf(in e))
        {
            if (!_graph.Release(identifier.Node)) continue;
            state.Mark(identifier.Node, CellFlags.Dirty);
            changed = true;
        }
        return changed;
    }

    // Aliases stand right behind what they are an alias of, in the order of the keys.
    private static int AliasesOf(EventBatch batch, in TrackingEvent e, int identifier)
    {
        var end = e.FirstIdentifier + e.IdentifierCount;
        var next = identifier + 1;
        while (next < end && batch.Identifiers[next].AliasOf == identifier) next++;
        return next - identifier - 1;
    }

    private static int NodeUnder(EventBatch batch, in TrackingEvent e, int identifier, int key) =>
        batch.Identifiers[key <= AliasesOf(batch, in e, identifier) ? identifier + key : identifier].Node;
}
