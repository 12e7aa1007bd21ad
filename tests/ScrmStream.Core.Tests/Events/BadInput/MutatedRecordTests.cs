using System.Buffers;
using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Pipeline;
using ScrmStream.TestKit;
using Xunit.Abstractions;
using static ScrmStream.Tests.Events.Decoding;

namespace ScrmStream.Tests.Events.BadInput;

/// <summary>
/// Broken records, JSON, Avro and packed, through the whole engine: it neither fails nor stands still, its memory does not grow, and every
/// event that an independent reader counts is accepted or rejected. 100,000 records in every run, ten million with <c>./scrm test --full</c>.
/// </summary>
public sealed class MutatedRecordTests(ITestOutputHelper output)
{
    private const int RecordsPerSeed = 25_000;
    // Other tests run in the same process; a hundred bytes kept of each of ten million records would be more.
    private const long GrowthBytesMax = 1L << 30;

    private static readonly byte[][] Json = ListSource.Utf8(
    [
        Event(),
        Event("\"event_id\":\"e-1\",\"page\":\"/cart\",\"channel\":\"web\",\"amount_fen\":1990,\"properties\":{\"sku\":\"猫粮\",\"n\":2,\"x\":0.15,\"ok\":true}"),
        Event("\"event_id\":2,\"campaign\":{\"source\":\"moments\",\"term\":\"\\u732b\"},\"share\":{\"from\":\"openid:a:b\",\"depth\":1}",
            """[{"kind":"unionid","scope":"w","value":"u1"},{"kind":"phone","value":"+86 139 1234 5678"},{"kind":"cookie","scope":"s","value":"null","verified":false}]"""),
        Event("\"event_time\":\"2026-03-01T11:00:00.5+08:00\",\"geo\":{\"city\":{\"name\":\"上海\",\"lat\":31.2}},\"tags\":[1,\"a\"]"),
        $$"""[{{Event("\"event_id\":\"a\"")}},{{Event("\"event_id\":\"b\"")}},{"event":"x"},{{Event("\"session_id\":7")}}]""",
        $$"""{"event":"identity_unbind","event_time":{{Noon}},"identifiers":[{"kind":"cookie","scope":"w","value":"c1"}]}""",
    ]);

    private static readonly byte[][] Samples = [.. Json, .. Json[..4].Select(Framed), Gzip(Json[1])];

    [Fact]
    public async Task Run_MutatedRecords_AccountsForEveryEvent()
    {
        long accepted = 0, rejected = 0, heldAtFirst = 0;
        foreach (var seed in Seeds.From(1, 100_000 / RecordsPerSeed, 10_000_000 / RecordsPerSeed))
        {
            var mutator = new RecordMutator(seed);
            var records = new byte[RecordsPerSeed][];
            for (var i = 0; i < records.Length; i++) records[i] = mutator.Next(Samples);
            var run = await BadInputRun.OfAsync(records, Noon, Options()).WaitAsync(TimeSpan.FromMinutes(2));
            var counters = run.Counters;
            Assert.True(counters.DurableRecords == records.Length, $"seed {seed}");
            Assert.True(counters.DurableEvents == records.Sum(EventsIn), $"seed {seed}");
            Assert.True(counters.Accepted + counters.Rejected == counters.DurableEvents, $"seed {seed}");
            Assert.True(run.Letters.All(l => records[l.Offset].AsSpan().IndexOf(l.Raw) >= 0), $"seed {seed}");
            accepted += counters.Accepted;
            rejected += counters.Rejected;
            var held = GC.GetTotalMemory(forceFullCollection: true);
            if (heldAtFirst == 0) heldAtFirst = held;
            Assert.True(held - heldAtFirst < GrowthBytesMax, $"seed {seed}: {held} bytes are held, {heldAtFirst} after the first");
        }
        using var process = Process.GetCurrentProcess();
        output.WriteLine($"{accepted} accepted and {rejected} rejected of {accepted + rejected} events; the process took at most {process.PeakWorkingSet64 >> 20} MiB");
        // Both outcomes are common, or the mutations show nothing.
        Assert.InRange(accepted / (double)(accepted + rejected), 0.1, 0.9);
    }

    [Fact]
    public void Mutator_SameSeed_SameBytes()
    {
        var (a, b) = (new RecordMutator(7), new RecordMutator(7));
        for (var i = 0; i < 1_000; i++) Assert.Equal(a.Next(Samples), b.Next(Samples));
    }

    private static PipelineOptions Options() => new() { BatchRecordsMax = 1024 };

    // As Avro of the canonical schema, in single-object encoding.
    private static byte[] Framed(byte[] json)
    {
        var batch = Decode(Encoding.UTF8.GetString(json));
        var value = new ArrayBufferWriter<byte>();
        value.Advance(SchemaRef.WriteSingleObject(value.GetSpan(10), new SchemaCatalog(new EventLimits()).CanonicalFingerprint));
        AvroEventWriter.Write(batch, in batch.Events[0], value);
        return value.WrittenSpan.ToArray();
    }

    private static byte[] Gzip(byte[] value)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal)) gzip.Write(value);
        return packed.ToArray();
    }

    // Counted by the document reader of System.Text.Json, not by ours: the elements of a list, one of everything else,
    // Avro and what is packed among it.
    private static int EventsIn(byte[] record)
    {
        if (!Utf8.IsValid(record)) return 1;
        var json = record.AsMemory();
        if (json.Span.StartsWith(Encoding.UTF8.Preamble)) json = json[3..];
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32 });
            return document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement.GetArrayLength() : 1;
        }
        catch (JsonException)
        {
            return 1;
        }
    }
}
