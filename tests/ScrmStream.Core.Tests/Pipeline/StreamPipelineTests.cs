using System.Collections.Concurrent;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using ScrmStream.Tests.Identity;
using static ScrmStream.TestKit.SlowIdentity;

namespace ScrmStream.Tests.Pipeline;

/// <summary>
/// The whole pipeline over memory stores against the slow model: identity from <see cref="SlowIdentity"/>, counts and sums by loops.
/// </summary>
public sealed class StreamPipelineTests
{
    internal static readonly RuleSet Rules = RuleSet.Parse("""
        tags:
          - tag: buyer
            when: seen(event = "buy")
          - tag: busy
            when: count(event = "view", within 1h) >= 3
        scores:
          - score: interest
            points:
              - { when: event = "view", add: 1 }
              - { when: event = "buy", add: 20 }
        """, "test");

    internal sealed record World(List<Touch> Touches, byte[][][] Partitions, IdentityOptions Identity);

    internal sealed record Touch(string Id, string Name, long TimeMs, SlowIdentity.Id[] Ids);

    /// <summary>Random streams in random batches: every view equals the slow model's, also where unchanged members are not repeated.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_RandomStream_ViewsEqualTheSlowModel(bool isSoleWriter)
    {
        foreach (var seed in Seeds.From(0, 150, 5_000))
        {
            var world = RandomWorld(seed, partitions: 3);
            var stores = new Stores(isSoleWriter);
            await RunAsync(stores, world, [0, 1, 2], seed);
            AssertEqualsModel(world, stores, seed);
        }
    }

    /// <summary>Stopped in the middle and gone on from the stores and the committed offsets, with other batch sizes.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_StoppedAndStartedAgain_EndsAsIfNeverStopped(bool isSoleWriter)
    {
        foreach (var seed in Seeds.From(100, 60, 2_000))
        {
            var world = RandomWorld(seed, partitions: 3);
            var stores = new Stores(isSoleWriter);
            var cut = world with { Partitions = [.. world.Partitions.Select(p => p[..(p.Length / 2)])] };
            await RunAsync(stores, cut, [0, 1, 2], seed);
            await RunAsync(stores, world, [0, 1, 2], seed + 1);
            AssertEqualsModel(world, stores, seed);
        }
    }

    /// <summary>
    /// A process that writes alone folds on while its slices are stored. No view may come out of that for an identifier whose cell is not
    /// stored: after a crash nobody would know of it.
    /// </summary>
    [Fact]
    public async Task Run_FoldsWhileSlicesAreStored_NeverPublishesAheadOfTheCells()
    {
        long calls = 0;
        foreach (var seed in Seeds.From(400, 40, 400))
        {
            var world = RandomWorld(seed, partitions: 3);
            var stores = new Stores(isSoleWriter: true);
            var slow = new SlowStores(stores.Cells, stores.Views);
            await RunAsync(stores, world, [0, 1, 2], seed, slow);
            AssertEqualsModel(world, stores, seed);
            Assert.Empty(slow.PublishedWithoutCell);
            calls += slow.Calls;
        }
        Assert.True(calls > 80, "too few slices were stored to show anything");
    }

    /// <summary>Takes its time with every call, and notes views of identifiers that have no cell.</summary>
    private sealed class SlowStores(MemoryCellStore cells, MemoryViewStore views) : ICellStore, IViewStore
    {
        public ConcurrentBag<IdentifierId> PublishedWithoutCell { get; } = [];
        public int Calls;

        public bool IsSoleWriter => views.IsSoleWriter;

        public ulong WriterEpoch => views.WriterEpoch;

        public Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel) => cells.LoadAsync(ids, cancel);

        public async Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
        {
            await WaitAsync(cancel);
            return await cells.StoreAsync(writes, arena, cancel);
        }

