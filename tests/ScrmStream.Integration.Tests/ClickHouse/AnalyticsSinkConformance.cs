using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>What every <see cref="IAnalyticsSink"/> does. An implementation says how to make one and how to read it back.</summary>
public abstract class AnalyticsSinkConformance
{
    private static readonly SourcePartition Topic = new(Guid.Parse("01234567-89ab-cdef-0123-456789abcdef"), "touchpoints", 3);

    /// <summary>A sink without rows.</summary>
    private protected abstract Task<ISinkUnderTest> OpenAsync();

    [ClickHouseFact]
    public async Task WriteEvents_EveryField_ReadsBack()
    {
        using var sink = await OpenAsync();
        var batch = new EventBatchBuilder().Add(
            Topic, 42, "order_paid", 1_700_000_000_123,
            [("openid:wx1:o-甲", true), ("phone::+8613812345678", false), ("cookie::c1", true)],
            [("商品", "猫粮 🐱", PropertyType.String), ("count", "3", PropertyType.Long), ("rate", "1.5e-3", PropertyType.Double), ("vip",
                "true", PropertyType.Boolean)],
            amountFen: -1_250, eventId: "e\t\"'\\1", page: "/p?a=1", channel: Channel.MiniProgram, currency: "CNY",
            recordTimeMs: 1_700_000_000_500, receivedTimeMs: 1_700_000_000_200, index: 2, shareDepth: 0, campaign: "七夕").Batch;
        await sink.Sink.WriteEventsAsync([batch], "t1", CancellationToken.None);

        var row = Assert.Single(await sink.EventsAsync());
        Assert.Equal("01234567-89ab-cdef-0123-456789abcdef|touchpoints|3|42|2", row.Coordinates);
        Assert.Equal("order_paid|mini_program|e\t\"'\\1|/p?a=1|CNY|七夕", row.Texts);
        Assert.Equal("1700000000123|1700000000200|1700000000500", row.TimesMs);
        Assert.Equal("-1250|0", row.Numbers);
        Assert.Equal($"{IdOf("openid:wx1:o-甲")}|openid:wx1:o-甲", row.Anchor);
        Assert.Equal("openid:wx1:o-甲,cookie::c1|phone::+8613812345678", row.Identifiers);
        Assert.Equal("商品=猫粮 🐱,count=3,rate=1.5e-3,vip=true|sldb", row.Properties);
    }

    [ClickHouseFact]
    public async Task WriteEvents_NothingOptional_ReadsBackAsAbsent()
    {
        using var sink = await OpenAsync();
        var batch = new EventBatchBuilder().Add(Topic, 1, "follow", 1_700_000_000_000, [("openid:wx1:a", true)],
            channel: Channel.None).Batch;
        await sink.Sink.WriteEventsAsync([batch], "t1", CancellationToken.None);
        var row = Assert.Single(await sink.EventsAsync());
        Assert.Equal("follow|||||", row.Texts);
        Assert.Equal("1700000000000|-|-", row.TimesMs);
        Assert.Equal("-|-", row.Numbers);
        Assert.Equal("openid:wx1:a|", row.Identifiers);
        Assert.Equal("|", row.Properties);
    }

    [ClickHouseFact]
    public async Task WriteEvents_DuplicatesAmongThem_ShowsAcceptedOnly()
    {
        using var sink = await OpenAsync();
        var batch = new EventBatchBuilder()
            .Add(Topic, 1, "like", 1_000_000_000_000, [("openid:wx1:a", true)])
            .Add(Topic, 2, "like", 1_000_000_000_001, [("openid:wx1:a", true)], verdict: Verdict.Duplicate)
            .Add(Topic, 3, "like", 1_000_000_000_002, [("openid:wx1:a", true)]).Batch;
        await sink.Sink.WriteEventsAsync([batch], "t1", CancellationToken.None);
        Assert.Equal(["1", "3"], (await sink.EventsAsync()).Select(r => r.Coordinates.Split('|')[3]).Order());
    }

