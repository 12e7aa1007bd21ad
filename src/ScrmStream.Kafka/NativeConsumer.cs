using System.Runtime.InteropServices;
using Confluent.Kafka;
using ScrmStream.Events;

namespace ScrmStream.Kafka;

/// <summary>What the group's store holds of a partition.</summary>
internal readonly record struct CommittedOffset(TopicPartition Partition, long Offset, Guid? TopicId);

/// <summary>One offset to store for the next commit.</summary>
internal readonly record struct OffsetToStore(SourcePartition Partition, long Offset);

/// <summary>
/// The part of a consumer that is done by native calls: fetching many records at once, and offsets with their notes. One thread
/// fetches; offsets may be stored by another.
/// </summary>
internal sealed unsafe class NativeConsumer : IDisposable
{
    private readonly SafeHandle _handle;
    private readonly nint _client;
    private readonly nint _queue;
    // Fetched and not yet taken: [_first, _end).
    private readonly NativeKafka.Message** _fetched;
    private readonly int _fetchMax;
    private int _first, _end;

    /// <param name="fetchMax">Records of one fetch.</param>
    public NativeConsumer(IClient consumer, int fetchMax)
    {
        _handle = NativeKafka.HandleOf(consumer);
        var added = false;
        _handle.DangerousAddRef(ref added);
        _client = _handle.DangerousGetHandle();
        _queue = NativeKafka.ConsumerQueue(_client);
        _fetchMax = fetchMax;
        // Twice a fetch: what is left of one may have to wait (paused) while the next brings the library's events.
        _fetched = (NativeKafka.Message**)NativeMemory.Alloc((nuint)fetchMax * 2, (nuint)sizeof(nint));
    }

    /// <summary>The next fetched message, or null; the caller destroys it.</summary>
    public NativeKafka.Message* Take() => _first < _end ? _fetched[_first++] : null;

    /// <summary>
    /// Fetches behind what is still here, and serves the library's handlers. Returns when <paramref name="count"/> messages have
    /// come or the time is over.
    /// </summary>
    public int Fetch(int count, int timeoutMs)
    {
        var left = _end - _first;
        if (_first > 0) new Span<nint>(_fetched + _first, left).CopyTo(new Span<nint>(_fetched, left));
        _first = 0;
        _end = left;
        var room = Math.Min(Math.Min(count, _fetchMax), _fetchMax * 2 - _end);
        var came = Math.Max(0, (int)NativeKafka.Consume(_queue, timeoutMs, _fetched + _end, (nuint)room));
        _end += came;
        return came;
    }

    /// <summary>Drops what has been fetched of a partition.</summary>
    public void Drop(SourcePartition partition)
    {
        var kept = _first;
        for (var i = _first; i < _end; i++)
        {
            var message = _fetched[i];
            var isDropped = message->Partition == partition.Partition && message->Topic != 0
                && NativeKafka.TopicName(message->Topic) == partition.Topic;
            if (isDropped) NativeKafka.Destroy(message);
            else _fetched[kept++] = message;
        }
        _end = kept;
    }

    /// <summary>Notes offsets for the next commit. A partition revoked a moment ago is refused by the library, which is right.</summary>
    public void Store(List<OffsetToStore> offsets)
    {
        Span<byte> room = stackalloc byte[OffsetNote.BytesMax];
        var list = NativeKafka.NewList(offsets.Count);
        foreach (var (partition, offset) in offsets)
        {
            var entry = NativeKafka.Add(list, partition.Topic, partition.Partition);
            entry->Offset = offset;
            var note = OffsetNote.Of(partition.TopicId, room);
            if (note.IsEmpty) continue;
            entry->Metadata = NativeKafka.Allocate(_client, (nuint)note.Length);
            entry->MetadataBytes = (nuint)note.Length;
            note.CopyTo(new Span<byte>(entry->Metadata, note.Length));
        }
        _ = NativeKafka.StoreOffsets(_client, list);
        NativeKafka.Destroy(list);
    }

    /// <summary>Reads the committed offsets of the group; -1001 where there is none.</summary>
    /// <exception cref="KafkaException">The broker did not answer.</exception>
    public List<CommittedOffset> Committed(List<TopicPartition> partitions, int timeoutMs)
    {
        var list = NativeKafka.NewList(partitions.Count);
        try
        {
            foreach (var partition in partitions) NativeKafka.Add(list, partition.Topic, partition.Partition.Value);
            ThrowOn(NativeKafka.Committed(_client, list, timeoutMs));
            var committed = new List<CommittedOffset>(list->Count);
            for (var i = 0; i < list->Count; i++)
            {
                var entry = list->Elements[i];
                ThrowOn(entry.Error);
                var note = OffsetNote.Read(new ReadOnlySpan<byte>(entry.Metadata, (int)entry.MetadataBytes));
                committed.Add(new CommittedOffset(partitions[i], entry.Offset, note));
            }
            return committed;
        }
        finally
        {
            NativeKafka.Destroy(list);
        }
    }

    /// <summary>Gives back what was fetched; the consumer can be closed after that.</summary>
    public void Dispose()
    {
        for (var message = Take(); message is not null; message = Take()) NativeKafka.Destroy(message);
        NativeMemory.Free(_fetched);
        NativeKafka.DestroyQueue(_queue);
        _handle.DangerousRelease();
    }

    private static void ThrowOn(int error)
    {
        if (error != NativeKafka.NoError) throw new KafkaException((ErrorCode)error);
    }
}
