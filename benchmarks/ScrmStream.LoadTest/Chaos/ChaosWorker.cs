using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ScrmStream.LoadTest.Chaos;

/// <summary>One <c>run</c> of its own process. What it says on standard error is kept for the report.</summary>
internal sealed partial class ChaosWorker : IDisposable
{
    // Linux.
    private const int Terminate = 15, Continue = 18, Stop = 19;
    private static readonly TimeSpan EndMax = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task<string> _error, _output;
    private readonly long _started = Stopwatch.GetTimestamp();
    private bool _isKilled;

    /// <param name="name">Of the member of the group, that a restarted one has again; empty: none.</param>
    /// <param name="logFolder">Gets a file of what the process says on standard error; null: none is written.</param>
    public ChaosWorker(IReadOnlyList<string> program, IEnumerable<string> arguments, string name, string? logFolder)
    {
        Name = name;
        var start = new ProcessStartInfo(program[0]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in program.Skip(1).Concat(arguments)) start.ArgumentList.Add(argument);
        start.Environment["SCRMSTREAM_Kafka__InstanceId"] = name;
        _process = Process.Start(start)!;
        _error = logFolder is null ? _process.StandardError.ReadToEndAsync() : KeepAsync(Path.Combine(logFolder, $"{Id}-{name}.log"));
        _output = _process.StandardOutput.ReadToEndAsync();
    }

    public string Name { get; }

    public TimeSpan Age => Stopwatch.GetElapsedTime(_started);

    public int Id => _process.Id;

    /// <summary>What it has printed, when it has ended.</summary>
    public Task<string> Output => _output;

    public bool HasExited => _process.HasExited;

    /// <summary>SIGKILL: no handler, no flush.</summary>
    public void Kill()
    {
        _isKilled = true;
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGSTOP: it holds what it holds, and does not know.</summary>
    public void Freeze() => Signal(_process.Id, Stop);

    /// <summary>SIGCONT.</summary>
    public void Wake() => Signal(_process.Id, Continue);

    /// <summary>SIGTERM, if it runs: it flushes, commits and leaves the group.</summary>
    /// <returns>Null when it ended as it should; else how, and the end of what it said.</returns>
    public async Task<string?> EndAsync()
    {
        if (!_process.HasExited) Signal(_process.Id, Terminate);
        return await EndedAsync();
    }

    /// <summary>Waits until it ends by itself.</summary>
    /// <inheritdoc cref="EndAsync" path="/returns"/>
    public async Task<string?> EndedAsync(TimeSpan? within = null)
    {
        var endMax = within ?? EndMax;
        using var limit = new CancellationTokenSource(endMax);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
            return $"worker {Id} did not end within {endMax.TotalSeconds:0} s: {Last(await _error)}";
        }
        await _output;
        return _isKilled || _process.ExitCode == 0 ? null : $"worker {Id} ended with {_process.ExitCode}: {Last(await _error)}";
    }

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
    }

    // Line by line, so that what a killed process said is there.
    private async Task<string> KeepAsync(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var text = new System.Text.StringBuilder();
        await using var log = new StreamWriter(file) { AutoFlush = true };
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            text.AppendLine(line);
            await log.WriteLineAsync(line);
        }
        return text.ToString();
    }

    private static string Last(string text) => string.Join(" | ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(4));

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
