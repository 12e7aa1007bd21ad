using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Events.Avro;

namespace ScrmStream.LoadTest;

/// <summary>The same events in one format.</summary>
/// <param name="Records">The values of the records, one event or an array of them each.</param>
internal sealed record InputFormat(string Name, byte[][] Records)
{
    /// <summary>Of decoding alone, the least of all rounds.</summary>
    public double NsPerEvent { get; set; } = double.MaxValue;

    public double AllocatedPerEvent { get; set; } = double.MaxValue;

    public double BytesPerEvent { get; } = Records.Sum(record => (double)record.Length) / InputSamples.Events;
}

/// <summary>Events of three sizes, and what they are in each format.</summary>
internal static class InputSamples
{
    public const int Events = 4096;
    private const int EventsPerArray = 16;
    private const long StartMs = 1_772_334_000_000;

    public static readonly (string Name, Func<byte[][]> Events)[] Sizes =
    [
        ("small: one openid, no property", Small),
        ("canonical: two identifiers, two properties, a page and a session", Canonical),
        ("large: three identifiers, four properties of all types, an amount", Large),
    ];

    /// <summary>Plain JSON is the first: what all others are compared with.</summary>
    public static InputFormat[] Formats(byte[][] json, ulong fingerprint, int schemaId)
    {
        byte[] single = new byte[10], registry = new byte[5];
        SchemaRef.WriteSingleObject(single, fingerprint);
        SchemaRef.WriteId(registry, schemaId);
        var avro = Array.ConvertAll(json, Datum);
        var framed = Array.ConvertAll(avro, datum => (byte[])[.. single, .. datum]);
        byte[][] arrays = [.. json.Chunk(EventsPerArray).Select(Joined)];
        return
        [
            new("JSON", json),
            new("JSON, arrays of 16", arrays),
            new("Avro, single-object", framed),
            new("Avro, registry frame", Array.ConvertAll(avro, datum => (byte[])[.. registry, .. datum])),
            new("JSON, gzip", Array.ConvertAll(json, Gzip)),
            new("JSON, arrays of 16, gzip", Array.ConvertAll(arrays, Gzip)),
            new("JSON, arrays of 16, zstd", Array.ConvertAll(arrays, Zstd)),
            new("Avro, single-object, gzip", Array.ConvertAll(framed, Gzip)),
        ];
    }

    private static byte[] Datum(byte[] json)
    {
        var batch = new EventBatch(new RecordBatch(1, 1 << 16));
        batch.Records.Add(new SourcePartition(Guid.Empty, "benchmark", 0), 0, -1, json);
        new JsonEventDecoder(new EventLimits()).Decode(batch);
        var target = new ArrayBufferWriter<byte>();
        AvroEventWriter.Write(batch, in batch.Events[0], target);
        return target.WrittenSpan.ToArray();
    }

    private static byte[][] Small() => Made(i => $$"""
        {"event":"page_view","event_time":{{StartMs + i}},"channel":"mini_program","identifiers":[{"kind":"openid","scope":"wx-1","value":"o{{i:00000000}}"}]}
        """);

    private static byte[][] Canonical() => Made(i => $$$"""
        {"event_id":"e-{{{100_000 + i}}}","event":"page_view","event_time":{{{StartMs + i}}},"channel":"web",
        "identifiers":[{"kind":"openid","scope":"wx1","value":"o6-{{{100_000 + i}}}"},{"kind":"unionid","scope":"op","value":"u-{{{100_000 + i}}}"}],
        "session_id":"s-{{{100_000 + i}}}","page":"/p/{{{100_000 + i}}}","properties":{"topic":"pet","sku":"k{{{100_000 + i}}}"}}
        """);

    private static byte[][] Large() => Made(i => $$$"""
        {"event_id":"mini-20260301-{{{i:000000}}}","event":"order_paid","event_time":{{{StartMs + i}}},"channel":"mini_program",
        "identifiers":[{"kind":"unionid","scope":"wx-open-petshop","value":"oUn10n-{{{i:x8}}}"},
        {"kind":"openid","scope":"wx-mini-petshop","value":"oMini-{{{i:x8}}}"},{"kind":"phone","value":"+86139{{{i:00000000}}}"}],
        "session_id":"s-{{{i % 997}}}","page":"/orders/{{{i}}}","amount_fen":{{{100 + i}}},"currency":"CNY",
        "properties":{"sku":"cat-food-5kg","items":{{{i % 7}}},"discount":0.15,"first_order":true}}
        """);

    private static byte[][] Made(Func<int, FormattableString> text) =>
        [.. Enumerable.Range(0, Events).Select(i => Encoding.UTF8.GetBytes(
            text(i).ToString(CultureInfo.InvariantCulture).ReplaceLineEndings("")))];

    private static byte[] Joined(byte[][] events) => Encoding.UTF8.GetBytes($"[{string.Join(',', events.Select(Encoding.UTF8.GetString))}]");

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
}
