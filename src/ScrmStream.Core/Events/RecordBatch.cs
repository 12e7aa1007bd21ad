namespace ScrmStream.Events;

/// <summary>One fetched record; its value lies in the batch's buffer.</summary>
/// <param name="TimestampMs">The record's timestamp, Unix milliseconds; -1 where the source has none.</param>
public readonly record struct Record(SourcePartition Partition, long Offset, long TimestampMs, int Start, int Length);

/// <summary>
/// Raw records of one poll, in order within each partition. Reused: the poll thread fills it, a decode lane reads it, and the
/// stage that commits it returns it. Owned by one thread at a time.
/// </summary>
public sealed class RecordBatch
{
    /// <summary>Room that a batch starts with where nothing is known of its records.</summary>
    public const int BytesAtFirst = 64 * 1024;
    private const int GrowthStepBytes = 256 * 1024;
    private readonly int _bytesMax;
    private int _bytes;
    // Made when the first record has a key or headers.
    private (TextRange Key, TextRange Headers)[] _origins = [];

    /// <param name="bytesAtFirst">What its records will probably take.</param>
    public RecordBatch(int recordsMax, int bytesMax, int bytesAtFirst = BytesAtFirst)
    {
        Records = new Record[recordsMax];
        Buffer = new byte[Math.Min(bytesMax, bytesAtFirst)];
        _bytesMax = bytesMax;
    }

    public Record[] Records { get; }
    public int Count { get; private set; }
    public byte[] Buffer { get; private set; }
    public int Bytes => _bytes;

    /// <summary>The batch takes no more: records or bytes are at their limit (one record may exceed the byte limit).</summary>
    public bool IsFull => Count == Records.Length || _bytes >= _bytesMax;

    public void Add(SourcePartition partition, long offset, long timestampMs, ReadOnlySpan<byte> value)
    {
        if (Count == Records.Length) throw new InvalidOperationException("The batch is full; check IsFull before Add.");
        if (_bytes + value.Length > Buffer.Length) Grow(_bytes + value.Length);
        value.CopyTo(Buffer.AsSpan(_bytes));
        Records[Count++] = new Record(partition, offset, timestampMs, _bytes, value.Length);
        _bytes += value.Length;
    }

    /// <summary>Keeps the key and the headers of the record that was added last.</summary>
    /// <param name="headers">As <see cref="HeaderBlock"/>.</param>
    public void Attach(ReadOnlySpan<byte> key, ReadOnlySpan<byte> headers)
    {
        if (key.IsEmpty && headers.IsEmpty) return;
        if (_origins.Length == 0) _origins = new (TextRange, TextRange)[Records.Length];
        _origins[Count - 1] = (Copied(key), Copied(headers));
    }

    /// <summary>The record's key and its headers (<see cref="HeaderBlock"/>); empty where it has none.</summary>
    public (TextRange Key, TextRange Headers) OriginOf(int record) => _origins.Length == 0 ? default : _origins[record];

    private TextRange Copied(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return default;
        var copy = new TextRange(Reserve(bytes.Length), bytes.Length);
        bytes.CopyTo(Buffer.AsSpan(copy.Start));
        return copy;
    }

    /// <summary>Room for unescaped text behind the records; returns the start of <paramref name="length"/> writable bytes.</summary>
    public int Reserve(int length)
    {
        if (_bytes + length > Buffer.Length) Grow(_bytes + length);
        var start = _bytes;
        _bytes += length;
        return start;
    }

    public void Clear()
    {
        Array.Clear(Records, 0, Count);
        if (_origins.Length > 0) Array.Clear(_origins, 0, Count);
        Count = 0;
        _bytes = 0;
        // A record far over the limit must not leave its size behind in every batch that it passed through.
        if (Buffer.Length > 2L * _bytesMax + GrowthStepBytes) Buffer = new byte[Math.Min(_bytesMax, BytesAtFirst)];
    }

    private void Grow(int needed)
    {
        // Small buffers double; larger ones grow in steps, for a batch keeps for good what it once needed.
        var size = Buffer.Length < GrowthStepBytes ? Buffer.Length * 2 : Buffer.Length + GrowthStepBytes;
        var larger = new byte[Math.Max(needed, size)];
        Buffer.AsSpan(0, _bytes).CopyTo(larger);
        Buffer = larger;
    }
}
