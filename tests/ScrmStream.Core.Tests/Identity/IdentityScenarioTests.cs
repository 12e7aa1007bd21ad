using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Tests.Identity;

/// <summary>What people of the trade ask first, each through the whole pipeline: customers as readers of the views find them.</summary>
public sealed class IdentityScenarioTests
{
    private const long Day = 24L * 3600 * 1000;
    private const long Start = 1_700_000_000_000;

    [Fact]
    public Task OnePhoneUsedInTwoApps_IsOneCustomer() => Expect(
        [Seen(1, "openid:app1:a", "phone::+8613912345678"), Seen(2, "openid:app2:b", "phone::+8613912345678")],
        "openid:app1:a openid:app2:b phone::+8613912345678");

    [Fact]
    public Task SharedTabletBeforeTheSecondLogin_BelongsToTheFirst() => Expect(
        [Seen(1, "device_id:shop:tablet"), Seen(2, "member_id:s:m1", "device_id:shop:tablet")],
        "device_id:shop:tablet member_id:s:m1");

    [Fact]
    public Task SharedTabletAfterTheSecondLogin_BelongsToNobodyAndKeepsItsOwnHistory() => Expect(
        [Seen(1, "device_id:shop:tablet"), Seen(2, "member_id:s:m1", "device_id:shop:tablet"), Seen(3, "member_id:s:m2", "device_id:shop:tablet")],
        "device_id:shop:tablet", "member_id:s:m1", "member_id:s:m2");

    [Fact]
    public Task TwoUnionIdsWithOnePhone_StayTwoAndThePhoneIsTheFirsts() => Expect(
        [Seen(1, "unionid:w:u1", "phone::+8613912345678"), Seen(2, "unionid:w:u2", "phone::+8613912345678")],
        "phone::+8613912345678 unionid:w:u1", "unionid:w:u2");

    [Fact]
    public Task PhoneTypedByStaff_NeverLinks() => Expect(
        [Seen(1, "external_userid:corp:x", "?phone::+8613912345678"), Seen(2, "openid:app1:a", "phone::+8613912345678")],
        "external_userid:corp:x", "openid:app1:a phone::+8613912345678");

    [Fact]
    public Task PendingIdJoinedOnDay89_Links() => Expect(
        [Seen(0, "pending_id:c:p", "openid:app1:a"), Seen(89, "external_userid:corp:x", "pending_id:c:p")],
        "external_userid:corp:x openid:app1:a pending_id:c:p");

    [Fact]
    public Task PendingIdJoinedOnDay91_NoLongerLinks() => Expect(
        [Seen(0, "pending_id:c:p", "openid:app1:a"), Seen(91, "external_userid:corp:x", "pending_id:c:p")],
        "external_userid:corp:x", "openid:app1:a pending_id:c:p");

    [Fact]
    public Task SameOpenIdStringInTwoApps_IsTwoPeople() => Expect(
        [Seen(1, "openid:app1:same"), Seen(2, "openid:app2:same")],
        "openid:app1:same", "openid:app2:same");

    [Fact]
    public Task UnbindThenBindAgain_IsOneCustomerAgain() => Expect(
        [Seen(1, "member_id:s:m", "phone::+8613912345678"), Unbind(2, "member_id:s:m", "phone::+8613912345678"),
         Seen(3, "member_id:s:m", "phone::+8613912345678")],
        "member_id:s:m phone::+8613912345678");

    [Fact]
    public Task UnbindThatArrivesBeforeTheEvidenceItCancels_CancelsIt() => Expect(
        [Seen(0, "phone::+8613912345678"), Unbind(5, "member_id:s:m", "phone::+8613912345678"), Seen(4, "member_id:s:m", "phone::+8613912345678")],
        "member_id:s:m", "phone::+8613912345678");

    [Fact]
    public Task FourthPhone_IsRefusedAndStandsAlone() => Expect(
        [.. Enumerable.Range(1, 4).Select(i => Seen(i, "member_id:s:m", $"phone::+861391234567{i}")), Seen(5, "phone::+8613912345674")],
        "member_id:s:m phone::+8613912345671 phone::+8613912345672 phone::+8613912345673", "phone::+8613912345674");

    [Fact]
    public Task TwoMemberIdsWhereTwoAreAllowed_AreOneCustomerAndTheThirdIsRefused() => Expect(
        Kinds("member_id", new KindOptions { ValuesMax = 2 }),
        [.. Enumerable.Range(1, 3).Select(i => Seen(i, $"member_id:s:m{i}", "phone::+8613912345678"))],
        "member_id:s:m1 member_id:s:m2 phone::+8613912345678", "member_id:s:m3");

    [Fact]
    public Task OneMemberIdOverAllScopes_KeepsTwoShopsApart() => Expect(
        Kinds("member_id", new KindOptions { PerScope = false }),
        [Seen(1, "member_id:s1:m", "phone::+8613912345678"), Seen(2, "member_id:s2:m", "phone::+8613912345678")],
        "member_id:s1:m phone::+8613912345678", "member_id:s2:m");

