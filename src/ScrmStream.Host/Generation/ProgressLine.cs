namespace ScrmStream.Host.Generation;

/// <summary>One line on standard error that renews itself once per second; nothing where standard error is not a terminal.</summary>
internal sealed class ProgressLine(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private long _shownAt = time.GetTimestamp();
    private bool _isOpen;

    public void Tick(Func<string> line)
    {
        if (!_isTerminal || time.GetElapsedTime(_shownAt) < Interval) return;
        _shownAt = time.GetTimestamp();
        _isOpen = true;
        Console.Error.Write($"\r\u001b[K{line()}");
    }

    public void Close()
    {
        if (_isOpen) Console.Error.Write("\r\u001b[K");
        _isOpen = false;
    }
}
