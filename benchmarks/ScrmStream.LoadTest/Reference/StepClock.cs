using System.Runtime.InteropServices;

namespace ScrmStream.LoadTest.Reference;

/// <summary>Processor time of the calling thread, step by step: what others do on the machine is not in it. One thread.</summary>
internal sealed partial class StepClock(params string[] steps)
{
    private const int ThreadProcessorTime = 3;
    private readonly long[] _ns = new long[steps.Length];
    private long _last;

    public void Clear() => Array.Clear(_ns);

    public void Start() => _last = Now();

    /// <summary>What has passed since the last call belongs to this step.</summary>
    public void Lap(int step)
    {
        var now = Now();
        _ns[step] += now - _last;
        _last = now;
    }

    public IReadOnlyList<StepCost> PerEvent(long events) => [.. steps.Select((name, i) => new StepCost(name, (double)_ns[i] / events))];

    private static long Now() =>
        Read(ThreadProcessorTime, out var time) == 0 ? time.Seconds * 1_000_000_000 + time.Nanoseconds
            : throw new InvalidOperationException("The thread's processor time cannot be read.");

    [StructLayout(LayoutKind.Sequential)]
    private struct Time
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int Read(int clock, out Time time);
}
