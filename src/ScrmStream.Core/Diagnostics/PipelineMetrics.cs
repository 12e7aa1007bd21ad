using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.Diagnostics;

/// <summary>How a metric moves.</summary>
public enum MetricKind : byte
{
    /// <summary>It only grows, from 0 at the start of the process.</summary>
    Counter,
    /// <summary>It goes up and down.</summary>
    Gauge,
}

/// <summary>One value of a metric.</summary>
/// <param name="Label">Value of the metric's label; null for a metric without one.</param>
public readonly record struct MetricSample(double Value, string? Label = null);

/// <summary>A declared metric. Reading it is cheap and may be done from any thread.</summary>
/// <param name="Name">Its name, with the unit in it.</param>
/// <param name="Help">What it counts, and what a rise means to whoever runs the service.</param>
/// <param name="Label">Name of the label that tells its samples apart; null: one sample.</param>
public sealed record PipelineMetric(
    string Name, MetricKind Kind, string Unit, string Help, Func<StreamPipeline, IEnumerable<MetricSample>> Read, string? Label = null);

/// <summary>The metrics of a running pipeline, all declared here.</summary>
public static class PipelineMetrics
{
    private static readonly (RejectReason Reason, string Word)[] Reasons =
        [.. Enum.GetValues<RejectReason>().Select(r => (r, JsonNamingPolicy.SnakeCaseLower.ConvertName(r.ToString())))];

