using System.Globalization;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>What a finished run did: the first seven figures are of this process, the last three are counted in the store.</summary>
/// <param name="ProcessorSeconds">Of all its threads, since it was started.</param>
public sealed record RunSummary(
    long Events, long Accepted, IReadOnlyDictionary<string, long> Rejected, double Seconds, double EventsPerSecond, long PeakMemoryBytes,
    double ProcessorSeconds, long Identifiers, long Customers, long Tags)
{
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static RunSummary Of(PipelineCounters counters, TimeSpan elapsed, StoreTotals totals)
    {
        var rejected = Enum.GetValues<RejectReason>().Where(r => counters.RejectedBy(r) > 0)
            .ToDictionary(r => JsonNamingPolicy.SnakeCaseLower.ConvertName(r.ToString()), counters.RejectedBy);
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        var seconds = Math.Round(elapsed.TotalSeconds, 3);
        return new RunSummary(
            counters.DurableEvents, counters.Accepted, rejected, seconds, seconds > 0 ? Math.Round(counters.DurableEvents / seconds) : 0,
            process.PeakWorkingSet64,
            Math.Round(process.TotalProcessorTime.TotalSeconds, 3), totals.Identifiers, totals.Customers, totals.Tags);
    }

    public string ToJson() => JsonSerializer.Serialize(this, Snake);

    /// <summary>Reads it back from what <c>run --format json</c> printed.</summary>
    public static RunSummary Parse(string json) => JsonSerializer.Deserialize<RunSummary>(json, Snake)!;

    private long RejectedTotal => Rejected.Values.Sum();

    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"""
        {Events:N0} events in {Seconds:N1} s ({EventsPerSecond:N0}/s): {Accepted:N0} accepted, {RejectedTotal:N0} rejected{Reasons()}
        {Identifiers:N0} identifiers, {Customers:N0} customers, {Tags:N0} tags in the store; peak memory {PeakMemoryBytes / 1048576.0:N0} MB
        """);

    private string Reasons() => Rejected.Count == 0 ? "" : $" ({string.Join(", ", Rejected.Select(r => $"{r.Key} {r.Value}"))})";
}
