using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using ScrmStream.Events;

namespace ScrmStream.Benchmarks;

/// <summary>
/// What one JSON event costs to decode: the canonical one of 290 bytes, the same with fields that the schema does not name, with its time
/// as text, and with one bad record in a hundred. The set-up checks the answers.
/// </summary>
public class JsonBenchmarks
{
    private const int EventsPerBatch = 1024, CanonicalBytes = 290;
    private static readonly SourcePartition Source = new(Guid.Empty, "benchmark", 0);

    private readonly JsonEventDecoder _decoder = new(new EventLimits());
    private readonly EventBatch _batch = new(new RecordBatch(EventsPerBatch, 1 << 22));
    private readonly byte[][] _canonical = Records("1772334000000", "");
    private readonly byte[][] _unknown = Records("1772334000000", ",\"geo\":{\"city\":\"上海\",\"lat\":31.2},\"is_new\":true,\"stay\":31");
    private readonly byte[][] _timeAsText = Records("\"2026-03-01T11:00:00+08:00\"", "");
    private byte[][] _oneBadInHundred = [];

    [GlobalSetup]
    public void Prepare()
    {
        if (_canonical[0].Length is < 285 or > CanonicalBytes + 5) throw new InvalidOperationException($"The event has {_canonical[0].Length} bytes.");
        _oneBadInHundred = [.. _canonical.Select((record, i) => i % 100 == 50 ? Broken(record, i / 100) : record)];
        if (Canonical() != EventsPerBatch || TimeAsText() != EventsPerBatch || UnknownFields() != EventsPerBatch)
            throw new InvalidOperationException("Not every event of the benchmark is accepted.");
        if (_batch.PropertyCount != 6 * EventsPerBatch) throw new InvalidOperationException("The unknown fields are not kept.");
        if (OneBadInHundred() != EventsPerBatch - _batch.Rejects.Count || _batch.Rejects.Count != EventsPerBatch / 100)
            throw new InvalidOperationException($"{_batch.Rejects.Count} records are rejected.");
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = EventsPerBatch)]
    public int Canonical() => Decode(_canonical);

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int UnknownFields() => Decode(_unknown);

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int TimeAsText() => Decode(_timeAsText);

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int OneBadInHundred() => Decode(_oneBadInHundred);

    private int Decode(byte[][] records)
    {
        _batch.Clear();
        for (var i = 0; i < records.Length; i++) _batch.Records.Add(Source, i, 1_772_334_000_000, records[i]);
        _decoder.Decode(_batch);
        return _batch.Count;
    }

    // In turn: cut off, broken inside, without a time, of the wrong type.
    private static byte[] Broken(byte[] record, int kind) => (kind % 4) switch
    {
        0 => record[..^40],
        1 => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(record).Replace("\"page\":", "\"page\"", StringComparison.Ordinal)),
        2 => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(record).Replace("event_time", "event_date", StringComparison.Ordinal)),
        _ => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(record).Replace("\"web\"", "[1,2]", StringComparison.Ordinal)),
    };

    private static byte[][] Records(string time, string fields) =>
        [.. Enumerable.Range(100_000, EventsPerBatch).Select(i => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $$$"""{"event_id":"e-{{{i}}}","event":"page_view","event_time":{{{time}}},"channel":"web","identifiers":[{"kind":"openid","scope":"wx1","value":"o6-{{{i}}}"},{"kind":"unionid","scope":"op","value":"u-{{{i}}}"}],"session_id":"s-{{{i}}}","page":"/p/{{{i}}}","properties":{"topic":"pet","sku":"k{{{i}}}"}{{{fields}}}}""")))];
}
