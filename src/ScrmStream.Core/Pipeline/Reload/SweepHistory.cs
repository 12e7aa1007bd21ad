using ScrmStream.Identity;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline.Reload;

/// <summary>
/// Reads what is stored of a part's events while other things go on, and, while one part is gone through, the next one's: at most two
/// parts are in memory. What was read ahead is older by then, as if rows were on their way. Owned by the deciding thread.
/// </summary>
internal sealed class SweepHistory(ReadHistory history, Refolding refolding, int parts, TaskFactory tasks)
{
    private readonly CancellationTokenSource _end = new();
    private Reading? _current, _ahead;

    private sealed record Reading(int Part, RefoldedShards Into, Task Task);

    /// <summary>What was asked for last is still on its way.</summary>
    public bool IsReading => _current is { Task.IsCompleted: false };

    /// <summary>Asks for a part; of some identifiers only, where they are given.</summary>
    public void Start(int part, IReadOnlyCollection<IdentifierId>? anchors, CancellationToken cancel)
    {
        var isAhead = anchors is null && _ahead?.Part == part;
        _current = isAhead ? _ahead : Read(part, anchors, cancel);
        if (isAhead) _ahead = null;
    }

    /// <summary>Asks for the part that comes next, if there is one.</summary>
    public void ReadAheadOf(int part, CancellationToken cancel)
    {
        if (part + 1 < parts && _ahead is not { Task.IsCompleted: false }) _ahead = Read(part + 1, null, cancel);
    }

    /// <summary>What was asked for last, once it is there.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be read now; it is to be asked for again.</exception>
    public async ValueTask<RefoldedShards> TakeAsync()
    {
        var current = _current!;
        _current = null;
        await current.Task;
        return current.Into;
    }

    /// <summary>Ends what runs beside.</summary>
    public void Abandon() => _end.Cancel();

    private Reading Read(int part, IReadOnlyCollection<IdentifierId>? anchors, CancellationToken cancel)
    {
        var (first, count) = SweepPart.Buckets(part, parts);
        var question = new HistoryQuestion(first, count, refolding, anchors);
        var into = new RefoldedShards(refolding);
        return new Reading(part, into, tasks.StartNew(ReadAsync, _end.Token).Unwrap());

        async Task ReadAsync()
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel, _end.Token);
            await history(question, into, end.Token);
            into.Close();
        }
    }
}
