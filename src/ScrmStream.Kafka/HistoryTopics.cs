using System.Text.RegularExpressions;

namespace ScrmStream.Kafka;

/// <summary>
/// Says when topics of history are to be read: while the others are nearly at their end, so that years of history do not stand in the way
/// of what happens now. Used by the poll thread.
/// </summary>
/// <param name="topics">Names, or regular expressions that start with <c>^</c>.</param>
internal sealed class HistoryTopics(IEnumerable<string> topics, TimeProvider time)
{
    // Fewer live records than this wait for a batch anyway.
    private const long LiveLagMax = 1_000;
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private readonly HashSet<string> _names = [.. topics.Where(t => !t.StartsWith('^'))];
    private readonly Regex[] _expressions =
        [.. topics.Where(t => t.StartsWith('^')).Select(t => new Regex(t, RegexOptions.NonBacktracking))];
    private long _lookedAt;

    /// <summary>History waits for live records.</summary>
    public bool IsWaiting { get; private set; }

    public bool Contains(string topic) => _names.Contains(topic) || Array.Exists(_expressions, e => e.IsMatch(topic));

    public bool IsLookDue()
    {
        if (_names.Count + _expressions.Length == 0 || (_lookedAt != 0 && time.GetElapsedTime(_lookedAt) < LookInterval)) return false;
        _lookedAt = time.GetTimestamp();
        return true;
    }

    /// <summary>Takes the lag of the other topics in, -1 for unknown; true when <see cref="IsWaiting"/> is another one now.</summary>
    public bool Changes(long liveLag)
    {
        var waits = liveLag is < 0 or > LiveLagMax;
        if (waits == IsWaiting) return false;
        IsWaiting = waits;
        return true;
    }

    /// <summary>All partitions are being read again: after an assignment and after a pause.</summary>
    public void Forget() => (IsWaiting, _lookedAt) = (false, 0);
}
