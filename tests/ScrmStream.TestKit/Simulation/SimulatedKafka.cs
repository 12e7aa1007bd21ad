using ScrmStream.Events;

namespace ScrmStream.TestKit.Simulation;

/// <summary>
/// A topic and its consumer group. Partitions are dealt anew whenever a member joins, leaves or is gone for longer than the session lasts; a
/// member gives a partition up when it is asked to at its next poll, and who was away learns there that it lost them all. The group
/// takes offsets from a partition's owner alone.
/// </summary>
public sealed class SimulatedKafka
{
    private readonly SimulatedWorld _world;
    private readonly TimeSpan _session;
    private readonly List<SimulatedConsumer> _members = [];
    private readonly SimulatedConsumer?[] _owner, _next;
    private readonly byte[][][] _records;
    private readonly int[] _there, _term;

    /// <param name="records">By partition; they come one after the other.</param>
    /// <param name="arriveWithin">When the last of them is there.</param>
    public SimulatedKafka(SimulatedWorld world, byte[][][] records, TimeSpan arriveWithin, TimeSpan session)
    {
        (_world, _records, _session) = (world, records, session);
        Partitions = [.. records.Select((_, p) => ListSource.Partition(p))];
        Committed = new long[records.Length];
        (_there, _term) = (new int[records.Length], new int[records.Length]);
        (_owner, _next) = (new SimulatedConsumer?[records.Length], new SimulatedConsumer?[records.Length]);
        for (var p = 0; p < records.Length; p++)
        {
            var partition = p;
            double[] times = [.. records[p].Select(_ => world.Random.NextDouble() * arriveWithin.TotalMilliseconds).Order()];
            foreach (var ms in times) world.After(TimeSpan.FromMilliseconds(ms), () => _there[partition]++);
        }
    }

    public SourcePartition[] Partitions { get; }

    /// <summary>The offset of each partition at which the group goes on.</summary>
    public long[] Committed { get; }

    /// <summary>Told of each commit that the group takes.</summary>
    public Action<int, long>? OnCommit { get; set; }

    /// <summary>Everything is there, and the group is at its end.</summary>
    public bool IsDone => _records.Zip(Committed).All(p => p.First.Length == p.Second);

    public SimulatedWorld World => _world;

    public byte[] Value(int partition, long offset) => _records[partition][offset];

    public override string ToString() => string.Join("; ", _records.Select((r, p) =>
        $"{p} committed {Committed[p]} of {r.Length}, owner {_owner[p]?.Process.Number} then {_next[p]?.Process.Number}"));

    internal int EndOf(int partition) => _there[partition];

    /// <summary>Grows whenever the partition gets another owner: a commit of an earlier term is refused.</summary>
    internal int TermOf(int partition) => _term[partition];

    internal bool IsMember(SimulatedConsumer member) => _members.Contains(member);

    internal bool Owns(SimulatedConsumer member, int partition) => _owner[partition] == member;

    /// <summary>The member has a partition that is to be another's.</summary>
    internal bool IsToGive(SimulatedConsumer member, int partition) => _owner[partition] == member && _next[partition] != member;

    /// <summary>Deals the partitions anew, as a change of the topic or of the coordinator does too.</summary>
    public void Rebalance()
    {
        if (_members.Count == 0) return;
        var first = _world.Random.Next(_members.Count);
        for (var p = 0; p < _next.Length; p++)
        {
            // Sticky, mostly.
            if (_next[p] is { } stays && _members.Contains(stays) && _world.Chance(0.4)) continue;
            _next[p] = _members[(first + p) % _members.Count];
        }
        Settle();
    }

    internal void Join(SimulatedConsumer member)
    {
        _members.Add(member);
        Rebalance();
    }

    internal void Leave(SimulatedConsumer member)
    {
        if (!_members.Remove(member)) return;
        for (var p = 0; p < _owner.Length; p++)
        {
            if (_owner[p] == member) _owner[p] = null;
            if (_next[p] == member) _next[p] = null;
        }
        Rebalance();
    }

    internal void GiveUp(SimulatedConsumer member, int partition)
    {
        if (_owner[partition] == member) _owner[partition] = null;
        Settle();
    }

    internal void Commit(SimulatedConsumer member, IReadOnlyList<(int Partition, int Term, long Offset)> offsets)
    {
        foreach (var (partition, term, offset) in offsets)
        {
            if (_owner[partition] != member || _term[partition] != term) continue;
            Committed[partition] = offset;
            _world.Note((ulong)offset ^ ((ulong)partition << 32));
            OnCommit?.Invoke(partition, offset);
        }
    }

    /// <summary>A member that is not heard of is taken for gone once its session is over.</summary>
    public void NoteSilence(SimulatedConsumer member) => _world.After(_session, () =>
    {
        if (!member.Process.IsAwake) Leave(member);
    });

    // A free partition is its next owner's.
    private void Settle()
    {
        for (var p = 0; p < _owner.Length; p++)
        {
            if (_owner[p] is not null || _next[p] is null) continue;
            _owner[p] = _next[p];
            _term[p]++;
        }
    }
}
