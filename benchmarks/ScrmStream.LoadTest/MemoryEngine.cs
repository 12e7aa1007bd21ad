using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;

namespace ScrmStream.LoadTest;

/// <summary>Decode, screen, fold and flush on one thread, without stores: what a process computes.</summary>
internal sealed class MemoryEngine
{
    private readonly JsonEventDecoder _decoder;
    private readonly IdentifierScreen _screen;
    private readonly EventFolder _folder;
    private readonly FlushBuilder _builder;
    private readonly FlushSlice _slice = new();

    public MemoryEngine(PipelineOptions options, RuleSet rules, bool isSoleWriter)
    {
        State = new CustomerState(options.Identity);
        _decoder = new JsonEventDecoder(options.Limits);
        _screen = new IdentifierScreen(options.Identity);
        _folder = new EventFolder(State, rules, new ShardHistory(options.EventIdRing));
        var views = new MemoryViewStore { IsSoleWriter = isSoleWriter };
        _builder = new FlushBuilder(State, new CustomerPublisher(State, rules, views, 1, TimeProvider.System), 1);
    }

    public CustomerState State { get; }
    public long Cells { get; private set; }
    public long CellBytes { get; private set; }
    public long Letters { get; private set; }
    public int Customers => Enumerable.Range(0, State.Count).Count(n => State.Graph.Nodes[n].Root == n);

    public void Fold(EventBatch batch)
    {
        _decoder.Decode(batch);
        _screen.Apply(batch);
        var nodes = State.Request(batch);
        State.Accept(nodes, new StoredCell[nodes.Length]);
        _folder.Fold(batch, publishAll: false);
    }

    /// <param name="batches">Whose rejects become letters.</param>
    public void Flush(IReadOnlyList<EventBatch> batches)
    {
        _builder.Begin();
        for (; _builder.NextCells(_slice); Cells += _slice.Cells.Count)
            foreach (var cell in _slice.Cells) CellBytes += cell.Content.Length;
        Letters += RowWriter.LettersOf(batches).Count;
        _builder.BeginViews();
        while (_builder.NextViews(_slice))
        {
        }
        _builder.Published();
    }
}
