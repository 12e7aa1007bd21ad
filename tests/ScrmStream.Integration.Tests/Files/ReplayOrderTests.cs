using System.Text.Json;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Replay;
using ScrmStream.Pipeline;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Files;

/// <summary>
/// Order does not show, through the whole engine: the same events in another order, repeated, packed into other records, in batches and
/// flushes of other sizes give the same state_hash and the same customers.ndjson, to the byte.
/// </summary>
public sealed class ReplayOrderTests : IDisposable
{
    private static readonly RuleSet Rules = RuleSet.Load(Path.Combine(MappingFixture.Schemas(), "rules", "examples", "petshop.yaml"));
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-order-").FullName;

    private sealed record Outcome(string StateHash, string Customers, JsonElement Summary)
    {
        public long Number(string name) => Summary.GetProperty(name).GetInt64();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Replay_RandomWorldInAnyOrder_HasOneStateHash()
    {
        var (repeats, limited, tags, shared) = (0L, 0, 0L, 0L);
        foreach (var seed in Seeds.From(0, 300, 10_000))
        {
            var world = new ReplayWorld(seed);
            var random = new Random(seed);
            var given = await ReplayAsync(Pack(world.Events, world, random), world.Options(random));
            await AssertSameAsync(given, "reversed", world.Events.Reverse(), world, random, seed);
            await AssertSameAsync(given, "shuffled", Shuffled(world.Events, random), world, random, seed);
            var again = world.Events.Where((e, i) => i % 5 == seed % 5 && ReplayWorld.HasEventId(e)).ToArray();
            var repeated = await AssertSameAsync(given, "repeated", Shuffled([.. world.Events, .. again], random), world, random, seed);

            repeats += repeated.Number("events") - given.Number("events");
            tags += given.Number("tags");
            if (given.Number("identifiers") > given.Number("customers")) shared++;
            if (seed % 10 == 0 && given.StateHash != (await ReplayAsync(world.Events, new PipelineOptions())).StateHash) limited++;
        }
        Assert.True(repeats > 2_000 && tags > 500 && shared > 200, $"the worlds show little: {repeats} repeats, {tags} tags, {shared} merges");
        Assert.True(limited > 10, $"the limits decided in {limited} worlds of every tenth");
    }

    /// <summary>The hash sees each event: without one of them it is another.</summary>
    [Fact]
    public async Task Replay_OneEventLess_HasAnotherStateHash()
    {
        var differing = 0;
        for (var seed = 0; seed < 20; seed++)
        {
            var world = new ReplayWorld(seed);
            var whole = await ReplayAsync(world.Events, world.Options(new Random(seed)));
            var less = await ReplayAsync(world.Events[1..], world.Options(new Random(seed)));
            Assert.Equal(whole.Number("accepted") != less.Number("accepted"), whole.StateHash != less.StateHash);
            if (whole.StateHash != less.StateHash) differing++;
        }
        Assert.True(differing > 10);
    }

    [Fact]
    public async Task Replay_GeneratedEventsInAnyOrder_HasOneStateHash()
    {
        var generator = new PetShopGenerator(new PetShopOptions { Events = 20_000, Seed = 7 }, withTruth: false);
        string[] records = [.. generator.Records().Select(r => System.Text.Encoding.UTF8.GetString(r.Value.Span))];
        // The generator's repeats follow soon; in another order many events of one anchor lie between them.
        static PipelineOptions Options() => new() { EventIdRing = 1024 };
        var given = await ReplayAsync(records, Options());
        Assert.Equal(20_000, given.Number("events"));
        foreach (var order in (IEnumerable<string>[])[records.Reverse(), Shuffled(records, new Random(1))])
        {
            var other = await ReplayAsync(order, Options());
            Assert.Equal(given.StateHash, other.StateHash);
            Assert.True(given.Customers == other.Customers, "customers.ndjson differs");
        }
    }

    private async Task<Outcome> AssertSameAsync(
        Outcome given, string what, IEnumerable<string> events, ReplayWorld world, Random random, int seed)
    {
        var other = await ReplayAsync(Pack(events, world, random), world.Options(random));
        Assert.True(given.Customers == other.Customers, $"seed {seed}, {what}\ngiven\n{given.Customers}\n{what}\n{other.Customers}");
        Assert.True(given.StateHash == other.StateHash, $"seed {seed}, {what}: {given.StateHash} is now {other.StateHash}");
        return other;
    }

    // One record in six is an array of several events.
    private static List<string> Pack(IEnumerable<string> events, ReplayWorld world, Random random)
    {
        var left = new Queue<string>(events);
        List<string> records = [];
        while (left.Count > 0)
        {
            var count = random.Next(6) == 0 ? Math.Min(random.Next(1, 5), left.Count) : 0;
            records.Add(count == 0 ? left.Dequeue() : $"[{string.Join(',', Enumerable.Range(0, count).Select(_ => left.Dequeue()))}]");
        }
        foreach (var broken in world.Broken) records.Insert(random.Next(records.Count + 1), broken);
        return records;
    }

    private static string[] Shuffled(string[] events, Random random)
    {
        string[] copy = [.. events];
        random.Shuffle(copy);
        return copy;
    }

    private async Task<Outcome> ReplayAsync(IEnumerable<string> records, PipelineOptions options)
    {
        var input = Path.Combine(_folder, "events.ndjson");
        await File.WriteAllLinesAsync(input, records);
        var plan = new ReplayPlan([input], null, Rules, null, _folder);
        var summary = JsonDocument.Parse(await Replayer.RunAsync(plan, options, TimeProvider.System, default)).RootElement;
        var customers = await File.ReadAllTextAsync(Path.Combine(_folder, "customers.ndjson"));
        return new Outcome(summary.GetProperty("state_hash").GetString()!, customers, summary);
    }
}
