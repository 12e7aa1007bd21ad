using System.Diagnostics;

namespace ScrmStream.TestKit;

/// <summary>A real broker in a temporary folder, ended with the tests.</summary>
public sealed class RealKafka : IDisposable
{
    private static readonly string? Scripts = FindScripts();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("scrm-kafka-");

    private RealKafka() => Address = Run("start");

    public static bool IsAvailable => Scripts is not null;

    /// <summary>The folder that holds the broker's scripts and the programs ScrmStream is compared with; null: it is not named.</summary>
    public static string? Shared => Environment.GetEnvironmentVariable("SCRM_SHARED") ?? BesideCheckout();

    /// <summary>Stays the same over a restart.</summary>
    public string Address { get; }

    public static RealKafka Start() => new();

    public void Crash() => Run("stop", "--kill");

    public void Restart() => Run("start");

    public void Dispose()
    {
        Run("stop");
        _folder.Delete(recursive: true);
    }

    private string Run(string script, params string[] arguments)
    {
        var command = Path.Combine(Scripts!, script);
        var start = new ProcessStartInfo(command, [_folder.FullName, .. arguments]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        // The broker keeps the script's standard output open: the first line is all there is to wait for.
        var line = process.StandardOutput.ReadLine() ?? "";
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"kafka/{script} ended with {process.ExitCode}");
        return line.Trim();
    }

    private static string? FindScripts()
    {
        var java = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(p => File.Exists(Path.Combine(p, "java")));
        if (!java || Shared is not { } shared) return null;
        var scripts = Path.Combine(shared, "kafka");
        return File.Exists(Path.Combine(scripts, "start")) ? scripts : null;
    }

    private static string? BesideCheckout()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ScrmStream.sln"))) return Path.Combine(folder.FullName, "..", "shared");
        }
        return null;
    }
}
