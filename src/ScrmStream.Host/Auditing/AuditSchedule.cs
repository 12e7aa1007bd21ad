using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Auditing;

/// <summary>Audits the rules of a running service every so often, on connections of its own, and tells the result to its metrics.</summary>
internal sealed partial class AuditSchedule : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    private AuditSchedule(HostSettings settings, StreamPipeline pipeline, ILogger logger, TimeProvider time) =>
        _running = RunAsync(settings, pipeline, logger, time, _stop.Token);

    /// <summary>Null where the settings ask for none.</summary>
    public static AuditSchedule? Start(
        HostSettings settings, StreamPipeline pipeline, ILogger logger, TimeProvider time) =>
        settings.RuleAuditSeconds == 0 ? null : new AuditSchedule(settings, pipeline, logger, time);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static async Task RunAsync(
        HostSettings settings, StreamPipeline pipeline, ILogger logger, TimeProvider time, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(settings.RuleAuditSeconds), time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            // Customers who have not followed the rules yet differ from them.
            if (pipeline.IsSweeping) continue;
            try
            {
                var result = await AuditAsync(settings, pipeline.Rules, time, stop);
                pipeline.Counters.RuleDifferences = result.Differences;
                foreach (var rule in result.Rules.Where(r => r.Differences > 0))
                    Differs(logger, rule.Kind, rule.Rule, rule.Differences, rule.Samples[0]);
            }
            catch (Exception e) when (e is StoreUnavailableException or ClickHouseException or SettingsException)
            {
                // The service itself waits for its stores; an audit is only late.
                Failed(logger, e.Message);
            }
        }
    }

    private static async Task<AuditResult> AuditAsync(HostSettings settings, RuleSet rules, TimeProvider time, CancellationToken stop)
    {
        using var clickHouse = new ClickHouseClient(settings.ClickHouse);
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, time, stop);
        return await new RuleAudit(clickHouse, redis, rules, time).RunAsync(stop);
    }

    [LoggerMessage(5011, LogLevel.Error, "{Kind} {Rule} differs from SQL for {Count} customers, such as {Sample}; "
        + "\"scrmstream rules audit\" shows more")]
    private static partial void Differs(ILogger logger, string kind, string rule, long count, string sample);

    [LoggerMessage(5012, LogLevel.Warning, "The rules were not audited: {Reason}")]
    private static partial void Failed(ILogger logger, string reason);
}
