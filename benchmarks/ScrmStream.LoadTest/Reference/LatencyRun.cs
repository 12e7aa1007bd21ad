using System.Diagnostics;
using System.Globalization;
using ScrmStream.LoadTest.Price;
using StackExchange.Redis;

namespace ScrmStream.LoadTest.Reference;

/// <summary>From the moment at which an event was to be sent until its tag is there for readers of Redis, at a steady load.</summary>
/// <param name="Share">The load, of the throughput of the whole job.</param>
/// <param name="Ms">Of each probe, in order of time taken.</param>
/// <param name="LateMs">By how much the publisher was late at most; it is part of the times.</param>
internal sealed record Latency(double Share, int Rate, IReadOnlyList<double> Ms, double LateMs, IReadOnlyList<string> Wrong)
{
    /// <param name="share">0.99: so many of the probes took no longer.</param>
    public double Quantile(double share) => Ms.Count == 0 ? double.NaN : Ms[Math.Max(0, (int)Math.Ceiling(share * Ms.Count) - 1)];
}

/// <summary>
/// The whole job under a steady load. A process of its own publishes, so that making events is no part of the job; when records are to be
/// sent is fixed before, so that a job that stands still is charged with all that waited.
/// </summary>
internal sealed class LatencyRun(LadderGround ground, double share, int rate)
{
    private const int Seconds = 15;
    private const int LookFor = 20;
    private static readonly TimeSpan JoinTime = TimeSpan.FromSeconds(3), LookEvery = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(60);

    public async Task<Latency> RunAsync(CancellationToken cancel)
    {
        var options = ground.Options;
        var name = ground.NextName();
        var paced = new PacedTopic(
            ground.Servers.Kafka, name, rate, rate * (PacedTopic.WarmSeconds + Seconds), options.PeopleOrDefault, options.Seed);
        var truth = paced.Truth();
        using var publisher = Publisher(paced);
        try
        {
            await LineAsync(publisher, cancel);
            await using var redis = await ground.StartRedisAsync(keepsLog: true, cancel);
            var settings = ground.Settings(name, redis.Server, new LadderTopic(name, "JSON", truth, 0));
            await using var job = await PricedJob.OpenAsync(settings, ground.RuleText, Guarantees.All, cancel);
            CostMeter.Settle();
            var running = job.RunAsync(paced.Records, static () => { }, static () => { }, cancel);
            await Task.Delay(JoinTime, cancel);
            var start = DateTimeOffset.FromUnixTimeMilliseconds(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 100);
            await publisher.StandardInput.WriteLineAsync($"{start.ToUnixTimeMilliseconds()}");
            var ms = await LookAsync(job, running, paced, redis.Server.Address, start, cancel);
            await running;
            var late = (await LineAsync(publisher, cancel)).Split('=')[1];
            var check = await PriceCheck.OfAsync(job, truth, options.PeopleOrDefault, cancel);
            return new Latency(share, rate, ms, double.Parse(late, CultureInfo.InvariantCulture), check.Wrong);
        }
        finally
        {
            if (!publisher.HasExited) publisher.Kill();
        }
    }

    private static Process Publisher(PacedTopic paced) => Process.Start(
        new ProcessStartInfo(Environment.ProcessPath!, ["paced", .. paced.Arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;

    private static async Task<string> LineAsync(Process publisher, CancellationToken cancel) =>
        await publisher.StandardOutput.ReadLineAsync(cancel) ?? throw new InvalidOperationException("The publisher ended before its time.");

    // Asks for the tags of probes that are due and not there yet, a few at a time and in turn: asking for all of them would be a load of
    // its own, and the heavier the more of them wait.
    private static async Task<IReadOnlyList<double>> LookAsync(
        PricedJob job, Task running, PacedTopic paced, string address, DateTimeOffset start, CancellationToken cancel)
    {
        using var reader = await ConnectionMultiplexer.ConnectAsync(address);
        var (redis, keys) = (reader.GetDatabase(), job.Connected.Redis.Keys);
        var (waiting, taken, next) = (new List<(int Probe, RedisKey Tags)>(), new List<double>(), 0);
        for (var lastCame = start; next < paced.Probes || waiting.Count > 0;)
        {
            for (; next < paced.Probes && start + paced.DueOf(next) <= DateTimeOffset.UtcNow; next++)
                waiting.Add((next, keys.Tags(PacedTopic.CustomerOf(next))));
            var asked = waiting[..Math.Min(LookFor, waiting.Count)];
            var isThere = await Task.WhenAll(asked.Select(w => redis.KeyExistsAsync(w.Tags)));
            var now = DateTimeOffset.UtcNow;
            waiting.RemoveRange(0, asked.Count);
            for (var i = 0; i < asked.Count; i++)
            {
                if (!isThere[i])
                {
                    waiting.Add(asked[i]);
                    continue;
                }
                var due = paced.DueOf(asked[i].Probe);
                if (due.TotalSeconds >= PacedTopic.WarmSeconds) taken.Add((now - start - due).TotalMilliseconds);
                lastCame = now;
            }
            if (running.IsFaulted) await running;
            if (waiting.Count > 0 && now - lastCame > SilenceMax)
                throw new TimeoutException($"{waiting.Count} probes are not in Redis a minute after the last one that is.");
            await Task.Delay(LookEvery, cancel);
        }
        taken.Sort();
        return taken;
    }
}
