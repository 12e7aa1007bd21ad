using System.Runtime.InteropServices;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>
/// Turns what changed since the last flush into writes: each dirty cell once; then the views. An event that changed shards only
/// publishes its customer's root; where membership may have changed the whole island is resolved and published. Owned by the
/// deciding thread.
/// </summary>
public sealed class FlushBuilder(CustomerState state, CustomerPublisher publisher, ulong writerStamp)
{
    private readonly IdentityResolver _resolver = state.Resolver;
    private readonly EvidenceGraph _graph = state.Graph;
    private readonly List<(UInt128 Id, ulong Version)> _vector = [];
    private readonly List<int> _roots = [];
    private int _flush;

    public void Build(FlushJob job)
    {
        _flush++;
        foreach (var node in state.Changed)
            if ((state[node].Flags & CellFlags.Dirty) != 0) WriteCell(job, node);
        foreach (var node in state.Changed)
            if ((state[node].Flags & CellFlags.Membership) != 0) PublishIsland(job, _graph.Island(node));
        foreach (var node in state.Changed)
            if ((state[node].Flags & CellFlags.Touched) != 0) PublishCustomer(job, node);
        state.ClearChanged();
        NoteBatches(job);
    }

    private void WriteCell(FlushJob job, int node)
    {
        ref var cell = ref state[node];
        var version = new CellVersion(cell.Version.Number + 1, writerStamp);
        var content = CellCodec.Write(state, node, version, job.Arena);
        job.Cells.Add(new CellWrite(new IdentifierId(_graph.Nodes[node].Id), cell.Version, content));
        cell.Version = version;
    }

    private void PublishIsland(FlushJob job, int island)
    {
        if (state[island].IslandFlush == _flush) return;
        var vector = VectorOf(job, island);
        _roots.Clear();
        var node = island;
        do
        {
            var former = _graph.Nodes[node].Root;
            if (former == node) _roots.Add(node);
            node = _graph.Nodes[node].IslandNext;
        }
        while (node != island);
        _resolver.Resolve(island);
        foreach (var root in _roots)
            if (_graph.Nodes[root].Root != root) publisher.Retire(job, root);
        foreach (var member in _resolver.Members)
        {
            if (_graph.Nodes[member].Root == member) Publish(job, member, vector);
            else publisher.PublishMember(job, member, vector);
        }
    }

    private void PublishCustomer(FlushJob job, int anchor)
    {
        var root = _graph.Nodes[anchor].Root;
        if (root < 0 || state[root].CustomerFlush == _flush) return;
        var island = _graph.Island(root);
        var vector = state[island].IslandFlush == _flush ? state[island].Vector : VectorOf(job, island);
        Publish(job, root, vector);
    }

    private void Publish(FlushJob job, int root, ArenaRange vector)
    {
        state[root].CustomerFlush = _flush;
        publisher.PublishCustomer(job, root, vector);
    }

    // Every cell of the island was read to derive its customers, so every one is in the vector.
    private ArenaRange VectorOf(FlushJob job, int island)
    {
        _vector.Clear();
        var node = island;
        do
        {
            if (state[node].Version.Number > 0) _vector.Add((_graph.Nodes[node].Id, state[node].Version.Number));
            node = _graph.Nodes[node].IslandNext;
        }
        while (node != island);
        var entries = CollectionsMarshal.AsSpan(_vector);
        if (entries.Length > 1) entries.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        var start = job.Arena.Length;
        var room = job.Arena.Append(entries.Length * VersionVector.EntryBytes);
        for (var i = 0; i < entries.Length; i++) VersionVector.WriteEntry(room, i, entries[i].Id, entries[i].Version);
        ref var cell = ref state[island];
        (cell.IslandFlush, cell.Vector) = (_flush, job.Arena.Since(start));
        return cell.Vector;
    }

    private static void NoteBatches(FlushJob job)
    {
        var next = new Dictionary<SourcePartition, long>();
        for (var i = 0; i < job.Batches.Count; i++)
        {
            var batch = job.Batches[i];
            foreach (ref var record in batch.Records.Records.AsSpan(0, batch.Records.Count)) next[record.Partition] = record.Offset + 1;
            if (i < job.BatchesWritten) continue;
            foreach (var reject in batch.Rejects) job.DeadLetters.Add(LetterOf(batch, in reject));
        }
        foreach (var (partition, offset) in next) job.Next.Add(new NextOffset(partition, offset));
    }

    private static DeadLetter LetterOf(EventBatch batch, in Reject reject)
    {
        ref var record = ref batch.Records.Records[reject.Record];
        var position = new SourcePosition(record.Partition, record.Offset, reject.Index);
        var raw = batch.Buffer.AsMemory(record.Start, record.Length);
        return new DeadLetter(position, record.TimestampMs, reject.Reason, reject.Detail, raw);
    }
}
