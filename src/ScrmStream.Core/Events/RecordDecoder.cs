using System.Runtime.CompilerServices;
using ScrmStream.Events.Avro;

namespace ScrmStream.Events;

/// <summary>
/// Decodes the records of a batch, each by its format: what a header says, else what its topic is configured for, else what the bytes
/// look like; JSON where nothing says otherwise. One per decode lane; not thread safe.
/// </summary>
public sealed class RecordDecoder(EventLimits limits, SchemaCatalog schemas) : IDisposable
{
    private readonly JsonEventDecoder _json = new(limits);
    private readonly AvroEventDecoder _avro = new(limits);
    private readonly PackedValue _packed = new(limits.RecordBytesMax);
    private readonly int _recordBytesMax = limits.RecordBytesMax;
    // Records of one topic mostly have one schema.
    private SchemaRef _lastSchema;
    private SchemaEntry? _lastEntry;
    private EventBatch _batch = null!;

    /// <summary>The schema that has to be fetched before decoding goes on.</summary>
    public SchemaRef Missing { get; private set; }

    /// <summary>Decodes the records from <paramref name="first"/> on.</summary>
    /// <returns>The record at which <see cref="Missing"/> is needed, to go on from; the number of records when all are done.</returns>
    public int Decode(EventBatch batch, int first = 0)
    {
        _batch = batch;
        var count = batch.Records.Count;
        for (var record = first; record < count; record++)
        {
            if (!TryDecode(record)) return record;
        }
        return count;
    }

    public void Dispose() => _packed.Dispose();

    // False when a schema is missing; what is wrong with a record is a reject.
    private bool TryDecode(int record)
    {
        ref var r = ref _batch.Records.Records[record];
        var (value, hints) = (new TextRange(r.Start, r.Length), r.Hints);
        if (IsPlain(in r))
        {
            if (_batch.Buffer[r.Start] != '{') return TryFormat(record, value, RecordFormat.Unknown);
            _json.DecodeRecord(_batch, record, value);
            return true;
        }
        if (r.Length > _recordBytesMax) return TooLarge(record, r.Length);
        if (hints.Format == RecordFormat.Foreign || hints.Packing == RecordPacking.Foreign) return Foreign(record, hints);
        var packing = hints.Packing == RecordPacking.Unknown ? PackingOf(value, hints) : hints.Packing;
        if (packing != RecordPacking.None && _packed.Unpack(_batch.Records, value, packing, out value) is var (reason, detail))
            return Reject(record, reason, detail);
        if (hints.SchemaBytes > 0) return TryHeaderFrame(record, value, new TextRange(r.Start - hints.SchemaBytes, hints.SchemaBytes));
        if (hints.Format == RecordFormat.CloudEvent) return TryCloudEvent(record, value);
        return TryFormat(record, value, hints.Format);
    }

    // What most records are: no header and no topic says what they are, and they are not packed. No frame or envelope begins with a brace.
    private bool IsPlain(in Record r) =>
        r.Length > 0 && r.Length <= _recordBytesMax && r.Hints == default && !PackedValue.IsPacked(_batch.Buffer.AsSpan(r.Start, r.Length));

    private RecordPacking PackingOf(TextRange value, RecordHints hints)
    {
        var bytes = _batch.Text(value);
        // Without a frame of its own a datum may start with any bytes.
        if (hints.SchemaBytes > 0 || !PackedValue.IsPacked(bytes)) return RecordPacking.None;
        return PackedValue.IsGzip(bytes) ? RecordPacking.Gzip : RecordPacking.Zstd;
    }

    private bool TryFormat(int record, TextRange value, RecordFormat format)
    {
        if (format != RecordFormat.Json)
        {
            var bytes = _batch.Text(value);
            var frame = SchemaRef.Read(bytes, out var schema);
            if (frame > 0) return TryFramed(record, schema, value, frame);
            if (bytes.StartsWith("Obj\u0001"u8))
                return Reject(record, RejectReason.UnsupportedFormat, "an Avro file as a record; ./scrm produce publishes its records");
            if (format == RecordFormat.Avro)
                return Reject(record, RejectReason.NotDecodable, "Avro without a frame that names its schema (C3 01, 00 or 01)");
        }
        _json.DecodeRecord(_batch, record, value);
        return true;
    }

    private bool TryHeaderFrame(int record, TextRange value, TextRange frame) =>
        SchemaRef.Read(_batch.Text(frame), out var schema) == frame.Length
            ? TryFramed(record, schema, value, frameBytes: 0)
            : Reject(record, RejectReason.NotDecodable, "the header of the schema's id is neither 00 and a number nor 01 and a GUID");

    private bool TryFramed(int record, SchemaRef schema, TextRange value, int frameBytes)
    {
        var entry = _lastEntry;
        if (entry is null || schema != _lastSchema)
        {
            if (!schemas.TryGet(schema, out entry))
            {
                Missing = schema;
                return false;
            }
            // What is refused may be known later, so it is looked up each time.
            (_lastSchema, _lastEntry) = (schema, entry.Plan is null ? null : entry);
        }
        var datum = new TextRange(value.Start + frameBytes, value.Length - frameBytes);
        if (entry.Plan is not null) _avro.DecodeRecord(_batch, record, value, datum, entry.Plan);
        else if (entry.IsJson) _json.DecodeRecord(_batch, record, datum);
        else return Reject(record, entry.Reason, entry.Refusal);
        return true;
    }

    private bool TryCloudEvent(int record, TextRange envelope)
    {
        if (CloudEventEnvelope.Data(_batch.Records, envelope, out var data) is { } wrong)
            return Reject(record, RejectReason.NotDecodable, wrong);
        return TryFormat(record, data, RecordFormat.Unknown);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TooLarge(int record, int length) => Reject(record, RejectReason.TooLarge, $"{length} bytes, limit {_recordBytesMax}");

    private bool Foreign(int record, RecordHints hints) => Reject(
        record, RejectReason.UnsupportedFormat,
        hints.Format == RecordFormat.Foreign
            ? "the header content-type names a format that is not read"
            : "the header content-encoding names a packing other than gzip and zstd");

    private bool Reject(int record, RejectReason reason, string detail)
    {
        _batch.Rejects.Add(new Reject(record, -1, reason, detail));
        return true;
    }
}
