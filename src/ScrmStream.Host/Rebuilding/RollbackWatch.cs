using ScrmStream.ClickHouse;
using ScrmStream.Pipeline;
using ScrmStream.Redis;

namespace ScrmStream.Host.Rebuilding;

/// <summary>
/// Notices that Redis was emptied or rolled back: at the start of a process, by the mark that ClickHouse has a copy of; while it runs, by
/// the mark that it sets each second. A roll-back by less than about a second may go unseen.
/// </summary>
internal sealed class RollbackWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private const int MarksPerCopy = 10;

    private readonly RedisMark _redis;
    private readonly RedisMarkTable _table;
    private readonly TimeProvider _time;
    private readonly string _address;
    private readonly CancellationTokenSource _stop = new();
    private StateMark _last;
    private Task _running = Task.CompletedTask;

    public RollbackWatch(RedisConnection redis, ClickHouseClient clickHouse, TimeProvider time)
    {
        (_redis, _table, _time, _address) = (new RedisMark(redis), new RedisMarkTable(clickHouse), time, redis.Address);
    }

    /// <summary>What it noticed; null: nothing.</summary>
    public StoreUnavailableException? Loss { get; private set; }

    /// <summary>Compares Redis with the copy; the first process of a namespace sets the first mark.</summary>
    /// <exception cref="StoreUnavailableException">Redis has less than it had.</exception>
    public async Task CheckAsync(CancellationToken cancel)
    {
        // The copy first: Redis has every mark before it is copied, whoever sets it meanwhile.
        var copy = await _table.ReadAsync(cancel);
        var found = await _redis.ReadAsync(cancel);
        if (copy is { } known && (found is not { } mark || mark.Generation != known.Generation || mark.Mark < known.Mark))
            throw Lost(found is null ? "has no mark" : "is behind its mark");
        _last = found ?? await _redis.WriteOnceAsync(new StateMark(1, 0), cancel);
        if (copy is null) await _table.WriteAsync(_last.Generation, _last.Mark, cancel);
    }

    /// <summary>Goes on looking; <paramref name="lost"/> is called once, when <see cref="Loss"/> is known.</summary>
    public void Start(Action lost) => _running = RunAsync(lost, _stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(Action lost, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval, _time);
        for (var count = 1; await timer.WaitForNextTickAsync(stop); count++)
        {
            if (await _redis.AdvanceAsync(_last.Generation, stop) is { } mark && mark > _last.Mark)
            {
                _last = _last with { Mark = mark };
                if (count % MarksPerCopy == 0) await CopyAsync(stop);
                continue;
            }
            Loss = Lost("lost its mark while this process ran");
            lost();
            return;
        }
    }

    // While ClickHouse is away the copy is only older.
    private async Task CopyAsync(CancellationToken stop)
    {
        try
        {
            await _table.WriteAsync(_last.Generation, _last.Mark, stop);
        }
        catch (Exception e) when (e is StoreUnavailableException or ClickHouseException)
        {
        }
    }

    private StoreUnavailableException Lost(string what) => new(
        $"Redis at {_address} {what}: it was emptied or rolled back, and lacks what ClickHouse has. Stop every process of this namespace "
        + "and run \"scrmstream rebuild\" with the settings of \"run\"; then start them again. Nothing is lost.");
}
