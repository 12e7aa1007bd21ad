using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Identity;
using ScrmStream.LoadTest.Price;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;

namespace ScrmStream.LoadTest.Reference;

/// <summary>
/// The engine on one thread, from the bytes of records to cells and views in memory: what a process computes. Flushed when the pipeline
/// would at the latest, and at the end.
/// </summary>
internal sealed class MemoryRung
{
    private const int Read = 0, Decode = 1, Screen = 2, Fold = 3, Build = 4, Store = 5;

    private readonly PipelineOptions _options = new();
    private readonly StepClock _clock = new("read", "decode", "screen", "find and fold", "cells and views", "memory stores");
    private readonly CostMeter _meter = new();
    private readonly SourcePartition[] _partitions =
        [.. Enumerable.Range(0, RecordSlab.Partitions).Select(p => new SourcePartition(Guid.Empty, "reference", p))];
    private readonly long[] _offsets = new long[RecordSlab.Partitions];
    private readonly EventBatch _batch;
    private readonly RecordDecoder _decoder;
    private readonly IdentifierScreen _screen;
    private readonly CustomerState _state;
    private readonly EventFolder _folder;
    private readonly FlushBuilder _builder;
    private readonly FlushSlice _slice = new();
    private readonly MemoryViewStore _views = new() { IsSoleWriter = true, WriterEpoch = 1 };
    private readonly MemoryCellStore _cells;
    private long _events, _open, _rejects, _paidFen;

    private MemoryRung(RuleSet rules)
    {
        _batch = new EventBatch(new RecordBatch(_options.BatchRecordsMax, _options.BatchBytesMax));
        _decoder = new RecordDecoder(_options.Limits, new SchemaCatalog(_options.Limits));
        _screen = new IdentifierScreen(_options.Identity);
        _state = new CustomerState(_options.Identity);
        _folder = new EventFolder(_state, rules, new ShardHistory(_options.EventIdRing));
        _builder = new FlushBuilder(_state, new CustomerPublisher(_state, rules, _views, 1, TimeProvider.System), 1);
        _cells = new MemoryCellStore(_views);
    }

    /// <param name="topic">Whose records it makes anew in memory.</param>
    public static async Task<Rung> RunAsync(LadderGround ground, LadderTopic topic, CancellationToken cancel)
    {
        var (rung, truth, options) = (new MemoryRung(ground.Rules), topic.Truth, ground.Options);
        var slabs = new ReferenceRecords((int)truth.Events, options.PeopleOrDefault, options.Seed).Slabs(topic.Format == "Avro");
        CostMeter.Settle();
        var cost = Cost.None;
        foreach (var slab in slabs)
        {
            cancel.ThrowIfCancellationRequested();
            rung._meter.Begin();
            for (var next = 0; next < slab.Count;) next = await rung.TakeAsync(slab, next);
            cost += rung._meter.End();
        }
        rung._meter.Begin();
        await rung.FlushAsync();
        cost += rung._meter.End();
        return new Rung($"memory, {topic.Format}", "one thread, records in memory", rung._events, cost)
        {
            Steps = rung._clock.PerEvent(truth.Events), Wrong = await rung.CheckAsync(truth, cancel),
        };
    }

    // A batch of the slab's records from one on; answers the next one.
    private async Task<int> TakeAsync(RecordSlab slab, int next)
    {
        _clock.Start();
        _batch.Clear();
        for (; next < slab.Count && !_batch.Records.IsFull; next++)
        {
            var partition = slab.PartitionOf(next);
            _batch.Records.Add(_partitions[partition], _offsets[partition]++, -1, slab[next]);
        }
        _clock.Lap(Read);
        _decoder.Decode(_batch);
        _clock.Lap(Decode);
        _screen.Apply(_batch);
        _clock.Lap(Screen);
        var nodes = _state.Request(_batch);
        _state.Accept(nodes, new StoredCell[nodes.Length]);
        _folder.Fold(_batch, publishAll: false);
        _clock.Lap(Fold);
        _events += _batch.Count;
        _open += _batch.Count;
        _rejects += _batch.Rejects.Count;
        _paidFen += CountedRows.PaidIn(_batch);
        if (_open >= _options.FlushEventsMax) await FlushAsync();
        return next;
    }

    private async Task FlushAsync()
    {
        _open = 0;
        _clock.Start();
        _builder.Begin();
        while (_builder.NextCells(_slice))
        {
            _clock.Lap(Build);
            await _cells.StoreAsync(_slice.Cells, _slice.Arena, CancellationToken.None);
            _clock.Lap(Store);
        }
        _builder.BeginViews();
        while (_builder.NextViews(_slice))
        {
            _clock.Lap(Build);
            await _views.PublishAsync(_slice.Views, _slice.Arena, CancellationToken.None);
            _clock.Lap(Store);
        }
        _builder.Published();
        _clock.Lap(Build);
    }

    private async Task<IReadOnlyList<string>> CheckAsync(ReferenceTruth truth, CancellationToken cancel)
    {
        var check = new TruthCheck(truth);
        check.Same("events decoded", truth.Events, _events);
        check.Same("events rejected", 0, _rejects);
        check.Same("identifiers in memory", truth.Identifiers, _state.Count);
        check.Same("fen paid", truth.PaidFen, _paidFen);
        check.Stored("the memory stores", await _views.CountAsync(cancel));
        return check.Wrong;
    }
}
