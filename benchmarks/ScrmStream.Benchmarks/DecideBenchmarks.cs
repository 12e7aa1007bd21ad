using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.Benchmarks;

/// <summary>
/// One warm batch through the stages that run for every event: decode, screen, fold. Read the ratios and the allocated bytes; the
/// set-up checks the answer.
/// </summary>
public class DecideBenchmarks
{
    private const int EventsPerBatch = 1024;
    private static readonly SourcePartition Source = new(Guid.Empty, "benchmark", 0);

    private readonly JsonEventDecoder _decoder = new(new EventLimits());
    private readonly IdentifierScreen _screen = new(new IdentityOptions());
    private readonly EventBatch _batch = new(new RecordBatch(EventsPerBatch, 1 << 22));
    private byte[][] _records = [];
    private CustomerState _state = null!;
    private EventFolder _folder = null!;
    private long _offset;

    [GlobalSetup]
    public void Prepare()
    {
        _records = [.. Enumerable.Range(0, EventsPerBatch).Select(Record)];
        _state = new CustomerState(new IdentityOptions());
        var rules = RuleSet.Parse("tags:\n  - tag: busy\n    when: count(event = \"page_view\", within 7d) >= 3\n", "benchmark");
        _folder = new EventFolder(_state, rules, new ShardHistory(64));
        if (Fold() != EventsPerBatch) throw new InvalidOperationException("Not every event of the benchmark is accepted.");
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = EventsPerBatch)]
    public int Decode()
    {
        Fill();
        _decoder.Decode(_batch);
        return _batch.Count;
    }

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int Screen()
    {
        Decode();
        _screen.Apply(_batch);
        return _batch.Count;
    }

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int Fold()
    {
        Screen();
        var nodes = _state.Request(_batch);
        if (nodes.Length > 0) _state.Accept(nodes, new StoredCell[nodes.Length]);
        _folder.Fold(_batch, publishAll: false);
        return _batch.Count;
    }

    private void Fill()
    {
        _batch.Clear();
        foreach (var record in _records) _batch.Records.Add(Source, _offset++, -1, record);
    }

    private static byte[] Record(int i)
    {
        var time = (1_760_000_000_000 + i * 50).ToString(CultureInfo.InvariantCulture);
        return Encoding.UTF8.GetBytes($$$"""
            {"event":"page_view","event_time":{{{time}}},"channel":"web",
             "identifiers":[{"kind":"openid","scope":"wx1","value":"o-{{{i % 200}}}"},{"kind":"unionid","scope":"op","value":"u-{{{i % 200}}}"}],
             "page":"/p/{{{i}}}","properties":{"topic":"pet","sku":"k{{{i}}}"}}
            """);
    }
}
