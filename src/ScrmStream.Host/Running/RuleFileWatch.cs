using Microsoft.Extensions.Logging;
using ScrmStream.ClickHouse;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.Host.Running;

/// <summary>
/// Looks at the rule file of a running service, and puts it in force when it has changed. A file that is not right is reported, and the
/// rules stay as they are.
/// </summary>
internal sealed partial class RuleFileWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    private RuleFileWatch(
        RuleText started, RulePublisher publisher, PipelineCounters counters, TimeSpan interval, ILogger logger, TimeProvider time) =>
        _running = RunAsync(started, publisher, counters, interval, logger, time, _stop.Token);

    /// <summary>Null where there is no file, or the settings ask for no looks.</summary>
    /// <param name="started">As it was when the service began.</param>
    public static RuleFileWatch? Start(
        RuleText? started, RulePublisher? publisher, PipelineCounters counters, int seconds, ILogger logger, TimeProvider time) =>
        started is null || publisher is null || seconds == 0
            ? null : new RuleFileWatch(started, publisher, counters, TimeSpan.FromSeconds(seconds), logger, time);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static async Task RunAsync(
        RuleText started, RulePublisher publisher, PipelineCounters counters, TimeSpan interval, ILogger logger, TimeProvider time,
        CancellationToken stop)
    {
        using var timer = new PeriodicTimer(interval, time);
        var (known, seen, settled) = (started.Text, Look(started.File), true);
        while (await timer.WaitForNextTickAsync(stop))
        {
            // Taken when it was the same in two looks: an editor may be in the middle of writing it.
            var now = Look(started.File);
            var isSame = now == seen;
            (seen, settled) = (now, isSame && settled);
            if (!isSame || settled) continue;
            settled = await TryPublishAsync();
        }

        async Task<bool> TryPublishAsync()
        {
            try
            {
                var file = RuleText.Read(started.File);
                if (file.Text != known)
                {
                    var inForce = await publisher.PublishAsync(file, actsOnThePast: false, stop);
                    Published(logger, started.File, inForce.Number, inForce.Fingerprint);
                    known = file.Text;
                }
                counters.IsRuleFileBad = false;
                return true;
            }
            catch (RuleFileException e)
            {
                counters.IsRuleFileBad = true;
                Refused(logger, e.Message);
                return true;
            }
            catch (Exception e) when (e is StoreUnavailableException or ClickHouseException)
            {
                Waits(logger, started.File, e.Message);
                return false;
            }
        }
    }

    private static (DateTime Time, long Length) Look(string file)
    {
        var found = new FileInfo(file);
        return found.Exists ? (found.LastWriteTimeUtc, found.Length) : default;
    }

    [LoggerMessage(5021, LogLevel.Information, "{File} has changed and is in force: rules {Number}, fingerprint {Fingerprint}")]
    private static partial void Published(ILogger logger, string file, long number, string fingerprint);

    [LoggerMessage(5022, LogLevel.Error, "The rule file has changed and is not right; the rules stay as they are: {Reason}")]
    private static partial void Refused(ILogger logger, string reason);

    [LoggerMessage(5023, LogLevel.Warning, "{File} has changed and cannot be put in force yet: {Reason}")]
    private static partial void Waits(ILogger logger, string file, string reason);
}
