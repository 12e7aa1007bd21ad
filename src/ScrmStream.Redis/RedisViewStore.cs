using System.Collections.Concurrent;
using ScrmStream.Pipeline;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Views as Redis hashes, with their tags and board places. An outage blocks; the calls return only when Redis answered or when they
/// are cancelled.
/// </summary>
/// <remarks>
/// A view whose expected stamp is stored, or that is expected to be new and is, takes one call. Its vector is compared all the same:
/// the stamp may have been read after cells that are older than it. Everything else is settled by a second call.
/// </remarks>
public sealed class RedisViewStore(RedisConnection connection) : IViewStore
{
    private readonly ConcurrentBag<ViewCall> _idle = [];
    private readonly ConcurrentBag<SoleViewCall> _idleAlone = [];
    private readonly StoreCounter _counter = new(connection);

    public async Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> views, ByteArena arena, CancellationToken cancel)
    {
        if (connection.Epoch.IsSole) return await PublishAloneAsync(views, InOrder(views, newFirst: false), arena, cancel);
        // Derived while this process was alone, and it no longer is: what it was derived from may be stale.
        if (views.Any(v => v.Vector.Length == 0)) return [.. Enumerable.Range(0, views.Count)];
        // Taken once: a call beside these, or one that is sent again, may take over another epoch at any moment, before which a process
        // that wrote alone has published what these would replace unseen.
        var epoch = connection.Epoch.Expected;
        var number = Redis.WriterEpoch.NumberOf(epoch);
        if (views.Any(v => v.Epoch != 0 && v.Epoch != number)) return [.. Enumerable.Range(0, views.Count)];
        var order = InOrder(views, newFirst: true);
        var refused = new List<int>();
        var unsettled = new List<int>(order.Where(i => ViewCall.HidesLeaving(views[i], arena)));
        if (unsettled.Count > 0) order = Array.FindAll(order, i => !ViewCall.HidesLeaving(views[i], arena));

        foreach (var answer in await SendAsync(views, order, arena, isSettling: false, epoch, cancel))
            (answer < 0 ? refused : unsettled).Add(answer < 0 ? ~answer : answer);
        if (unsettled.Count > 0)
        {
            int[] rest = connection.IsCluster ? [.. unsettled.OrderBy(i => views[i].Id.Bucket)] : [.. unsettled];
            refused.AddRange(await SendAsync(views, rest, arena, isSettling: true, epoch, cancel));
        }
        refused.Sort();
        return refused;
    }

    // All are taken, unless another process appears: then those of the calls that came too late are refused.
    private async Task<IReadOnlyList<int>> PublishAloneAsync(
        IReadOnlyList<ViewWrite> views, int[] order, ByteArena arena, CancellationToken cancel)
    {
        var calls = new List<Task<int[]>>();
        for (var at = 0; at < order.Length;)
        {
            var first = at;
            var call = _idleAlone.TryTake(out var idle) ? idle : new SoleViewCall(connection.Keys);
            while (at < order.Length && call.Commands.Length < connection.CallBytes) call.Add(views[order[at++]], arena);
            call.Finish();
            await connection.EnterAsync(cancel);
            calls.Add(RunAsync(call, order[first..at]));
        }
        var answers = await Task.WhenAll(calls);
        return [.. answers.SelectMany(a => a).Order()];

        async Task<int[]> RunAsync(SoleViewCall call, int[] part)
        {
            var done = await connection.WriteAloneAsync(call.Commands, cancel);
            call.Clear();
            _idleAlone.Add(call);
            return done ? [] : part;
        }
    }

    public bool IsSoleWriter => connection.Epoch.IsSole;

    public ulong WriterEpoch => connection.Epoch.Number;

    public ulong AheadBefore => connection.Epoch.AheadBefore;

    public Task<bool> GoAheadAsync(CancellationToken cancel) => connection.Epoch.GoAheadAsync(cancel);

    public Task<StoreTotals> CountAsync(CancellationToken cancel) => _counter.CountAsync(cancel);

    // By bucket, so that the boards of a bucket are written by one command; where scripts write, new views before all others.
    private static int[] InOrder(IReadOnlyList<ViewWrite> views, bool newFirst)
    {
        var rank = new long[views.Count];
        var order = new int[views.Count];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
            rank[i] = (newFirst && views[i].ExpectedStamp != 0 ? 1L << 48 : 0) + ((long)views[i].Id.Bucket << 32) + i;
        }
        Array.Sort(rank, order);
        return order;
    }

    // Fast answers: i to be settled, ~i refused. Settling answers: i refused.
    private async Task<List<int>> SendAsync(
        IReadOnlyList<ViewWrite> views, int[] order, ByteArena arena, bool isSettling, string epoch, CancellationToken cancel)
    {
        var calls = new List<Task<int[]>>();
        for (var at = 0; at < order.Length;)
        {
            await connection.EnterAsync(cancel);
            var first = at;
            RedisKey[] keys;
            RedisValue[] values;
            var call = _idle.TryTake(out var idle) ? idle : new ViewCall(connection.Keys);
            try
            {
                at = Fill(call, views, order, at, arena, isSettling);
                (keys, values) = isSettling ? call.FinishSettling() : call.FinishFast();
            }
            catch
            {
                connection.Leave();
                throw;
            }
            finally
            {
                call.Clear();
                if (_idle.Count < connection.CallsInFlight) _idle.Add(call);
                else call.Dispose();
            }
            calls.Add(RunAsync(keys, values, new ArraySegment<int>(order, first, at - first), isSettling, epoch, cancel));
        }
        var answers = new List<int>();
        foreach (var answer in await Task.WhenAll(calls)) answers.AddRange(answer);
        return answers;
    }

    private int Fill(ViewCall call, IReadOnlyList<ViewWrite> views, int[] order, int at, ByteArena arena, bool isSettling)
    {
        var isFresh = views[order[at]].ExpectedStamp == 0;
        var bucket = views[order[at]].Id.Bucket;
        while (at < order.Length && call.Count < connection.KeysPerCall && call.Bytes < connection.CallBytes)
        {
            var view = views[order[at]];
            if (!isSettling && view.ExpectedStamp == 0 != isFresh || connection.IsCluster && view.Id.Bucket != bucket) break;
            if (isSettling) call.AddSettling(view, arena);
            else call.AddFast(view, arena);
            at++;
        }
        return at;
    }

    // Null of the connection means that another process writes too: every view of the call is refused, so that the caller reads again.
    private async Task<int[]> RunAsync(
        RedisKey[] keys, RedisValue[] values, ArraySegment<int> part, bool isSettling, string epoch,
        CancellationToken cancel)
    {
        var script = isSettling ? Scripts.SettleViews : Scripts.PublishViews;
        if (await connection.WriteAsync(script, keys, values, epoch, cancel) is not { } answer)
            return [.. part.Select(i => isSettling ? i : ~i)];
        return Array.ConvertAll(answer, i => i < 0 ? ~part[-i - 1] : part[i - 1]);
    }
}
