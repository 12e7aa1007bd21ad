using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Mapping;
using ScrmStream.Host.RuleCases;
using ScrmStream.Identity;
using ScrmStream.Integration.ClickHouse;
using ScrmStream.Integration.Files;
using ScrmStream.Rules;
using ScrmStream.Rules.Sql;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using Xunit;

namespace ScrmStream.Integration.Rules;

/// <summary>What the stream concludes and what SQL concludes are the same.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class RuleSqlTests(ClickHouseFixture clickHouse) : IDisposable
{
    private const int CustomersPerWorld = 6;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>One count over a week, step by step: the SQL as it is printed, and whom it names.</summary>
    [ClickHouseFact]
    public async Task CountRule_SqlRun_NamesTheMembersOfTheStream()
    {
        var rules = RuleSet.Parse("tags:\n  - { tag: fan, when: 'count(event = \"like\", within 7d) >= 2' }\n", "fan.yaml");
        string[] lines =
        [
            Line("ann", "like", 0), Line("ann", "like", 3), Line("ben", "like", 0), Line("ben", "like", 9), Line("cid", "view", 9),
            Line("dan", "like", 2), Line("dan", "like", 9),
        ];
        using var client = await LoadedAsync(lines);
        var sql = RuleQuery.Of(rules, "fan", LoadedDay(9))!;
        Assert.Contains("countIf(event = 'like' AND ms > as_of - 604800000)", sql);
        Assert.Empty(await SqlAgainstEngine.RowsAsync(client, sql));
        var members = await SqlAgainstEngine.RowsAsync(client, RuleQuery.Of(rules, "fan", LoadedDay(9) - 1)!);
        Assert.Empty(members);
        members = await SqlAgainstEngine.RowsAsync(client, RuleQuery.Of(rules, "fan", LoadedDay(7) - 1)!);
        var engine = await SqlAgainstEngine.EngineAsync(File, rules, LoadedDay(7) - 1);
        Assert.Equal(engine.Where(c => c.Value.Tags.ContainsKey("fan")).Select(c => c.Key), members.Select(m => m[0].GetString()!));
        Assert.Single(members);
    }

    /// <summary>Random rules, each over the customers of all worlds, at several times.</summary>
    [ClickHouseFact]
    public async Task RandomRules_AtSeveralTimes_AreTheSameInSql()
    {
        var seeds = Seeds.From(0, 8, 200).ToList();
        var worlds = seeds.ConvertAll(seed => new RuleWorld(seed));
        var scores = seeds.ConvertAll(seed => new ScoreWorld(seed));
        using var client = await LoadedAsync([.. Lines(worlds, scores)]);
        var members = 0;
        var found = new StringBuilder();
        for (var i = 0; i < worlds.Count; i++)
        {
            var random = new Random(seeds[i]);
            foreach (var (yaml, stepMs) in new[] { (worlds[i].Yaml, worlds[i].StepMs), (scores[i].Yaml, scores[i].StepMs) })
            {
                var rules = RuleSet.Parse(yaml, $"seed {seeds[i]}");
                var asOfMs = worlds[i].Events.Max(e => e.TimeMs) + random.Next(-5, 20) * stepMs + random.Next(-1, 2);
                var engine = await SqlAgainstEngine.EngineAsync(File, rules, asOfMs);
                var differences = SqlAgainstEngine.Differences(engine, await SqlAgainstEngine.SqlAsync(client, rules, asOfMs));
                if (differences.Length > 0)
                    found.AppendLine(CultureInfo.InvariantCulture, $"seed {seeds[i]}, as of {asOfMs}\n{differences}\n{yaml}");
                members += engine.Sum(c => c.Value.Tags.Count);
            }
        }
        Assert.True(found.Length == 0, found.ToString());
        Assert.True(members > 100 * worlds.Count, $"only {members} tags were compared");
    }

    /// <summary>Every example on the demo's events, with its own cases as further customers, at the end and whenever a case looks.</summary>
    [ClickHouseFact]
    public async Task Examples_OnTheDemosEventsAndTheirCases_AreTheSameInSql()
    {
        var examples = Directory.GetFiles(Path.Combine(MappingFixture.Schemas(), "rules", "examples"), "*.yaml")
            .Where(f => !f.EndsWith(".cases.yaml", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        var generated = Path.Combine(_folder.Path, "petshop.ndjson");
        var generator = new PetShopGenerator(new PetShopOptions { Events = 4_000, People = 400, Seed = 7 });
        await new GenerateJob(generator, TimeProvider.System).WriteAsync(generated, default);
        var cases = examples.ConvertAll(CasesBeside);
        var lines = await System.IO.File.ReadAllLinesAsync(generated);
        // Behind everything the generator made; later events are of cases.
        var endMs = lines.SelectMany(line => Regex.Matches(line, "\"event_time\":(\\d+)")).Max(m => long.Parse(m.Groups[1].Value));
        using var client = await LoadedAsync(
            [.. lines, .. cases.SelectMany(c => c).SelectMany(c => c.Events)]);
        var found = new StringBuilder();
        long members = 0;
        for (var i = 0; i < examples.Count; i++)
        {
            var rules = RuleSet.Load(examples[i]);
            var times = cases[i].SelectMany(c => c.Times).Distinct();
            foreach (var asOfMs in (Seeds.IsFull ? times : times.Take(2)).Append(endMs))
            {
                var engine = await SqlAgainstEngine.EngineAsync(File, rules, asOfMs);
                var sql = await SqlAgainstEngine.SqlAsync(client, rules, asOfMs);
                // Before the end SQL knows customers that the engine learns of later; those of the cases are what they are.
                if (asOfMs != endMs) (engine, sql) = (OfCases(engine, cases), OfCases(sql, cases));
                var differences = SqlAgainstEngine.Differences(engine, sql);
                if (differences.Length > 0) found.AppendLine(CultureInfo.InvariantCulture, $"{examples[i]} as of {asOfMs}\n{differences}");
                members += engine.Sum(c => c.Value.Tags.Count);
            }
        }
        Assert.True(found.Length == 0, found.ToString());
        Assert.True(members > 5_000, $"only {members} tags were compared");
    }

    /// <summary>Real behaviour of real people.</summary>
    [SharedDataFact("taobao_user_behavior_head.csv.gz")]
    public async Task TaobaoFile_AtItsEnd_IsTheSameInSql()
    {
        var file = Path.Combine(_folder.Path, "taobao.csv.gz");
        System.IO.File.Copy(SharedDataFactAttribute.Find("taobao_user_behavior_head.csv.gz")!, file);
        var mapping = MappingFile.Load(Path.Combine(MappingFixture.Schemas(), "mappings", "taobao.yaml")).ToRowMapping();
        var rules = RuleSet.Load(Path.Combine(MappingFixture.Schemas(), "rules", "examples", "taobao.yaml"));
        using var client = await clickHouse.ClientWithSchemaAsync();
        await SqlAgainstEngine.LoadAsync(client, file, mapping);
        var end = await SqlAgainstEngine.RowsAsync(client, "SELECT toUnixTimestamp64Milli(max(event_time)) FROM events");
        var asOfMs = long.Parse(end[0][0].ToString(), CultureInfo.InvariantCulture);
        var engine = await SqlAgainstEngine.EngineAsync(file, rules, asOfMs, mapping);
        Assert.Equal("", SqlAgainstEngine.Differences(engine, await SqlAgainstEngine.SqlAsync(client, rules, asOfMs)));
        Assert.True(engine.Count > 500);
    }

    private static Dictionary<string, Concluded> OfCases(Dictionary<string, Concluded> all, List<List<Case>> cases) =>
        cases.SelectMany(c => c).Where(c => all.ContainsKey(c.Customer)).ToDictionary(c => c.Customer, c => all[c.Customer]);

    private sealed record Case(string Customer, IEnumerable<string> Events, IEnumerable<long> Times);

    private static List<Case> CasesBeside(string example)
    {
        var file = RuleCaseFile.Beside(example);
        if (!System.IO.File.Exists(file)) return [];
        return [.. RuleCaseFile.Load(file, RuleSet.Load(example)).Select(one => Named(one, $"{Path.GetFileName(file)}-{one.Line}"))];
    }

    private static Case Named(RuleCase one, string customer) => new(
        IdentifierId.Of(Encoding.UTF8.GetBytes($"member_id:case:{customer}")).ToString(), one.Events.Select(e => Renamed(e.Json, customer)),
        one.Expected.Select(e => e.TimeMs));

    private static string Renamed(string json, string customer)
    {
        var e = JsonNode.Parse(json)!.AsObject();
        e["identifiers"]![0]!["value"] = customer;
        return e.ToJsonString();
    }

    private string File => Path.Combine(_folder.Path, "events.ndjson");

    private async Task<ClickHouseClient> LoadedAsync(string[] lines)
    {
        await System.IO.File.WriteAllLinesAsync(File, lines);
        var client = await clickHouse.ClientWithSchemaAsync();
        await SqlAgainstEngine.LoadAsync(client, File);
        return client;
    }

    private static long LoadedDay(int day) => 1_772_294_400_000 + day * 86_400_000L;

    private static string Line(string who, string name, int day) =>
        $$"""{"event":"{{name}}","event_time":{{LoadedDay(day)}},"channel":"app","identifiers":[{"kind":"openid","scope":"a","value":"{{who}}"}]}""";

    private static IEnumerable<string> Lines(List<RuleWorld> worlds, List<ScoreWorld> scores)
    {
        for (var w = 0; w < worlds.Count; w++)
        {
            var customers = Enumerable.Range(1, CustomersPerWorld).Select(_ => worlds[w].AnotherCustomer())
                .Append(worlds[w].Events).Append(scores[w].Events).ToList();
            var random = new Random(w);
            for (var c = 0; c < customers.Count; c++)
            {
                // Whoever has several devices shows them by an event of all.
                var firstMs = customers[c].Min(e => e.TimeMs);
                yield return Json(new SlowEvent("c", firstMs, "link", 0), $"w{w}c{c}", [0, 1, 2, 3]);
                foreach (var e in customers[c])
                {
                    var line = Json(e, $"w{w}c{c}", [e.Anchor]);
                    yield return line;
                    if (e.EventId is not null && random.Next(4) == 0) yield return line;
                }
            }
        }
    }

    internal static string Json(SlowEvent e, string customer, int[] anchors)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (e.EventId is not null) json.WriteString("event_id", e.EventId);
            json.WriteString("event", e.Name);
            json.WriteNumber("event_time", e.TimeMs);
            json.WriteString("channel", "app");
            json.WriteStartArray("identifiers");
            foreach (var anchor in anchors)
            {
                json.WriteStartObject();
                json.WriteString("kind", "openid");
                json.WriteString("scope", $"app{anchor}");
                json.WriteString("value", customer);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            if (e.AmountFen is { } amount) json.WriteNumber("amount_fen", amount);
            json.WriteStartObject("properties");
            foreach (var (name, value) in e.Properties)
            {
                json.WritePropertyName(name);
                if (value is string text) json.WriteStringValue(text);
                // A double that is whole is one still.
                else json.WriteRawValue(value is double d ? d.ToString("0.0###", CultureInfo.InvariantCulture) : $"{value}");
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
