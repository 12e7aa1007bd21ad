namespace ScrmStream.Events;

/// <summary>One fetched record; its value lies in the batch's buffer.</summary>
/// <param name="TimestampMs">The record's timestamp, Unix milliseconds; -1 where the source has none.</param>
/// <param name="Hints">What its headers and its topic say of its format.</param>
public readonly record struct Record(
    SourcePartition Partition, long Offset, long TimestampMs, int Start, int Length, RecordHints Hints = default);

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
    private long _unpackedBytes;
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
    /// <summary>The greatest timestamp of its records, Unix milliseconds; -1 when none has one.</summary>
    public long NewestMs { get; private set; } = -1;

    /// <summary>
    /// The batch takes no more: records or bytes are at their limit (one record may exceed the byte limit). What packed values say they
    /// will take when a decode lane unpacks them counts now, because then it is too late to take fewer.
    /// </summary>
    public bool IsFull => Count == Records.Length || _bytes + _unpackedBytes >= _bytesMax;

    /// <param name="schema">The frame that names the schema, where a header has it instead of the value; else empty.</param>
    public void Add(
        SourcePartition partition, long offset, long timestampMs, ReadOnlySpan<byte> value, RecordHints hints = default,
        ReadOnlySpan<byte> schema = default)
    {
        if (Count == Records.Length) throw new InvalidOperationException("The batch is full; check IsFull before Add.");
        var needed = schema.Length + value.Length;
        if (_bytes + needed > Buffer.Length) Grow(_bytes + needed);
        schema.CopyTo(Buffer.AsSpan(_bytes));
        value.CopyTo(Buffer.AsSpan(_bytes + schema.Length));
        if (PackedValue.IsPacked(value)) _unpackedBytes += PackedValue.BytesMax(value);
        Records[Count++] = new Record(
            partition, offset, timestampMs, _bytes + schema.Length, value.Length, hints with { SchemaBytes = (byte)schema.Length });
        _bytes += needed;
        NewestMs = Math.Max(NewestMs, timestampMs);
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

    /// <summary>Puts bytes behind the records.</summary>
    internal TextRange Copied(ReadOnlySpan<byte> bytes)
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

    /// <summary>Gives back the last bytes of the latest <see cref="Reserve"/>.</summary>
    internal void Return(int bytes) => _bytes -= bytes;

    public void Clear()
    {
        Array.Clear(Records, 0, Count);
        if (_origins.Length > 0) Array.Clear(_origins, 0, Count);
        Count = 0;
        _bytes = 0;
        _unpackedBytes = 0;
        NewestMs = -1;
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
