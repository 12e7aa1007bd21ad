using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.LoadTest.Price;
using ScrmStream.Redis;
using ScrmStream.TestKit;

namespace ScrmStream.LoadTest.Reference;

/// <summary>Another engine that did the reference job once, from Kafka into Redis, and perhaps into ClickHouse.</summary>
/// <param name="Wrote">What it had Redis do, in words.</param>
/// <param name="Wrong">What its answer is other than it should be, in words.</param>
internal sealed partial record PeerRun(string Name, double EventsPerSecond, string Wrote, IReadOnlyList<string> Wrong)
{
    public const string PlainNet = "plain-net";

    // Settings that this process is run with, as "run" is; the usual program has the usual ones.
    private static readonly string[] OwnSettings = ["DOTNET_gcConcurrent", "DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"];

    private static string? Script =>
        RealKafka.Shared is { } shared && Path.Combine(shared, "peers", "run") is var script && File.Exists(script) ? script : null;

    /// <summary>Those to compare with where nobody has said which.</summary>
    public static IReadOnlyList<string> Known => Script is null ? [PlainNet] : ["flink", "plain-java", PlainNet];

    /// <summary>Runs it over a topic. Its Redis keeps no log unless it is told to: it promises nothing that needs one.</summary>
    /// <param name="withRows">It writes its rows into ClickHouse too.</param>
    /// <exception cref="InvalidOperationException">It is not there, or ended without a result.</exception>
    public static async Task<PeerRun> RunAsync(
        LadderGround ground, string name, LadderTopic topic, bool withRows, CancellationToken cancel)
    {
        await using var redis = await ground.StartRedisAsync(ground.Options.HasPeerLog, cancel);
        var settings = ground.Settings(ground.NextName(), redis.Server, topic);
        await using var connection = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        var work = await RedisWork.BeginAsync(connection);
        using var rows = withRows ? await PeerRows.OpenAsync(settings.ClickHouse.Address, name, cancel) : null;
        var start = StartOf(ground, name, topic);
        foreach (var argument in (string[])["--redis", redis.Server.Address]) start.ArgumentList.Add(argument);
        rows?.AddArguments(start);
        var result = await ResultAsync(start, cancel);
        var fields = Field().Matches(result).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        var check = new TruthCheck(topic.Truth);
        check.Same("events", topic.Truth.Events, Number("events"));
        check.Same("identifiers", topic.Truth.Identifiers, Number("identifiers"));
        check.Same("customers", topic.Truth.Customers, Number("customers"));
        check.Same("tags", topic.Truth.Tags, Number("tags"));
        check.Same("fen paid", topic.Truth.PaidFen, Number("paid_fen"));
        if (rows is not null) await rows.CheckAsync(check, topic.Truth, cancel);
        return new PeerRun(name, Number("events_per_s"), await work.EndAsync(topic.Truth.Events), check.Wrong);

        long Number(string field) => fields.TryGetValue(field, out var value) ? long.Parse(value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"{name} says nothing of {field}: {result}");
    }

    private static ProcessStartInfo StartOf(LadderGround ground, string name, LadderTopic topic)
    {
        var kafka = ground.Servers.Kafka;
        if (name != PlainNet)
        {
            var script = Script ?? throw new InvalidOperationException($"{name} is not there: $SCRM_SHARED/peers/run is missing");
            string[] arguments = [name, "--brokers", kafka, "--events", $"{topic.Truth.Events}", "--topic", topic.Name];
            return new ProcessStartInfo(script, arguments);
        }
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["plain", kafka, topic.Name]);
        foreach (var setting in OwnSettings) start.Environment.Remove(setting);
        start.Environment["DOTNET_TieredCompilation"] = "1";
        return start;
    }

    private static async Task<string> ResultAsync(ProcessStartInfo start, CancellationToken cancel)
    {
        start.RedirectStandardOutput = true;
        using var process = Process.Start(start)!;
        try
        {
            var lines = (await process.StandardOutput.ReadToEndAsync(cancel)).Split('\n');
            await process.WaitForExitAsync(cancel);
            return Array.FindLast(lines, line => line.Contains("events_per_s=", StringComparison.Ordinal))
                ?? throw new InvalidOperationException($"{start.FileName} ended with {process.ExitCode} and no result");
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    [GeneratedRegex(@"(\w+)=(\S+)")]
    private static partial Regex Field();
}