        public async Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> writes, ByteArena arena, CancellationToken cancel)
        {
            await WaitAsync(cancel);
            var stored = await cells.LoadAsync([.. writes.Select(w => w.Id)], cancel);
            for (var i = 0; i < stored.Length; i++)
                if (stored[i].Cell is null) PublishedWithoutCell.Add(writes[i].Id);
            return await views.PublishAsync(writes, arena, cancel);
        }

        public Task<StoreTotals> CountAsync(CancellationToken cancel) => views.CountAsync(cancel);

        private Task WaitAsync(CancellationToken cancel)
        {
            Interlocked.Increment(ref Calls);
            return Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, cancel);
        }
    }

    /// <summary>The committed offsets are lost, so everything is read again: fences and rings keep every count.</summary>
    [Fact]
    public async Task Run_EverythingReadTwice_CountsOnce()
    {
        for (var seed = 200; seed < 230; seed++)
        {
            var world = RandomWorld(seed, partitions: 2);
            var stores = new Stores();
            await RunAsync(stores, world, [0, 1], seed);
            stores.Committed.Clear();
            await RunAsync(stores, world, [0, 1], seed + 1);
            AssertEqualsModel(world, stores, seed);
        }
    }

    /// <summary>Three processes at once, the customers scattered over their partitions: conflicts and refusals, one result.</summary>
    [Fact]
    public async Task Run_ThreeProcessesScatteredCustomers_Converge()
    {
        long conflicts = 0;
        foreach (var seed in Seeds.From(300, 60, 2_000))
        {
            var world = RandomWorld(seed, partitions: 3);
            var stores = new Stores();
            var counters = await Task.WhenAll(RunAsync(stores, world, [0], seed), RunAsync(stores, world, [1], seed), RunAsync(stores, world, [2], seed));
            conflicts += counters.Sum(c => c.Conflicts + c.Refusals);
            AssertEqualsModel(world, stores, seed);
        }
        Assert.True(conflicts > 0, "the processes never met: the test shows nothing");
    }

    /// <summary>Three processes at once that crash in the middle of writing, also of one call, and start again: one result.</summary>
    [Fact]
    public async Task Run_ThreeProcessesThatCrashAndStartAgain_Converge()
    {
        var crashes = 0;
        foreach (var seed in Seeds.From(50_000, 300, 10_000))
        {
            var world = RandomWorld(seed, partitions: 3);
            var stores = new Stores();
            var counts = await Task.WhenAll(Enumerable.Range(0, 3).Select(p => RunWithCrashesAsync(stores, world, [p], seed + p, callsMax: 12)));
            crashes += counts.Sum();
            AssertEqualsModel(world, stores, seed);
        }
        Assert.True(crashes > 60, "too few crashed to show anything");
    }

    /// <summary>
    /// Rows go ahead of the cells while a process writes alone. When it crashes and reads the partitions in another order, another of
    /// two copies of an event may be the accepted one: readers see one row all the same.
    /// </summary>
    [Fact]
    public async Task Run_AloneAndCrashing_ShowsOneRowOfEachEvent()
    {
        var crashes = 0;
        foreach (var seed in Seeds.From(70_000, 300, 10_000))
        {
            var world = RandomWorld(seed, partitions: 3);
            var stores = new Stores(isSoleWriter: true);
            crashes += await RunWithCrashesAsync(stores, world, [0, 1, 2], seed, callsMax: 4);
            AssertEqualsModel(world, stores, seed);
        }
        Assert.True(crashes > 200, "too few crashed to show anything");
    }

    /// <summary>Linked again after an unbind, and the writer dies with one of both cells stored: whoever reads the event again publishes both.</summary>
    [Theory]
    [InlineData(IdentifierKind.OpenId)]
    [InlineData(IdentifierKind.UnionId)]
    public async Task Run_ALinkMadeAgainIsHalfStored_TheNextPublishesIt(IdentifierKind stored)
    {
        SlowIdentity.Id[] ids = [new(IdentifierKind.OpenId, "a", "x1"), new(IdentifierKind.UnionId, "", "x2")];
        List<Touch> touches = [new("e1", "view", 1_700_000_000_000, ids), new("e2", "identity_unbind", 1_700_000_001_000, ids), new("e3", "view", 1_700_000_002_000, ids)];
        var world = new World(touches, [ListSource.Utf8(touches.ConvertAll(Json))], new IdentityOptions());
        var stores = new Stores(isSoleWriter: true);
        await RunAsync(stores, world with { Partitions = [world.Partitions[0][..2]] }, [0], 1);
        var kept = IdentifierId.Of(Encoding.UTF8.GetBytes(ids.Single(i => i.Kind == stored).Text));
        await Assert.ThrowsAsync<CrashException>(() => RunAsync(stores, world, [0], 2, new OneCellStored(stores.Cells, kept)));
        await RunAsync(stores, world, [0], 3);
        AssertEqualsModel(world, stores, 1);
    }

    /// <summary>
    /// The writer of a link, or of an unbind, dies with one of both cells stored, and before its event is read again another one writes the
    /// other cell for an event of its own, with what it has read of the link: who then reads the event again finds nothing new in it.
    /// </summary>
    [Theory]
    [InlineData(IdentifierKind.OpenId, "view", true)]
    [InlineData(IdentifierKind.OpenId, "view", false)]
    [InlineData(IdentifierKind.UnionId, "view", true)]
    [InlineData(IdentifierKind.UnionId, "view", false)]
    [InlineData(IdentifierKind.OpenId, "identity_unbind", true)]
    [InlineData(IdentifierKind.OpenId, "identity_unbind", false)]
    [InlineData(IdentifierKind.UnionId, "identity_unbind", true)]
    [InlineData(IdentifierKind.UnionId, "identity_unbind", false)]
    public async Task Run_AnotherEventCompletesWhatIsHalfStored_IsPublished(IdentifierKind stored, string halfStored, bool isSoleWriter)
    {
        SlowIdentity.Id[] ids = [new(IdentifierKind.OpenId, "a", "x1"), new(IdentifierKind.UnionId, "", "x2")];
        var start = 1_700_000_000_000;
        List<Touch> first = halfStored == "view" ? [new("e1", "view", start, [ids[0]]), new("e2", "view", start, [ids[1]])] : [new("e1", "view", start, ids)];
        List<Touch> all = [.. first, new("e3", halfStored, start + 1_000, ids)], others = [new("e4", "view", start + 2_000, [ids[0]]), new("e5", "view", start + 2_000, [ids[1]])];
        var world = new World([.. all, .. others], [ListSource.Utf8(all.ConvertAll(Json)), ListSource.Utf8(others.ConvertAll(Json))], new IdentityOptions());
        var stores = new Stores(isSoleWriter);
        await RunAsync(stores, world with { Partitions = [world.Partitions[0][..first.Count]] }, [0], 1);
        var kept = IdentifierId.Of(Encoding.UTF8.GetBytes(ids.Single(i => i.Kind == stored).Text));
        await Assert.ThrowsAsync<CrashException>(() => RunAsync(stores, world, [0], 2, new OneCellStored(stores.Cells, kept)));
        await RunAsync(stores, world, [1], 3);
        await RunAsync(stores, world, [0], 4);
        AssertEqualsModel(world, stores, 1);
    }

    private sealed class OneCellStored(MemoryCellStore cells, IdentifierId kept) : ICellStore
    {
        public Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel) => cells.LoadAsync(ids, cancel);

        public async Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
        {
            await cells.StoreAsync([.. writes.Where(w => w.Id == kept)], arena, cancel);
            throw new CrashException();
        }
    }

    private static async Task<int> RunWithCrashesAsync(Stores stores, World world, int[] partitions, int seed, int callsMax)
    {
        var random = new Random(seed);
        for (var crashes = 0; ; crashes++)
        {
            // The last attempt is left alone.
            var left = crashes < 3 ? random.Next(1, callsMax) : int.MaxValue;
            try
            {
                var crashing = new CrashingStores(stores.Cells, stores.Views, random, left) { WriterEpoch = (ulong)crashes + 1 };
                await RunAsync(stores, world, partitions, seed + crashes, crashing);
                return crashes;
            }
            catch (CrashException)
            {
                // It starts again.
            }
        }
    }

    private sealed class CrashException : Exception;

    /// <summary>After so many writing calls one is carried out in part, and the process ends.</summary>
    private sealed class CrashingStores(MemoryCellStore cells, MemoryViewStore views, Random random, int callsLeft) : ICellStore, IViewStore
    {
        private readonly Lock _lock = new();

        public bool IsSoleWriter => views.IsSoleWriter;

        public ulong WriterEpoch { get; init; }

        public Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel) => cells.LoadAsync(ids, cancel);

        public async Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
        {
            var (part, crashes) = PartOf(writes);
            var refused = await cells.StoreAsync(part, arena, cancel);
            return crashes ? throw new CrashException() : refused;
        }

        public async Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> writes, ByteArena arena, CancellationToken cancel)
        {
            var (part, crashes) = PartOf(writes);
            var refused = await views.PublishAsync(part, arena, cancel);
            return crashes ? throw new CrashException() : refused;
        }

        public Task<StoreTotals> CountAsync(CancellationToken cancel) => views.CountAsync(cancel);

        private (IReadOnlyList<T> Part, bool Crashes) PartOf<T>(IReadOnlyList<T> writes)
        {
            lock (_lock)
            {
                if (callsLeft < 0) return ([], true);
                if (--callsLeft > 0) return (writes, false);
                callsLeft = -1;
                return ([.. writes.Where(_ => random.Next(2) == 0)], true);
            }
        }
    }

    internal sealed class Stores
    {
        public MemoryViewStore Views { get; }
        public MemoryCellStore Cells { get; }
        public MemoryAnalytics Analytics { get; } = new();
        public Dictionary<SourcePartition, long> Committed { get; } = [];
        private ulong _stamp = 1;

        public Stores(bool isSoleWriter = false)
        {
            Views = new MemoryViewStore { IsSoleWriter = isSoleWriter };
            Cells = new MemoryCellStore(Views);
        }

        public ulong NextStamp() => Interlocked.Add(ref _stamp, 2);
    }

    private static readonly SourcePartition[] Sources = [.. Enumerable.Range(0, 3).Select(ListSource.Partition)];

    internal static async Task<PipelineCounters> RunAsync(
        Stores stores, World world, int[] partitions, int seed, object? wrapped = null)
    {
        var random = new Random(seed);
        Dictionary<SourcePartition, long> committed;
        lock (stores.Committed) committed = new(stores.Committed);
        await using var source = new ListSource(partitions.Select(p => (Sources[p], world.Partitions[p])), committed, random.Next(1, 6));
        var options = new PipelineOptions
        {
            BatchRecordsMax = 16, BatchesInFlightMax = random.Next(8, 20), FlushEventsMax = random.Next(1, 40), PrefetchBatches = random.Next(1, 4),
            DecodeLanes = random.Next(1, 3), Identity = world.Identity, InsertBatches = random.Next(1, 4),
        };
        var ports = new PipelinePorts(
            source, wrapped as ICellStore ?? stores.Cells, wrapped as IViewStore ?? stores.Views, stores.Analytics, stores.Analytics,
            StoredRows: stores.Analytics.FindAsync);
        var pipeline = new StreamPipeline(options, Rules, ports, stores.NextStamp(), TimeProvider.System);
        try
        {
            await pipeline.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        }
        finally
        {
            // Of its own partitions: the others go on meanwhile.
            lock (stores.Committed)
            {
                foreach (var partition in partitions.Select(p => Sources[p]))
                    if (source.Committed.TryGetValue(partition, out var offset)) stores.Committed[partition] = offset;
            }
        }
        return pipeline.Counters;
    }

    internal static World RandomWorld(int seed, int partitions)
    {
        var random = new Random(seed);
        var ids = Enumerable.Range(0, random.Next(3, 18)).Select(_ => RandomId(random)).Distinct().ToArray();
        // Limits small enough to be met, and in some worlds bridges that run out.
        var identity = IdentityResolverTests.RandomOptions(random);
        identity.RawComponentMax = 10;
        var stepMs = random.Next(3) == 0 ? 10L * 24 * 3600 * 1000 : 600_000L;
        var touches = new List<Touch>();
        var lines = Enumerable.Range(0, partitions).Select(_ => new List<string>()).ToArray();
        for (var i = 0; i < random.Next(5, 80); i++)
        {
            var name = random.Next(12) == 0 ? "identity_unbind" : random.Next(30) == 0 ? "identity_release" : random.Next(4) == 0 ? "buy" : "view";
            var count = name == "identity_unbind" ? random.Next(1, 3) : name == "identity_release" ? 1 : random.Next(1, 4);
            var touch = new Touch($"e{i}", name, 1_700_000_000_000 + random.Next(0, 40) * stepMs, [.. random.GetItems(ids, count).Distinct()]);
            touches.Add(touch);
            lines[random.Next(partitions)].Add(Json(touch));
            if (random.Next(8) == 0) lines[random.Next(partitions)].Add(Json(touch));
            if (random.Next(20) == 0) lines[random.Next(partitions)].Add("{\"event\":");
        }
        return new World(touches, [.. lines.Select(l => ListSource.Utf8(l))], identity);
    }

    private static SlowIdentity.Id RandomId(Random random)
    {
        IdentifierKind[] kinds = [IdentifierKind.UnionId, IdentifierKind.OpenId, IdentifierKind.OpenId, IdentifierKind.Phone, IdentifierKind.PendingId, IdentifierKind.DeviceId, IdentifierKind.Cookie];
        var (kind, scope, number) = (random.GetItems(kinds, 1)[0], random.Next(2) == 0 ? "a" : "", random.Next(4));
        return new SlowIdentity.Id(kind, scope, kind == IdentifierKind.Phone ? $"+861390000000{number}" : $"x{number}");
    }

    internal static string Json(Touch t) =>
        $$"""{"event_id":"{{t.Id}}","event":"{{t.Name}}","event_time":{{t.TimeMs}},"identifiers":[{{string.Join(',', t.Ids.Select(i => $$"""{"kind":"{{i.Kind.Word()}}","scope":"{{i.Scope}}","value":"{{i.Value}}"}"""))}}]}""";

    internal static void AssertEqualsModel(World world, Stores stores, int seed) =>
        AssertEqualsModel(world, stores.Views, stores.Analytics, seed);

    internal static void AssertEqualsModel(World world, MemoryViewStore views, MemoryAnalytics analytics, int seed)
    {
        var kinds = new SlowKinds(world.Identity);
        var customers = Customers(
            [.. world.Touches.Select(t => new Sighting(t.TimeMs, t.Ids, t.Name == "identity_unbind", t.Name == "identity_release"))], world.Identity);
        var expected = customers.ToDictionary(c => c.Key, c => Describe(world.Touches.Where(t => c.Value.Contains(kinds.Anchor(new Sighting(t.TimeMs, t.Ids)).Text)).ToList()));
        var actual = new Dictionary<string, string>();
        foreach (var id in world.Touches.SelectMany(t => t.Ids).Distinct())
        {
            var view = views.Find(IdentifierId.Of(Encoding.UTF8.GetBytes(id.Text)));
            if (view is { Form: ViewForm.Customer })
                actual[id.Text] = $"events {view.Fields["events"]} first {view.Fields["first_seen"]} last {view.Fields["last_seen"]} interest {view.Fields["score.interest"]} tags {string.Join(',', view.Tags.Keys.Order())}";
            var root = customers.FirstOrDefault(c => c.Value.Contains(id.Text)).Key;
            if (root is not null && root != id.Text) Assert.True(view?.MergedInto == IdentifierId.Of(Encoding.UTF8.GetBytes(root)), $"seed {seed}: {id.Text} should say merged_into {root}");
            if (root is not null) Assert.True(analytics.Map[IdentifierId.Of(Encoding.UTF8.GetBytes(id.Text))].Customer == IdentifierId.Of(Encoding.UTF8.GetBytes(root)), $"seed {seed}: map of {id.Text}");
        }
        string Print(Dictionary<string, string> c) => string.Join("\n", c.OrderBy(x => x.Key, StringComparer.Ordinal).Select(x => $"{x.Key}: {x.Value}"));
        Assert.True(Print(expected) == Print(actual), $"seed {seed}\nexpected\n{Print(expected)}\nactual\n{Print(actual)}");
        AssertRows(world, analytics, seed);
    }

    // One row for each event_id of an anchor; a dead letter for each record that is no JSON.
    private static void AssertRows(World world, MemoryAnalytics analytics, int seed)
    {
        Assert.True(world.Touches.Count == analytics.Events.Count, $"seed {seed}: {analytics.Events.Count} rows of {world.Touches.Count} events");
        var broken = world.Partitions.Sum(p => p.Count(v => v.Length < 12));
        Assert.True(broken == analytics.DeadLetters.Count, $"seed {seed}: {analytics.DeadLetters.Count} dead letters of {broken}");
    }

    private static string Describe(List<Touch> touches)
    {
        var last = touches.Max(t => t.TimeMs);
        var tags = new List<string>();
        if (touches.Count(t => t.Name == "view" && t.TimeMs > last - 3_600_000) >= 3) tags.Add("busy");
        if (touches.Any(t => t.Name == "buy")) tags.Add("buyer");
        var interest = touches.Sum(t => t.Name == "view" ? 1 : t.Name == "buy" ? 20 : 0);
        return $"events {touches.Count} first {touches.Min(t => t.TimeMs)} last {last} interest {interest} tags {string.Join(',', tags)}";
    }
}
