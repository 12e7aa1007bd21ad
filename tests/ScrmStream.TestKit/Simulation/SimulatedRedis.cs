using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Pipeline.Timers;

namespace ScrmStream.TestKit.Simulation;

/// <summary>What a simulated Redis can be told to leave out, so that a test can show that it is missed.</summary>
[Flags]
public enum RedisBugs
{
    None = 0,
    /// <summary>A view is taken whatever newer cells the stored one was derived from.</summary>
    UnguardedViews = 1,
    /// <summary>A cell is set whatever version is stored.</summary>
    UncomparedCells = 2,
    /// <summary>Who writes alone goes on doing so when another process has appeared.</summary>
    NoEpochFence = 4,
    /// <summary>Who puts other rules in force leaves the epoch as it is.</summary>
    UnfencedRules = 8,
    /// <summary>A view is taken in whichever epoch it is sent, however long ago it was derived.</summary>
    AgelessViews = 16,
}

/// <summary>
/// The store of all processes of a simulated world: cells, views, timers, and the writer epoch that says who writes alone. It keeps what it
/// acknowledged, as Redis does with <c>appendfsync always</c>.
/// </summary>
public sealed class SimulatedRedis
{
    public SimulatedRedis(SimulatedWorld world, NetworkFaults faults, TimeProvider time, bool isCluster, RedisBugs bugs = RedisBugs.None)
    {
        Server = new SimulatedServer(world, "redis", faults);
        (World, IsCluster, Bugs) = (world, isCluster, bugs);
        Cells = new MemoryCellStore(Views);
        Timers = new MemoryTimerStore(Views, time);
        Turns = new MemoryTurnStore(time);
        Rules = new MemoryRuleStore(Cells, time);
    }

    public SimulatedServer Server { get; }
    public MemoryViewStore Views { get; } = new();
    public MemoryCellStore Cells { get; }

    /// <summary>The rules in force, and who goes through which part.</summary>
    public MemoryRuleStore Rules { get; }

    /// <summary>Told of each flush of one process among several whose views are about to be sent.</summary>
    public Action<SimulatedProcess>? OnPublish { get; set; }

    /// <summary>No process ever writes alone there.</summary>
    public bool IsCluster { get; }

    internal SimulatedWorld World { get; }
    internal MemoryTimerStore Timers { get; }
    internal MemoryTurnStore Turns { get; }
    internal RedisBugs Bugs { get; }

    /// <summary>Who writes alone, 0: several do; and a number that grows with each change.</summary>
    internal (ulong Number, ulong Sole) Epoch { get; set; }

    /// <summary>The last number in which rows went ahead of their cells.</summary>
    internal ulong Ahead { get; set; }
}

/// <summary>Whoever puts rules in force from outside, at one moment.</summary>
public sealed class SimulatedOperator(SimulatedRedis redis) : IRuleStore
{
    public bool AreOver => false;

    public Task<RulesInForce?> ReadAsync(CancellationToken cancel) => redis.Rules.ReadAsync(cancel);

    public Task<(long Number, bool IsSwept)> LookAsync(CancellationToken cancel) => redis.Rules.LookAsync(cancel);

    public Task<bool> PublishAsync(RulesInForce rules, CancellationToken cancel)
    {
        if (!redis.Bugs.HasFlag(RedisBugs.UnfencedRules)) redis.Epoch = redis.Epoch with { Number = redis.Epoch.Number + 1 };
        return redis.Rules.PublishAsync(rules, cancel);
    }

    public Task TakeAsync(long number, CancellationToken cancel) => throw new NotSupportedException();

    public Task<SweepPart> ClaimAsync(RulesInForce rules, ulong writer, bool isAlone, CancellationToken cancel) => throw new NotSupportedException();

    public Task DoneAsync(RulesInForce rules, int part, long left, CancellationToken cancel) => throw new NotSupportedException();

    public Task<int> PartsDoneAsync(RulesInForce rules, CancellationToken cancel) => redis.Rules.PartsDoneAsync(rules, cancel);

    public Task<IReadOnlyList<IdentifierId>> IdentifiersAsync(int firstBucket, int buckets, CancellationToken cancel) =>
        redis.Rules.IdentifiersAsync(firstBucket, buckets, cancel);

    public Task<IReadOnlyList<IdentifierCell>> CellsAsync(int firstBucket, int buckets, CancellationToken cancel) =>
        redis.Rules.CellsAsync(firstBucket, buckets, cancel);
}

