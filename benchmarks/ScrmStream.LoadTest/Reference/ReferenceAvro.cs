using System.Buffers;
using ScrmStream.Events;
using ScrmStream.Events.Avro;

namespace ScrmStream.LoadTest.Reference;

/// <summary>Canonical JSON events as Avro of the canonical schema, with the single-object frame. One thread.</summary>
internal sealed class ReferenceAvro
{
    private const int FrameBytes = 10;
    private readonly EventBatch _batch = new(new RecordBatch(1, 1 << 16));
    private readonly JsonEventDecoder _decoder = new(new EventLimits());
    private readonly SourcePartition _source = new(Guid.Empty, "benchmark", 0);
    private readonly ulong _fingerprint = new SchemaCatalog(new EventLimits()).CanonicalFingerprint;
    private readonly ArrayBufferWriter<byte> _target = new();

    /// <summary>The record; valid until the next one is asked for.</summary>
    public ReadOnlySpan<byte> Of(byte[] json)
    {
        _batch.Clear();
        _batch.Records.Add(_source, 0, -1, json);
        _decoder.Decode(_batch);
        _target.ResetWrittenCount();
        SchemaRef.WriteSingleObject(_target.GetSpan(FrameBytes)[..FrameBytes], _fingerprint);
        _target.Advance(FrameBytes);
        AvroEventWriter.Write(_batch, in _batch.Events[0], _target);
        return _target.WrittenSpan;
    }
}