    /// <summary>By default mp_id is a device: met with two customers it would belong to nobody.</summary>
    [Fact]
    public Task MpIdAsAnAppKind_JoinsWhomItIsMetWith() => Expect(
        Kinds("mp_id", new KindOptions { Class = "app" }),
        [Seen(1, "member_id:s:m", "mp_id:mini:q"), Seen(2, "mp_id:mini:q", "openid:app1:a")],
        "member_id:s:m mp_id:mini:q openid:app1:a");

    /// <summary>By default the phones would be two of three that one customer may have.</summary>
    [Fact]
    public Task PhoneAsAnAccount_IsOnePerCustomer() => Expect(
        Kinds("phone", new KindOptions { Class = "account" }),
        [Seen(1, "openid:app1:a", "phone::+8613912345671"), Seen(2, "openid:app1:a", "phone::+8613912345672")],
        "openid:app1:a phone::+8613912345671", "phone::+8613912345672");

    [Fact]
    public Task PhoneOfAShop_JoinsNobody() => Expect(
        [.. Enumerable.Range(1, 51).Select(i => Seen(i, $"openid:app1:o{i:00}", "phone::+8613912345678"))],
        [.. Enumerable.Range(1, 51).Select(i => $"openid:app1:o{i:00}")]);

    [Fact]
    public Task PhoneOfAShopReleased_JoinsAsItsLimitsAllow() => Expect(
        [.. Enumerable.Range(1, 51).Select(i => Seen(i, $"openid:app{i:00}:o", "phone::+8613912345678")),
         Event(60, "identity_release", "phone::+8613912345678")],
        string.Join(' ', Enumerable.Range(1, 51).Select(i => $"openid:app{i:00}:o").Append("phone::+8613912345678")));

    // The events as given, reversed, and one flush each: always the same customers.
    private static Task Expect(string[] events, params string[] customers) => Expect(new IdentityOptions(), events, customers);

    private static async Task Expect(IdentityOptions identity, string[] events, params string[] customers)
    {
        Assert.Equal(customers.Order(StringComparer.Ordinal), await CustomersAsync(identity, events, flushEventsMax: 1000));
        Assert.Equal(customers.Order(StringComparer.Ordinal), await CustomersAsync(identity, events, flushEventsMax: 1));
        Assert.Equal(customers.Order(StringComparer.Ordinal), await CustomersAsync(identity, [.. events.Reverse()], flushEventsMax: 1));
    }

    private static IdentityOptions Kinds(string kind, KindOptions options) => new() { Kinds = { [kind] = options } };

    private static string Seen(int day, params string[] identifiers) => Event(day, "view", identifiers);

    private static string Unbind(int day, params string[] identifiers) => Event(day, "identity_unbind", identifiers);

    // A question mark in front: not verified.
    private static string Event(int day, string name, params string[] identifiers)
    {
        var json = identifiers.Select(i => i.TrimStart('?').Split(':', 3) is [var kind, var scope, var value]
            ? $$"""{"kind":"{{kind}}","scope":"{{scope}}","value":"{{value}}","verified":{{(i[0] == '?' ? "false" : "true")}}}""" : "");
        return $$"""{"event":"{{name}}","event_time":{{Start + day * Day}},"identifiers":[{{string.Join(',', json)}}]}""";
    }

    private static async Task<List<string>> CustomersAsync(IdentityOptions identity, string[] events, int flushEventsMax)
    {
        var views = new MemoryViewStore();
        var analytics = new MemoryAnalytics();
        await using var source = new ListSource([(ListSource.Partition(0), ListSource.Utf8(events))], [], 1);
        var options = new PipelineOptions
        {
            BatchRecordsMax = 16, BatchesInFlightMax = 8, FlushEventsMax = flushEventsMax, Identity = identity,
        };
        var ports = new PipelinePorts(source, new MemoryCellStore(views), views, analytics, analytics);
        var pipeline = new StreamPipeline(options, RuleSet.Parse("tags: []", "none"), ports, writerStamp: 3, TimeProvider.System);
        await pipeline.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Empty(analytics.DeadLetters);
        var texts = analytics.Map.Values.ToDictionary(m => m.Identifier, m => Encoding.UTF8.GetString(m.Text.Span));
        return [.. texts.Select(t => (t.Value, Root: RootOf(views, t.Key))).Where(t => t.Root is not null)
            .GroupBy(t => t.Root, t => t.Value).Select(g => string.Join(' ', g.Order(StringComparer.Ordinal))).Order(StringComparer.Ordinal)];
    }

    private static IdentifierId? RootOf(MemoryViewStore views, IdentifierId id) => views.Find(id) switch
    {
        { Form: ViewForm.Customer } => id,
        { Form: ViewForm.Merged } view => view.MergedInto,
        _ => null,
    };
}
