using System.Buffers.Binary;

namespace ScrmStream.Profiles;

/// <summary>
/// Where the aggregates of some shards are: made by one walk over each, so that many rules find theirs without walking again. One thread;
/// reused without clearing, for entries carry the round they belong to.
/// </summary>
internal sealed class ShardIndex
{
    private Entry[] _entries = new Entry[64];
    private int _count;
    private int _round = 1;

    private struct Entry
    {
        public uint Key;
        public int Shard;
        public int Start;
        public int Length;
        public int Round;
    }

    public void Clear()
    {
        _count = 0;
        // After 2^31 rounds the old ones would come again.
        if (++_round > 0) return;
        Array.Clear(_entries);
        _round = 1;
    }

    public void Add(int shard, ReadOnlySpan<byte> bytes)
    {
        for (var at = Shard.FirstAggregate(bytes); at < bytes.Length;)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 4)..]);
            if (++_count * 2 > _entries.Length) Grow();
            Place(new Entry
            {
                Key = BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]), Shard = shard, Start = at + ShardBuffer.AggregateHeaderBytes,
                Length = length, Round = _round,
            });
            at += ShardBuffer.AggregateHeaderBytes + length;
        }
    }

    public bool TryFind(int shard, uint key, out int start, out int length)
    {
        var mask = (uint)_entries.Length - 1;
        for (var i = SlotOf(shard, key) & mask; ; i = (i + 1) & mask)
        {
            ref readonly var entry = ref _entries[i];
            (start, length) = (entry.Start, entry.Length);
            if (entry.Round != _round) return false;
            if (entry.Key == key && entry.Shard == shard) return true;
        }
    }

    private void Place(in Entry entry)
    {
        var mask = (uint)_entries.Length - 1;
        var i = SlotOf(entry.Shard, entry.Key) & mask;
        while (_entries[i].Round == _round) i = (i + 1) & mask;
        _entries[i] = entry;
    }

    private void Grow()
    {
        var old = _entries;
        _entries = new Entry[old.Length * 2];
        foreach (ref readonly var entry in old.AsSpan())
            if (entry.Round == _round) Place(in entry);
    }

    // Keys are parts of a SHA-256 already.
    private static uint SlotOf(int shard, uint key) => key + (uint)shard * 0x9E37_79B9;
}
