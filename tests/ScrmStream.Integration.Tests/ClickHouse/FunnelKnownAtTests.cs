using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>Funnels over customers as the identity map was known at a time.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class FunnelKnownAtTests(ClickHouseFixture clickHouse)
{
    private const long Base = 1_700_000_000_000;
    private static readonly SourcePartition Topic = new(Guid.Empty, "t", 0);

    [ClickHouseFact]
    public async Task Run_LoginBetweenTheSteps_IsTwoPeopleBeforeItWasKnownAndOneAfter()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        await sink.WriteEventsAsync([BatchOf([new("cookie", "view", Base, "f"), new("member", "buy", Base + 1, "f")])], "t", default);
        await WriteAsync(sink, ("cookie", "cookie", 1, 100), ("member", "member", 1, 100));
        Assert.Equal([1L, 0], await AskAsync(client));

        await WriteAsync(sink, ("cookie", "member", 2, 200));
        Assert.Equal([1L, 1], await AskAsync(client));
        Assert.Equal([1L, 0], await AskAsync(client, knownAt: 50));
        Assert.Equal([1L, 0], await AskAsync(client, knownAt: 199));
        Assert.Equal([1L, 1], await AskAsync(client, knownAt: 200));

        // Taken apart again: the old answer is back, and what was known in between stays.
        await WriteAsync(sink, ("cookie", "cookie", 3, 300));
        Assert.Equal([1L, 0], await AskAsync(client));
        Assert.Equal([1L, 1], await AskAsync(client, knownAt: 299));
        Assert.Equal([1L, 0], await AskAsync(client, knownAt: 300));
        // Nobody's is as if it stood for itself.
        await WriteAsync(sink, ("cookie", "member", 4, 400), ("cookie", null, 5, 500));
        Assert.Equal([1L, 1], await AskAsync(client, knownAt: 499));
        Assert.Equal([1L, 0], await AskAsync(client, knownAt: 500));
    }

    [ClickHouseFact]
    public async Task Run_RandomHistories_AgreesWithBruteForce()
    {
        const int seed = 77;
        var random = new Random(seed);
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        var events = Enumerable.Range(0, 1_500)
            .Select(_ => new FunnelReference.Seen($"u{random.Next(300)}", "abc"[random.Next(3)].ToString(), Base + random.Next(30), random.Next(2) == 0 ? "x" : "y"))
            .ToList();
        await sink.WriteEventsAsync([BatchOf(events)], "t", CancellationToken.None);
        // Versions of an identifier are distinct; times need not grow with them, for the clocks of two processes differ.
        var history = Enumerable.Range(0, 250).SelectMany(u => Enumerable.Range(1, random.Next(1, 5)).Select(version =>
            (Text: $"u{u}", Customer: random.Next(8) == 0 ? null : $"u{random.Next(300)}", Version: version * 3, KnownMs: (long)random.Next(1, 100)))).ToArray();
        random.Shuffle(history);
        foreach (var part in history.Chunk(100)) await WriteAsync(sink, part);
        await WriteAsync(sink, [.. history.Take(50).Select(h => h with { KnownMs = h.KnownMs + 40 })]);

        for (var i = 0; i < 24; i++)
        {
            var knownAt = i == 0 ? 0 : random.Next(0, 110);
            var funnel = new FunnelOptions
            {
                Steps = FunnelOptions.ParseSteps(i % 3 == 0 ? "a > b > a" : "a > b > c"), Window = TimeSpan.FromMilliseconds(random.Next(1, 20)),
                By = i % 4 == 3 ? "page" : null, KnownAt = DateTimeOffset.FromUnixTimeMilliseconds(Base + knownAt),
            };
            var resolved = events.ConvertAll(e => e with { Customer = CustomerAt(history, e.Customer, knownAt) });
            var expected = FunnelQueryTests.Expected(resolved, funnel);
            var actual = (await FunnelQuery.RunAsync(client, funnel, CancellationToken.None))
                .Select(g => $"{g.Value}: {string.Join(' ', g.Steps.Select(s => s.Customers))}");
            Assert.True(expected.Order(StringComparer.Ordinal).SequenceEqual(actual.Order(StringComparer.Ordinal)),
                $"seed {seed}, case {i}, known at {knownAt}\nexpected {string.Join("; ", expected)}\nactual   {string.Join("; ", actual)}");
        }
    }

    // By the definition: of the mappings published by then the one with the highest version; without one, itself.
    private static string CustomerAt((string Text, string? Customer, int Version, long KnownMs)[] history, string text, long knownAt)
    {
        var known = history.Where(h => h.Text == text && h.KnownMs <= knownAt).OrderBy(h => h.Version).ToList();
        return known.Count == 0 ? text : known[^1].Customer ?? text;
    }

    private static async Task<IEnumerable<long>> AskAsync(ClickHouseClient client, long? knownAt = null)
    {
        var funnel = new FunnelOptions
        {
            Steps = ["view", "buy"], Window = TimeSpan.FromHours(1),
            KnownAt = knownAt is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(Base + ms) : null,
        };
        return Assert.Single(await FunnelQuery.RunAsync(client, funnel, CancellationToken.None)).Steps.Select(s => s.Customers);
    }

    private static Task WriteAsync(ClickHouseSink sink, params (string Text, string? Customer, int Version, long KnownMs)[] mappings) =>
        sink.WriteIdentityMapAsync([.. mappings.Select(m => new IdentityMapping(IdOf(m.Text), Encoding.UTF8.GetBytes(TextOf(m.Text)),
            m.Customer is null ? null : IdOf(m.Customer), (ulong)m.Version, Base + m.KnownMs))], CancellationToken.None);

    private static string TextOf(string name) => $"openid:wx1:{name}";

    private static IdentifierId IdOf(string name) => IdentifierId.Of(Encoding.UTF8.GetBytes(TextOf(name)));

    private static EventBatch BatchOf(List<FunnelReference.Seen> events)
    {
        var builder = new EventBatchBuilder(events.Count);
        for (var i = 0; i < events.Count; i++)
            builder.Add(Topic, i, events[i].Name, events[i].TimeMs, [(TextOf(events[i].Customer), true)], page: events[i].Field);
        return builder.Batch;
    }
}
