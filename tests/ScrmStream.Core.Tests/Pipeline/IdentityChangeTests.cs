using System.Collections.Concurrent;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Tests.Pipeline;

/// <summary>Who is announced as having gone to another customer, and that it is said before readers can see it.</summary>
public sealed class IdentityChangeTests
{
    private static readonly SourcePartition Source = ListSource.Partition(0);

    [Fact]
    public async Task Run_FirstSightings_AnnounceNothing()
    {
        var world = new World();
        await world.RunAsync(Event(1, "cookie:c"), Event(2, "unionid:u", "phone:+8613912345678"), Event(3, "unionid:u", "openid:o"));
        Assert.Empty(world.Announced);
        Assert.Equal(4, world.Analytics.Map.Count);
    }

    [Fact]
    public async Task Run_Merge_AnnouncesWhoWentOver_AlsoWithoutAnEventOfIts()
    {
        var world = new World();
        await world.RunAsync(
            Event(1, "unionid:u"), Event(2, "openid:o", "phone:+8613912345678"), Event(3, "openid:o", "device_id:d"), Event(4, "unionid:u", "openid:o"));
        // The union id was seen first, so it is the root; the phone and the device go along though no event of the merge names them.
        Assert.Equal(
            ["device_id:d: openid:o -> unionid:u", "openid:o: openid:o -> unionid:u", "phone:+8613912345678: openid:o -> unionid:u"], world.Said());
    }

    [Fact]
    public async Task Run_Unmerge_AnnouncesTheWayBack()
    {
        var world = new World();
        await world.RunAsync(Event(1, "unionid:u"), Event(2, "openid:o", "phone:+8613912345678"), Event(3, "unionid:u", "openid:o"));
        world.Announced.Clear();
        await world.RunAsync(world.NewProcess, Unbind(9, "unionid:u", "openid:o"));
        Assert.Equal(["openid:o: ? -> openid:o", "phone:+8613912345678: ? -> openid:o", "unionid:u: ? -> unionid:u"], world.Said());
    }

    [Fact]
    public async Task Run_UnmergeInTheSameProcess_SaysTheCustomerBefore()
    {
        var world = new World();
        await world.RunAsync(
            Event(1, "unionid:u"), Event(2, "openid:o", "phone:+8613912345678"), Event(3, "unionid:u", "openid:o"), Unbind(9, "unionid:u", "openid:o"));
        Assert.Equal(
            ["openid:o: openid:o -> unionid:u", "openid:o: unionid:u -> openid:o",
                "phone:+8613912345678: openid:o -> unionid:u", "phone:+8613912345678: unionid:u -> openid:o"], world.Said());
        foreach (var of in world.Announced.GroupBy(c => c.Mapping.Identifier))
        {
            Assert.Equal([IdOf("unionid:u"), IdOf("openid:o")], of.Select(c => c.Mapping.Customer!.Value));
            Assert.True(of.First().Mapping.Version < of.Last().Mapping.Version);
        }
    }

    [Fact]
    public async Task Run_LateEventMakesAnotherRoot_AnnouncesEveryMember()
    {
        var world = new World();
        await world.RunAsync(Event(5, "unionid:u", "phone:+8613912345678"), Event(6, "unionid:u", "openid:o"), Event(1, "openid:o"));
        Assert.Equal(
            ["openid:o: unionid:u -> openid:o", "phone:+8613912345678: unionid:u -> openid:o", "unionid:u: unionid:u -> openid:o"], world.Said());
    }

    [Fact]
    public async Task Run_DeviceGetsASecondOwner_BelongsToNobodyElse()
    {
        var world = new World();
        await world.RunAsync(Event(1, "unionid:u", "device_id:d"), Event(2, "unionid:v", "device_id:d"));
        // It never anchored an event, so it is nobody's now.
        Assert.Equal(["device_id:d: unionid:u -> nobody"], world.Said());
    }

    [Fact]
    public async Task Run_NewProcessWithoutAMembershipChange_AnnouncesNothing()
    {
        var world = new World();
        await world.RunAsync(Event(1, "unionid:u", "phone:+8613912345678"));
        await world.RunAsync(world.NewProcess, Event(2, "unionid:u"), Event(3, "unionid:u", "phone:+8613912345678"));
        Assert.Empty(world.Announced);
    }

