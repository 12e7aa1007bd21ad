using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Replay;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.Integration.Files;

public sealed class PetShopGeneratorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-petshop-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The truth is worked out while generating, by loops that know nothing of the engine; the engine must find the same.</summary>
    [Theory]
    [InlineData(100, 10, 1, 30)]
    [InlineData(12_000, 40, 2, 30)]
    [InlineData(12_000, 1_500, 3, 30)]
    [InlineData(12_000, 6_000, 4, 365)]
    public async Task Replay_GeneratedEvents_FindsTheTruth(int events, int people, int seed, int days)
    {
        var generator = new PetShopGenerator(new PetShopOptions { Events = events, People = people, Seed = seed, Days = days });
        var input = Path.Combine(_folder, "events.ndjson.gz");
        await new GenerateJob(generator, TimeProvider.System).WriteAsync(input, default);
        var truth = generator.Truth();
        var rules = RuleSet.Load(Path.Combine(MappingFixture.Schemas(), "rules", "examples", "petshop.yaml"));
        var output = Path.Combine(_folder, "out");
        var plan = new ReplayPlan([input], null, rules, null, output);
        var summary = JsonDocument.Parse(await Replayer.RunAsync(plan, new PipelineOptions(), TimeProvider.System, default)).RootElement;

        Assert.Equal(events, truth.Events);
        long Number(string name) => summary.GetProperty(name).GetInt64();
        Assert.Equal((truth.Events, truth.Accepted), (Number("events"), Number("accepted")));
        Assert.Equal(Sorted(truth.Rejected), Sorted(summary.GetProperty("rejected").EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetInt64()))));
        Assert.Equal((truth.Identifiers, truth.Customers, truth.TagsTotal), (Number("identifiers"), Number("customers"), Number("tags")));

        var customers = File.ReadAllLines(Path.Combine(output, "customers.ndjson")).Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        var tags = customers.SelectMany(c => c.GetProperty("tags").EnumerateObject()).ToArray();
        Assert.Equal(Sorted(truth.Tags), Sorted(tags.CountBy(t => t.Name)));
        foreach (var (tag, values) in truth.TagValues)
            Assert.Equal(Sorted(values), Sorted(tags.Where(t => t.Name == tag).CountBy(t => Value(rules, t))));
        AssertHeroine(truth.Heroine, customers, rules);
    }

    private static IEnumerable<string> Sorted<T>(IEnumerable<KeyValuePair<string, T>> pairs) =>
        pairs.Select(p => $"{p.Key}={p.Value}").Order(StringComparer.Ordinal);

    // A boolean tag is printed as true and no other is: a value of "1" is a text.
    private static string Value(RuleSet rules, JsonProperty tag)
    {
        var isBoolean = rules.Tags.Single(t => t.Name == tag.Name).Kind == TagKind.Boolean;
        Assert.Equal(isBoolean ? JsonValueKind.True : JsonValueKind.String, tag.Value.ValueKind);
        return isBoolean ? "1" : tag.Value.GetString()!;
    }

    private static void AssertHeroine(HeroineTruth truth, JsonElement[] customers, RuleSet rules)
    {
        static string Texts(JsonElement customer) => string.Join(' ', customer.GetProperty("identifiers").EnumerateArray()
            .Select(i => $"{i.GetProperty("kind")}:{i.GetProperty("scope")}:{i.GetProperty("value")}").Order(StringComparer.Ordinal));
        Assert.Equal(PetShopGenerator.HeroineIdentifiers.Order(StringComparer.Ordinal), truth.Identifiers);
        var heroine = Assert.Single(customers, c => Texts(c) == string.Join(' ', truth.Identifiers));
        Assert.Equal(truth.Events, heroine.GetProperty("events").GetInt64());
        var tags = heroine.GetProperty("tags").EnumerateObject().Select(t => KeyValuePair.Create(t.Name, Value(rules, t)));
        Assert.Equal(Sorted(truth.Tags), Sorted(tags));
        Assert.Equal("customer", truth.Tags["lifecycle"]);
    }

    [Fact]
    public void Records_SameOptions_AreTheSameBytesOnEveryMachine()
    {
        static string Hash(PetShopOptions options)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var record in new PetShopGenerator(options, withTruth: false).Records())
            {
                hash.AppendData(record.Key.Span);
                hash.AppendData(record.Value.Span);
            }
            return Convert.ToHexStringLower(hash.GetCurrentHash());
        }

        var one = Hash(new PetShopOptions { Events = 3_000 });
        Assert.Equal(one, Hash(new PetShopOptions { Events = 3_000 }));
        Assert.NotEqual(one, Hash(new PetShopOptions { Events = 3_000, Seed = 2 }));
        Assert.NotEqual(one, Hash(new PetShopOptions { Events = 3_000, HasFarAheadEvents = true, Days = 31 }));
    }

    [Fact]
    public void Records_OfAStory_HaveItsShape()
    {
        var options = new PetShopOptions { Events = 40_000, People = 2_000, HasFarAheadEvents = true };
        var generator = new PetShopGenerator(options);
        List<string> values = [], keys = [];
        var events = 0;
        foreach (var record in generator.Records())
        {
            values.Add(Encoding.UTF8.GetString(record.Value.Span));
            keys.Add(Encoding.UTF8.GetString(record.Key.Span));
            events += record.Events;
        }
        var truth = generator.Truth();
        Assert.Equal((40_000, 40_000, values.Count), (events, truth.Events, truth.Records));
        Assert.Equal(truth.Accepted + truth.Rejected.Values.Sum(), truth.Events);
        Assert.Equal(
            ["duplicate", "event_time_out_of_range", "no_event_name", "no_event_time", "no_verified_identifier", "not_decodable"], truth.Rejected.Keys);
        Assert.Contains(values, v => v.StartsWith('['));
        Assert.Contains(values, v => v.Contains("\"event_time\":4102444800000"));
        Assert.InRange(values.Count(v => v.Contains("13800138000") || v.Contains("\"value\":\"undefined\"")), 50, 400);
        // Half of the visits are a tenth of the people's, and passers-by come on top.
        var perKey = keys.CountBy(k => k).Select(k => k.Value).OrderDescending().ToArray();
        Assert.True(perKey.Take(perKey.Length / 5).Sum() > keys.Count / 2);
        Assert.Contains("oOfficial-lin-xiaoman", values[0]);
        Assert.True(truth.Tags["buyer"] > 100 && truth.Tags["big_spender"] > 50 && truth.Tags["high_intent"] > 50 && truth.Tags["interested_in_pets"] > 50);
        Assert.True(truth.RepeatBuyers > 20 && truth.Customers < truth.Identifiers);
    }

    [Fact]
    public void Records_LateEvents_ReachTheStreamOutOfOrder()
    {
        long latest = 0, late = 0;
        foreach (var record in new PetShopGenerator(new PetShopOptions { Events = 20_000 }, withTruth: false).Records())
        {
            if (record.Events > 1 || record.Value.Length < 100) continue;
            var e = JsonDocument.Parse(record.Value).RootElement;
            if (!e.TryGetProperty("event_time", out var time) || time.GetInt64() < 1_700_000_000_000 || e.GetRawText().Contains("lin-xiaoman")) continue;
            if (time.GetInt64() < latest - 3_600_000) late++;
            latest = Math.Max(latest, time.GetInt64());
        }
        Assert.InRange(late, 50, 600);
    }

    [Fact]
    public void Records_BadLateAndSkewed_AreSoAndTheTruthKnowsIt()
    {
        var plain = new PetShopGenerator(new PetShopOptions { Events = 20_000, People = 1_000 });
        var told = new PetShopGenerator(new PetShopOptions { Events = 20_000, People = 1_000, BadShare = 0.1, LateShare = 0.2, Skew = 0.95 });
        var (plainKeys, keys) = (Keys(plain), Keys(told));
        var truth = told.Truth();
        Assert.InRange(truth.Rejected.Where(r => r.Key != "duplicate").Sum(r => r.Value) / 20_000.0, 0.09, 0.12);
        Assert.Equal(truth.Events, truth.Accepted + truth.Rejected.Values.Sum());
        Assert.True(Share(keys) > 1.5 * Share(plainKeys), $"{Share(keys)} against {Share(plainKeys)}");

        // The hundred busiest people's share of the records.
        static double Share(List<string> keys) =>
            keys.CountBy(k => k).Select(k => k.Value).OrderDescending().Take(100).Sum() / (double)keys.Count;
        static List<string> Keys(PetShopGenerator generator) => [.. generator.Records().Select(r => Encoding.UTF8.GetString(r.Key.Span))];
    }

    [Theory]
    [InlineData(-0.1, 0, 0.5, "--bad")]
    [InlineData(0.95, 0, 0.5, "--bad")]
    [InlineData(0, 1.1, 0.5, "--late")]
    [InlineData(0, 0, double.NaN, "--skew")]
    public void Options_SharesOutOfRange_AreRefusedByName(double bad, double late, double skew, string expected) =>
        Assert.Contains(expected, Assert.Throws<ArgumentException>(
            () => new PetShopGenerator(new PetShopOptions { BadShare = bad, LateShare = late, Skew = skew })).Message);

    [Theory]
    [InlineData(99, 0, 30, "--events 99")]
    [InlineData(1000, 9, 30, "--people 9")]
    [InlineData(1000, 0, 6, "--days 6")]
    public void Options_OutOfRange_AreRefusedByName(int events, int people, int days, string expected) =>
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => new PetShopGenerator(new PetShopOptions { Events = events, People = people, Days = days })).Message);

    [Fact]
    public void Truth_BeforeTheLastRecord_IsRefused()
    {
        var generator = new PetShopGenerator(new PetShopOptions { Events = 100 });
        generator.Records().First();
        Assert.Throws<InvalidOperationException>(() => generator.Truth());
    }
}
