using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Benchmarks;

/// <summary>
/// One pipeline of leads alone: folding an event that moves leads, one that only counts as activity, and one that no rule names; and following
/// the leads of a customer with 50 events. The set-up checks what comes out.
/// </summary>
public class StageFoldBenchmarks
{
    private const int Events = 50;
    private const long StartMs = 1_760_000_000_000;

    private readonly ShardBuffer _shard = new();
    private readonly ShardSet _customer = new();
    private readonly Conclusion _conclusion = new();
    private EventBatch _batch = null!;
    private RuleSet _rules = null!;
    private readonly byte[] _empty = [];

    [Params("moves", "activity", "other")]
    public string Kind { get; set; } = "";

    [GlobalSetup]
    public void Prepare()
    {
        var idle = Kind == "other" ? "after" : "idle";
        _rules = RuleSet.Parse($$"""
            stages:
              - pipeline: p
                type: sales
                states: { a: A, b: B, c: C }
                final: c
                create: [{ to: a, on: event = "e0" }]
                transitions:
                  - { from: a, to: b, on: event = "e1" }
                  - { from: b, to: c, on: event = "e2" }
                reminders:
                  - { reminder: r, from: [a, b], {{idle}}: 7d }
            """, "p");
        _batch = new EventBatch(new RecordBatch(Events, 1 << 18));
        for (var i = 0; i < Events; i++)
        {
            var time = (StartMs + i * 3_600_000L).ToString(CultureInfo.InvariantCulture);
            var name = Kind == "moves" ? $"e{i % 3}" : i < 1 ? "e0" : "view";
            _batch.Records.Add(new SourcePartition(Guid.Empty, "benchmark", 0), i, -1, Encoding.UTF8.GetBytes($$"""
                {"event":"{{name}}","event_time":{{time}},"channel":"web","identifiers":[{"kind":"openid","scope":"w","value":"o"}]}
                """));
        }
        new JsonEventDecoder(new EventLimits()).Decode(_batch);
        Fold();
        _shard.Count(StartMs + Events * 3_600_000L, 0);
        _customer.Add(_shard.Bytes.ToArray());
        Follow();
        if (_conclusion.Lead(0).Leads != (Kind == "moves" ? (Events + 2) / 3 : 1)) throw new InvalidOperationException("Wrong leads.");
    }

    [Benchmark(OperationsPerInvoke = Events)]
    public int Fold()
    {
        _shard.Load(_empty);
        foreach (ref var e in _batch.Events) _rules.Fold(_batch, in e, _shard);
        return _shard.Length;
    }

    [Benchmark]
    public int Follow()
    {
        _rules.Evaluate(_customer, _customer.LastSeenMs, _conclusion);
        return _conclusion.LeadCount;
    }
}
