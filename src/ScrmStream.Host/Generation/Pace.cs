namespace ScrmStream.Host.Generation;

/// <summary>Holds a stream of records to a rate.</summary>
/// <param name="recordsPerSecond">0: as fast as it goes.</param>
internal sealed class Pace(int recordsPerSecond, TimeProvider time)
{
    private readonly long _startedAt = time.GetTimestamp();

    public TimeSpan Elapsed => time.GetElapsedTime(_startedAt);

    /// <summary>How many records may be out by now.</summary>
    public long Allowed => recordsPerSecond == 0 ? long.MaxValue : (long)(Elapsed.TotalSeconds * recordsPerSecond) + 1;

    /// <summary>Waits until more than <paramref name="records"/> records may be out; returns at once when they may be already.</summary>
    public async ValueTask WaitAsync(long records, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (recordsPerSecond == 0 || Allowed > records) return;
        // A few at a time rather than one by one: a timer is good for milliseconds.
        var due = TimeSpan.FromSeconds((double)records / recordsPerSecond) + TimeSpan.FromMilliseconds(5);
        var wait = due - Elapsed;
        if (wait > TimeSpan.Zero) await Task.Delay(wait, time, cancel);
    }
}