    /// <summary>The process dies behind the record and before the view; the next one goes on from the offsets.</summary>
    [Fact]
    public async Task Run_CrashBetweenRecordAndView_RepeatsTheRecord()
    {
        var world = new World();
        await world.RunAsync(Event(1, "unionid:u"), Event(2, "openid:o"));
        world.Views.IsBroken = true;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => world.RunAsync(world.NewProcess, Event(3, "unionid:u", "openid:o")));
        Assert.Contains("openid:o: ? -> unionid:u", world.Said());
        Assert.Equal(ViewForm.Customer, world.Views.Stored.Find(IdOf("openid:o"))!.Form);
        var before = world.Announced.ToDictionary(c => c.Mapping.Identifier);
        world.Announced.Clear();

        world.Views.IsBroken = false;
        await world.RunAsync(world.NewProcess);

        Assert.Contains("openid:o: ? -> unionid:u", world.Said());
        Assert.Equal(ViewForm.Merged, world.Views.Stored.Find(IdOf("openid:o"))!.Form);
        // The same again with a higher version: who keeps the last customer of each identifier sees no change.
        Assert.Equal(before.Keys.Order(), world.Announced.Select(c => c.Mapping.Identifier).Order());
        Assert.All(world.Announced, c => Assert.Equal(before[c.Mapping.Identifier].Mapping.Customer, c.Mapping.Customer));
        Assert.All(world.Announced, c => Assert.True(c.Mapping.Version > before[c.Mapping.Identifier].Mapping.Version));
    }

    /// <summary>
    /// Random merges and unmerges, one process after another and three at once: whatever view names another customer than the one
    /// before was announced with that customer, and a process that knows everything announces nothing else. Of several processes
    /// one may read the facts of another that has not published yet, and show them first: there the record may come after the view.
    /// </summary>
    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(1, 1, true)]
    [InlineData(3, 1, false)]
    [InlineData(2, 3, false)]
    public async Task Run_RandomEvents_EveryChangeOfAViewWasAnnounced(int runs, int processes, bool isSoleWriter)
    {
        long changes = 0;
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var world = new World(isSoleWriter);
            for (var run = 0; run < runs; run++)
            {
                await Task.WhenAll(Enumerable.Range(0, processes).Select(p =>
                {
                    var events = RandomEvents(new Random(seed * 100 + run * 10 + p), random.Next(5, 40));
                    return world.RunAsync(new Process(ListSource.Partition(100 * run + p), random.Next(1, 12)), events);
                }));
            }
            var missing = world.Views.Unannounced.Where(u => processes == 1 || !world.HasAnnounced(u.Identifier, u.Customer)).ToList();
            Assert.True(missing.Count == 0, $"seed {seed}: {string.Join(", ", missing)}");
            if (runs * processes == 1) Assert.True(world.Views.Changes == world.Announced.Count, $"seed {seed}");
            changes += world.Views.Changes;
        }
        Assert.True(changes > 100, $"only {changes} changes: the test shows nothing");
    }

    private static string[] RandomEvents(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        string[] pool = ["unionid:a", "unionid:b", "openid:a", "openid:b", "openid:c", "phone:a", "phone:b", "device_id:a", "cookie:a", "cookie:b"];
        var time = random.Next(100);
        return random.Next(6) == 0
            ? Unbind(time, [.. random.GetItems(pool, random.Next(1, 3)).Distinct()])
            : Event(time, [.. random.GetItems(pool, random.Next(1, 4)).Distinct()]);
    })];

    private static string Event(int time, params string[] identifiers) => Json("view", time, identifiers);

    private static string Unbind(int time, params string[] identifiers) => Json("identity_unbind", time, identifiers);

    private static string Json(string name, int time, string[] identifiers)
    {
        var list = identifiers.Select(i => $$"""{"kind":"{{i.Split(':')[0]}}","value":"{{i.Split(':')[1]}}"}""");
        return $$"""{"event":"{{name}}","event_time":{{1_700_000_000_000 + time * 1000L}},"identifiers":[{{string.Join(',', list)}}]}""";
    }

    private static IdentifierId IdOf(string identifier) => IdentifierId.Of(Encoding.UTF8.GetBytes(identifier.Replace(":", "::")));

    /// <summary>A start of the pipeline on a partition; with one event a flush, publications follow the events one by one.</summary>
    private sealed record Process(SourcePartition Partition, int FlushEvents);

    private sealed class World
    {
        private readonly MemoryCellStore _cells;
        private readonly Dictionary<SourcePartition, List<string>> _records = [];
        private readonly Dictionary<SourcePartition, long> _committed = [];
        private ulong _stamp = 1;

        public World(bool isSoleWriter = false)
        {
            var views = new MemoryViewStore { IsSoleWriter = isSoleWriter };
            _cells = new MemoryCellStore(views);
            Views = new WatchedViews(views, Announced);
        }

        public List<IdentityChange> Announced { get; } = [];
        public WatchedViews Views { get; }
        public MemoryAnalytics Analytics { get; } = new();

        public Process NewProcess { get; } = new(Source, 1);

        public Task RunAsync(params string[] events) => RunAsync(NewProcess, events);

        public async Task RunAsync(Process process, params string[] events)
        {
            Dictionary<SourcePartition, long> committed;
            byte[][] values;
            ulong stamp;
            lock (_records)
            {
                if (!_records.TryGetValue(process.Partition, out var records)) _records[process.Partition] = records = [];
                records.AddRange(events);
                (values, committed, stamp) = (ListSource.Utf8(records), new(_committed), _stamp += 2);
            }
            await using var source = new ListSource([(process.Partition, values)], committed, recordsPerPoll: process.FlushEvents);
            var options = new PipelineOptions { BatchRecordsMax = 16, FlushEventsMax = process.FlushEvents };
            var ports = new PipelinePorts(source, _cells, Views, Analytics, Analytics, new Announcements(Announced));
            var pipeline = new StreamPipeline(options, RuleSet.Empty, ports, stamp, TimeProvider.System);
            await pipeline.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
            lock (_records)
            {
                foreach (var (partition, offset) in source.Committed) _committed[partition] = offset;
            }
        }

        /// <summary>"identifier: previous -> customer", in order of the identifiers.</summary>
        public IEnumerable<string> Said() => Announced
            .Select(c => $"{Text(c.Mapping)}: {(c.HasPrevious ? Name(c.Previous) : "?")} -> {Name(c.Mapping.Customer)}")
            .Order(StringComparer.Ordinal);

        public bool HasAnnounced(IdentifierId identifier, IdentifierId? customer) =>
            Announced.Exists(c => c.Mapping.Identifier == identifier && c.Mapping.Customer == customer);

        private string Name(IdentifierId? customer) => customer is { } id ? Text(Analytics.Map[id]) : "nobody";

        private static string Text(in IdentityMapping mapping) => Encoding.UTF8.GetString(mapping.Text.Span).Replace("::", ":");
    }

    private sealed class Announcements(List<IdentityChange> announced) : IIdentityChangeSink
    {
        // Slow, so that a view that does not wait is seen.
        public async Task WriteAsync(IReadOnlyList<IdentityChange> changes, CancellationToken cancel)
        {
            await Task.Delay(1, cancel);
            lock (announced) announced.AddRange(changes.Select(Copy));
        }

        // The texts belong to the pipeline.
        private static IdentityChange Copy(IdentityChange change) =>
            change with { Mapping = change.Mapping with { Text = change.Mapping.Text.ToArray() } };
    }

    /// <summary>Compares each view with the stored one, and notes a change of customer that was not announced.</summary>
    private sealed class WatchedViews(MemoryViewStore stored, List<IdentityChange> announced) : IViewStore
    {
        private readonly Lock _lock = new();
        private long _changes;

        public MemoryViewStore Stored => stored;
        public bool IsBroken { get; set; }
        public ConcurrentQueue<(IdentifierId Identifier, IdentifierId? Customer)> Unannounced { get; } = [];
        public long Changes => _changes;
        public bool IsSoleWriter => stored.IsSoleWriter;

        public ulong WriterEpoch => stored.WriterEpoch;

        public Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> views, ByteArena arena, CancellationToken cancel)
        {
            if (IsBroken) throw new StoreUnavailableException("the process dies here");
            lock (_lock)
            {
                var before = views.Select(v => stored.Find(v.Id)).ToArray();
                var refused = stored.PublishAsync(views, arena, cancel).Result;
                for (var i = 0; i < views.Count; i++)
                    if (before[i] is { } old && !refused.Contains(i)) Compare(views[i].Id, old);
                return Task.FromResult(refused);
            }
        }

        public Task<StoreTotals> CountAsync(CancellationToken cancel) => stored.CountAsync(cancel);

        private void Compare(IdentifierId id, MemoryView old)
        {
            var (was, now) = (CustomerOf(id, old), CustomerOf(id, stored.Find(id)!));
            if (was == now) return;
            _changes++;
            bool isAnnounced;
            lock (announced) isAnnounced = announced.Exists(c => c.Mapping.Identifier == id && c.Mapping.Customer == now);
            if (!isAnnounced) Unannounced.Enqueue((id, now));
        }

        private static IdentifierId? CustomerOf(IdentifierId id, MemoryView view) => view.Form switch
        {
            ViewForm.Customer => id,
            ViewForm.Merged => view.MergedInto,
            _ => null,
        };
    }
}
