using System.Diagnostics;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Servers;

/// <summary>Starts processes that outlive this one and its terminal: a session of their own, input from nowhere, output into a
/// log.</summary>
public static class DetachedProcess
{
    /// <summary>Path of this program, to be started again as a server; in tests, the one that lies beside them.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "scrmstream");

    /// <param name="logFile">Made anew.</param>
    /// <exception cref="StoreUnavailableException">The program is not there.</exception>
    public static LocalProcess Start(string program, IEnumerable<string> arguments, string logFile)
    {
        // exec keeps the process id through shell and setsid, so the id that is returned is the server's.
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", "log=$1; shift; exec setsid \"$@\" </dev/null >\"$log\" 2>&1", "sh", logFile, program, .. arguments])
        {
            UseShellExecute = false,
        };
        using var process = Process.Start(start) ?? throw Failed(program, logFile);
        return ProcessTable.Find(process.Id) ?? throw Failed(program, logFile);
    }

    private static StoreUnavailableException Failed(string program, string logFile) =>
        new($"{program} did not start; its log is {logFile}\n{ProcessTable.LastLines(logFile, 5)}".TrimEnd());
}
