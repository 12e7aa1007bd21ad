using System.Globalization;
using System.Text;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Replay;
using ScrmStream.Host.Running;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.Rules.Sql;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Rules;

/// <summary>What one engine says of a customer.</summary>
/// <param name="Tags">Values by name, of the tags that hold.</param>
/// <param name="Scores">Micro points and grade ("" below the lowest) by name.</param>
internal sealed record Concluded(Dictionary<string, string> Tags, Dictionary<string, (long Micro, string Grade)> Scores);

/// <summary>Events of a file, in ClickHouse as <c>run</c> writes them and in the engine as <c>replay</c> reads them, to be compared.</summary>
internal static class SqlAgainstEngine
{
    /// <summary>Writes the events and who is who into ClickHouse, by the whole pipeline.</summary>
    public static async Task LoadAsync(ClickHouseClient client, string file, RowMapping? mapping = null) =>
        await RunAsync(file, RuleSet.Empty, null, await ClickHouseSink.OpenAsync(client, default), mapping);

    /// <summary>What the engine concludes of every customer as of a time, of the events up to it.</summary>
    public static async Task<Dictionary<string, Concluded>> EngineAsync(
        string file, RuleSet rules, long? asOfMs, RowMapping? mapping = null)
    {
        var pipeline = await RunAsync(file, rules, asOfMs, new MemoryAnalytics(), mapping);
        var customer = new CustomerProfile(pipeline.State, rules);
        var roots = CustomerProfile.RootsInOrder(pipeline.State);
        var endMs = asOfMs ?? roots.Max(customer.LastSeenOf);
        Dictionary<string, Concluded> all = [];
        foreach (var root in roots)
        {
            customer.Read(root, endMs, tagsToo: true);
            all.Add(customer.Id.ToString(), Read(customer.Conclusion));
        }
        return all;
    }

    /// <summary>The engine's own state of all the events.</summary>
    public static async Task<CustomerState> EngineStateAsync(string file, RuleSet rules) =>
        (await RunAsync(file, rules, null, new MemoryAnalytics(), null)).State;

    /// <summary>What SQL says, of all tags and scores at once.</summary>
    public static async Task<Dictionary<string, Concluded>> SqlAsync(ClickHouseClient client, RuleSet rules, long asOfMs)
    {
        Dictionary<string, Concluded> all = [];
        foreach (var row in await RowsAsync(client, RuleQuery.OfAll(rules, asOfMs, 0, 4096)))
        {
            var at = 3;
            var concluded = new Concluded([], []);
            foreach (var tag in rules.Tags)
                if (row[at++].GetString() is { } value) concluded.Tags.Add(tag.Name, value);
            foreach (var score in rules.Scores)
            {
                var micro = long.Parse(row[at++].ToString(), CultureInfo.InvariantCulture);
                concluded.Scores.Add(score.Name, (micro, row[at++].GetString() ?? ""));
            }
            all.Add(row[0].GetString()!, concluded);
        }
        return all;
    }

    public static async Task<List<JsonElement[]>> RowsAsync(ClickHouseClient client, string sql)
    {
        var answer = Encoding.UTF8.GetString(await client.QueryAsync(sql, "JSONCompactEachRow", default));
        return answer.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsonElement[]>(line)!).ToList();
    }

    /// <summary>Says where the two differ; empty when they agree.</summary>
    public static string Differences(Dictionary<string, Concluded> engine, Dictionary<string, Concluded> sql)
    {
        var text = new StringBuilder();
        foreach (var id in engine.Keys.Union(sql.Keys).Order(StringComparer.Ordinal))
        {
            if (!engine.TryGetValue(id, out var expected) || !sql.TryGetValue(id, out var found))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"{id} is only in {(engine.ContainsKey(id) ? "the engine" : "SQL")}");
                continue;
            }
            foreach (var name in expected.Tags.Keys.Union(found.Tags.Keys))
            {
                var (one, other) = (expected.Tags.GetValueOrDefault(name), found.Tags.GetValueOrDefault(name));
                if (one != other) text.AppendLine(CultureInfo.InvariantCulture, $"{id} tag {name}: engine {one ?? "-"}, SQL {other ?? "-"}");
            }
            foreach (var (name, (micro, grade)) in expected.Scores)
            {
                var other = found.Scores[name];
                if (Math.Abs(micro - other.Micro) > Blur(micro) || grade != other.Grade)
                    text.AppendLine(CultureInfo.InvariantCulture, $"{id} score {name}: engine {micro} {grade}, SQL {other.Micro} {other.Grade}");
            }
        }
        return text.ToString();
    }

    // What lies on a half may be rounded either way, since doubles and fixed-point powers differ by 10^-14.
    private static long Blur(long micro) => 1 + Math.Abs(micro) / 1_000_000_000_000;

    private static Concluded Read(Conclusion conclusion)
    {
        var read = new Concluded([], []);
        for (var i = 0; i < conclusion.TagCount; i++)
            read.Tags.Add(Encoding.UTF8.GetString(conclusion.Tag(i).Name), Encoding.UTF8.GetString(conclusion.Tag(i).Value));
        for (var i = 0; i < conclusion.ScoreCount; i++)
        {
            var score = conclusion.Score(i);
            read.Scores.Add(Encoding.UTF8.GetString(score.Name), (score.MicroPoints, Encoding.UTF8.GetString(score.Grade)));
        }
        return read;
    }

    private static async Task<StreamPipeline> RunAsync(
        string file, RuleSet rules, long? asOfMs, IAnalyticsSink analytics, RowMapping? mapping)
    {
        var options = new PipelineOptions { IdentifiersInMemoryMax = 100_000_000, EventIdRing = 1024 };
        if (asOfMs is { } limit) options.Limits.NotAfterMs = limit;
        await using var source = new FileEventSource([file], options.Limits, mapping);
        using var rejects = new FileDeadLetterSink(file + ".rejects");
        var views = new MemoryViewStore();
        var ports = new PipelinePorts(source, new MemoryCellStore(views), views, analytics, rejects);
        var pipeline = new StreamPipeline(options, rules, ports, writerStamp: 1, TimeProvider.System);
        await new ServiceRun(pipeline, TimeProvider.System).RunAsync(null, _ => { }, default);
        return pipeline;
    }
}
