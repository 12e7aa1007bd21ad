using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Tests.Identity;

public sealed class KindTableTests
{
    [Fact]
    public void Default_EveryKind_IsAsTheDesignHasIt()
    {
        var kinds = new IdentityOptions().KindTable();
        Assert.Equal(
            ["unionid Account 1 True", "external_userid Account 1 True", "member_id Account 1 True", "login_id Account 1 True",
             "openid App 1 True", "phone Contact 3 False", "email Contact 3 False", "pending_id Bridge no False", "device_id Device no False",
             "cookie Device no False", "mp_id Device no False", "anonymous_id Device no False"],
            StrongestFirst(kinds).Select(k => $"{k.Word()} {kinds.ClassOf(k)} {Limit(kinds, k)} {kinds.IsPerScope(k)}"));
    }

    [Fact]
    public void Told_ClassAlone_TakesTheLimitsAndThePlaceOfTheClass()
    {
        var kinds = Table(("member_id", "contact", null, null), ("mp_id", "app", null, null), ("openid", "device", null, null), ("Phone", "Account", null, null));
        Assert.Equal(
            ["unionid Account 1 True", "external_userid Account 1 True", "login_id Account 1 True", "phone Account 1 True", "mp_id App 1 True",
             "member_id Contact 3 False", "email Contact 3 False", "pending_id Bridge no False", "openid Device no False",
             "device_id Device no False", "cookie Device no False", "anonymous_id Device no False"],
            StrongestFirst(kinds).Select(k => $"{k.Word()} {kinds.ClassOf(k)} {Limit(kinds, k)} {kinds.IsPerScope(k)}"));
        Assert.True(kinds.CompareStrength(IdentifierKind.MpId, "mp_id:z:z"u8, IdentifierKind.MemberId, "member_id:a:a"u8) < 0);
        Assert.True(kinds.CompareStrength(IdentifierKind.MpId, "mp_id:z:a"u8, IdentifierKind.MpId, "mp_id:a:z"u8) > 0);
    }

    [Fact]
    public void Told_ContactLimitAndTheKindsOwn_TheKindsOwnHolds()
    {
        var options = new IdentityOptions { ContactValuesMax = 5, Kinds = { ["phone"] = new KindOptions { ValuesMax = 2, PerScope = true } } };
        options.Validate();
        var kinds = options.KindTable();
        Assert.Equal((2, true), (kinds.ValuesMaxOf(IdentifierKind.Phone), kinds.IsPerScope(IdentifierKind.Phone)));
        Assert.Equal((5, false), (kinds.ValuesMaxOf(IdentifierKind.Email), kinds.IsPerScope(IdentifierKind.Email)));
    }

    [Theory]
    [InlineData("shoe_size", "contact", null, null, "Pipeline:Identity:Kinds:shoe_size", "no such kind; give one of unionid")]
    [InlineData("phone", "person", null, null, "Pipeline:Identity:Kinds:phone:Class 'person'", "give account, app, contact or device")]
    [InlineData("phone", "2", null, null, "Pipeline:Identity:Kinds:phone:Class '2'", "give account, app, contact or device")]
    [InlineData("cookie", "bridge", null, null, "Pipeline:Identity:Kinds:cookie:Class 'bridge'", "pending_id is the one bridge")]
    [InlineData("pending_id", "contact", null, null, "Pipeline:Identity:Kinds:pending_id:Class 'contact'", "leave the setting out")]
    [InlineData("email", "device", null, null, "Pipeline:Identity:Kinds:email:Class 'device'", "stand for the same person")]
    [InlineData("cookie", null, 3, null, "Pipeline:Identity:Kinds:cookie:ValuesMax", "a device belongs to one customer or to nobody; a limit has no effect")]
    [InlineData("openid", "device", 3, null, "Pipeline:Identity:Kinds:openid:ValuesMax", "a device belongs to one customer or to nobody")]
    [InlineData("cookie", null, null, true, "Pipeline:Identity:Kinds:cookie:PerScope", "a limit has no effect")]
    [InlineData("pending_id", null, 1, null, "Pipeline:Identity:Kinds:pending_id:ValuesMax", "a bridge links whom it meets for 90 days; a limit has no effect")]
    [InlineData("pending_id", "bridge", null, false, "Pipeline:Identity:Kinds:pending_id:PerScope", "a limit has no effect")]
    [InlineData("phone", null, 0, null, "Pipeline:Identity:Kinds:phone:ValuesMax 0", "give 1 to 100")]
    [InlineData("unionid", null, 101, null, "Pipeline:Identity:Kinds:unionid:ValuesMax 101", "give 1 to 100")]
    [InlineData("phone", null, null, null, "Pipeline:Identity:Kinds:phone", "says nothing: give it Class, ValuesMax or PerScope")]
    public void Validate_WrongOrContradictory_NamesTheSettingAndTheReason(
        string kind, string? ofClass, int? valuesMax, bool? perScope, string setting, string reason)
    {
        var options = new IdentityOptions { Kinds = { [kind] = new KindOptions { Class = ofClass, ValuesMax = valuesMax, PerScope = perScope } } };
        var message = Assert.ThrowsAny<ArgumentException>(options.Validate).Message;
        Assert.StartsWith(setting, message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    /// <summary>The anchor is the strongest by the configured classes, before anything is stored.</summary>
    [Theory]
    [InlineData(null, "openid:app:o")]
    [InlineData("account", "phone::+8613912345678")]
    public void Screen_ClassOfPhone_DecidesTheAnchor(string? ofClass, string anchor)
    {
        var options = new IdentityOptions();
        if (ofClass is not null) options.Kinds["phone"] = new KindOptions { Class = ofClass };
        var batch = Events.Decoding.Decode(new EventLimits(), -1, [Encoding.UTF8.GetBytes(
            """{"event":"view","event_time":1700000000000,"identifiers":[{"kind":"openid","scope":"app","value":"o"},{"kind":"phone","value":"13912345678"}]}""")]);
        new IdentifierScreen(options).Apply(batch);
        Assert.Equal(anchor, Encoding.UTF8.GetString(batch.Text(batch.Identifiers[batch.Events[0].Anchor].Text)));
    }

    private static KindTable Table(params (string Kind, string? Class, int? ValuesMax, bool? PerScope)[] told)
    {
        var options = new IdentityOptions
        {
            Kinds = told.ToDictionary(t => t.Kind, t => new KindOptions { Class = t.Class, ValuesMax = t.ValuesMax, PerScope = t.PerScope }),
        };
        options.Validate();
        return options.KindTable();
    }

    private static IEnumerable<IdentifierKind> StrongestFirst(KindTable kinds) => Enum.GetValues<IdentifierKind>().OrderBy(kinds.RankOf);

    private static string Limit(KindTable kinds, IdentifierKind kind) =>
        kinds.ValuesMaxOf(kind) == KindTable.NoLimit ? "no" : $"{kinds.ValuesMaxOf(kind)}";
}
