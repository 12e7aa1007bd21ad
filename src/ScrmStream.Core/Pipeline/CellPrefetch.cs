using ScrmStream.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>
/// Reads the cells that coming batches need, one or more batches ahead of the deciding thread, so that it seldom waits. All calls
/// come from the deciding thread; only the store's work runs elsewhere.
/// </summary>
public sealed class CellPrefetch(CustomerState state, ICellStore cells)
{
    private readonly Queue<Request> _ahead = new();

    public int Count => _ahead.Count;

    /// <summary>Asks for what the batch needs and memory lacks.</summary>
    public void Start(EventBatch batch, CancellationToken cancel)
    {
        var nodes = state.Request(batch);
        _ahead.Enqueue(new Request(batch, nodes, nodes.Length == 0 ? NothingToLoad : LoadAsync(nodes, cancel)));
    }

    /// <summary>
    /// The oldest batch asked for, once everything it needs is in memory: its identifiers' cells and their whole islands.
    /// </summary>
    public async ValueTask<EventBatch> NextAsync(CancellationToken cancel)
    {
        var next = _ahead.Dequeue();
        state.MetRequested = false;
        await AcceptAsync(next, cancel);
        await SettleAsync(cancel);
        return next.Batch;
    }

    /// <summary>
    /// Returns when everything is in memory that customers are derived from; an unbind or an end of quarantine may have reached
    /// identifiers that no event of a batch names.
    /// </summary>
    public async ValueTask CompleteAsync(CancellationToken cancel)
    {
        while (!state.IsComplete)
        {
            state.MetRequested = false;
            await LoadAllAsync(state.Complete(), cancel);
            await SettleAsync(cancel);
        }
    }

    /// <summary>What is stored of identifiers, without taking it in.</summary>
    public Task<StoredCell[]> LookAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel) => cells.LoadAsync(ids, cancel);

    /// <summary>What <see cref="BringAsync"/> found of a customer.</summary>
    /// <param name="Node">-1: it is not in memory.</param>
    /// <param name="IsStale">Memory holds another state than the one last published.</param>
    /// <param name="IsOutdated">Memory holds another cell than the one that is stored.</param>
    public readonly record struct Brought(int Node, bool IsStale, bool IsOutdated);

    /// <summary>Brings customers into memory that no batch names, with their whole islands.</summary>
    /// <param name="mayLoad">Of each whether it is to be brought when it is not in memory; else it is only looked up.</param>
    public async ValueTask<Brought[]> BringAsync(List<IdentifierId> ids, List<bool> mayLoad, CancellationToken cancel)
    {
        var stored = await cells.LoadAsync(ids, cancel);
        var brought = new Brought[stored.Length];
        var (nodes, contents) = (new List<int>(), new List<StoredCell>());
        state.MetRequested = false;
        for (var i = 0; i < stored.Length; i++)
        {
            var node = -1;
            if (stored[i].Cell is { } cell && (node = state.NodeOf(cell, mayLoad[i], out var takes)) >= 0 && takes)
            {
                nodes.Add(node);
                contents.Add(stored[i]);
            }
            brought[i] = new Brought(node, false, false);
        }
        await LoadAllAsync(state.Accept([.. nodes], [.. contents]), cancel);
        await SettleAsync(cancel);
        for (var i = 0; i < brought.Length; i++)
        {
            if (brought[i].Node is not (var node and >= 0)) continue;
            var isOutdated = CellCodec.ReadVersion(stored[i].Cell) != state.Version(node);
            brought[i] = new Brought(node, state[node].ViewStamp != stored[i].ViewStamp, isOutdated);
        }
        return brought;
    }

    /// <summary>
    /// Gives back the batches asked for, oldest first, and forgets what was asked; the state is about to be forgotten too.
    /// </summary>
    public async Task<List<EventBatch>> AbandonAsync()
    {
        var batches = new List<EventBatch>();
        while (_ahead.TryDequeue(out var request))
        {
            await Task.WhenAny(request.Load);
            batches.Add(request.Batch);
        }
        return batches;
    }

    private static readonly Task<StoredCell[]> NothingToLoad = Task.FromResult<StoredCell[]>([]);

    private async ValueTask AcceptAsync(Request request, CancellationToken cancel)
    {
        if (request.Accepted) return;
        request.Accepted = true;
        await LoadAllAsync(state.Accept(request.Nodes, await request.Load), cancel);
    }

    private async ValueTask LoadAllAsync(int[] nodes, CancellationToken cancel)
    {
        while (nodes.Length > 0) nodes = state.Accept(nodes, await LoadAsync(nodes, cancel));
    }

    // What was read may have named cells that a later batch has asked for: they are needed now.
    private async ValueTask SettleAsync(CancellationToken cancel)
    {
        if (state.MetRequested)
            foreach (var later in _ahead) await AcceptAsync(later, cancel);
        state.ResolveArrived();
    }

    private Task<StoredCell[]> LoadAsync(int[] nodes, CancellationToken cancel)
    {
        var ids = Ids(nodes);
        // Apart, so that a process without failpoints makes no closure.
        return Failpoints.AreOn ? LoadAsync(ids, cancel) : cells.LoadAsync(ids, cancel);
    }

    private Task<StoredCell[]> LoadAsync(IdentifierId[] ids, CancellationToken cancel) =>
        Failpoints.Around(Failpoint.LoadBefore, () => cells.LoadAsync(ids, cancel), Failpoint.LoadAfter);

    private IdentifierId[] Ids(int[] nodes)
    {
        var ids = new IdentifierId[nodes.Length];
        for (var i = 0; i < nodes.Length; i++) ids[i] = new IdentifierId(state.Graph.Nodes[nodes[i]].Id);
        return ids;
    }

    private sealed class Request(EventBatch batch, int[] nodes, Task<StoredCell[]> load)
    {
        public EventBatch Batch { get; } = batch;
        public int[] Nodes { get; } = nodes;
        public Task<StoredCell[]> Load { get; } = load;
        public bool Accepted { get; set; }
    }
}
