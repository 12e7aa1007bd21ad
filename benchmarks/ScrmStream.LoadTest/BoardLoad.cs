using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.Redis.Embedded;

namespace ScrmStream.LoadTest;

/// <summary>
/// How long the board takes to answer: a redis-server of its own gets so many customers with score, grade, stage and tags, as a run would write
/// them; then the best twenty are asked for again and again, with their views and tags, as <c>./scrm leads</c> does. Prints the time of an
/// answer, and compares the answer with the generator's own.
/// </summary>
public sealed class BoardLoad(int customers)
{
    private const int PerCall = 20_000, Warm = 5, Rounds = 60, Top = 20;
    private const double BudgetMs = 50;
    private const long HalfLifeMs = 1_209_600_000, NowMs = 1_772_294_400_000;

    /// <summary>0 when the answer is right, and the median within the budget.</summary>
    public async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("board");
        try
        {
            await using var server = await EmbeddedRedis.StartAsync(
                folder.FullName, TimeProvider.System, CancellationToken.None, 0, "--appendonly", "no");
            var options = new RedisOptions { Address = server.Address };
            await using var redis = await RedisConnection.OpenAsync(options, NullLogger.Instance, TimeProvider.System, CancellationToken.None);
            await redis.Epoch.ClaimAsync(CancellationToken.None);
            var expected = await FillAsync(redis);
            return await AskAsync(new RedisReader(redis), expected) ? 0 : 1;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<List<IdentifierId>> FillAsync(RedisConnection redis)
    {
        var start = Stopwatch.GetTimestamp();
        var (store, arena, views) = (new RedisViewStore(redis), new ByteArena(), new List<ViewWrite>());
        var best = new PriorityQueue<IdentifierId, long>();
        var random = new Random(1);
        for (var i = 0; i < customers; i++)
        {
            var id = IdentifierId.Of(Encoding.UTF8.GetBytes($"member_id::{i}"));
            // Most have few points of long ago, as leads do.
            var rank = NowMs - (long)(Math.Pow(random.NextDouble(), 0.3) * 40 * HalfLifeMs);
            views.Add(View(id, rank, i, arena));
            best.Enqueue(id, rank);
            if (best.Count > Top) best.Dequeue();
            if (views.Count < PerCall && i + 1 < customers) continue;
            if ((await store.PublishAsync(views, arena, CancellationToken.None)).Count > 0) throw new InvalidOperationException("Refused.");
            views.Clear();
            arena.Clear();
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{customers:N0} customers written in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s"));
        var expected = new List<IdentifierId>();
        while (best.TryDequeue(out var id, out _)) expected.Insert(0, id);
        return expected;
    }

    private static ViewWrite View(IdentifierId id, long rank, int number, ByteArena arena)
    {
        var view = new ViewWrite { Id = id, Form = ViewForm.Customer, Stamp = (ulong)number + 1, TagsChanged = true, TagExpiryChanged = true };
        var start = arena.Length;
        (string Name, string Value)[] fields =
        [
            ("events", "7"), ("first_seen", $"{rank - 1}"), ("last_seen", $"{rank}"), ("channels", "app,web"), ("score.intent", "1"),
            ("score.intent.at", $"{rank}"), ("score.intent.half_life", $"{HalfLifeMs}"), ("grade.intent", "A"), ("stage.sales", "engaged"),
            ("stage.sales.since", $"{rank}"), ("lead.sales", $"sales-{rank}-{number:x16}"), ("lead.sales.count", "1"),
        ];
        foreach (var (name, value) in fields) arena.AddField(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
        view.Fields = arena.Since(start);
        start = arena.Length;
        arena.AddField("buyer"u8, "1"u8);
        view.Tags = arena.Since(start);
        start = arena.Length;
        arena.AddField("intent"u8, Encoding.UTF8.GetBytes($"{rank}"));
        view.Ranks = arena.Since(start);
        view.Conclusion = arena.Add("x"u8);
        return view;
    }

    private static async Task<bool> AskAsync(RedisReader reader, List<IdentifierId> expected)
    {
        var times = new List<double>();
        var isRight = true;
        for (var round = 0; round < Warm + Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            var leaders = await reader.LeadersAsync("intent", Top, NowMs, CancellationToken.None);
            var views = await Task.WhenAll(leaders.Select(l => reader.ReadViewAsync(l.Customer, CancellationToken.None)));
            if (round >= Warm) times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            isRight &= leaders.Select(l => l.Customer).SequenceEqual(expected) && views.All(v => v?.Fields["stage.sales"] == "engaged");
        }
        times.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"the best {Top} with their views: p50 {times[times.Count / 2]:0.0} ms, p95 {times[times.Count * 95 / 100]:0.0} ms, "
            + $"max {times[^1]:0.0} ms of {Rounds}; budget {BudgetMs:0} ms"));
        Console.WriteLine(isRight ? "check: the answer is the generator's" : "WRONG: the answer is not the generator's");
        return isRight && times[times.Count / 2] <= BudgetMs;
    }
}
