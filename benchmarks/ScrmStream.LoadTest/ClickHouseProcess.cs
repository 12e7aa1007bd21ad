using System.Diagnostics;

namespace ScrmStream.LoadTest;

/// <summary>The embedded ClickHouse as a process of its own on a folder, which a later one can go on with. Killed on disposal.</summary>
internal sealed class ClickHouseProcess : IDisposable
{
    private const string Listens = "clickhouse listens on ";
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private bool _isEnded;

    private ClickHouseProcess(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    /// <summary>Since it began.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts it and returns when it answers.</summary>
    /// <param name="program">ScrmStream, with the arguments that come before its own.</param>
    /// <param name="port">0: a free one.</param>
    /// <exception cref="InvalidOperationException">It ended while it was starting.</exception>
    public static async Task<ClickHouseProcess> StartAsync(
        IReadOnlyList<string> program, string folder, int port, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(program[0]) { RedirectStandardOutput = true };
        string[] arguments = [.. program.Skip(1), "clickhouse", "--path", folder, "--port", $"{port}"];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(StartMax);
            while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
                if (line.StartsWith(Listens, StringComparison.Ordinal))
                    return new ClickHouseProcess(process, new Uri(line[Listens.Length..]));
            throw new InvalidOperationException("The embedded ClickHouse ended while it was starting.");
        }
        catch
        {
            End(process);
            throw;
        }
    }

    public void Dispose()
    {
        if (!_isEnded) End(_process);
        _isEnded = true;
    }

    private static void End(Process process)
    {
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
