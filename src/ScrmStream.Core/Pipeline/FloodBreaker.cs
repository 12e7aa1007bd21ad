namespace ScrmStream.Pipeline;

/// <summary>What a flood of bad events looks like now.</summary>
/// <param name="Share">Bad events of all, in the last second that was counted.</param>
public readonly record struct FloodState(bool IsOpen, double Share, TimeSpan Since);

/// <summary>
/// Notices when nearly everything that comes is bad for some time: a producer that changed its format, the wrong topic; or a table that
/// refuses nearly every row. Then it slows reading down, so that somebody can act before the whole topic lies among the dead letters;
/// nothing is dropped. It ends when good events come again, or nothing for a while. Thread safe.
/// </summary>
public sealed class FloodBreaker(PipelineOptions options, TimeProvider time)
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(5);

    private readonly int _recordsPerSecond = options.FloodRecordsPerSecond;
    // What cannot be decoded is found at once, what the tables refuse much later and more slowly: one must not hide the other.
    private readonly FloodGauge _decoded = new(options, time), _rows = new(options, time);

    /// <summary>Counts what a decode lane has found in a batch.</summary>
    public void Note(int events, int rejects) => _decoded.Note(events, rejects);

    /// <summary>Counts what the tables have taken and refused.</summary>
    public void NoteRows(int rows, int refused) => _rows.Note(rows, refused);

    public FloodState Look() => _rows.Look() is { IsOpen: true } refused ? refused : _decoded.Look();

    /// <summary>How long to wait before so many more records are read; zero while there is no flood.</summary>
    public TimeSpan WaitAfter(int records)
    {
        if (_recordsPerSecond == 0 || !Look().IsOpen) return TimeSpan.Zero;
        var wait = TimeSpan.FromSeconds((double)records / _recordsPerSecond);
        return wait < WaitMax ? wait : WaitMax;
    }
}

/// <summary>The share of bad ones by the second, and since when it has been too high. Thread safe.</summary>
internal sealed class FloodGauge(PipelineOptions options, TimeProvider time)
{
    // Fewer in all that time are a trickle, which needs no alarm.
    private const int EventsMin = 100;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1), QuietMax = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly double _share = options.FloodShare;
    private readonly TimeSpan _after = options.FloodAfter;
    private long _windowAt = time.GetTimestamp(), _notedAt = time.GetTimestamp();
    private long _badSince, _badEvents;
    private int _events, _rejects;
    private double _lastShare;
    private bool _isBad, _isOpen;

    public void Note(int events, int rejects)
    {
        if (events == 0) return;
        lock (_gate)
        {
            _notedAt = time.GetTimestamp();
            // While nothing came nothing was bad, so the time that counts is not that of waiting.
            if (_events == 0) _windowAt = Math.Max(_windowAt, _notedAt - (long)(Window.TotalSeconds * time.TimestampFrequency));
            (_events, _rejects) = (_events + events, _rejects + rejects);
            if (time.GetElapsedTime(_windowAt) >= Window) EndWindow();
        }
    }

    public FloodState Look()
    {
        lock (_gate)
        {
            if (_isOpen && time.GetElapsedTime(_notedAt) >= QuietMax) (_isOpen, _isBad) = (false, false);
            return new FloodState(_isOpen, _lastShare, _isBad ? time.GetElapsedTime(_badSince) : TimeSpan.Zero);
        }
    }

    private void EndWindow()
    {
        _lastShare = (double)_rejects / _events;
        if (_lastShare < _share) (_isBad, _isOpen, _badEvents) = (false, false, 0);
        else
        {
            if (!_isBad) _badSince = _windowAt;
            _isBad = true;
            _badEvents += _events;
            _isOpen |= _badEvents >= EventsMin && time.GetElapsedTime(_badSince) >= _after;
        }
        (_events, _rejects) = (0, 0);
        _windowAt = time.GetTimestamp();
    }
}
