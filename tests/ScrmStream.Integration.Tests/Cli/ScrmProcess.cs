using System.Diagnostics;
using System.Runtime.CompilerServices;
using ScrmStream.Diagnostics;
using ScrmStream.Integration.ClickHouse;

namespace ScrmStream.Integration.Cli;

/// <summary>What one call of the program came to.</summary>
internal sealed record Outcome(int Code, string Output, string Error);

/// <summary>The program as users call it: a process with a home folder of its own, output redirected.</summary>
internal sealed class ScrmProcess(string home)
{
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(90);

    public string Home { get; } = home;

    /// <summary>A file of the checkout.</summary>
    public static string InCheckout(string path, [CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../..", path));

    public Task<Outcome> RunAsync(params string[] arguments) => EndAsync(Start(arguments), CallMax);

    /// <summary>Runs a process that fails on order (<see cref="Failpoints"/>); 137: it was killed.</summary>
    /// <param name="within">It is given up after that.</param>
    public Task<Outcome> RunFailingAsync(string orders, TimeSpan within, params string[] arguments)
    {
        var start = StartInfo(arguments);
        start.Environment[Failpoints.Variable] = orders;
        return EndAsync(Process.Start(start)!, within);
    }

    private static async Task<Outcome> EndAsync(Process started, TimeSpan within)
    {
        using var process = started;
        using var limit = new CancellationTokenSource(within);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new Outcome(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    /// <summary>Runs and expects exit code 0; returns standard output.</summary>
    public async Task<string> OutputOfAsync(params string[] arguments)
    {
        var outcome = await RunAsync(arguments);
        Assert.True(outcome.Code == 0, $"scrmstream {string.Join(' ', arguments)} ended with {outcome.Code}: {outcome.Error}");
        return outcome.Output;
    }

    /// <summary>Starts and does not wait: the caller reads both outputs and ends it.</summary>
    public Process Start(params string[] arguments) => Process.Start(StartInfo(arguments))!;

    private ProcessStartInfo StartInfo(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Host.Program).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var variable in start.Environment.Keys.Where(k => k.StartsWith("SCRMSTREAM_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(variable);
        // The engine stays where it is installed; everything else is the test's own.
        start.Environment["SCRM_CHDB"] = Environment.GetEnvironmentVariable("SCRM_CHDB")
            ?? Path.Combine(Environment.GetEnvironmentVariable("SCRM_HOME") ?? InCheckout(".scrm"), "chdb", "libchdb.so");
        start.Environment["SCRM_HOME"] = Home;
        return start;
    }
}

/// <summary>A home folder of a test; the servers that were started in it are ended and it is deleted.</summary>
internal sealed class TemporaryHome : IAsyncDisposable
{
    public TemporaryHome() => Scrm = new ScrmProcess(Directory.CreateTempSubdirectory("scrm-home-").FullName);

    public ScrmProcess Scrm { get; }

    public string Up => Path.Combine(Scrm.Home, "up");

    public async ValueTask DisposeAsync()
    {
        await Scrm.RunAsync("down");
        Directory.Delete(Scrm.Home, recursive: true);
    }
}

/// <summary>The same for a theory.</summary>
public sealed class LocalServersTheoryAttribute : TheoryAttribute
{
    public LocalServersTheoryAttribute() => Skip = new LocalServersFactAttribute().Skip;
}

/// <summary>A fact that starts local servers; skipped, with the reason, where they are not installed.</summary>
public sealed class LocalServersFactAttribute : FactAttribute
{
    /// <param name="isSlow">It takes half a minute: for <c>./scrm test --full</c>.</param>
    public LocalServersFactAttribute(bool isSlow = false) =>
        Skip = (isSlow && !TestKit.Seeds.IsFull ? "slow: runs with ./scrm test --full" : null)
            ?? ClickHouseLibrary.Missing
            ?? (ScrmStream.Redis.Embedded.EmbeddedRedis.FindServer() is null ? "redis-server is not installed" : null);
}