/// <summary>
/// A process's way to the simulated Redis: writes go in several calls, each carried out whole or not at all; a call without an answer is
/// sent again, after the epoch was renewed so that the first one cannot come late while this process writes alone.
/// </summary>
public sealed class SimulatedRedisClient(SimulatedRedis redis, SimulatedProcess process, ulong stamp)
    : ICellStore, IViewStore, ITimerStore, IRuleStore, ITurnStore
{
    // No epoch is ever equal to it: other rules are in force than those taken.
    private static readonly (ulong, ulong) Over = (ulong.MaxValue, ulong.MaxValue);

    private readonly Random _random = redis.World.Random;
    private (ulong Number, ulong Sole) _known;
    private long _rules;

    public bool AreOver => _known == Over;

    public Task<RulesInForce?> ReadAsync(CancellationToken cancel) =>
        OnceAsync(() => redis.Rules.ReadAsync(CancellationToken.None).Result, cancel);

    public Task<(long Number, bool IsSwept)> LookAsync(CancellationToken cancel) =>
        OnceAsync(() => redis.Rules.LookAsync(CancellationToken.None).Result, cancel);

    public Task<bool> PublishAsync(RulesInForce rules, CancellationToken cancel) => OnceAsync(() =>
    {
        var number = redis.Rules.Number;
        var done = redis.Rules.PublishAsync(rules, CancellationToken.None).Result;
        if (redis.Rules.Number != number && !redis.Bugs.HasFlag(RedisBugs.UnfencedRules)) redis.Epoch = redis.Epoch with { Number = redis.Epoch.Number + 1 };
        return done;
    }, cancel);

    public Task TakeAsync(long number, CancellationToken cancel)
    {
        _rules = number;
        return AdoptAsync();
    }

    public Task<SweepPart> ClaimAsync(RulesInForce rules, ulong writer, bool isAlone, CancellationToken cancel) =>
        OnceAsync(() => redis.Rules.ClaimAsync(rules, writer, isAlone, CancellationToken.None).Result, cancel);

    public Task DoneAsync(RulesInForce rules, int part, long left, CancellationToken cancel) => OnceAsync(() =>
    {
        redis.Rules.DoneAsync(rules, part, left, CancellationToken.None).Wait();
        return true;
    }, cancel);

    public Task<int> PartsDoneAsync(RulesInForce rules, CancellationToken cancel) =>
        OnceAsync(() => redis.Rules.PartsDoneAsync(rules, CancellationToken.None).Result, cancel);

    public Task<IReadOnlyList<IdentifierId>> IdentifiersAsync(int firstBucket, int buckets, CancellationToken cancel) =>
        OnceAsync(() => redis.Rules.IdentifiersAsync(firstBucket, buckets, CancellationToken.None).Result, cancel);

    public Task<IReadOnlyList<IdentifierCell>> CellsAsync(int firstBucket, int buckets, CancellationToken cancel) =>
        OnceAsync(() => redis.Rules.CellsAsync(firstBucket, buckets, CancellationToken.None).Result, cancel);

    public bool IsSoleWriter => _known.Sole == stamp;

    public ulong WriterEpoch => _known.Number;

    public ulong AheadBefore { get; private set; }

    public async Task<bool> GoAheadAsync(CancellationToken cancel)
    {
        while (IsSoleWriter)
        {
            var known = _known;
            var isNoted = await OnceAsync(() =>
            {
                if (redis.Epoch != known) return false;
                redis.Ahead = known.Number;
                return true;
            }, cancel);
            if (isNoted) return true;
            await AdoptAsync();
        }
        return false;
    }

    /// <summary>Says that this process is alone until another one objects.</summary>
    public Task ClaimAsync() => redis.IsCluster ? Task.CompletedTask : TurnAsync(() => redis.Epoch = (redis.Epoch.Number + 1, stamp));

    public async Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel)
    {
        var asked = ids.ToArray();
        // Views are read after the cells and may be newer.
        var cells = await OnceAsync(() => redis.Cells.LoadAsync(asked, CancellationToken.None).Result, cancel);
        var heads = await OnceAsync(() => redis.Cells.LoadAsync(asked, CancellationToken.None).Result, cancel);
        for (var i = 0; i < cells.Length; i++)
            if (cells[i].Cell is not null) cells[i] = heads[i] with { Cell = cells[i].Cell };
        return cells;
    }

    public Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
    {
        var copy = Copy(arena);
        return InPartsAsync([.. writes], null, (part, isAlone) =>
        {
            redis.Views.IsSoleWriter = isAlone || redis.Bugs.HasFlag(RedisBugs.UncomparedCells);
            return redis.Cells.StoreAsync(part, copy, CancellationToken.None).Result;
        }, cancel);
    }

    public async Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> views, ByteArena arena, CancellationToken cancel)
    {
        // Derived while this process was alone, and it no longer is.
        if (!IsSoleWriter && views.Any(v => v.Vector.Length == 0)) return All(views.Count);
        // Derived in an epoch that is over.
        var isPinned = !IsSoleWriter && !redis.Bugs.HasFlag(RedisBugs.AgelessViews);
        (ulong Number, ulong Sole)? epoch = isPinned ? _known : null;
        if (isPinned && views.Any(v => v.Epoch != _known.Number)) return All(views.Count);
        if (!IsSoleWriter) redis.OnPublish?.Invoke(process);
        var copy = Copy(arena);
        return await InPartsAsync([.. views], epoch, (part, isAlone) =>
        {
            redis.Views.IsSoleWriter = isAlone || redis.Bugs.HasFlag(RedisBugs.UnguardedViews);
            return redis.Views.PublishAsync(part, copy, CancellationToken.None).Result;
        }, cancel);
    }

    public Task<StoreTotals> CountAsync(CancellationToken cancel) => OnceAsync(() => redis.Views.CountAsync(CancellationToken.None).Result, cancel);

    public Task<long> AdvanceAsync(WatermarkReport report, CancellationToken cancel) =>
        OnceAsync(() => redis.Timers.AdvanceAsync(report, CancellationToken.None).Result, cancel);

    public async Task<List<DueTimer>> DueAsync(
        IReadOnlyList<int> buckets, long untilMs, int perBucketMax, long[] nextMs, CancellationToken cancel)
    {
        var asked = buckets.ToArray();
        var (due, next) = await OnceAsync(() =>
        {
            var found = new long[asked.Length];
            return (redis.Timers.DueAsync(asked, untilMs, perBucketMax, found, CancellationToken.None).Result, found);
        }, cancel);
        next.CopyTo(nextMs, 0);
        return due;
    }

    Task<TimeSpan> ITurnStore.TakeAsync(ulong writer, TimeSpan forAtMost, CancellationToken cancel) =>
        OnceAsync(() => redis.Turns.TakeAsync(writer, forAtMost, CancellationToken.None).Result, cancel);

    public Task<TimeSpan> LeftAsync(ulong writer, CancellationToken cancel) =>
        OnceAsync(() => redis.Turns.LeftAsync(writer, CancellationToken.None).Result, cancel);

    public Task GiveBackAsync(ulong writer, CancellationToken cancel) => OnceAsync(() =>
    {
        redis.Turns.GiveBackAsync(writer, CancellationToken.None).Wait();
        return true;
    }, cancel);

    private Task<T> OnceAsync<T>(Func<T> effect, CancellationToken cancel) =>
        redis.Server.CallAsync(process, () => effect, cancel, mayComeLate: false);

    private async Task<IReadOnlyList<int>> InPartsAsync<T>(
        T[] writes, (ulong Number, ulong Sole)? epoch, Func<T[], bool, IReadOnlyList<int>> write, CancellationToken cancel)
    {
        var calls = new List<Task<IEnumerable<int>>>();
        for (var at = 0; at < writes.Length;)
        {
            var (first, end) = (at, Math.Min(writes.Length, at + _random.Next(1, 9)));
            calls.Add(WritePartAsync(writes[first..end], first, epoch, write, cancel));
            at = end;
        }
        return [.. (await Task.WhenAll(calls)).SelectMany(refused => refused).Order()];
    }

    // Refused as a whole when another process has written in an epoch that this one does not know of.
    private async Task<IEnumerable<int>> WritePartAsync<T>(
        T[] part, int first, (ulong Number, ulong Sole)? epoch, Func<T[], bool, IReadOnlyList<int>> write, CancellationToken cancel)
    {
        var isAlone = IsSoleWriter;
        var refused = await redis.Server.CallAsync(process, () => Attempt(part, isAlone, epoch, write), cancel, RenewAsync);
        if (refused is not null) return refused.Select(i => first + i);
        await AdoptAsync();
        return Enumerable.Range(first, part.Length);
    }

    // What one attempt does when it arrives; the epoch that it holds in is the one given, or the one known when it is sent.
    private Func<IReadOnlyList<int>?> Attempt<T>(
        T[] part, bool isAlone, (ulong Number, ulong Sole)? epoch, Func<T[], bool, IReadOnlyList<int>> write)
    {
        var expected = epoch ?? _known;
        var isOver = isAlone && expected.Sole != stamp;
        return () =>
        {
            if (!redis.Bugs.HasFlag(RedisBugs.NoEpochFence) && (isOver || redis.Epoch != expected)) return null;
            return write(part, isAlone);
        };
    }

    // A call got no answer and may still run: changes the epoch, so that it cannot run later.
    private Task RenewAsync() => redis.IsCluster ? Task.CompletedTask : TurnAsync(() =>
    {
        if (redis.Epoch.Sole == stamp) redis.Epoch = (redis.Epoch.Number + 1, stamp);
        else Object();
    });

    // Takes over what holds now.
    private Task AdoptAsync() => TurnAsync(() =>
    {
        if (redis.Epoch.Sole != stamp) Object();
    });

    private void Object()
    {
        if (redis.Epoch.Sole != 0) redis.Epoch = (redis.Epoch.Number + 1, 0);
    }

    private async Task TurnAsync(Action turn)
    {
        var (epoch, rules, ahead) = await OnceAsync(() =>
        {
            turn();
            return (redis.Epoch, redis.Rules.Number, redis.Ahead);
        }, CancellationToken.None);
        if (epoch != _known) AheadBefore = ahead;
        _known = rules == _rules || redis.IsCluster ? epoch : Over;
    }

    private static IReadOnlyList<int> All(int count) => [.. Enumerable.Range(0, count)];

    private static ByteArena Copy(ByteArena arena)
    {
        var copy = new ByteArena();
        copy.Add(arena[new ArenaRange(0, arena.Length)]);
        return copy;
    }
}
