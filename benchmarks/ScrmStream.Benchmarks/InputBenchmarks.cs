using System.Buffers;
using System.Text;
using BenchmarkDotNet.Attributes;
using ScrmStream.Events;
using ScrmStream.Events.Avro;

namespace ScrmStream.Benchmarks;

/// <summary>
/// One warm batch of the same events as JSON and as Avro, through the decoder of a lane. The set-up checks that both give as many events
/// of the same length; <c>./scrm bench inputs</c> compares all fields, and has the packed formats.
/// </summary>
public class InputBenchmarks
{
    private const int EventsPerBatch = 1024;
    private static readonly SourcePartition Source = new(Guid.Empty, "benchmark", 0);

    private readonly RecordDecoder _decoder;
    private readonly EventBatch _batch = new(new RecordBatch(EventsPerBatch, 1 << 22));
    private readonly byte[][] _json, _avro;

    public InputBenchmarks()
    {
        var schemas = new SchemaCatalog(new EventLimits());
        _decoder = new RecordDecoder(new EventLimits(), schemas);
        _json = [.. Enumerable.Range(0, EventsPerBatch).Select(Event)];
        _avro = Array.ConvertAll(_json, json => ToAvro(json, schemas.CanonicalFingerprint));
    }

    [GlobalSetup]
    public void Prepare()
    {
        var (json, avro) = (Run(_json), Run(_avro));
        if (json != avro || avro == 0) throw new InvalidOperationException($"The texts have {json} bytes in JSON and {avro} in Avro.");
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = EventsPerBatch)]
    public int Json() => Run(_json);

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int Avro() => Run(_avro);

    private int Run(byte[][] records)
    {
        _batch.Clear();
        for (var i = 0; i < records.Length; i++) _batch.Records.Add(Source, i, -1, records[i]);
        _decoder.Decode(_batch);
        var bytes = 0;
        foreach (ref var identifier in _batch.Identifiers) bytes += identifier.Text.Length;
        foreach (ref var e in _batch.Events) bytes += e.Name.Length + e.Page.Length;
        return bytes;
    }

    private static byte[] Event(int i) => Encoding.UTF8.GetBytes($$"""
        {"event":"page_view","event_time":{{1_760_000_000_000 + i}},"channel":"web","page":"/goods/{{i}}",
         "identifiers":[{"kind":"openid","scope":"wx1","value":"o-{{i}}"},{"kind":"cookie","value":"c-{{i}}"}]}
        """);

    private static byte[] ToAvro(byte[] json, ulong fingerprint)
    {
        var batch = new EventBatch(new RecordBatch(1, 1 << 16));
        batch.Records.Add(Source, 0, -1, json);
        new JsonEventDecoder(new EventLimits()).Decode(batch);
        var value = new ArrayBufferWriter<byte>();
        value.Advance(SchemaRef.WriteSingleObject(value.GetSpan(10), fingerprint));
        AvroEventWriter.Write(batch, in batch.Events[0], value);
        return value.WrittenSpan.ToArray();
    }
}