    [ClickHouseFact]
    public async Task WriteEvents_JudgedAnew_ShowsTheVerdictOfTheHighestEpoch()
    {
        using var sink = await OpenAsync();
        await WriteAsync(epoch: 3, Verdict.Duplicate, Verdict.Accepted);
        await WriteAsync(epoch: 2, Verdict.Accepted, Verdict.Duplicate);
        Assert.Equal(["2"], (await sink.EventsAsync()).Select(r => r.Coordinates.Split('|')[3]));
        await WriteAsync(epoch: 4, Verdict.Accepted, Verdict.Duplicate);
        Assert.Equal(["1"], (await sink.EventsAsync()).Select(r => r.Coordinates.Split('|')[3]));

        Task WriteAsync(ulong epoch, Verdict one, Verdict two)
        {
            var batch = new EventBatchBuilder()
                .Add(Topic, 1, "like", 1_000_000_000_000, [("openid:wx1:a", true)], verdict: one)
                .Add(Topic, 2, "like", 1_000_000_000_001, [("openid:wx1:a", true)], verdict: two).Batch;
            batch.Epoch = epoch;
            return sink.Sink.WriteEventsAsync([batch], $"t{epoch}", CancellationToken.None);
        }
    }

    /// <summary>A verdict that is forgotten shows a row that is gone, and changes none that is there, in whatever order they come.</summary>
    [ClickHouseFact]
    public async Task WriteEvents_VerdictForgotten_OverrulesNone()
    {
        using var sink = await OpenAsync();
        await WriteAsync("t0", Verdict.Forgotten, Verdict.Forgotten, Verdict.Forgotten, 1, 2, 3);
        await WriteAsync("t1", Verdict.Accepted, Verdict.Duplicate, Verdict.Duplicate, 1, 2, 4);
        await WriteAsync("t2", Verdict.Forgotten, Verdict.Forgotten, Verdict.Forgotten, 1, 2, 4);
        Assert.Equal(["1", "3"], (await sink.EventsAsync()).Select(r => r.Coordinates.Split('|')[3]).Order());

        Task WriteAsync(string token, Verdict one, Verdict two, Verdict three, params long[] offsets)
        {
            var batch = new EventBatchBuilder()
                .Add(Topic, offsets[0], "like", 1_000_000_000_000 + offsets[0], [("openid:wx1:a", true)], verdict: one)
                .Add(Topic, offsets[1], "like", 1_000_000_000_000 + offsets[1], [("openid:wx1:a", true)], verdict: two)
                .Add(Topic, offsets[2], "like", 1_000_000_000_000 + offsets[2], [("openid:wx1:a", true)], verdict: three).Batch;
            batch.Epoch = 1;
            return sink.Sink.WriteEventsAsync([batch], token, CancellationToken.None);
        }
    }

    [ClickHouseFact]
    public async Task WriteEvents_SameTokenAgain_AddsNothing()
    {
        using var sink = await OpenAsync();
        var batches = new[] { Numbered(0, 500).Batch, Numbered(500, 500).Batch };
        for (var i = 0; i < 3; i++) await sink.Sink.WriteEventsAsync(batches, "same", CancellationToken.None);
        Assert.Equal(1_000, (await sink.EventsAsync()).Count);
    }

    [ClickHouseFact]
    public async Task WriteEvents_OverlapUnderAnotherToken_ShowsEachEventOnce()
    {
        using var sink = await OpenAsync();
        await sink.Sink.WriteEventsAsync([Numbered(0, 600).Batch], "first", CancellationToken.None);
        await sink.Sink.WriteEventsAsync([Numbered(300, 600).Batch], "second", CancellationToken.None);
        var rows = await sink.EventsAsync();
        Assert.Equal(900, rows.Count);
        Assert.Equal(900, rows.Select(r => r.Coordinates).Distinct().Count());
    }

    [ClickHouseFact]
    public async Task WriteEvents_SameOffsetsOfARecreatedTopic_KeepsBoth()
    {
        using var sink = await OpenAsync();
        var again = new SourcePartition(Guid.Parse("ffffffff-0000-0000-0000-000000000001"), Topic.Topic, Topic.Partition);
        await sink.Sink.WriteEventsAsync([Numbered(0, 10).Batch], "first", CancellationToken.None);
        await sink.Sink.WriteEventsAsync([Numbered(0, 10, again).Batch], "second", CancellationToken.None);
        Assert.Equal(20, (await sink.EventsAsync()).Count);
    }

