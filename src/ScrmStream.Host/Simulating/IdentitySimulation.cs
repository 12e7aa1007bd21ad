using ScrmStream.ClickHouse;
using ScrmStream.Host.Rebuilding;
using ScrmStream.Host.Replay;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;

namespace ScrmStream.Host.Simulating;

/// <summary>
/// Folds all stored events twice in memory, with the present limits of identity and with others, and compares. Reads ClickHouse only.
/// </summary>
internal sealed class IdentitySimulation(ClickHouseClient clickHouse, RuleSet rules, int examplesMax)
{
    private const int IdentifiersMax = 100_000_000, RecordBytesMax = 64 * 1024 * 1024;

    // Of the identifiers that the examples name.
    private Dictionary<UInt128, string> _texts = [];

    /// <summary>Events that were folded, duplicates left out.</summary>
    public long Events { get; private set; }

    /// <summary>Of what is compared: who there is before and after.</summary>
    public FoldedCustomers Before { get; private set; } = null!;
    /// <inheritdoc cref="Before"/>
    public FoldedCustomers After { get; private set; } = null!;

    /// <exception cref="ClickHouseException">The server refused a query.</exception>
    /// <exception cref="StoreUnavailableException">It is out of reach, or changed what was read already.</exception>
    public async Task<CustomerComparison> RunAsync(PipelineOptions present, PipelineOptions other, CancellationToken cancel)
    {
        var judged = await StoredEventSource.JudgementAsync(clickHouse, cancel);
        await using var source = await StoredEventSource.OpenAsync(clickHouse, cancel);
        Say($"{source.Rows:N0} rows of events to fold with the present limits, and then with the others");
        Before = FoldedCustomers.Of((await FoldAsync(present, source, judged, cancel)).State, rules);
        var given = source.Given;
        source.Rewind();
        var pipeline = await FoldAsync(other, source, judged, cancel);
        if (source.Given != given)
            throw new StoreUnavailableException("Events of earlier offsets were stored meanwhile, so both folds differ; start again.");
        (Events, After) = (pipeline.Counters.Accepted, FoldedCustomers.Of(pipeline.State, rules));
        var comparison = new CustomerComparison(Before, After, rules, examplesMax);
        _texts = TextsOf(comparison, pipeline.State);
        return comparison;
    }

    /// <summary>The stored text of an identifier that an example names.</summary>
    public string TextOf(UInt128 identifier) => _texts.GetValueOrDefault(identifier) ?? new IdentifierId(identifier).ToString();

    private async Task<StreamPipeline> FoldAsync(
        PipelineOptions options, StoredEventSource source, PastJudgement judged, CancellationToken cancel)
    {
        // An event takes more room as JSON than as Avro; it was within the limits when it came. And the result is read from memory.
        (options.Limits.RecordBytesMax, options.IdentifiersInMemoryMax) = (RecordBytesMax, IdentifiersMax);
        var views = new MemoryViewStore { IsSoleWriter = true, WriterEpoch = 1 };
        var ports = new PipelinePorts(source, new MemoryCellStore(views), views, new NoAnalytics(), new NoLetters());
        var pipeline = new StreamPipeline(
            options, rules, ports, writerStamp: 1, TimeProvider.System, endsWhenIdle: true, judged: judged);
        var line = new LiveLine(TimeProvider.System);
        try
        {
            await new ServiceRun(pipeline, TimeProvider.System).RunAsync(untilIdle: null, line.Tick, cancel);
        }
        finally
        {
            line.Close();
        }
        cancel.ThrowIfCancellationRequested();
        var (accepted, others) = (pipeline.Counters.Accepted, source.Given - pipeline.Counters.Accepted);
        Say($"{accepted:N0} events folded; {others:N0} others were duplicates, or are not accepted by these limits");
        return pipeline;
    }

    private static Dictionary<UInt128, string> TextsOf(CustomerComparison comparison, CustomerState state)
    {
        ChangedPairs[] all = [comparison.MergesGained, comparison.MergesLost, comparison.Joining, comparison.Leaving];
        HashSet<UInt128> wanted = [.. all.SelectMany(a => a.Examples).SelectMany(e => (UInt128[])[e.One, e.Other])];
        var texts = new Dictionary<UInt128, string>();
        for (var node = 0; node < state.Count; node++)
            if (wanted.Contains(state.Graph.Nodes[node].Id))
                texts.Add(state.Graph.Nodes[node].Id, state.Graph.Nodes.TextOf(node));
        return texts;
    }

    private static void Say(FormattableString what) => Console.Error.WriteLine($"scrmstream: {FormattableString.Invariant(what)}");
}
