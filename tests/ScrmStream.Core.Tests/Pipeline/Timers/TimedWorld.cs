using System.Globalization;
using System.Text;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Pipeline.Timers;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using Xunit;

namespace ScrmStream.Tests.Pipeline.Timers;

/// <summary>
/// Random rules and some customers, each of several identifiers that a phone links, of which one may be unbound at the end; their events
/// scattered over partitions in any order;
/// and what the slow model says of them at the end of time.
/// </summary>
internal sealed class TimedWorld
{
    private readonly RuleWorld _rules;
    private readonly List<(int Number, List<SlowEvent> Events)> _customers = [];

    public TimedWorld(int seed, int partitions)
    {
        var random = new Random(seed);
        _rules = new RuleWorld(seed);
        Rules = RuleSet.Parse(_rules.Yaml, $"seed {seed}");
        var lines = Enumerable.Range(0, partitions).Select(_ => new List<string>()).ToArray();
        for (var customer = 0; customer < random.Next(2, 7); customer++)
        {
            List<SlowEvent> events = [.. customer == 0 ? _rules.Events : _rules.AnotherCustomer()];
            var first = events.Min(e => e.TimeMs);
            var anchors = events.Select(e => e.Anchor).Distinct().ToList();
            foreach (var anchor in anchors)
                events.Add(new SlowEvent("link", first + random.Next(20) * _rules.StepMs, $"link{anchor}", anchor));
            // One of them turns out to be somebody else: told when all is over, and read at any time.
            var parted = anchors.Count > 1 && random.Next(3) == 0 ? anchors[random.Next(anchors.Count)] : -1;
            if (parted >= 0) events.Add(new SlowEvent("identity_unbind", events.Max(e => e.TimeMs) + _rules.StepMs, "unbind", parted));
            _customers.AddRange(events.GroupBy(e => e.Anchor == parted).Select(part => (customer, part.ToList())));
            foreach (var e in events)
            {
                lines[random.Next(partitions)].Add(Json(customer, e));
                if (e.EventId is not null && random.Next(8) == 0) lines[random.Next(partitions)].Add(Json(customer, e));
            }
        }
        foreach (var line in lines)
        {
            var shuffled = line.ToArray();
            random.Shuffle(shuffled);
            line.Clear();
            // Some come in order, as events mostly do.
            line.AddRange(random.Next(2) == 0 ? shuffled : [.. shuffled.OrderBy(TimeOf)]);
        }
        Partitions = [.. lines.Select(l => ListSource.Utf8(l))];
        EndMs = _customers.SelectMany(c => c.Events).Max(e => e.TimeMs);
    }

    public RuleSet Rules { get; }
    public string Yaml => _rules.Yaml;
    public byte[][][] Partitions { get; }
    /// <summary>The greatest event time.</summary>
    public long EndMs { get; }

    /// <summary>An identifier that has events.</summary>
    public IdentifierId FirstAnchor => AnchorOf(_customers[0].Number, _customers[0].Events);

    /// <param name="without">Nothing is said of the customer whose <see cref="FirstAnchor"/> it is.</param>
    public void AssertViewsAreAsOfTheEnd(MemoryViewStore views, int seed, IdentifierId? without = null)
    {
        var customers = views.Customers().Count;
        Assert.True(_customers.Count == customers, $"seed {seed}: {customers} customers, not {_customers.Count}");
        foreach (var (customer, events) in _customers)
        {
            var any = AnchorOf(customer, events);
            if (any == without) continue;
            var view = views.Find(any)!;
            if (view.Form == ViewForm.Merged) view = views.Find(view.MergedInto)!;
            var (expected, found) = (Show(_rules.TagsAt(events, EndMs)), Show(view.Tags));
            Assert.True(view.TimerMs > EndMs, $"seed {seed}: a timer of {view.TimerMs} was left at {EndMs}");
            Assert.True(expected == found, $"seed {seed}, customer {customer} at {EndMs}\nmodel {expected}\nfound {found}\n{_rules.Yaml}"
                + string.Join('\n', events.OrderBy(e => e.TimeMs)));
        }
    }