    [ClickHouseFact]
    public async Task WriteChanges_RepeatedCalls_ShowEachChangeOnce()
    {
        using var sink = await OpenAsync();
        var (a, b) = (IdentifierId.Of("openid:wx1:a"u8), IdentifierId.Of("openid:wx1:b"u8));
        TagChange[] tags = [new(a, "宠物", "1", null, 1_700_000_000_000), new(a, "宠物", null, "1", 1_700_000_100_000), new(b, "宠物", "1",
            null, 1_700_000_000_000)];
        ScoreChange[] scores = [new(a, "intent", 81_500_000, "A", "B", 1_700_000_000_000), new(a, "intent", 10_000_000, null, "A",
            1_700_000_100_000)];
        for (var i = 0; i < 2; i++)
        {
            await sink.Sink.WriteTagChangesAsync(tags, CancellationToken.None);
            await sink.Sink.WriteTagChangesAsync(tags[..1], CancellationToken.None);
            await sink.Sink.WriteScoreChangesAsync(scores, CancellationToken.None);
        }
        Assert.Equal(
            new[] { $"{a}|宠物|1|-|1700000000000", $"{a}|宠物|-|1|1700000100000", $"{b}|宠物|1|-|1700000000000" }.Order(StringComparer.Ordinal),
            (await sink.TagChangesAsync()).Order(StringComparer.Ordinal));
        Assert.Equal([$"{a}|intent|81500000|A|B|1700000000000", $"{a}|intent|10000000|-|A|1700000100000"], await sink.ScoreChangesAsync());
    }

    [ClickHouseFact]
    public async Task WriteActions_ToldTwice_AreThereOnce()
    {
        using var sink = await OpenAsync();
        var a = IdentifierId.Of("openid:wx1:a"u8);
        CustomerAction[] actions =
        [
            new(a, "萌宠券", 1_700_000_000_000, 1_700_000_000_000, false, ""), new(a, "call", 1_700_000_000_000, 1_700_000_000_000, true, ""),
            new(a, "mail", 1_700_000_000_500, 1_700_003_600_000, false, "cap"),
        ];
        await sink.Sink.WriteActionsAsync(actions, CancellationToken.None);
        await sink.Sink.WriteActionsAsync(actions[1..], CancellationToken.None);
        Assert.Equal(
        [
            $"{a}-1700000000000-call|{a}|call|staff|sent||1700000000000|1700000000000",
            $"{a}-1700000000000-萌宠券|{a}|萌宠券|customer|sent||1700000000000|1700000000000",
            $"{a}-1700000000500-mail|{a}|mail|customer|suppressed|cap|1700000000500|1700003600000",
        ], await sink.ActionsAsync());
    }

    [ClickHouseFact]
    public async Task WriteIdentityMap_VersionsInAnyOrder_ShowsTheHighestAndKeepsAll()
    {
        using var sink = await OpenAsync();
        var (cookie, phone, openId) = (IdentifierId.Of("cookie::c"u8), IdentifierId.Of("phone::p"u8), IdentifierId.Of("openid:wx1:o"u8));
        await sink.Sink.WriteIdentityMapAsync(
            [new(cookie, "cookie::c"u8.ToArray(), openId, 7, 1_700_000_000_007), new(phone, "phone::p"u8.ToArray(), phone, 1, 1_700_000_000_007)],
            CancellationToken.None);
        await sink.Sink.WriteIdentityMapAsync(
            [new(cookie, "cookie::c"u8.ToArray(), phone, 3, 1_700_000_000_003),
                new(phone, "phone::p"u8.ToArray(), null, ulong.MaxValue, 1_700_000_000_003)],
            CancellationToken.None);
        Assert.Equal(
            [$"cookie::c|{cookie}|{openId}|7", $"phone::p|{phone}|-|{ulong.MaxValue}"], (await sink.IdentityMapAsync())
                .Order(StringComparer.Ordinal));
        Assert.Equal(
            [$"cookie::c|{cookie}|{openId}|7|1700000000007", $"cookie::c|{cookie}|{phone}|3|1700000000003",
                $"phone::p|{phone}|-|{ulong.MaxValue}|1700000000003", $"phone::p|{phone}|{phone}|1|1700000000007"],
            (await sink.IdentityHistoryAsync()).Order(StringComparer.Ordinal));
    }

