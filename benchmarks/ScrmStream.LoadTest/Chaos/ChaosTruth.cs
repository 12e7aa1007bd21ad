using System.Text;
using System.Text.Json;
using ScrmStream.Host.Replay;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.LoadTest.Chaos;

/// <summary>One event of what was published.</summary>
/// <param name="Copies">Names the event; copies of it with one event_id have the same. Of them one counts.</param>
internal readonly record struct ExpectedEvent(string Copies, string Name, long TimeMs);

/// <summary>A customer as it has to be: a line of <c>customers.ndjson</c>.</summary>
internal sealed record ExpectedCustomer(IdentifierId Id, IReadOnlyList<IdentifierId> Identifiers, JsonElement Line);

/// <summary>
/// What every store has to hold in the end. Which events there are, in which places, and which are copies of each other is read from the
/// records themselves. Customers, tags, scores, and the reasons of rejected records are those of one <c>replay</c>: the engine without
/// Kafka, Redis, ClickHouse, or anything that fails.
/// </summary>
internal sealed class ChaosTruth
{
    public Dictionary<(RecordPlace Place, int Index), ExpectedEvent> Events { get; } = [];

    /// <summary>Rejected records and events (index -1: a record as a whole), with the reason.</summary>
    public Dictionary<(RecordPlace Place, int Index), string> Rejects { get; } = [];

    public List<ExpectedCustomer> Customers { get; } = [];

    public long AsOfMs { get; private set; }

    public long Tags { get; private set; }

    public long Identifiers { get; private set; }

    public static async Task<ChaosTruth> OfAsync(
        IReadOnlyList<byte[]> records, RecordPlace[] places, RuleSet rules, PipelineOptions options, string folder, CancellationToken cancel)
    {
        var truth = new ChaosTruth();
        var input = Path.Combine(folder, "events.ndjson");
        await File.WriteAllLinesAsync(input, records.Select(Encoding.UTF8.GetString), cancel);
        var plan = new ReplayPlan([input], null, rules, null, Path.Combine(folder, "replay"));
        using var summary = JsonDocument.Parse(await Replayer.RunAsync(plan, options, TimeProvider.System, cancel));
        truth.AsOfMs = summary.RootElement.GetProperty("as_of").GetInt64();
        truth.Tags = summary.RootElement.GetProperty("tags").GetInt64();
        truth.Identifiers = summary.RootElement.GetProperty("identifiers").GetInt64();
        foreach (var line in File.ReadLines(Path.Combine(plan.OutputFolder, "rejects.ndjson"))) truth.AddReject(line, places);
        foreach (var line in File.ReadLines(Path.Combine(plan.OutputFolder, "customers.ndjson"))) truth.AddCustomer(line);
        for (var i = 0; i < records.Count; i++) truth.AddEvents(records[i], places[i]);
        return truth;
    }

    // A replay's offset is the number of the line, which is that of the record.
    private void AddReject(string line, RecordPlace[] places)
    {
        using var reject = JsonDocument.Parse(line);
        var root = reject.RootElement;
        Rejects.Add((places[root.GetProperty("offset").GetInt32()], root.GetProperty("index").GetInt32()), root.GetProperty("reason").GetString()!);
    }

    private void AddCustomer(string line)
    {
        var root = JsonDocument.Parse(line).RootElement;
        var identifiers = root.GetProperty("identifiers").EnumerateArray().Select(i => IdentifierId.Of(Encoding.UTF8.GetBytes(
            $"{i.GetProperty("kind").GetString()}:{i.GetProperty("scope").GetString()}:{i.GetProperty("value").GetString()}")));
        if (!IdentifierId.TryParse(root.GetProperty("customer").GetString()!, out var id)) throw new InvalidDataException(line);
        Customers.Add(new ExpectedCustomer(id, [.. identifiers], root));
    }

    private void AddEvents(byte[] record, RecordPlace place)
    {
        if (Rejects.ContainsKey((place, -1))) return;
        using var json = JsonDocument.Parse(record);
        var isArray = json.RootElement.ValueKind == JsonValueKind.Array;
        var count = isArray ? json.RootElement.GetArrayLength() : 1;
        for (var index = 0; index < count; index++)
        {
            if (Rejects.ContainsKey((place, index))) continue;
            var e = isArray ? json.RootElement[index] : json.RootElement;
            var copies = e.TryGetProperty("event_id", out var id) ? id.GetString()! : $"{place.Partition}/{place.Offset}/{index}";
            Events.Add((place, index), new ExpectedEvent(copies, e.GetProperty("event").GetString()!, e.GetProperty("event_time").GetInt64()));
        }
    }
}
