using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// The tables refuse a block for what is in its rows: sent again it would be refused again, and a part of it may be taken. The message is
/// theirs.
/// </summary>
public sealed class RowsRefusedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// What the tables have refused of late. Rows that go ahead of the cells leave their batches to others as soon as they are read; a refused
/// block is to be taken apart and needs its records, so after a refusal batches are kept until their rows are stored. Thread safe.
/// </summary>
public sealed class RowRefusals(TimeProvider time)
{
    private static readonly TimeSpan RememberedFor = TimeSpan.FromMinutes(10);
    private long _lastAt;

    /// <summary>Batches are to be kept.</summary>
    public bool AreRecent => Volatile.Read(ref _lastAt) is not 0 and var at && time.GetElapsedTime(at) < RememberedFor;

    /// <summary>A block was refused.</summary>
    internal void Note() => Volatile.Write(ref _lastAt, Math.Max(1, time.GetTimestamp()));
}

/// <summary>A refused block whose records are gone: they are to be read again, and kept.</summary>
internal sealed class RowsRefusedAheadException(Exception refused)
    : StartOverException(
        $"The tables refuse a block of rows; what is not committed is read again, to find the bad ones. {refused.Message}");
