using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

[Collection(ClickHouseCollection.Name)]
public sealed class FunnelQueryTests(ClickHouseFixture clickHouse)
{
    private const long Base = 1_700_000_000_000;
    private static readonly SourcePartition Topic = new(Guid.Empty, "t", 0);

    [ClickHouseFact]
    public async Task Run_RandomStreams_AgreesWithBruteForce()
    {
        const int seed = 20_251;
        var random = new Random(seed);
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        var events = RandomEvents(random, customers: 400);
        await sink.WriteEventsAsync([BatchOf(events)], "t", CancellationToken.None);
        string[] funnels = ["a > b > c", "a > b", "c", "a > a", "a > b > a", "b > b > b", "a > a > b > b", "a > b > a > b",
            "b > a > a > c > a"];
        for (var i = 0; i < 36; i++)
        {
            var funnel = new FunnelOptions
            {
                Steps = FunnelOptions.ParseSteps(funnels[i % funnels.Length]),
                Window = TimeSpan.FromMilliseconds(random.Next(1, 14)),
                From = i % 4 is 1 or 3 ? DateTimeOffset.FromUnixTimeMilliseconds(Base + random.Next(0, 8)) : null,
                To = i % 4 is 2 or 3 ? DateTimeOffset.FromUnixTimeMilliseconds(Base + random.Next(6, 20)) : null,
                By = i >= 18 ? (i % 2 == 0 ? "page" : "properties.颜'色") : null,
            };
            var expected = Expected(events, funnel);
            var actual = (await FunnelQuery.RunAsync(client, funnel, CancellationToken.None))
                .Select(g => $"{g.Value}: {string.Join(' ', g.Steps.Select(s => s.Customers))}");
            Assert.True(expected.Order(StringComparer.Ordinal).SequenceEqual(actual.Order(StringComparer.Ordinal)),
                $"seed {seed}, case {i}: {string.Join(">", funnel.Steps)} window {funnel.Window} by {funnel.By} " +
                $"{funnel.From:O} {funnel.To:O}\n" +
                $"expected {string.Join("; ", expected)}\nactual   {string.Join("; ", actual)}\n{FunnelQuery.Sql(funnel)}");
        }
    }

