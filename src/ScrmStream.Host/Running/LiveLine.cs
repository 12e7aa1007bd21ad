using System.Globalization;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>
/// What a person sees while the service runs: one line that renews itself on a terminal, a plain line now and then elsewhere.
/// Written to standard error, so that standard output stays a program's.
/// </summary>
public sealed class LiveLine(TimeProvider time)
{
    private static readonly TimeSpan TerminalInterval = TimeSpan.FromMilliseconds(500), LogInterval = TimeSpan.FromSeconds(10);
    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private long _shownAt = time.GetTimestamp(), _shownEvents;
    private bool _open;

    public void Tick(StreamPipeline pipeline)
    {
        var since = time.GetElapsedTime(_shownAt);
        if (since < (_isTerminal ? TerminalInterval : LogInterval)) return;
        var line = Line(pipeline, since);
        (_shownAt, _shownEvents) = (time.GetTimestamp(), Decided(pipeline.Counters));
        if (_isTerminal) Console.Error.Write($"\r\u001b[K{line}");
        else Console.Error.WriteLine($"{time.GetUtcNow():HH:mm:ss} {line}");
        _open = _isTerminal;
    }

    /// <summary>Leaves the line behind.</summary>
    public void Close()
    {
        if (_open) Console.Error.WriteLine();
        _open = false;
    }

    // Flushes come in bursts, and under backlog seldom: what is decided shows how fast it goes.
    private static long Decided(PipelineCounters counters) => counters.DurableEvents + counters.OpenEvents;

    private string Line(StreamPipeline pipeline, TimeSpan since)
    {
        var counters = pipeline.Counters;
        var perSecond = Math.Max(0, Decided(counters) - _shownEvents) / since.TotalSeconds;
        var lag = pipeline.Lag < 0 ? "?" : pipeline.Lag.ToString("N0", CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture,
            $"{perSecond,9:N0} events/s | {counters.DurableEvents:N0} done | lag {lag} | identifiers {counters.Identifiers:N0} | "
            + $"rejected {counters.Rejected:N0} | {Environment.WorkingSet / 1048576:N0} MB");
    }
}