    /// <summary>In the order in which an event meets them.</summary>
    public static IReadOnlyList<PipelineMetric> All { get; } =
    [
        Gauge("scrmstream_source_lag_records", "records",
            "Records behind the ends of the assigned partitions. A steady rise: more arrives than is worked off; add a process, "
            + "or see what waits.",
            p => p.Lag, hides: lag => lag < 0),
        Gauge("scrmstream_source_idle_seconds", "seconds", "How long everything there is has been read.", p => p.IdleFor.TotalSeconds),
        Counter("scrmstream_polled_records_total", "records", "Records fetched. Flat while the lag is above zero: the source is paused, "
            + "because a store is slow or away.", c => c.PolledRecords),
        Gauge("scrmstream_in_flight_records", "records",
            "Records fetched and not yet durable. It is bounded; at its top for long: Redis or ClickHouse is the brake.",
            p => Page(p).PendingRecords),
        new("scrmstream_pending_records", MetricKind.Gauge, "records",
            "The same, by the stage that they wait for or are in. The stage before which they pile up is the slow one.",
            p => Pending(Page(p)), "stage"),
        Counter("scrmstream_durable_records_total", "records",
            "Records whose events are stored everywhere, so that their offsets may be committed.", c => c.DurableRecords),
        Counter("scrmstream_durable_events_total", "events",
            "Events that are stored everywhere, accepted or rejected. Its rate is the throughput.", c => c.DurableEvents),
        Counter("scrmstream_decoded_events_total", "events", "Good events found in records, stored or on their way.",
            c => c.Books.Look().DecodedEvents),
        Counter("scrmstream_written_rows_total", "rows", "Rows of events that ClickHouse has acknowledged, duplicates' too. "
            + "Ahead of what is accepted by one flush at most.", c => c.Books.Look().RowsWritten),
        Counter("scrmstream_found_rows_total", "rows", "Of these, rows that were there already. It rises when partitions are taken over.",
            c => c.Books.Look().RowsFound),
        Counter("scrmstream_refused_rows_total", "rows", "Rows that ClickHouse refuses for what is in them; each is a dead letter with "
            + "the reason. Above zero: a constraint, a type or a view of the tables does not go with the data.",
            c => c.Books.Look().RowsRefused),
        Counter("scrmstream_written_letters_total", "letters", "Dead letters acknowledged by their topic and their table.",
            c => c.Books.Look().LettersWritten),
        Counter("scrmstream_written_again_total", "rows", "Rows and letters of records that were read again because another process "
            + "had appeared. The views show each once.", c => c.Books.Look().Repeated),
        Gauge("scrmstream_books_difference", "records", "By how much in is not out, rejected and pending in the stages. Above zero: an "
            + "error of this program, and worth a report.", p => Page(p).Difference),
        Counter("scrmstream_accepted_events_total", "events", "Events accepted.", c => c.Accepted),
        new("scrmstream_rejected_events_total", MetricKind.Counter, "events",
            "Events or records set aside, by reason. A jump: a producer changed its format or sends bad data; "
            + "\"dead-letters list\" shows them.",
            p => Reasons.Select(r => new MetricSample(p.Counters.RejectedBy(r.Reason), r.Word)), "reason"),
        Gauge("scrmstream_flood_open", "floods",
            "1 while nearly everything that comes is bad and reading is slowed down: a producer changed its format, or the topic is the "
            + "wrong one.",
            p => p.Flood.Look().IsOpen ? 1 : 0),
        Counter("scrmstream_repeated_events_total", "events", "Accepted events that state held already. It rises after a restart or a "
            + "rebalance, for as long as records are read again.", c => c.Repeats),
        Counter("scrmstream_dropped_identifiers_total", "identifiers", "Identifiers left out as junk, of unknown kind or invalid; their "
            + "events were kept. A jump: a producer fills in placeholders.", c => c.DroppedIdentifiers),
        Counter("scrmstream_flushes_total", "flushes", "Flushes completed. Flat while records are in flight: a store does not answer.",
            c => c.Flushes),
        Counter("scrmstream_cell_conflicts_total", "flushes", "Flushes done again because another process had written a cell. A steady "
            + "rise: one customer's events come over several partitions.", c => c.Conflicts),
        Counter("scrmstream_view_refusals_total", "flushes",
            "Publications done again because another process had published a newer view. It rises with conflicts.", c => c.Refusals),
        new("scrmstream_woken_customers_total", MetricKind.Counter, "customers", "Customers concluded anew because time passed: a window, "
            + "an absence, an expiry, a date. Many at once are published like as many events.", p => [new MetricSample(p.Woken)]),
        Gauge("scrmstream_rule_differences", "values", "Tags and scores of customers of whom Redis and SQL did not say the same at "
            + "the last audit (RuleAuditSeconds). Above zero: \"rules audit\" names them; a new rule may lack what came before it.",
            p => p.Counters.RuleDifferences, hides: found => found < 0),
        Gauge("scrmstream_rule_file_bad", "files", "1 while the rule file on disk has changed and is not right: the rules before stay in "
            + "force, and the log has line and reason.", p => p.Counters.IsRuleFileBad ? 1 : 0),
        Gauge("scrmstream_rule_sweep_open", "sweeps", "1 while customers follow new rules, which takes its share of the time. For hours: "
            + "ClickHouse is slow or away, or \"rules status\" shows a part that does not end.", p => p.IsSweeping ? 1 : 0),
        Gauge("scrmstream_identifiers_in_memory", "identifiers", "Identifiers kept in memory. When it falls to zero, the limit "
            + "Pipeline:IdentifiersInMemoryMax was reached.", p => p.Counters.Identifiers),
        Gauge("scrmstream_process_memory_bytes", "bytes", "Resident memory of the process. Bounded once identifiers are at their limit.",
            _ => Environment.WorkingSet),
        new("scrmstream_gc_pause_seconds_total", MetricKind.Counter, "seconds",
            "Time the process stood still to collect garbage. A steep rise: memory is short.",
            _ => [new MetricSample(GC.GetTotalPauseDuration().TotalSeconds)]),
    ];

    private static BooksPage Page(StreamPipeline pipeline) => pipeline.Counters.Books.Look();

    private static MetricSample[] Pending(BooksPage page) =>
        [new(page.DecodingRecords, "decode"), new(page.DecidingRecords, "decide"), new(page.WritingRecords, "write")];

    private static PipelineMetric Counter(string name, string unit, string help, Func<PipelineCounters, long> read) =>
        new(name, MetricKind.Counter, unit, help, p => [new MetricSample(read(p.Counters))]);

    // An unknown value is no sample: a wrong zero would look like good news.
    private static PipelineMetric Gauge(
        string name, string unit, string help, Func<StreamPipeline, double> read, Func<double, bool>? hides = null) =>
        new(name, MetricKind.Gauge, unit, help, p => read(p) is var value && hides?.Invoke(value) == true ? [] : [new MetricSample(value)]);
}