    [ClickHouseFact]
    public async Task Run_NamesWithQuotes_AreOnlyNames()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        const string odd = @"it's \ 100% 'quoted' {x}";
        await sink.WriteEventsAsync([BatchOf([new("u", odd, Base, "f"), new("u", "下单", Base + 1, "f")])], "t", CancellationToken.None);
        var funnel = new FunnelOptions { Steps = [odd, "下单"], Window = TimeSpan.FromHours(1) };
        Assert.Equal([1L, 1L], Assert.Single(await FunnelQuery.RunAsync(client, funnel, CancellationToken.None)).Steps
            .Select(s => s.Customers));
        Assert.Throws<FormatException>(() => FunnelQuery.Sql(new FunnelOptions { Steps = ["a"], Window = TimeSpan.FromHours(1),
            By = "page) --" }));
    }

    [ClickHouseFact]
    public async Task Run_NoEvents_CountsZeroForEveryStep()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var funnel = new FunnelOptions { Steps = ["a", "b"], Window = TimeSpan.FromHours(1) };
        Assert.Equal([0L, 0L], Assert.Single(await FunnelQuery.RunAsync(client, funnel, CancellationToken.None)).Steps
            .Select(s => s.Customers));
    }

    [Theory]
    [InlineData("30m", 1_800_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("250ms", 250)]
    public void ParseWindow_NumberAndUnit_IsThatLong(string text, long expectedMs) =>
        Assert.Equal(expectedMs, (long)FunnelOptions.ParseWindow(text).TotalMilliseconds);

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("d")]
    [InlineData("-1h")]
    [InlineData("1 year")]
    public void ParseWindow_SomethingElse_IsRefused(string text) => Assert.Throws<FormatException>(() => FunnelOptions.ParseWindow(text));

    [SharedDataFact("taobao_user_behavior_head.csv.gz", "taobao_head_expected.json")]
    public async Task Run_TaobaoFile_AgreesWithThePublishedCounts()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var sink = await ClickHouseSink.OpenAsync(client, CancellationToken.None);
        await sink.WriteEventsAsync([await TaobaoAsync()], "t", CancellationToken.None);
        using var expected = JsonDocument.Parse(await File.ReadAllTextAsync(SharedDataFactAttribute.Find("taobao_head_expected.json")!));
        var checkedFunnels = 0;
        foreach (var property in expected.RootElement.EnumerateObject().Where(p => p.Name.StartsWith("funnel ", StringComparison.Ordinal)))
        {
            var words = property.Name.Split(' ');
            var funnel = new FunnelOptions { Steps = FunnelOptions.ParseSteps(words[1]), Window = FunnelOptions.ParseWindow(words[2]) };
            var actual = Assert.Single(await FunnelQuery.RunAsync(client, funnel, CancellationToken.None)).Steps.Select(s => s.Customers);
            Assert.Equal(property.Value.EnumerateArray().Select(n => n.GetInt64()), actual);
            checkedFunnels++;
        }
        Assert.True(checkedFunnels >= 6);
        Assert.Equal("84475\t815", await client.TextAsync("SELECT count(), uniqExact(customer) FROM events_resolved"));
    }

    private static List<FunnelReference.Seen> RandomEvents(Random random, int customers)
    {
        var events = new List<FunnelReference.Seen>();
        for (var customer = 0; customer < customers; customer++)
        {
            for (var n = random.Next(1, 9); n > 0; n--)
                events.Add(new($"u{customer}", "abcd"[random.Next(4)].ToString(), Base + random.Next(20), random.Next(2) == 0 ? "x" : "y"));
        }
        return events;
    }

    private static EventBatch BatchOf(List<FunnelReference.Seen> events)
    {
        var builder = new EventBatchBuilder(events.Count);
        for (var i = 0; i < events.Count; i++)
            builder.Add(Topic, i, events[i].Name, events[i].TimeMs, [($"openid:wx1:{events[i].Customer}", true)], [("颜'色",
                events[i].Field, PropertyType.String)], page: events[i].Field);
        return builder.Batch;
    }

    internal static List<string> Expected(List<FunnelReference.Seen> events, FunnelOptions funnel)
    {
        var (from, to) = (funnel.From?.ToUnixTimeMilliseconds(), funnel.To?.ToUnixTimeMilliseconds());
        var lists = new List<string>();
        foreach (var field in funnel.By is null ? [null] : new string?[] { "x", "y" })
        {
            var depths = events.GroupBy(e => e.Customer)
                .Select(g => FunnelReference.Depth([.. g], funnel.Steps, (long)funnel.Window.TotalMilliseconds, from, to, field)).ToList();
            if (field is null || depths.Exists(d => d > 0))
                lists.Add($"{field}: {string.Join(' ', Enumerable.Range(1, funnel.Steps.Count).Select(n => depths.Count(d => d >= n)))}");
        }
        return lists;
    }

    private static async Task<EventBatch> TaobaoAsync()
    {
        using var file = new StreamReader(new GZipStream(File.OpenRead(SharedDataFactAttribute.Find("taobao_user_behavior_head.csv.gz")!),
            CompressionMode.Decompress));
        var builder = new EventBatchBuilder(100_000);
        for (long offset = 0; await file.ReadLineAsync() is { } line; offset++)
        {
            var cells = line.Split(',');
            builder.Add(Topic, offset, cells[3], long.Parse(cells[4], CultureInfo.InvariantCulture) * 1_000,
                [($"member_id:taobao:{cells[0]}", true)]);
        }
        return builder.Batch;
    }
}

/// <summary>
/// A fact on files that lie beside the project (or under <c>$SCRM_SHARED</c>); skipped with the reason where they do not.
/// </summary>
public sealed class SharedDataFactAttribute : FactAttribute
{
    public SharedDataFactAttribute(params string[] files)
    {
        var missing = Array.Find(files, f => Find(f) is null);
        Skip = ClickHouseLibrary.Missing ?? (
            missing is null ? null : $"{missing} is neither in $SCRM_SHARED/data nor in ../shared/data beside the project.");
    }

    internal static string? Find(string file)
    {
        if (Environment.GetEnvironmentVariable("SCRM_SHARED") is { Length: > 0 } shared && File.Exists(Path.Combine(shared, "data", file)))
            return Path.Combine(shared, "data", file);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var beside = Path.Combine(folder.FullName, "shared", "data", file);
            if (File.Exists(beside)) return beside;
        }
        return null;
    }
}
