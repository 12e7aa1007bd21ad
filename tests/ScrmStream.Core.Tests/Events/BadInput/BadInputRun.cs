using System.Text;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Tests.Events.BadInput;

/// <summary>One dead letter as it was written, its bytes copied.</summary>
internal sealed record KeptLetter(long Offset, int Index, RejectReason Reason, string Detail, byte[] Raw, bool IsWholeRecord);

/// <summary>Runs records through the whole engine over memory stores and notes everything that becomes of them.</summary>
internal sealed class BadInputRun : IAnalyticsSink, IDeadLetterSink
{
    private readonly List<KeptLetter> _letters = [];
    private readonly List<string> _facts = [];

    private BadInputRun(PipelineOptions options, byte[][] records, long timestampMs)
    {
        var source = new ListSource([(ListSource.Partition(0), records)], [], recordsPerPoll: 256, timestampMs);
        var views = new MemoryViewStore { IsSoleWriter = true };
        Pipeline = new StreamPipeline(
            options, RuleSet.Empty, new PipelinePorts(source, new MemoryCellStore(views), views, this, this), writerStamp: 1,
            TimeProvider.System);
    }

    public StreamPipeline Pipeline { get; }
    public PipelineCounters Counters => Pipeline.Counters;
    public IReadOnlyList<KeptLetter> Letters => _letters;

    /// <summary>What the accepted events were read as: <c>page=/</c>, <c>a.b=1:l</c>, <c>phone::+86...</c>.</summary>
    public IReadOnlyList<string> Facts => _facts;

    public static async Task<BadInputRun> OfAsync(byte[][] records, long timestampMs, PipelineOptions? options = null)
    {
        var run = new BadInputRun(options ?? new PipelineOptions(), records, timestampMs);
        await run.Pipeline.RunAsync(CancellationToken.None);
        return run;
    }

    /// <summary>What became of the events, in the words of docs/bad-input.md.</summary>
    public string Outcome()
    {
        List<string> said = [];
        if (Counters.Accepted > 0) said.Add($"{Counters.Accepted} accepted");
        foreach (var reason in Enum.GetValues<RejectReason>())
        {
            if (Counters.RejectedBy(reason) is > 0 and var count)
                said.Add($"{count} `{JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString())}`");
        }
        if (Counters.DroppedIdentifiers > 0) said.Add($"{Counters.DroppedIdentifiers} dropped");
        return said.Count == 0 ? "nothing" : string.Join(", ", said);
    }

    Task IAnalyticsSink.WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel)
    {
        foreach (var batch in batches)
        {
            foreach (ref var e in batch.Events)
                if (e.Verdict == Verdict.Accepted && _facts.Count < 4096) Note(batch, in e);
        }
        return Task.CompletedTask;
    }

    Task IDeadLetterSink.WriteAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
    {
        foreach (var l in letters)
            _letters.Add(new KeptLetter(l.Position.Offset, l.Position.Index, l.Reason, l.Detail, l.Raw.ToArray(), l.IsWholeRecord));
        return Task.CompletedTask;
    }

    Task IAnalyticsSink.WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) => Task.CompletedTask;
    Task IAnalyticsSink.WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) => Task.CompletedTask;
    Task IAnalyticsSink.WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) => Task.CompletedTask;
    Task IAnalyticsSink.WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) => Task.CompletedTask;
    Task IAnalyticsSink.WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) => Task.CompletedTask;
    Task IAnalyticsSink.WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) => Task.CompletedTask;

    private void Note(EventBatch batch, in TrackingEvent e)
    {
        string Text(TextRange range) => Encoding.UTF8.GetString(batch.Text(range));
        if (e.EventTimeMs != Decoding.Noon) _facts.Add($"event_time={e.EventTimeMs}");
        if (e.ReceivedTimeMs != 0) _facts.Add($"received_time={e.ReceivedTimeMs}");
        if (e.EventId.IsPresent) _facts.Add($"event_id={Text(e.EventId)}");
        if (e.SessionId.IsPresent) _facts.Add($"session_id={Text(e.SessionId)}");
        if (e.Page.IsPresent) _facts.Add($"page={Text(e.Page)}");
        if (e.Channel != Channel.None) _facts.Add($"channel={e.Channel.Word()}");
        if (e.CampaignSource.IsPresent) _facts.Add($"campaign.source={Text(e.CampaignSource)}");
        if (e.HasShareDepth) _facts.Add($"share.depth={e.ShareDepth}");
        if (e.HasAmount) _facts.Add($"amount_fen={e.AmountFen}");
        foreach (ref var identifier in batch.IdentifiersOf(in e))
            if (Text(identifier.Text) is not "member_id:s:m1" and var text) _facts.Add(text);
        foreach (ref var p in batch.PropertiesOf(in e))
            _facts.Add($"{Text(p.Name)}={Text(p.Text)}:{p.Type.ToString().ToLowerInvariant()}");
    }
}
