namespace ScrmStream.TestKit;

/// <summary>Time that passes when it is told to, from midnight of a day on; its timers never fire.</summary>
public sealed class HandClock : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2025, 10, 9, 0, 0, 0, TimeSpan.Zero);
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Advance(TimeSpan by) => _ticks += by.Ticks;

    public override long GetTimestamp() => _ticks;

    public override DateTimeOffset GetUtcNow() => Start.AddTicks(_ticks);
}
