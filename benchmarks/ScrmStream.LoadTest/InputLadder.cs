using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.TestKit;

namespace ScrmStream.LoadTest;

/// <summary>
/// What decoding costs by format: the same events as JSON, as arrays, as Avro with either frame, packed. One thread, warm batches; each
/// format's events are compared field by field with JSON's before it is measured, for a speed without its answer is void.
/// </summary>
public sealed class InputLadder
{
    private const int Events = 4096, EventsPerArray = 16, Rounds = 200;
    private const long StartMs = 1_772_334_000_000;
    private static readonly SourcePartition Source = new(Guid.Empty, "benchmark", 0);
    private readonly EventLimits _limits = new();
    private readonly SchemaCatalog _schemas = new(new EventLimits(), new SchemaOptions(), [new OneSchema()], TimeProvider.System);

    /// <returns>Exit code: 1 when a format gives other events, or Avro is not 1.5 times as fast as JSON.</returns>
    public int Run()
    {
        _schemas.FetchAsync(SchemaRef.OfId(1), default).AsTask().GetAwaiter().GetResult();
        var isRight = true;
        foreach (var (name, events) in ((string, byte[][])[])[("small", Small()), ("typical", Typical())])
        {
            Console.WriteLine($"{name} events, {events[0].Length} B of JSON, {Datum(events[0]).Length} B of Avro");
            Console.WriteLine($"{"format",-24} {"ns/event",9} {"B/event",8}  events");
            isRight &= Formats(events);
        }
        return isRight ? 0 : 1;
    }

    private bool Formats(byte[][] json)
    {
        var avro = Array.ConvertAll(json, Datum);
        byte[] fingerprint = new byte[10], number = new byte[5];
        SchemaRef.WriteSingleObject(fingerprint, _schemas.CanonicalFingerprint);
        SchemaRef.WriteId(number, 1);
        var arrays = json.Chunk(EventsPerArray).Select(chunk => Encoding.UTF8.GetBytes($"[{string.Join(',', chunk.Select(Encoding.UTF8.GetString))}]")).ToArray();
        var single = Array.ConvertAll(avro, datum => (byte[])[.. fingerprint, .. datum]);
        var wanted = Decode(json);
        var jsonNs = Measure("JSON", json, wanted);
        var right = jsonNs > 0 && Measure("JSON arrays of 16", arrays, wanted) > 0;
        var avroNs = Measure("Avro single-object", single, wanted);
        right &= avroNs > 0 && Measure("Avro registry frame", Array.ConvertAll(avro, datum => (byte[])[.. number, .. datum]), wanted) > 0;
        right &= Measure("JSON gzip", Array.ConvertAll(json, Gzip), wanted) > 0;
        right &= Measure("JSON arrays of 16 gzip", Array.ConvertAll(arrays, Gzip), wanted) > 0;
        right &= Measure("JSON arrays of 16 zstd", Array.ConvertAll(arrays, Zstd), wanted) > 0;
        right &= Measure("Avro single-object gzip", Array.ConvertAll(single, Gzip), wanted) > 0;
        var ratio = jsonNs / avroNs;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Avro is {ratio:0.00} times as fast as JSON; wanted 1.50"));
        Console.WriteLine();
        return right && ratio >= 1.5;
    }

    // -1: it gives other events.
    private double Measure(string name, byte[][] records, string[] wanted)
    {
        if (!Decode(records).AsSpan().SequenceEqual(wanted))
        {
            Console.WriteLine($"{name,-24} gives other events than JSON");
            return -1;
        }
        using var decoder = new RecordDecoder(_limits, _schemas);
        var batch = new EventBatch(new RecordBatch(records.Length, 1 << 26));
        var (best, bytes, events) = (double.MaxValue, long.MaxValue, 0L);
        for (var round = 0; round < Rounds; round++)
        {
            batch.Clear();
            for (var i = 0; i < records.Length; i++) batch.Records.Add(Source, i, -1, records[i]);
            var (allocated, started) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            decoder.Decode(batch);
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalNanoseconds / batch.Count);
            bytes = Math.Min(bytes, GC.GetAllocatedBytesForCurrentThread() - allocated);
            events = batch.Count;
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-24} {best,9:N1} {bytes / (double)events,8:N1}  {events}, equal to JSON's"));
        return best;
    }

    private string[] Decode(byte[][] records)
    {
        using var decoder = new RecordDecoder(_limits, _schemas);
        var batch = new EventBatch(new RecordBatch(records.Length, 1 << 26));
        for (var i = 0; i < records.Length; i++) batch.Records.Add(Source, i, -1, records[i]);
        decoder.Decode(batch);
        if (batch.Rejects.Count > 0) Console.WriteLine($"rejected: {batch.Rejects[0].Detail}");
        return EventText.All(batch);
    }

    private byte[] Datum(byte[] json)
    {
        var batch = new EventBatch(new RecordBatch(1, 1 << 16));
        batch.Records.Add(Source, 0, -1, json);
        new JsonEventDecoder(_limits).Decode(batch);
        var target = new ArrayBufferWriter<byte>();
        AvroEventWriter.Write(batch, in batch.Events[0], target);
        return target.WrittenSpan.ToArray();
    }

    private static byte[][] Small() => Made(i => $$"""
        {"event":"page_view","event_time":{{StartMs + i}},"channel":"mini_program","identifiers":[{"kind":"openid","scope":"wx-1","value":"o{{i:00000000}}"}]}
        """);

    private static byte[][] Typical() => Made(i => $$$"""
        {"event_id":"mini-20260301-{{{i:000000}}}","event":"order_paid","event_time":{{{StartMs + i}}},"channel":"mini_program",
        "identifiers":[{"kind":"unionid","scope":"wx-open-petshop","value":"oUn10n-{{{i:x8}}}"},
        {"kind":"openid","scope":"wx-mini-petshop","value":"oMini-{{{i:x8}}}"},{"kind":"phone","value":"+86139{{{i:00000000}}}"}],
        "session_id":"s-{{{i % 997}}}","page":"/orders/{{{i}}}","amount_fen":{{{100 + i}}},"currency":"CNY",
        "properties":{"sku":"cat-food-5kg","items":{{{i % 7}}},"discount":0.15,"first_order":true}}
        """);

    private static byte[][] Made(Func<int, string> text) => [.. Enumerable.Range(0, Events).Select(i => Encoding.UTF8.GetBytes(text(i).Replace("\n", "", StringComparison.Ordinal)))];

    private static byte[] Gzip(byte[] value)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal)) gzip.Write(value);
        return packed.ToArray();
    }

    private static byte[] Zstd(byte[] value)
    {
        using var compressor = new ZstdSharp.Compressor();
        return compressor.Wrap(value).ToArray();
    }

    private sealed class OneSchema : ISchemaSource
    {
        public ValueTask<WrittenSchema?> FindAsync(SchemaRef schema, CancellationToken cancel) =>
            ValueTask.FromResult<WrittenSchema?>(new WrittenSchema(SchemaLanguage.Avro, SchemaCatalog.CanonicalText));
    }
}