    private static IdentifierId AnchorOf(int customer, List<SlowEvent> events) =>
        IdentifierId.Of(Encoding.UTF8.GetBytes($"openid:app{events[0].Anchor}:u{customer}"));

    private static string Show(Dictionary<string, string> tags) =>
        string.Join(", ", tags.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{t.Key}={t.Value}"));

    private static long TimeOf(string json) =>
        JsonDocument.Parse(json).RootElement.GetProperty("event_time").GetInt64();

    private static string Json(int customer, SlowEvent e)
    {
        var id = $$"""{"kind":"openid","scope":"app{{e.Anchor}}","value":"u{{customer}}"}""";
        if (e.Name is "link" or "identity_unbind") id += $$""",{"kind":"phone","value":"+861390000000{{customer}}"}""";
        return WithIdentifiers(e, id);
    }

    /// <summary>The event of a customer with one identifier.</summary>
    public static string Json(SlowEvent e, string user) =>
        WithIdentifiers(e, $$"""{"kind":"openid","scope":"app","value":"{{user}}"}""");

    private static string WithIdentifiers(SlowEvent e, string id)
    {
        var properties = string.Join(',', e.Properties.Select(p =>
            $"{JsonSerializer.Serialize(p.Key)}:{(p.Value is double d ? d.ToString("0.0###", CultureInfo.InvariantCulture) : JsonSerializer.Serialize(p.Value))}"));
        return $$"""{"event":"{{e.Name}}","event_time":{{e.TimeMs}},"identifiers":[{{id}}]"""
            + (e.EventId is null ? "" : $",\"event_id\":\"{e.EventId}\"") + (e.AmountFen is null ? "" : $",\"amount_fen\":{e.AmountFen}")
            + $",\"properties\":{{{properties}}}}}";
    }
}

/// <summary>The stores of a test, and runs of pipelines over them.</summary>
internal sealed class TimedStores
{
    private static readonly SourcePartition[] Sources = [.. Enumerable.Range(0, 4).Select(ListSource.Partition)];
    private readonly Dictionary<SourcePartition, long> _committed = [];
    private ulong _stamp = 1;

    public TimedStores(bool isSoleWriter)
    {
        Views = new MemoryViewStore { IsSoleWriter = isSoleWriter };
        Cells = new MemoryCellStore(Views);
        Timers = new MemoryTimerStore(Views, TimeProvider.System);
    }

    public MemoryViewStore Views { get; }
    public MemoryCellStore Cells { get; }
    public MemoryTimerStore Timers { get; }
    public MemoryAnalytics Analytics { get; } = new();

    /// <summary>Runs over some partitions until they end, from where they were committed.</summary>
    public async Task<StreamPipeline> RunAsync(
        RuleSet rules, byte[][][] values, int[] partitions, int seed, ICellStore? cells = null, IViewStore? views = null)
    {
        var random = new Random(seed);
        Dictionary<SourcePartition, long> committed;
        lock (_committed) committed = new(_committed);
        await using var source = new ListSource(partitions.Select(p => (Sources[p], values[p])), committed, random.Next(1, 6));
        var options = new PipelineOptions
        {
            BatchRecordsMax = 16, BatchesInFlightMax = random.Next(8, 20), FlushEventsMax = random.Next(1, 40),
            PrefetchBatches = random.Next(1, 4), InsertBatches = random.Next(1, 4),
        };
        var ports = new PipelinePorts(source, cells ?? Cells, views ?? Views, Analytics, Analytics, Timers: Timers);
        var pipeline = new StreamPipeline(options, rules, ports, Interlocked.Add(ref _stamp, 2), TimeProvider.System, endsWhenIdle: true);
        try
        {
            await pipeline.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        }
        finally
        {
            lock (_committed)
            {
                foreach (var p in partitions)
                    if (source.Committed.TryGetValue(Sources[p], out var offset)) _committed[Sources[p]] = offset;
            }
        }
        return pipeline;
    }
}
