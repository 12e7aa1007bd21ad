using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Benchmarks;

/// <summary>
/// What actions cost: the same tags with and without three actions, per event that matters to them; and going through a customer whose last
/// day has five such events, per customer. The answer is how many occurrences were decided.
/// </summary>
public class ActionBenchmarks
{
    private const int EventsPerBatch = 1024, Customers = 200;
    private const long StartMs = 1_760_000_000_000, StepMs = 86_400L;

    private const string Tags = """
        tags:
          - { tag: pets, when: 'count(event = "like", within 7d) >= 1', expires: 30d }
          - { tag: busy, when: 'count(event = "view", within 1d) >= 3' }
          - { tag: silent, when: 'not seen(event in ("like", "view"), within 30d)' }

        """;

    private const string Actions = """
        actions:
          - { action: coupon, when: gained(tag = "pets"), once_per: 30d }
          - { action: call, when: gained(tag = "busy"), to: staff }
          - { action: wake, when: gained(tag = "silent") }
        """;

    private readonly ShardBuffer _shard = new();
    private readonly BlobStore _shards = new();
    private readonly ShardSet _customer = new();
    private readonly ActionLog _log = new();
    private EventBatch _batch = null!;
    private RuleSet _plain = null!, _acting = null!;
    private ActionWalk _walk = null!;
    private int[] _plainHandles = [], _actingHandles = [];

    [GlobalSetup]
    public void Prepare()
    {
        (_plain, _acting) = (RuleSet.Parse(Tags, "plain"), RuleSet.Parse(Tags + Actions, "acting"));
        _walk = new ActionWalk(_acting.Actions!);
        (_plainHandles, _actingHandles) = (new int[Customers], new int[Customers]);
        _batch = new EventBatch(new RecordBatch(EventsPerBatch, 1 << 22));
        for (var i = 0; i < EventsPerBatch; i++)
        {
            var time = (StartMs + i * StepMs).ToString(CultureInfo.InvariantCulture);
            _batch.Records.Add(new SourcePartition(Guid.Empty, "benchmark", 0), i, -1, Encoding.UTF8.GetBytes($$"""
                {"event":"{{(i % 3 == 0 ? "like" : "view")}}","event_time":{{time}},
                 "identifiers":[{"kind":"openid","scope":"a","value":"o{{i % Customers}}"}]}
                """));
        }
        new JsonEventDecoder(new EventLimits()).Decode(_batch);
        FoldPlain();
        FoldActing();
        if (Decide() < Customers) throw new InvalidOperationException("Nothing was decided.");
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = EventsPerBatch)]
    public int FoldPlain() => Fold(_plain, _plainHandles);

    [Benchmark(OperationsPerInvoke = EventsPerBatch)]
    public int FoldActing() => Fold(_acting, _actingHandles);

    [Benchmark(OperationsPerInvoke = Customers)]
    public int Decide()
    {
        var decided = 0;
        foreach (var handle in _actingHandles)
        {
            _customer.Clear();
            _customer.Add(_shards.Memory(handle));
            _log.Clear();
            _walk.Run(_customer, _log, _customer.LastSeenMs - 86_400_000, _customer.LastSeenMs);
            decided += _walk.Decisions.Count;
        }
        return decided;
    }

    private int Fold(RuleSet rules, int[] handles)
    {
        var i = 0;
        foreach (ref var e in _batch.Events)
        {
            // Time goes on from batch to batch, as it does.
            e.EventTimeMs += EventsPerBatch * StepMs;
            ref var handle = ref handles[i++ % Customers];
            _shard.Load(_shards[handle]);
            _shard.Count(e.EventTimeMs, (int)e.Channel);
            rules.Fold(_batch, in e, _shard);
            handle = _shards.Store(handle, _shard.Bytes);
        }
        return i;
    }
}
