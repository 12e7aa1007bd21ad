using System.Globalization;
using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Generation;
using ScrmStream.Identity;
using ScrmStream.Integration.ClickHouse;
using ScrmStream.Integration.Files;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;

namespace ScrmStream.Integration.Rules;

/// <summary>What is added up anew from the events in ClickHouse is what the stream has in its shards, byte for byte.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class RefoldTests(ClickHouseFixture clickHouse) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Every example, with leads and actions, on the demo's events.</summary>
    [ClickHouseFact]
    public async Task Read_DemosEvents_GivesTheShardsOfEveryExample()
    {
        var file = Path.Combine(_folder.Path, "petshop.ndjson");
        var generator = new PetShopGenerator(new PetShopOptions { Events = 6_000, People = 400, Seed = 11 });
        await new GenerateJob(generator, TimeProvider.System).WriteAsync(file, default);
        using var client = await clickHouse.ClientWithSchemaAsync();
        await SqlAgainstEngine.LoadAsync(client, file);
        var examples = Directory.GetFiles(Path.Combine(MappingFixture.Schemas(), "rules", "examples"), "*.yaml")
            .Where(f => !f.EndsWith(".cases.yaml", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        Assert.True(examples.Count > 3);
        foreach (var example in examples) await AssertSameAsync(client, file, RuleSet.Load(example));
    }

    [ClickHouseFact]
    public async Task Read_RandomWorlds_GivesTheShardsOfRandomRules()
    {
        var worlds = Seeds.From(500, 12, 200).Select(seed => new RuleWorld(seed)).ToList();
        var file = Path.Combine(_folder.Path, "worlds.ndjson");
        await File.WriteAllLinesAsync(file, worlds.SelectMany((world, i) => world.Events.Select(e => RuleSqlTests.Json(e, $"w{i}", [e.Anchor]))));
        using var client = await clickHouse.ClientWithSchemaAsync();
        await SqlAgainstEngine.LoadAsync(client, file);
        foreach (var world in worlds) await AssertSameAsync(client, file, RuleSet.Parse(world.Yaml, "world"));
    }

    /// <summary>Rows of one event may be there several times until they are merged, and say in the end that it is a duplicate.</summary>
    [ClickHouseFact]
    public async Task Read_RowsOfSeveralEpochs_TakesTheHighest()
    {
        var file = Path.Combine(_folder.Path, "petshop.ndjson");
        var generator = new PetShopGenerator(new PetShopOptions { Events = 1_000, People = 60, Seed = 12 });
        await new GenerateJob(generator, TimeProvider.System).WriteAsync(file, default);
        using var client = await clickHouse.ClientWithSchemaAsync();
        await SqlAgainstEngine.LoadAsync(client, file);
        await RunAsync("SYSTEM STOP MERGES events_rows");
        await RunAsync("INSERT INTO events_rows SELECT * REPLACE(epoch + 1 AS epoch) FROM events_rows");
        var rules = RuleSet.Load(Path.Combine(MappingFixture.Schemas(), "rules", "examples", "reference.yaml"));
        await AssertSameAsync(client, file, rules);

        await RunAsync("""
            INSERT INTO events_rows SELECT * REPLACE(1 AS is_deleted) FROM events_rows WHERE epoch = (SELECT min(epoch) FROM events_rows)
            """);
        await RunAsync("INSERT INTO events_rows SELECT * REPLACE(epoch + 1 AS epoch, 1 AS is_deleted) FROM events_rows WHERE offset % 7 = 0");
        var all = new RefoldedShards(rules.Refold([]));
        await new StoredHistory(client).ReadAsync(new HistoryQuestion(0, 4_096, rules.Refold([])), all, default);
        var shown = long.Parse(await client.QueryAsync("SELECT count() FROM events", "TabSeparated", default), CultureInfo.InvariantCulture);
        Assert.Equal((shown, true), (all.Events, shown is > 500 and < 1_000));

        Task RunAsync(string sql) => client.CommandAsync(sql, default);
    }

    private static async Task AssertSameAsync(ClickHouseClient client, string file, RuleSet rules)
    {
        var state = await SqlAgainstEngine.EngineStateAsync(file, rules);
        uint[] keys = [.. rules.Aggregates.Select(a => a.Key).Distinct()];
        var events = 0L;
        // In two parts, as a sweep does.
        foreach (var first in (int[])[0, 2_000])
        {
            var part = new RefoldedShards(rules.Refold(keys));
            var question = new HistoryQuestion(first, first == 0 ? 2_000 : 2_096, rules.Refold(keys));
            await new StoredHistory(client).ReadAsync(question, part, default);
            part.Close();
            events += part.Events;
            Compare(state, rules, keys, part, first == 0);
        }
        Assert.True(events > 0);
    }

    private static void Compare(CustomerState state, RuleSet rules, uint[] keys, RefoldedShards part, bool isFirst)
    {
        for (var node = 0; node < state.Count; node++)
        {
            var id = new IdentifierId(state.Graph.Nodes[node].Id);
            if (state[node].Shard == 0 || id.Bucket < 2_000 != isFirst) continue;
            var (stored, other) = (new ShardBuffer(), new ShardBuffer());
            stored.Load(state.Shards[state[node].Shard]);
            other.Load(part[id]);
            Assert.Equal((stored.Events, stored.LastSeenMs), (other.Events, other.LastSeenMs));
            foreach (var key in keys)
            {
                if (stored.Aggregate(key).SequenceEqual(other.Aggregate(key))) continue;
                var text = rules.Aggregates.First(a => a.Key == key).Text;
                var anchor = Encoding.UTF8.GetString(state.Graph.Nodes.Text(node));
                Assert.Fail($"{anchor}: {text}\nstream {Hex(stored.Aggregate(key))}\nstored {Hex(other.Aggregate(key))}");
            }
        }
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