    [ClickHouseFact]
    public async Task WriteIdentityMap_SameMappingLater_WasKnownSinceTheFirst()
    {
        using var sink = await OpenAsync();
        var cookie = IdentifierId.Of("cookie::c"u8);
        foreach (var knownAtMs in new[] { 1_700_000_000_500, 1_700_000_000_200, 1_700_000_000_200, 1_700_000_000_900 })
            await sink.Sink.WriteIdentityMapAsync([new(cookie, "cookie::c"u8.ToArray(), cookie, 4, knownAtMs)], CancellationToken.None);
        Assert.Equal($"cookie::c|{cookie}|{cookie}|4|1700000000200", Assert.Single(await sink.IdentityHistoryAsync()));
    }

    [ClickHouseFact]
    public async Task WriteDeadLetters_RawBytes_ReadBackUntouched()
    {
        using var sink = await OpenAsync();
        var raw = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        DeadLetter[] letters = [new(new SourcePosition(Topic, 5, -1), 1_700_000_000_000, RejectReason.NotDecodable, "第 3 个字节", raw)];
        for (var i = 0; i < 2; i++) await sink.Sink.WriteDeadLettersAsync(letters, CancellationToken.None);
        Assert.Equal([$"touchpoints|3|5|-1|not_decodable|第 3 个字节|{Convert.ToHexString(raw)}"], await sink.DeadLettersAsync());
    }

    [ClickHouseFact]
    public async Task Write_Nothing_IsNoError()
    {
        using var sink = await OpenAsync();
        await sink.Sink.WriteEventsAsync([], "t", CancellationToken.None);
        await sink.Sink.WriteTagChangesAsync([], CancellationToken.None);
        Assert.Empty(await sink.EventsAsync());
    }

    private protected static EventBatchBuilder Numbered(long first, int count, SourcePartition? partition = null)
    {
        var builder = new EventBatchBuilder(count);
        for (var offset = first; offset < first + count; offset++)
            builder.Add(partition ?? Topic, offset, offset % 3 == 0
                ? "like" : "share", 1_700_000_000_000 + offset * 7_919 % 1_000_000, [($"openid:wx1:{offset % 97}", true)]);
        return builder;
    }

    private static string IdOf(string text) => IdentifierId.Of(Encoding.UTF8.GetBytes(text)).ToString();
}

/// <summary>An event as it reads back; parts joined by bars, absent numbers and times as a dash.</summary>
internal sealed record EventReadBack(
    string Coordinates, string Texts, string TimesMs, string Numbers, string Anchor, string Identifiers, string Properties);

/// <summary>A sink and its reading side.</summary>
internal interface ISinkUnderTest : IDisposable
{
    IAnalyticsSink Sink { get; }
    Task<IReadOnlyList<EventReadBack>> EventsAsync();
    /// <summary>customer, tag, value, previous, since.</summary>
    Task<IReadOnlyList<string>> TagChangesAsync();
    /// <summary>customer, score, value in millionths, grade, previous, since; in order of since.</summary>
    Task<IReadOnlyList<string>> ScoreChangesAsync();
    /// <summary>id, customer, action, recipient, outcome, reason, moment, decided; in order of id.</summary>
    Task<IReadOnlyList<string>> ActionsAsync();
    /// <summary>text, identifier, customer, version.</summary>
    Task<IReadOnlyList<string>> IdentityMapAsync();
    /// <summary>text, identifier, customer, version, known time in Unix milliseconds.</summary>
    Task<IReadOnlyList<string>> IdentityHistoryAsync();
    /// <summary>topic, partition, offset, index, reason, detail, raw in hex.</summary>
    Task<IReadOnlyList<string>> DeadLettersAsync();
}
