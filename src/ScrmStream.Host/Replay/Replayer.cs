using System.Text.Json;
using System.Text.Json.Nodes;
using ScrmStream.Events.Avro;
using ScrmStream.Host.Running;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;

namespace ScrmStream.Host.Replay;

/// <summary>What a replay reads, with which rules, up to when, and where the result goes.</summary>
/// <param name="AsOfMs">Later events are not applied, scores are as of it; null: the greatest event time.</param>
public sealed record ReplayPlan(IReadOnlyList<string> Inputs, RowMapping? Mapping, RuleSet Rules, long? AsOfMs, string OutputFolder)
{
    /// <summary>
    /// Tags as of <see cref="AsOfMs"/>, as <c>run --until-idle</c> leaves them; else as of each customer's own last event.
    /// </summary>
    public bool TagsAsOfEnd { get; init; } = true;
}

/// <summary>
/// The same engine over files, without servers: <c>customers.ndjson</c>, <c>summary.json</c>, <c>rejects.ndjson</c>,
/// <c>identity-changes.ndjson</c>, and with actions <c>actions.ndjson</c>.
/// </summary>
public static class Replayer
{
    /// <summary>The words for when tags are concluded: as of the end, or as of each customer's last event.</summary>
    public const string End = "end", LastEvent = "last-event";

    /// <summary>Runs a replay and returns the text of summary.json.</summary>
    public static Task<string> RunAsync(ReplayPlan plan, PipelineOptions options, TimeProvider time, CancellationToken cancel) =>
        RunAsync(plan, options, new SchemaOptions(), time, cancel);

    /// <inheritdoc cref="RunAsync(ReplayPlan, PipelineOptions, TimeProvider, CancellationToken)"/>
    /// <param name="schemaOptions">Of them the reader's schema; the writers' are in the files.</param>
    public static async Task<string> RunAsync(
        ReplayPlan plan, PipelineOptions options, SchemaOptions schemaOptions, TimeProvider time, CancellationToken cancel)
    {
        Directory.CreateDirectory(plan.OutputFolder);
        // Everything stays in memory: what a replay writes at the end is read from the engine's own state.
        options.IdentifiersInMemoryMax = 100_000_000;
        if (plan.AsOfMs is { } limit) options.Limits.NotAfterMs = limit;
        var schemas = RunSchemas.Open(options.Limits, schemaOptions, [], time);
        await using var source = new FileEventSource(plan.Inputs, options.Limits, plan.Mapping, schemas);
        using var rejects = new FileDeadLetterSink(Path.Combine(plan.OutputFolder, "rejects.ndjson"));
        using var changes = new FileIdentityChangeSink(Path.Combine(plan.OutputFolder, "identity-changes.ndjson"));
        var views = new MemoryViewStore();
        var ports = new PipelinePorts(source, new MemoryCellStore(views), views, new NoAnalytics(), rejects, changes, schemas);
        var pipeline = new StreamPipeline(options, plan.Rules, ports, writerStamp: 1, time);
        var run = new ServiceRun(pipeline, time);
        var line = new LiveLine(time);
        try
        {
            await run.RunAsync(untilIdle: null, line.Tick, cancel);
        }
        finally
        {
            line.Close();
        }
        return Write(plan, pipeline, run);
    }

    private static string Write(ReplayPlan plan, StreamPipeline pipeline, ServiceRun run)
    {
        var roots = CustomerProfile.RootsInOrder(pipeline.State);
        var customer = new CustomerProfile(pipeline.State, plan.Rules);
        var asOfMs = plan.AsOfMs ?? GreatestEventTime(customer, roots);
        using var file = new BufferedStream(File.Create(Path.Combine(plan.OutputFolder, "customers.ndjson")), 1 << 20);
        using var writer = new CustomerWriter(file);
        using var actions = plan.Rules.Actions is null ? null : new ActionWriter(Path.Combine(plan.OutputFolder, "actions.ndjson"));
        foreach (var root in roots)
        {
            customer.Read(root, asOfMs, tagsToo: plan.TagsAsOfEnd);
            writer.Write(customer);
            actions?.Write(customer.Id, customer.Decide(asOfMs));
        }
        var totals = new StoreTotals(pipeline.State.Count, writer.Customers, writer.Tags);
        var summary = JsonNode.Parse(RunSummary.Of(pipeline.Counters, run.Elapsed, totals).ToJson())!.AsObject();
        summary["as_of"] = asOfMs;
        summary["tags_as_of"] = plan.TagsAsOfEnd ? End : LastEvent;
        summary["state_hash"] = writer.StateHash();
        if (actions is not null) summary["actions"] = new JsonObject { ["sent"] = actions.Sent, ["suppressed"] = actions.Suppressed };
        var text = summary.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
        File.WriteAllText(Path.Combine(plan.OutputFolder, "summary.json"), text + "\n");
        return text;
    }

    private static long GreatestEventTime(CustomerProfile customer, int[] roots)
    {
        long greatest = 0;
        foreach (var root in roots) greatest = Math.Max(greatest, customer.LastSeenOf(root));
        return greatest;
    }
}
