using System.Globalization;
using System.Runtime.InteropServices;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Servers;

/// <summary>
/// What the machine says about processes that this program started, and the signals it sends them. A process is recognised by its id
/// and its start time together, so that one that was given the same id later is never touched. Any thread.
/// </summary>
public static partial class ProcessTable
{
    private const int Terminate = 15, Kill = 9;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>The process with this id as it can be recognised later; null when there is none (a zombie is none).</summary>
    public static LocalProcess? Find(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        // The name in parentheses may hold anything; the fields behind it start with the state, field 3.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[0] is "Z" or "X" ? null : new LocalProcess(pid, long.Parse(fields[22 - 3], CultureInfo.InvariantCulture));
    }

    /// <summary>Whether it runs, and still is the same process.</summary>
    public static bool IsAlive(LocalProcess process) => Find(process.Pid) == process;

    /// <summary>Asks a process to end, and ends it when it has not within the limit. Returns when it is gone.</summary>
    /// <returns>False: it had to be killed.</returns>
    public static async Task<bool> EndAsync(LocalProcess process, TimeSpan limit, TimeProvider time)
    {
        if (!Signal(process, Terminate)) return true;
        if (await IsGoneWithinAsync(process, limit, time)) return true;
        Signal(process, Kill);
        await IsGoneWithinAsync(process, limit, time);
        return false;
    }

    /// <summary>The last lines of a log, for an error message; empty when there is none.</summary>
    public static string LastLines(string logFile, int lines)
    {
        if (!File.Exists(logFile)) return "";
        const int tailBytes = 8 * 1024;
        using var file = new FileStream(logFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(-Math.Min(tailBytes, file.Length), SeekOrigin.End);
        using var reader = new StreamReader(file);
        return string.Join('\n', reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(lines));
    }

    private static async Task<bool> IsGoneWithinAsync(LocalProcess process, TimeSpan limit, TimeProvider time)
    {
        var started = time.GetTimestamp();
        while (IsAlive(process))
        {
            if (time.GetElapsedTime(started) > limit) return false;
            await Task.Delay(PollInterval, time);
        }
        return true;
    }

    private static bool Signal(LocalProcess process, int signal) => IsAlive(process) && SendSignal(process.Pid, signal) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);
}
