using System.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;

namespace ScrmStream.LoadTest;

/// <summary>
/// The engine in memory, one rung at a time on one thread: each rung is the one before plus one stage. Prints processor time and
/// bytes allocated per event, and what the answer was, for a speed without its answer is void.
/// </summary>
public sealed class EngineLadder(string input, RuleSet rules)
{
    private readonly PipelineOptions _options = new();

    public void Run()
    {
        Console.WriteLine($"{"rung",-10} {"CPU ns/event",12} {"B/event",8}  answer");
        Rung("read", (_, _) => { }, () => "");
        var decoder = new JsonEventDecoder(_options.Limits);
        var events = 0L;
        Rung("decode", (batch, _) => { decoder.Decode(batch); events += batch.Count; }, () => $"{events} events");
        var screen = new IdentifierScreen(_options.Identity);
        Rung("screen", (batch, _) => { decoder.Decode(batch); screen.Apply(batch); }, () => "");
        Engine("fold", flush: false);
        Engine("flush", flush: true);
    }

    private void Engine(string name, bool flush)
    {
        var decoder = new JsonEventDecoder(_options.Limits);
        var screen = new IdentifierScreen(_options.Identity);
        var state = new CustomerState(_options.Identity);
        var folder = new EventFolder(state, rules, new ShardHistory(_options.EventIdRing));
        var builder = new FlushBuilder(state, new CustomerPublisher(state, rules, new MemoryViewStore { IsSoleWriter = true }, 1, TimeProvider.System), 1);
        var slice = new FlushSlice();
        var (open, flushBatches) = (0, _options.FlushEventsMax / _options.BatchRecordsMax);
        long cells = 0, cellBytes = 0, views = 0, viewBytes = 0, changes = 0;
        void Flush()
        {
            builder.Begin();
            for (; builder.NextCells(slice); cells += slice.Cells.Count)
                foreach (var cell in slice.Cells) cellBytes += cell.Content.Length;
            builder.BeginViews();
            for (; builder.NextViews(slice); views += slice.Views.Count)
            {
                changes += slice.IdentityChanges.Count;
                foreach (var view in slice.Views) viewBytes += view.Fields.Length + view.Tags.Length + view.Conclusion.Length;
            }
        }
        Rung(name, (batch, i) =>
        {
            decoder.Decode(batch);
            screen.Apply(batch);
            var nodes = state.Request(batch);
            state.Accept(nodes, new StoredCell[nodes.Length]);
            folder.Fold(batch, publishAll: false);
            if (flush && ++open == flushBatches)
            {
                Flush();
                open = 0;
            }
        }, () =>
        {
            if (!flush) return $"{state.Count} identifiers";
            Flush();
            var customers = Enumerable.Range(0, state.Count).Count(n => state.Graph.Nodes[n].Root == n);
            return $"{state.Count} identifiers, {customers} customers; {cells} cells of {cellBytes / Math.Max(cells, 1)} B, {views} views of {viewBytes / Math.Max(views, 1)} B, {changes} identity changes";
        });
    }

    private void Rung(string name, Action<EventBatch, int> work, Func<string> answer)
    {
        using var process = Process.GetCurrentProcess();
        var source = new FileEventSource([input], _options.Limits);
        var batch = new EventBatch(new RecordBatch(_options.BatchRecordsMax, _options.BatchBytesMax));
        GC.Collect();
        var (cpu, bytes, records) = (process.TotalProcessorTime, GC.GetTotalAllocatedBytes(true), 0L);
        for (var i = 0; source.Poll(batch.Records, TimeSpan.Zero) == SourceState.Open || batch.Records.Count > 0; i++)
        {
            records += batch.Records.Count;
            work(batch, i);
            batch.Clear();
        }
        var said = answer();
        process.Refresh();
        var ns = (process.TotalProcessorTime - cpu).TotalMilliseconds * 1e6 / records;
        Console.WriteLine($"{name,-10} {ns,12:N0} {(GC.GetTotalAllocatedBytes(true) - bytes) / (double)records,8:N1}  {said}");
    }
}
