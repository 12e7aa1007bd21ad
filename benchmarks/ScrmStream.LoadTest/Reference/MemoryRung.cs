using System.Globalization;
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
    private const int EventsMax = 10_000_000;
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
    private long _events, _open, _rejects, _paidFen, _flushed;

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

    /// <summary>From nothing, and then as many events again of the customers that are there.</summary>
    /// <param name="topic">Whose records it makes anew in memory.</param>
    public static async Task<Rung[]> RunAsync(LadderGround ground, LadderTopic topic, CancellationToken cancel)
    {
        var (rung, options, events) = (new MemoryRung(ground.Rules), ground.Options, (int)topic.Truth.Events);
        var cold = await rung.PassAsync(ground, topic, pass: 0, topic.Truth, cancel);
        // More would not lie within the seven days of the rules.
        if (events > EventsMax / 2) return [cold];
        return [cold, await rung.PassAsync(ground, topic, pass: 1, ReferenceTruth.Of(events, options.PeopleOrDefault, options.Seed, 2), cancel)];
    }

    private async Task<Rung> PassAsync(LadderGround ground, LadderTopic topic, int pass, ReferenceTruth truth, CancellationToken cancel)
    {
        var events = (int)topic.Truth.Events;
        CostMeter.Settle();
        var (cost, flushed) = (Cost.None, _flushed);
        _clock.Clear();
        foreach (var slab in new ReferenceRecords(events, ground.Options.PeopleOrDefault, ground.Options.Seed).Slabs(topic.Format == "Avro", pass))
        {
            cancel.ThrowIfCancellationRequested();
            _meter.Begin();
            for (var next = 0; next < slab.Count;) next = await TakeAsync(slab, next);
            cost += _meter.End();
        }
        _meter.Begin();
        await FlushAsync();
        cost += _meter.End();
        var folding = (double)(cost.AllocatedBytes - (_flushed - flushed)) / events;
        return new Rung(
            $"memory, {topic.Format}{(pass > 0 ? ", warm" : "")}",
            pass == 0 ? "one thread, records in memory" : "the same customers again, all of them in memory", events, cost)
        {
            Steps = _clock.PerEvent(events), Wrong = await CheckAsync(truth, cancel),
            Wrote = [string.Create(CultureInfo.InvariantCulture, $"allocated before the flush: {folding:N1} bytes an event")],
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
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
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
        _flushed += GC.GetTotalAllocatedBytes(precise: true) - allocated;
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
