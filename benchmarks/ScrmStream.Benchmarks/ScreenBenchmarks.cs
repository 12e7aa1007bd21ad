using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Benchmarks;

/// <summary>
/// What normal forms and keys cost on a decode lane: decode and screen of one warm batch of events with one openid and one phone, by how
/// the phone is written and how many keys there are. The difference to <see cref="Decode"/> is the screen; the set-up checks the answer.
/// </summary>
public class ScreenBenchmarks
{
    private const int EventsPerBatch = 1024;
    private static readonly SourcePartition Source = new(Guid.Empty, "benchmark", 0);

    private readonly JsonEventDecoder _decoder = new(new EventLimits());
    private readonly EventBatch _batch = new(new RecordBatch(EventsPerBatch, 1 << 22));
    private readonly byte[][] _canonical = Records("+86139{0}"), _written = Records("139 {0}");
    private readonly IdentifierScreen _plain = Screen(), _oneKey = Screen("k1"), _twoKeys = Screen("k2", "k1");

    [GlobalSetup]
    public void Prepare()
    {
        Run(_written, _plain);
        var text = Encoding.UTF8.GetString(_batch.Text(_batch.IdentifiersOf(in _batch.Events[7])[1].Text));
        if (text != "phone::+8613900000007") throw new InvalidOperationException($"The phone became {text}.");
        if (Run(_canonical, _twoKeys) != 3 * EventsPerBatch) throw new InvalidOperationException("There are not two texts of each phone.");
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = EventsPerBatch)]
    public int Decode()
    {
        _batch.Clear();
        for (var i = 0; i < EventsPerBatch; i++) _batch.Records.Add(Source, i, -1, _canonical[i]);
        _decoder.Decode(_batch);
        return _batch.Count;
    }

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int Canonical() => Run(_canonical, _plain);

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int Written() => Run(_written, _plain);

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int CanonicalUnderOneKey() => Run(_canonical, _oneKey);

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int CanonicalUnderTwoKeys() => Run(_canonical, _twoKeys);

    private int Run(byte[][] records, IdentifierScreen screen)
    {
        _batch.Clear();
        for (var i = 0; i < EventsPerBatch; i++) _batch.Records.Add(Source, i, -1, records[i]);
        _decoder.Decode(_batch);
        screen.Apply(_batch);
        var identifiers = 0;
        foreach (ref var e in _batch.Events) identifiers += e.IdentifierCount;
        return identifiers;
    }

    private static IdentifierScreen Screen(params string[] keys) => new(new IdentityOptions
    {
        PersonalKeys = [.. keys.Select(id => new PersonalKeyOptions { Id = id, Key = "000102030405060708090a0b0c0d0e0f" })],
    });

    private static byte[][] Records(string phone) =>
        [.. Enumerable.Range(0, EventsPerBatch).Select(i => Encoding.UTF8.GetBytes($$$"""
            {"event":"page_view","event_time":1760000000000,"channel":"web",
             "identifiers":[{"kind":"openid","scope":"wx1","value":"o-{{{i}}}"},
             {"kind":"phone","value":"{{{string.Format(CultureInfo.InvariantCulture, phone, i.ToString("00000000", CultureInfo.InvariantCulture))}}}"}]}
            """))];
}
