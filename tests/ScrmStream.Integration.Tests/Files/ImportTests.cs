using System.Text.Json.Nodes;
using ScrmStream.Host.Importing;
using ScrmStream.Host.Mapping;
using ScrmStream.Host.Replay;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Integration.Files;

/// <summary>Lists and attributes as events, and what a replay makes of them.</summary>
public sealed class ImportTests : IDisposable
{
    private const long March1 = 1_772_294_400_000; // 2026-02-28T16:00:00Z

    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-import-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Import_AListAndAttributes_ReplayHasThem()
    {
        var people = Write("people.csv", "mobile,city,born\n13912345678,上海,1990-03-02\n13912345679,\"Wu, Xi\",\nnot a phone,x,\n");
        var blocked = Write("blocked.ndjson", "{\"who\":{\"mobile\":\"13912345679\"}}\n");
        var attributes = Events("attributes.ndjson", new ImportPlan(null, false, "import", March1), people, "phone::mobile", ("city", "city"), ("birthday", "born"));
        var list = Events("list.ndjson", new ImportPlan("black_list", false, "li", March1 + 1), blocked, "phone::who.mobile");
        var asked = Write("events.ndjson", string.Concat(Enumerable.Range(8, 2).Select(i =>
            $$"""{"event":"consult","event_time":{{March1 + 3_600_000}},"identifiers":[{"kind":"phone","value":"1391234567{{i}}"}]}""" + "\n")));
        var rules = RuleSet.Parse("""
            attributes:
              - attribute: city
              - { attribute: birthday, type: date }
            tags:
              - { tag: black_list, manual: true }
              - { tag: birthday_today, when: days_until_anniversary(attribute.birthday) = 0 }
            contact: { never: { black_list: has(black_list) } }
            actions:
              - { action: answer, when: seen(event = "consult") }
              - { action: greet, when: gained(tag = "birthday_today") }
            """, "r", MemoryLimits.Replay);
        var output = Path.Combine(_folder, "out");
        await Replayer.RunAsync(
            new ReplayPlan([attributes, list, asked], null, rules, March1 + 86_400_000, output), new PipelineOptions(), TimeProvider.System, default);

        var customers = Lines(Path.Combine(output, "customers.ndjson"));
        Assert.Equal(["Wu, Xi", "上海"], customers.Select(c => (string)c["attributes"]!["city"]!).Order(StringComparer.Ordinal));
        Assert.Equal(1, customers.Count(c => (bool?)c["tags"]!["black_list"] == true));
        Assert.Equal(
            ["answer sent ", "answer suppressed black_list", "greet sent "],
            Lines(Path.Combine(output, "actions.ndjson")).Select(a => $"{a["action"]} {a["outcome"]} {a["reason"]}").Order(StringComparer.Ordinal));
        var summary = JsonNode.Parse(File.ReadAllText(Path.Combine(output, "summary.json")))!;
        Assert.Equal((2, 1), ((int)summary["actions"]!["sent"]!, (int)summary["actions"]!["suppressed"]!));
    }

    [Fact]
    public void Import_Removal_UnsetsTheTag()
    {
        var file = Events("gone.ndjson", new ImportPlan("black_list", true, "li", March1), Write("x.csv", "mobile\n13912345678\n"), "phone::mobile");
        var told = Lines(file).Single();
        Assert.Equal(("tag_unset", "black_list", "li"), ((string)told["event"]!, (string)told["properties"]!["tag"]!, (string)told["properties"]!["author"]!));
        Assert.Equal(March1, (long)told["event_time"]!);
    }

    /// <summary>A mapping names whom and what; the time and the event that it names itself stand.</summary>
    [Fact]
    public void Import_ByAMapping_CompletesIt()
    {
        var mapping = Write("m.yaml", """
            format: csv
            header: true
            time_zone: Asia/Shanghai
            event:
              event_time: { value: '{day}', format: yyyy-MM-dd }
              identifiers: [{ kind: member_id, value: '{member}' }]
              properties: { level: '{level}' }
            """);
        var rows = Write("levels.csv", "member,level,day\nm1,gold,2026-03-01\n");
        var output = Path.Combine(_folder, "levels.ndjson");
        var plan = new ImportPlan(null, false, "import", 5);
        Assert.Equal((1, 0), ImportFile.Write([rows], plan.ByFile(mapping).ToRowMapping(), 1 << 20, output, _ => { }));
        var told = Lines(output).Single();
        Assert.Equal(("profile_update", March1, "gold"), ((string)told["event"]!, (long)told["event_time"]!, (string)told["properties"]!["level"]!));
    }

    [Theory]
    [InlineData("phone:mobile", "KIND:SCOPE:COLUMN")]
    [InlineData("phon::mobile", "phon")]
    public void Import_AWrongIdentifier_IsRefused(string identifier, string reason) =>
        Assert.Contains(reason, Assert.Throws<SettingsException>(() => new ImportPlan("l", false, "a", 1).ByColumns(true, identifier, [])).Message);

    private string Events(string name, ImportPlan plan, string input, string identifier, params (string, string)[] attributes)
    {
        var output = Path.Combine(_folder, name);
        var mapping = plan.ByColumns(input.EndsWith(".csv", StringComparison.Ordinal), identifier, attributes);
        Assert.Equal(0, ImportFile.Write([input], mapping.ToRowMapping(), 1 << 20, output, _ => { }).Refused);
        return output;
    }

    private static List<JsonNode> Lines(string path) => [.. File.ReadLines(path).Select(l => JsonNode.Parse(l)!)];

    private string Write(string name, string text)
    {
        File.WriteAllText(Path.Combine(_folder, name), text);
        return Path.Combine(_folder, name);
    }
}
