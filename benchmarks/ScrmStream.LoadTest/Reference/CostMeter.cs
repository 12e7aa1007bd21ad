using System.Diagnostics;
using System.Globalization;
using System.Runtime;
using ScrmStream.Redis.Embedded;

namespace ScrmStream.LoadTest.Reference;

/// <summary>Measures stretches of work: of this process, of the servers it is given, and of the machine.</summary>
/// <param name="redis">Null: none has a part in it.</param>
/// <param name="clickHouse">Null: none has a part in it.</param>
internal sealed class CostMeter(EmbeddedRedis? redis = null, ClickHouseProcess? clickHouse = null)
{
    // As the kernel gives them to programs, whatever it counts in itself.
    private const int TicksPerSecond = 100;

    private Cost _before = Cost.None;
    private long _began;

    /// <summary>Gives back what an earlier rung has left, so that its garbage and its memory are not those of the next one.</summary>
    public static void Settle()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
    }

    public void Begin()
    {
        // The kernel's mark of the greatest size starts anew.
        File.WriteAllText("/proc/self/clear_refs", "5");
        _before = Read();
        _began = Stopwatch.GetTimestamp();
    }

    public Cost End()
    {
        var elapsed = Stopwatch.GetElapsedTime(_began);
        var now = Read();
        return new Cost(
            elapsed, now.Own - _before.Own, now.KafkaLibrary - _before.KafkaLibrary, now.Redis - _before.Redis,
            now.ClickHouse - _before.ClickHouse, now.Machine - _before.Machine, now.AllocatedBytes - _before.AllocatedBytes,
            [.. now.Collections.Zip(_before.Collections, (a, b) => a - b)], now.PeakBytes);
    }

    private Cost Read()
    {
        using var own = Process.GetCurrentProcess();
        return new Cost(
            default, own.TotalProcessorTime, KafkaLibraryTime(), RedisTime(), clickHouse?.ProcessorTime, MachineTime(),
            GC.GetTotalAllocatedBytes(precise: true), [GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2)], PeakBytes());
    }

    private TimeSpan? RedisTime()
    {
        if (redis is null) return null;
        using var process = Process.GetProcessById(redis.ProcessId);
        return process.TotalProcessorTime;
    }

    // The library names its threads rdk:main, rdk:broker1 and so on; they live as long as their client.
    private static TimeSpan KafkaLibraryTime()
    {
        var ticks = 0L;
        foreach (var thread in Directory.GetDirectories("/proc/self/task"))
        {
            if (ReadIfThere(Path.Combine(thread, "stat")) is not { } line || !line.Contains("(rdk:", StringComparison.Ordinal)) continue;
            // Behind the name the state comes first, and the two times are the eleventh and twelfth after it.
            var fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
            ticks += long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        }
        return TimeSpan.FromSeconds((double)ticks / TicksPerSecond);
    }

    // Null: the thread has ended meanwhile.
    private static string? ReadIfThere(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return null;
        }
    }

    // user nice system idle iowait irq softirq steal, of all processors together.
    private static TimeSpan MachineTime()
    {
        var line = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var ticks = new[] { 1, 2, 3, 6, 7 }.Sum(i => long.Parse(line[i], CultureInfo.InvariantCulture));
        return TimeSpan.FromSeconds((double)ticks / TicksPerSecond);
    }

    private static long PeakBytes()
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
