using System.Runtime.InteropServices;

namespace ScrmStream.LoadTest;

/// <summary>
/// Ends a measurement in order when it is told to end: what it started ends with it. Whoever started it in the background may have Ctrl+C
/// ignored; SIGTERM is heard either way.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration _interrupted, _ended;

    public StopSignals() => (_interrupted, _ended) =
        (PosixSignalRegistration.Create(PosixSignal.SIGINT, End), PosixSignalRegistration.Create(PosixSignal.SIGTERM, End));

    public CancellationToken Token => _stop.Token;

    public void Dispose()
    {
        _interrupted.Dispose();
        _ended.Dispose();
        _stop.Dispose();
    }

    private void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _stop.Cancel();
    }
}
