using System.Globalization;
using System.Text;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Reading;
using ScrmStream.Identity;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.LoadTest.Chaos;

/// <summary>What an audit found: counts, and the first of each kind in words.</summary>
internal sealed record ChaosFindings
{
    private const int ExamplesMax = 12;

    public long Lost { get; private set; }
    public long Doubled { get; private set; }
    public long Wrong { get; private set; }

    /// <summary>Rows that are stored more than once and shown once.</summary>
    public long PhysicalRepeats { get; set; }

    /// <summary>Letters that are on the topic more than once.</summary>
    public long LetterRepeats { get; set; }

    public List<string> Examples { get; } = [];

    public bool IsExact => Lost + Doubled + Wrong == 0;

    public void AddLost(string what) => Lost = Note(Lost, "lost", what);

    public void AddDoubled(string what) => Doubled = Note(Doubled, "doubled", what);

    public void AddWrong(string what) => Wrong = Note(Wrong, "wrong", what);

    private long Note(long count, string kind, string what)
    {
        if (Examples.Count < ExamplesMax) Examples.Add($"{kind}: {what}");
        return count + 1;
    }
}

/// <summary>Compares every store with the truth: sets, not counts.</summary>
internal sealed class ChaosAudit(ChaosTruth truth, ChaosTopic topic, ClickHouseClient clickHouse, RedisConnection redis, RuleSet rules)
{
    private const int ReadsAtOnce = 256;
    // Decayed twice, a value may differ from one decayed once by the last millionth.
    private const decimal ScoreBlur = 0.000_002m;

    private readonly ChaosFindings _found = new();

    public async Task<ChaosFindings> RunAsync(CancellationToken cancel)
    {
        await EventsAsync(cancel);
        await LettersAsync(cancel);
        await MapAsync(cancel);
        await CustomersAsync(cancel);
        return _found;
    }

    private async Task EventsAsync(CancellationToken cancel)
    {
        var seen = new HashSet<(RecordPlace, int)>();
        var counted = new HashSet<string>();
        await foreach (var row in RowsAsync(
            "SELECT partition, offset, `index`, event, toUnixTimestamp64Milli(event_time) FROM events", cancel))
        {
            var at = (new RecordPlace(int.Parse(row[0]), long.Parse(row[1])), int.Parse(row[2]));
            if (!truth.Events.TryGetValue(at, out var expected)) _found.AddWrong($"row {at} of no event");
            else if (!seen.Add(at)) _found.AddDoubled($"row {at}");
            else if (!counted.Add(expected.Copies)) _found.AddDoubled($"event {expected.Copies} at {at}, of which another copy counts");
            else if (row[3] != expected.Name || row[4] != expected.TimeMs.ToString(CultureInfo.InvariantCulture)) _found.AddWrong($"row {at}");
        }
        foreach (var (at, expected) in truth.Events)
            if (counted.Add(expected.Copies)) _found.AddLost($"event {expected.Copies} at {at}");
        await foreach (var row in RowsAsync("SELECT count() - uniqExact(partition, offset, `index`) FROM events_rows", cancel))
            _found.PhysicalRepeats = long.Parse(row[0]);
        // Who is a customer comes from the map, so this is the whole way from an event to a customer.
        await foreach (var row in RowsAsync("SELECT uniqExact(customer) FROM events_resolved", cancel))
            if (long.Parse(row[0]) != truth.Customers.Count) _found.AddWrong($"events_resolved has {row[0]} customers, not {truth.Customers.Count}");
    }

    private async Task LettersAsync(CancellationToken cancel)
    {
        var table = new HashSet<(RecordPlace, int)>();
        await foreach (var row in RowsAsync("SELECT partition, offset, `index`, reason FROM dead_letters", cancel))
        {
            var at = (new RecordPlace(int.Parse(row[0]), long.Parse(row[1])), int.Parse(row[2]));
            if (truth.Rejects.GetValueOrDefault(at) != row[3]) _found.AddWrong($"dead letter {at}: {row[3]}");
            else if (!table.Add(at)) _found.AddDoubled($"dead letter {at}");
        }
        var letters = new HashSet<(RecordPlace, int)>();
        foreach (var (partition, offset, index, reason) in topic.Letters())
        {
            var at = (new RecordPlace(partition, offset), index);
            if (truth.Rejects.GetValueOrDefault(at) != reason) _found.AddWrong($"letter {at} on the topic: {reason}");
            else if (!letters.Add(at)) _found.LetterRepeats++;
        }
        foreach (var at in truth.Rejects.Keys.Where(at => !table.Contains(at))) _found.AddLost($"dead letter {at}");
        foreach (var at in truth.Rejects.Keys.Where(at => !letters.Contains(at))) _found.AddLost($"letter {at} on the topic");
    }

