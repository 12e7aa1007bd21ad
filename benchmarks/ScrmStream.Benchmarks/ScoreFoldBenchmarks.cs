using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Benchmarks;

/// <summary>
/// One score alone, by the way it fades: folding an event into the shard of a customer with 50 of them, and reading the score. The set-up
/// checks what comes out. The budget is 60 ns and no byte per event and score.
/// </summary>
public class ScoreFoldBenchmarks
{
    private const int Events = 50;
    private const long StartMs = 1_760_000_000_000;

    private readonly ShardBuffer _shard = new();
    private readonly ShardSet _customer = new();
    private readonly Conclusion _conclusion = new();
    private EventBatch _batch = null!;
    private RuleSet _rules = null!;
    private byte[] _empty = [];

    [Params("half_life: 14d", "linear: 14d", "steps: { 7d: 0.5, 14d: 0 }", "half_life: 14d # cap", "half_life: 14d # hysteresis")]
    public string Fading { get; set; } = "";

    [GlobalSetup]
    public void Prepare()
    {
        var cap = Fading.EndsWith("# cap", StringComparison.Ordinal) ? ", cap: 20 per 1d" : "";
        var hysteresis = Fading.EndsWith("# hysteresis", StringComparison.Ordinal) ? "\n    hysteresis: 10" : "";
        _rules = RuleSet.Parse(
            $"scores:\n  - score: s\n    {Fading}\n    points: [{{ when: event = \"view\", add: 2{cap} }}]\n    grades: {{ A: 10000 }}{hysteresis}\n", "s");
        _batch = new EventBatch(new RecordBatch(Events, 1 << 18));
        for (var i = 0; i < Events; i++)
        {
            var time = (StartMs + i * 3_600_000L).ToString(CultureInfo.InvariantCulture);
            _batch.Records.Add(new SourcePartition(Guid.Empty, "benchmark", 0), i, -1, Encoding.UTF8.GetBytes($$"""
                {"event":"view","event_time":{{time}},"channel":"web","identifiers":[{"kind":"openid","scope":"w","value":"o"}]}
                """));
        }
        new JsonEventDecoder(new EventLimits()).Decode(_batch);
        Fold();
        _shard.Count(StartMs + Events * 3_600_000L, 0);
        _customer.Add(_shard.Bytes.ToArray());
        _empty = [];
        Read();
        if (_conclusion.ScoreCount != 1 || _conclusion.Score(0).MicroPoints <= 0) throw new InvalidOperationException("No points.");
    }

    [Benchmark(OperationsPerInvoke = Events)]
    public int Fold()
    {
        _shard.Load(_empty);
        foreach (ref var e in _batch.Events) _rules.Fold(_batch, in e, _shard);
        return _shard.Length;
    }

    [Benchmark]
    public long Read()
    {
        _rules.Evaluate(_customer, _customer.LastSeenMs, _conclusion);
        return _conclusion.Score(0).MicroPoints;
    }
}
