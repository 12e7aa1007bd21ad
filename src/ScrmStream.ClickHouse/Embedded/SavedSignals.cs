namespace ScrmStream.ClickHouse.Embedded;

/// <summary>
/// Keeps this process's signal handlers across the engine's start. Telling chDB to leave signals alone also resets the deadly ones
/// to their defaults, and the .NET runtime needs its own: a null reference is a SIGSEGV until the runtime turns it into an exception.
/// </summary>
internal sealed unsafe class SavedSignals
{
    private const int SignalsMax = 64;
    // glibc's struct sigaction has 152 bytes on the 64-bit platforms; the room is generous for others.
    private const int ActionBytes = 256;

    private readonly byte[][] _actions = new byte[SignalsMax + 1][];

    public static SavedSignals Take()
    {
        var saved = new SavedSignals();
        for (var signal = 1; signal <= SignalsMax; signal++)
        {
            var action = new byte[ActionBytes];
            fixed (byte* room = action)
            {
                if (ChdbNative.SignalAction(signal, null, room) == 0) saved._actions[signal] = action;
            }
        }
        return saved;
    }

    public void Restore()
    {
        for (var signal = 1; signal <= SignalsMax; signal++)
        {
            if (_actions[signal] is not { } action) continue;
            // SIGKILL and SIGSTOP can be read but not set; the call refuses them and nothing is lost.
            fixed (byte* room = action) _ = ChdbNative.SignalAction(signal, room, null);
        }
    }
}