    private async Task MapAsync(CancellationToken cancel)
    {
        var expected = truth.Customers.SelectMany(c => c.Identifiers.Select(i => (Identifier: i.ToString(), Customer: c.Id.ToString())))
            .ToDictionary(p => p.Identifier, p => p.Customer);
        await foreach (var row in RowsAsync("SELECT identifier, ifNull(customer, '') FROM identity_map", cancel))
        {
            // Whoever is nobody's may have a row that says so.
            if (expected.Remove(row[0], out var customer) ? row[1] != customer : row[1].Length > 0)
                _found.AddWrong($"identity_map: {row[0]} belongs to '{row[1]}', not '{customer}'");
        }
        foreach (var identifier in expected.Keys) _found.AddLost($"identity_map: {identifier}");
    }

    private async Task CustomersAsync(CancellationToken cancel)
    {
        var reader = new RedisReader(redis);
        foreach (var part in truth.Customers.Chunk(ReadsAtOnce))
        {
            var views = await Task.WhenAll(part.Select(c => Task.WhenAll(c.Identifiers.Select(i => reader.ReadViewAsync(i, cancel)))));
            for (var i = 0; i < part.Length; i++) Compare(part[i], views[i]);
        }
        var totals = await new RedisViewStore(redis).CountAsync(cancel);
        // Every customer was looked at, so more of them, or of their tags, belong to nobody.
        if ((totals.Identifiers, totals.Customers, totals.Tags) != (truth.Identifiers, truth.Customers.Count, truth.Tags))
            _found.AddWrong($"Redis holds {totals}, not {truth.Identifiers}, {truth.Customers.Count}, {truth.Tags}");
    }

    private void Compare(ExpectedCustomer expected, StoredCustomer?[] views)
    {
        for (var i = 0; i < views.Length; i++)
        {
            if (views[i] is null) _found.AddLost($"view of {expected.Identifiers[i]}");
            else if (views[i]!.Customer != expected.Id) _found.AddWrong($"{expected.Identifiers[i]} belongs to {views[i]!.Customer}, not {expected.Id}");
        }
        if (Array.Find(views, v => v?.Customer == expected.Id) is not { } stored) return;
        var card = CustomerCard.Of(stored, [], rules, truth.AsOfMs);
        using var found = JsonDocument.Parse(CustomerJson.ToLine(card));
        foreach (var field in (string[])["events", "first_seen", "last_seen", "tags", "attributes"])
            if (!JsonElement.DeepEquals(found.RootElement.GetProperty(field), expected.Line.GetProperty(field)))
                Differs(expected, field, found.RootElement);
        if (!HaveEqualScores(found.RootElement, expected.Line)) Differs(expected, "scores", found.RootElement);
    }

    private void Differs(ExpectedCustomer expected, string field, JsonElement found)
    {
        var what = $"{field} of {expected.Id}: {found.GetProperty(field)}, not {expected.Line.GetProperty(field)}";
        // Fewer events are lost ones, more are doubled ones; all else is wrong.
        if (field == "events" && found.GetProperty(field).GetInt64() < expected.Line.GetProperty(field).GetInt64()) _found.AddLost(what);
        else if (field == "events") _found.AddDoubled(what);
        else _found.AddWrong(what);
    }

    private static bool HaveEqualScores(JsonElement found, JsonElement expected)
    {
        var (a, b) = (found.GetProperty("scores"), expected.GetProperty("scores"));
        return a.GetPropertyCount() == b.GetPropertyCount() && b.EnumerateObject().All(score =>
            a.TryGetProperty(score.Name, out var other)
            && Math.Abs(other.GetProperty("value").GetDecimal() - score.Value.GetProperty("value").GetDecimal()) <= ScoreBlur
            && other.GetProperty("grade").GetString() == score.Value.GetProperty("grade").GetString());
    }

    private async IAsyncEnumerable<string[]> RowsAsync(
        string sql, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        using var reader = new StreamReader(new MemoryStream(await clickHouse.QueryAsync(sql, "TabSeparated", cancel)), Encoding.UTF8);
        while (await reader.ReadLineAsync(cancel) is { } line) yield return line.Split('\t');
    }
}
