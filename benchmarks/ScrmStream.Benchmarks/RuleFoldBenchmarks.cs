using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Benchmarks;

/// <summary>
/// The rules alone, per event of one warm batch over 200 customers: load a shard, fold the event, keep the shard. The set-up checks
/// that every event arrived. <see cref="Rules500"/> has 50 names of events with ten rules each, so an event touches ten.
/// </summary>
public class RuleFoldBenchmarks
{
    private const int EventsPerBatch = 1024;
    private const int Customers = 200;
    private static readonly SourcePartition Source = new(Guid.Empty, "benchmark", 0);
    private static readonly string[] ReferenceNames =
    [
        "page_view", "product_view", "search", "like", "share", "share_open", "add_to_cart", "coupon_claim", "consult", "form_submit",
        "follow", "unfollow", "order_created", "order_paid", "refund", "login",
    ];

    private readonly ShardBuffer _shard = new();
    private readonly BlobStore _shards = new();
    private readonly ShardSet _customer = new();
    private readonly Conclusion _conclusion = new();
    private EventBatch _named16 = null!, _named50 = null!;
    private RuleSet _reference = null!, _rules500 = null!;
    private int[] _handles = [], _handles500 = [];

    [GlobalSetup]
    public void Prepare()
    {
        _reference = RuleSet.Parse(ReferenceRules(), "reference");
        _rules500 = RuleSet.Parse(FiveHundredRules(), "five hundred");
        _named16 = Batch(ReferenceNames);
        _named50 = Batch([.. Enumerable.Range(0, 50).Select(i => $"name_{i}")]);
        (_handles, _handles500) = (new int[Customers], new int[Customers]);
        Reference();
        Rules500();
        var events = _handles.Sum(h => new Shard(_shards[h]).Events);
        if (events != EventsPerBatch) throw new InvalidOperationException($"{events} events arrived.");
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = EventsPerBatch)]
    public int Reference() => Fold(_reference, _named16, _handles);

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int Rules500() => Fold(_rules500, _named50, _handles500);

    [Benchmark(OperationsPerInvoke = Customers)]
    public int EvaluateReference()
    {
        var tags = 0;
        foreach (var handle in _handles)
        {
            _customer.Clear();
            _customer.Add(_shards.Memory(handle));
            _reference.Evaluate(_customer, _customer.LastSeenMs, _conclusion);
            tags += _conclusion.TagCount;
        }
        return tags;
    }

    private int Fold(RuleSet rules, EventBatch batch, int[] handles)
    {
        var i = 0;
        foreach (ref var e in batch.Events)
        {
            ref var handle = ref handles[i++ % Customers];
            _shard.Load(_shards[handle]);
            _shard.Count(e.EventTimeMs, (int)e.Channel);
            rules.Fold(batch, in e, _shard);
            handle = _shards.Store(handle, _shard.Bytes);
        }
        return i;
    }

    private static EventBatch Batch(string[] names)
    {
        var batch = new EventBatch(new RecordBatch(EventsPerBatch, 1 << 22));
        for (var i = 0; i < EventsPerBatch; i++)
        {
            var time = (1_760_000_000_000 + i * 50_000L).ToString(CultureInfo.InvariantCulture);
            batch.Records.Add(Source, i, -1, Encoding.UTF8.GetBytes($$"""
                {"event":"{{names[i * 7 % names.Length]}}","event_time":{{time}},"channel":"web","properties":{"topic":"pet"},
                 "identifiers":[{"kind":"openid","scope":"wx1","value":"o-{{i % Customers}}"}]}
                """));
        }
        new JsonEventDecoder(new EventLimits()).Decode(batch);
        return batch;
    }

    private static string ReferenceRules() => "tags:\n"
        + string.Concat(ReferenceNames.Select(n => $"  - tag: {n}\n    when: count(event = \"{n}\", within 7d) >= 3\n"))
        + "scores:\n  - score: lead\n    half_life: 14d\n    points:\n"
        + string.Concat(ReferenceNames.Select(n => $"      - {{ when: event = \"{n}\", add: 2 }}\n"));

    private static string FiveHundredRules() => "tags:\n" + string.Concat(
        from name in Enumerable.Range(0, 50)
        from days in Enumerable.Range(1, 10)
        select $"  - tag: t{name}-{days}\n    when: count(event = \"name_{name}\", within {days}d) >= 3\n");
}
