using System.Text;
using ScrmStream.LoadTest.Price;

namespace ScrmStream.LoadTest.Reference;

/// <summary>Records in memory, one behind the other, each with the partition that its key puts it in. Reused; one thread.</summary>
internal sealed class RecordSlab
{
    /// <summary>As many as the topic has.</summary>
    public const int Partitions = 4;

    // Records of a few hundred bytes: so much holds more of them than the processor's caches.
    private const int Bytes = 16 * 1024 * 1024;
    private const int RecordBytesMax = 64 * 1024;

    private readonly byte[] _bytes = new byte[Bytes];
    private readonly List<(int End, int Partition)> _records = [];

    private int Used => _records.Count == 0 ? 0 : _records[^1].End;

    public int Count => _records.Count;

    public bool IsFull => Used > Bytes - RecordBytesMax;

    public int PartitionOf(int record) => _records[record].Partition;

    public ReadOnlySpan<byte> this[int record] =>
        _bytes.AsSpan((record == 0 ? 0 : _records[record - 1].End)..(_records[record].End));

    public void Clear() => _records.Clear();

    public void Add(string key, ReadOnlySpan<byte> value)
    {
        value.CopyTo(_bytes.AsSpan(Used));
        var hash = key.Aggregate(17u, (h, c) => h * 31 + c);
        _records.Add((Used + value.Length, (int)(hash % Partitions)));
    }
}

/// <summary>The reference events as records in memory, a slab at a time.</summary>
internal sealed class ReferenceRecords(int events, int people, int seed)
{
    /// <summary>The same slab again and again, with the next records.</summary>
    /// <param name="pass">From 0 on; in each the same people do the same things again.</param>
    public IEnumerable<RecordSlab> Slabs(bool asAvro, int pass)
    {
        var (made, slab, avro) = (new ReferenceEvents(people, seed, (long)pass * events), new RecordSlab(), asAvro ? new ReferenceAvro() : null);
        for (var i = 0; i < events;)
        {
            for (slab.Clear(); i < events && !slab.IsFull; i++)
            {
                var e = made.Next();
                var json = Encoding.UTF8.GetBytes(e.Json.ToString());
                slab.Add(e.Key, avro is null ? json : avro.Of(json));
            }
            yield return slab;
        }
    }
}
