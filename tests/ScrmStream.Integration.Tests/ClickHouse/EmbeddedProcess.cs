using System.Diagnostics;
using ScrmStream.ClickHouse.Embedded;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>The embedded ClickHouse as users run it: <c>scrmstream clickhouse</c> in a process of its own.</summary>
internal sealed class EmbeddedProcess : IDisposable
{
    private readonly Process _process;

    private EmbeddedProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
    }

    public Uri Address { get; }
    public int Id => _process.Id;

    public static async Task<EmbeddedProcess> StartAsync(string path, int port = 0, string? password = null)
    {
        var process = Launch(path, port, password);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
                if (line.StartsWith("clickhouse listens on ", StringComparison.Ordinal))
                    return new EmbeddedProcess(process, new Uri(line["clickhouse listens on ".Length..]));
            throw new InvalidOperationException(
                $"The embedded ClickHouse ended: {await process.StandardError.ReadToEndAsync(limit.Token)}");
        }
        catch
        {
            End(process);
            throw;
        }
    }

    /// <summary>Starts one that is to fail; returns its exit code and what it said.</summary>
    public static async Task<(int Code, string Error)> StartInVainAsync(string path, int port = 0)
    {
        using var process = Launch(path, port, null);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            var error = await process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, error);
        }
        finally
        {
            End(process);
        }
    }

    /// <summary>SIGKILL: no handler, no flush.</summary>
    public void Kill() => End(_process);

    /// <summary>SIGTERM; returns the exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        End(_process);
        _process.Dispose();
    }

    private static Process Launch(string path, int port, string? password)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[typeof(Host.Program).Assembly.Location, "clickhouse", "--path", path, "--port", $"{port}"])
            start.ArgumentList.Add(argument);
        start.Environment["SCRM_CLICKHOUSE_PASSWORD"] = password;
        return Process.Start(start)!;
    }

    private static void End(Process process)
    {
        if (process.HasExited) return;
        process.Kill();
        process.WaitForExit();
    }
}

/// <summary>A folder of a test; deleted with it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("scrm-clickhouse-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A fact that needs the engine's library; skipped with the reason where it is not installed.</summary>
public sealed class ClickHouseFactAttribute : FactAttribute
{
    public ClickHouseFactAttribute() => Skip = ClickHouseLibrary.Missing;
}

/// <summary>As <see cref="ClickHouseFactAttribute"/>, with cases.</summary>
public sealed class ClickHouseTheoryAttribute : TheoryAttribute
{
    public ClickHouseTheoryAttribute() => Skip = ClickHouseLibrary.Missing;
}

internal static class ClickHouseLibrary
{
    /// <summary>Why the tests cannot run, or null.</summary>
    public static string? Missing { get; } = Find();

    private static string? Find()
    {
        try
        {
            new EmbeddedServerOptions().FindLibrary();
            return null;
        }
        catch (EmbeddedServerException error)
        {
            return error.Message;
        }
    }
}
