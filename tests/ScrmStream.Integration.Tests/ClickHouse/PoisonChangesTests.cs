using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>Rows that are derived from state, and that the real engine refuses for what is in them.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class PoisonChangesTests(ClickHouseFixture clickHouse)
{
    private const int Rows = 1_000;
    private const string Poison = "poison";
    private static readonly int[] Bad = [3, 500, 999];

    private static readonly Dictionary<string, Func<ClickHouseSink, IEnumerable<int>, Task>> Writes = new()
    {
        ["identity_map"] = (sink, rows) => sink.WriteIdentityMapAsync([.. rows.Select(Mapping)], default),
        ["tag_changes"] = (sink, rows) => sink.WriteTagChangesAsync(
            [.. rows.Select(i => new TagChange(Id(i), Word(i), "1", null, i))], default),
        ["score_changes"] = (sink, rows) => sink.WriteScoreChangesAsync(
            [.. rows.Select(i => new ScoreChange(Id(i), Word(i), 1, "A", null, i))], default),
        ["actions"] = (sink, rows) => sink.WriteActionsAsync(
            [.. rows.Select(i => new CustomerAction(Id(i), Word(i), i, i, true, ""))], default),
        ["leads"] = (sink, rows) => sink.WriteLeadsAsync([.. rows.Select(Leads)], default),
    };

    /// <summary>
    /// Three rows in a thousand break a constraint: they are letters with the table's name, the server's words and what the row said; all
    /// others are there. The same call again, as after a crash before the view was published, changes nothing that a reader sees.
    /// </summary>
    [ClickHouseTheory]
    [InlineData("identity_map", "identity_history_rows", "text", "identifier")]
    [InlineData("tag_changes", "tag_changes_rows", "tag", "customer")]
    [InlineData("score_changes", "score_changes_rows", "score", "customer")]
    [InlineData("actions", "actions_rows", "action", "customer")]
    [InlineData("leads", "leads_rows", "pipeline", "customer")]
    public async Task Write_AConstraintRefusesSomeRows_OnlyTheseAreSetAside(string table, string rows, string column, string key)
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var topic = new MemoryAnalytics();
        var sink = (await ClickHouseSink.OpenAsync(client, CancellationToken.None)).SettingAside(topic);
        await client.CommandAsync($"ALTER TABLE {rows} ADD CONSTRAINT fits CHECK {column} != '{Poison}'", CancellationToken.None);
        for (var again = 0; again < 2; again++)
        {
            await Writes[table](sink, Enumerable.Range(0, Rows));
            var good = Rows - Bad.Length;
            Assert.Equal($"{good}\t{good}", await client.TextAsync($"SELECT count(), uniqExact({key}) FROM {table}"));
            Assert.Equal($"{Bad.Length}\t['{table}']\t['refused_by_tables']\t1\t{Bad.Length}", await client.TextAsync(
                "SELECT count(), groupUniqArray(topic), groupUniqArray(reason), min(detail LIKE '%fits%'), uniqExact(raw) "
                + "FROM dead_letters"));
            Assert.Equal(Bad.Length, topic.DeadLetters.Count);
            Assert.All(topic.DeadLetters.Values, letter => Assert.Contains(Poison, Encoding.UTF8.GetString(letter.Raw.Span)));
        }
    }

    /// <summary>Where nearly every row is refused it is not the rows: the run is to end, and say why.</summary>
    [ClickHouseFact]
    public async Task Write_EveryRowIsRefused_IsAnError()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var topic = new MemoryAnalytics();
        var sink = (await ClickHouseSink.OpenAsync(client, CancellationToken.None)).SettingAside(topic);
        await client.CommandAsync("ALTER TABLE tag_changes_rows ADD CONSTRAINT fits CHECK tag = 'no such'", CancellationToken.None);
        var error = await Assert.ThrowsAsync<ClickHouseException>(() => Writes["tag_changes"](sink, Enumerable.Range(0, Rows)));
        Assert.Contains("fits", error.Message, StringComparison.Ordinal);
        Assert.Empty(topic.DeadLetters);
        Assert.Equal("0", await client.TextAsync("SELECT count() FROM tag_changes"));
    }

    /// <summary>The identity map refuses one identifier of five hundred: the run goes on, and all else is where it should be.</summary>
    [ClickHouseFact]
    public async Task Run_OneMappingIsRefused_GoesOn()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var topic = new MemoryAnalytics();
        var sink = (await ClickHouseSink.OpenAsync(client, CancellationToken.None)).SettingAside(topic);
        await client.CommandAsync(
            "ALTER TABLE identity_history_rows ADD CONSTRAINT fits CHECK text != 'cookie::c7'", CancellationToken.None);
        var records = ListSource.Utf8(Enumerable.Range(0, Rows).Select(i => $$"""
            {"event":"view","event_time":{{1_700_000_000_000 + i}},"identifiers":[{"kind":"cookie","value":"c{{i % 500}}"}]}
            """));
        var views = new MemoryViewStore { IsSoleWriter = true, WriterEpoch = 1 };
        var (partition, committed) = (ListSource.Partition(0), new Dictionary<SourcePartition, long>());
        await using var source = new ListSource([(partition, records)], committed, recordsPerPoll: 100);
        var ports = new PipelinePorts(source, new MemoryCellStore(views), views, sink, topic);
        var pipeline = new StreamPipeline(new PipelineOptions(), RuleSet.Empty, ports, writerStamp: 1, TimeProvider.System);
        await pipeline.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(Rows, committed[partition]);
        Assert.Equal(500, (await views.CountAsync(CancellationToken.None)).Customers);
        Assert.Equal($"{Rows}", await client.TextAsync("SELECT count() FROM events"));
        Assert.Equal("499\t0", await client.TextAsync("SELECT count(), countIf(text = 'cookie::c7') FROM identity_map"));
        Assert.Equal("identity_map\t1", await client.TextAsync("SELECT topic, raw LIKE '%\"text\":\"cookie::c7\"%' FROM dead_letters"));
        Assert.Single(topic.DeadLetters);
    }

    private static string Word(int i) => Bad.Contains(i) ? Poison : $"w{i}";

    private static IdentifierId Id(int i) => IdentifierId.Of(Encoding.UTF8.GetBytes($"cookie::c{i}"));

    private static IdentityMapping Mapping(int i) =>
        new(Id(i), Encoding.UTF8.GetBytes(Word(i)), Id(0), (ulong)i + 1, 1_700_000_000_000 + i);

    private static CustomerLeads Leads(int i) => new(Id(i), Word(i), "sales", 1)
    {
        Leads = [new PublishedLead($"l{i}", i, "app", "", "", "")], Steps = [new PublishedStep(0, "listed", null, i, "created", null)],
    };
}
