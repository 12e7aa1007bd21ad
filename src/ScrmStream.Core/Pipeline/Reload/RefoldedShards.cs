using System.Buffers.Binary;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline.Reload;

/// <summary>Which stored events are asked for: those of the anchors in some buckets, or of some anchors among them.</summary>
/// <param name="Anchors">Null: all.</param>
public sealed record HistoryQuestion(int FirstBucket, int Buckets, Refolding Refolding, IReadOnlyCollection<IdentifierId>? Anchors = null);

/// <summary>
/// Reads the accepted events that are stored for analysts, as of one moment, and adds all of one anchor before those of the next; in any
/// order of time.
/// </summary>
/// <exception cref="StoreUnavailableException">They cannot be read now.</exception>
public delegate Task ReadHistory(HistoryQuestion question, RefoldedShards into, CancellationToken cancel);

/// <summary>
/// Shards added up anew from stored events: of each anchor the aggregates asked for, how many events there were, from when to when, and the
/// last position of each partition. Filled by one thread, then read by another.
/// </summary>
public sealed class RefoldedShards(Refolding refolding)
{
    private readonly ShardBuffer _shard = new();
    private readonly ByteArena _arena = new();
    private readonly Dictionary<UInt128, ArenaRange> _shards = [];
    private UInt128 _anchor;
    private bool _isOpen;

    /// <summary>Events added.</summary>
    public long Events { get; private set; }

    /// <summary>The shard of an anchor, in stored form; empty when it has no event here.</summary>
    public ReadOnlySpan<byte> this[IdentifierId anchor] => _shards.TryGetValue(anchor.Value, out var range) ? _arena[range] : default;

    /// <summary>Adds events whose <see cref="TrackingEvent.AnchorId"/> is set.</summary>
    public void Add(EventBatch batch)
    {
        foreach (ref var e in batch.Events)
        {
            if (!_isOpen || e.AnchorId != _anchor) Open(e.AnchorId);
            NotePosition(batch.PositionOf(in e));
            refolding.Add(batch, in e, _shard);
            Events++;
        }
    }

    /// <summary>To be called once, behind the last event.</summary>
    public void Close()
    {
        if (!_isOpen) return;
        _isOpen = false;
        _shards.Add(_anchor, _arena.Add(_shard.Bytes));
    }

    /// <exception cref="InvalidOperationException">The events of the anchor did not come together.</exception>
    private void Open(UInt128 anchor)
    {
        Close();
        if (_shards.ContainsKey(anchor)) throw new InvalidOperationException("Stored events have to come anchor by anchor.");
        _anchor = anchor;
        _isOpen = true;
        _shard.Load(default);
    }

    private void NotePosition(in SourcePosition at)
    {
        for (var slot = 0; slot < _shard.FenceCount; slot++)
        {
            var fence = _shard.Fence(slot);
            if (BinaryPrimitives.ReadUInt64LittleEndian(fence) != at.Partition.Id) continue;
            if (ShardRenewal.IsAtOrBelow(at.Offset, at.Index, fence)) return;
            Write(fence, in at);
            return;
        }
        Write(_shard.Fence(_shard.AddFence()), in at);
    }

    private static void Write(Span<byte> fence, in SourcePosition at)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(fence, at.Partition.Id);
        BinaryPrimitives.WriteInt64LittleEndian(fence[8..], at.Offset);
        BinaryPrimitives.WriteInt32LittleEndian(fence[16..], at.Index);
    }
}
