namespace ScrmStream.Pipeline.Memory;

/// <summary>The turn in memory, for processes that are simulated in one; it ends with that. Calls may come from any thread.</summary>
public sealed class MemoryTurnStore(TimeProvider time) : ITurnStore
{
    private readonly Lock _lock = new();
    private ulong _writer;
    private long _takenAt;
    private TimeSpan _forAtMost;

    public Task<TimeSpan> TakeAsync(ulong writer, TimeSpan forAtMost, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (Left(writer) is { Ticks: > 0 } left) return Task.FromResult(left);
            (_writer, _takenAt, _forAtMost) = (writer, time.GetTimestamp(), forAtMost);
            return Task.FromResult(TimeSpan.Zero);
        }
    }

    public Task<TimeSpan> LeftAsync(ulong writer, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_lock) return Task.FromResult(Left(writer));
    }

    public Task GiveBackAsync(ulong writer, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (_writer == writer) _forAtMost = TimeSpan.Zero;
        }
        return Task.CompletedTask;
    }

    private TimeSpan Left(ulong writer)
    {
        var left = _forAtMost - time.GetElapsedTime(_takenAt);
        return _writer == writer || left < TimeSpan.Zero ? TimeSpan.Zero : left;
    }
}
