using ScrmStream.Events;
using ScrmStream.Identity;
using static ScrmStream.Tests.Events.Decoding;

namespace ScrmStream.Tests.Events;

public sealed class IdentifierScreenTests
{
    private static string Of(params string[] identifiers) => Event(identifiers: $"[{string.Join(',', identifiers)}]");

    private static string Id(string kind, string scope, string value, bool verified = true) =>
        $$"""{"kind":"{{kind}}","scope":"{{scope}}","value":"{{value}}"{{(verified ? "" : ",\"verified\":false")}}}""";

    private static string Anchor(EventBatch batch, int index = 0) =>
        System.Text.Encoding.UTF8.GetString(batch.Text(batch.Identifiers[batch.Events[index].Anchor].Text));

    [Fact]
    public void Apply_Junk_IsDroppedCountedAndTheEventKept()
    {
        var batch = Screen(Of(Id("phone", "", "13800138000"), Id("openid", "a", "UNDEFINED"), Id("device_id", "p", "00000000-0000-0000"), Id("cookie", "w", "c1")));
        Assert.Equal(["cookie:w:c1"], batch.IdentifierTexts());
        Assert.Equal((3, 4), (batch.DroppedIdentifiers, batch.Events[0].NamedIdentifiers));
        Assert.Equal("cookie:w:c1", Anchor(batch));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""[{"kind":"openid","scope":"a","value":"null"}]""")]
    [InlineData("""[{"kind":"weibo_uid","value":"5"}]""")]
    [InlineData("""[{"kind":"phone","value":"+8613912345678","verified":false}]""")]
    public void Apply_NoVerifiedIdentifierLeft_IsRejected(string identifiers)
    {
        var batch = Screen(Event(identifiers: identifiers), Event());
        Assert.Equal((RejectReason.NoVerifiedIdentifier, 0, 0), (Assert.Single(batch.Rejects).Reason, batch.Rejects[0].Record, batch.Rejects[0].Index));
        Assert.Equal(1, Assert.Single(batch.Events.ToArray()).Record);
    }

    [Fact]
    public void Apply_SameIdentifierTwice_CountsOnceAsVerifiedWhenEitherIs()
    {
        var batch = Screen(Of(Id("phone", "", "+8613912345678", verified: false), Id("phone", "", "+8613912345678"), Id("phone", "", "+8613912345678")));
        Assert.Equal(["phone::+8613912345678"], batch.IdentifierTexts());
        Assert.True(batch.IdentifiersOf(in batch.Events[0])[0].Verified);
        Assert.Equal(0, batch.DroppedIdentifiers);
    }

    [Fact]
    public void Apply_Anchor_IsTheStrongestVerified()
    {
        // Class and kind first, then the bytes of scope, then of value.
        string[] byStrength =
        [
            Id("unionid", "w", "z"), Id("external_userid", "a", "a"), Id("member_id", "a", "b"), Id("member_id", "a0", "a"), Id("member_id", "b", "a"),
            Id("login_id", "", "a"), Id("openid", "a", "a"), Id("phone", "", "13900000001"), Id("email", "", "a@b.cn"), Id("pending_id", "", "p"),
            Id("device_id", "", "d"), Id("cookie", "", "c"), Id("mp_id", "", "m"), Id("anonymous_id", "", "\u00e9"),
        ];
        var random = new Random(1);
        for (var strongest = 0; strongest < byStrength.Length; strongest++)
        {
            var some = byStrength[strongest..];
            random.Shuffle(some);
            var verified = Screen(Of(some));
            var alone = Screen(Of(byStrength[strongest]));
            Assert.Equal(Anchor(alone), Anchor(verified));
        }
    }

    [Fact]
    public void Apply_UnverifiedIdentifier_IsKeptButNeverTheAnchor()
    {
        var batch = Screen(Of(Id("unionid", "w", "u", verified: false), Id("cookie", "w", "c")));
        Assert.Equal(["unionid:w:u", "cookie:w:c"], batch.IdentifierTexts());
        Assert.Equal("cookie:w:c", Anchor(batch));
    }

    [Theory]
    [InlineData(0, RejectReason.BadUnbind)]
    [InlineData(1, null)]
    [InlineData(2, null)]
    [InlineData(3, RejectReason.BadUnbind)]
    public void Apply_Unbind_TakesOneOrTwoIdentifiersCountedBeforeJunk(int named, RejectReason? reason)
    {
        var identifiers = Enumerable.Range(0, named).Select(i => i == 0 ? Id("member_id", "s", "m1") : Id("openid", "a", i == 1 ? "null" : "o1"));
        var batch = Screen(Of([.. identifiers]).Replace("page_view", "identity_unbind"));
        if (reason is null) Assert.Equal(1, batch.Count);
        else Assert.Equal(reason, Assert.Single(batch.Rejects).Reason);
    }

    [Fact]
    public void Apply_ManyEvents_KeepsOrderAndTellsTheirIdentifiersApart()
    {
        var records = Enumerable.Range(0, 300).Select(i => Of(Id("cookie", "w", i % 3 == 0 ? "null" : $"c{i}"), Id("phone", "", i % 2 == 0 ? "0" : $"+86139{i:00000000}"))).ToArray();
        var batch = Screen(records);
        var kept = Enumerable.Range(0, 300).Where(i => i % 3 != 0 || i % 2 != 0).ToArray();
        Assert.Equal(kept, batch.Events.ToArray().Select(e => e.Record));
        for (var i = 0; i < kept.Length; i++) Assert.EndsWith(kept[i] % 2 != 0 ? $"+86139{kept[i]:00000000}" : $"c{kept[i]}", Anchor(batch, i), StringComparison.Ordinal);
        Assert.Equal(300 - kept.Length, batch.Rejects.Count);
    }

    [Fact]
    public void JunkList_ExactValuesAndPatterns_CoverTheWholeValueOnly()
    {
        var junk = new JunkList(["Тест", "ABC"], ["x[0-9]+"]);
        foreach (var value in new[] { "Тест", "abc", "AbC", "x12", "" }) Assert.True(Contains(junk, value), value);
        foreach (var value in new[] { "тест", "abcd", "ax12", "x12y", "x12\n", "x" }) Assert.False(Contains(junk, value), value);
        Assert.False(junk.Contains(IdentifierKind.OpenId, new byte[2000]));
    }

    [Fact]
    public void JunkList_ShippedValues_AreJunk()
    {
        foreach (var value in JunkList.DefaultValues) Assert.True(Contains(JunkList.Default, value.ToUpperInvariant()), value);
        foreach (var value in new[] { "0000", "00:00:00:00:00:00", "00000000-0000-0000-0000-000000000000" })
            Assert.True(Contains(JunkList.Default, value), value);
        foreach (var value in new[] { "+8613912345678", "oABC", "1", "0a" })
            Assert.False(Contains(JunkList.Default, value), value);
    }

    [Theory]
    [InlineData("ffffffff-ffff-ffff-ffff-ffffffffffff", true)]
    [InlineData("{FFFFFFFF-FFFF}", true)]
    [InlineData("02:02", false)]
    [InlineData("1111", true)]
    [InlineData("111", false)]
    [InlineData("d", false)]
    [InlineData("----", true)]
    [InlineData("fffffffF", false)]
    public void JunkList_OneCharacterRepeated_IsJunkOfADevice(string value, bool isJunk)
    {
        Assert.Equal(isJunk, Contains(JunkList.Default, value, IdentifierKind.DeviceId));
        Assert.Equal(value == "----", Contains(JunkList.Default, value, IdentifierKind.OpenId));
    }

    [Fact]
    public void JunkValues_OfAPhoneOrAnAddress_AreJunkInEveryWriting()
    {
        var junk = new IdentityOptions { JunkValues = ["135 1111 2222", "Shop@Example.cn", "M-0"] }.Junk();
        Assert.True(Contains(junk, "+8613511112222", IdentifierKind.Phone));
        Assert.True(Contains(junk, "shop@example.cn", IdentifierKind.Email));
        Assert.True(Contains(junk, "m-0"));
        Assert.False(Contains(junk, "+8613511112223", IdentifierKind.Phone));
    }

    [Fact]
    public void Apply_ValuesInOtherForms_AreNormalisedTogetherAndTheAnchorWithThem()
    {
        // The batch starts with little room, so that changed texts move it.
        var record = Of(Id("phone", "", "0086 139-1234-5678", verified: false), Id("phone", "", "１３９１２３４５６７８"), Id("email", "s", "Ann@Example.CN"),
            Id("openid", "wx", "\\u3000oA:b "), Id("cookie", "", "c"));
        var batch = Screen([.. Enumerable.Repeat(record, 200)]);
        for (var i = 0; i < 200; i++)
            Assert.Equal(["phone::+8613912345678", "email:s:ann@example.cn", "openid:wx:oA:b", "cookie::c"], batch.IdentifierTexts(i));
        Assert.Equal("openid:wx:oA:b", Anchor(batch, 199));
        Assert.All(batch.IdentifiersOf(in batch.Events[199]).ToArray(), i =>
            Assert.Equal((Fingerprint.Of(batch.Text(i.Text)), true), (i.Fingerprint, i.Verified)));
        Assert.Equal(0, batch.DroppedIdentifiers);
    }

    [Fact]
    public void Apply_InvalidPhone_IsDroppedAndCounted()
    {
        var batch = Screen(Of(Id("phone", "", "400-700-1234"), Id("email", "", "nobody"), Id("cookie", "w", "c1")), Of(Id("phone", "", "12345")));
        Assert.Equal(["cookie:w:c1"], batch.IdentifierTexts());
        Assert.Equal((3, 3), (batch.DroppedIdentifiers, batch.Events[0].NamedIdentifiers));
        Assert.Equal(RejectReason.NoVerifiedIdentifier, Assert.Single(batch.Rejects).Reason);
    }

    private static bool Contains(JunkList junk, string value, IdentifierKind kind = IdentifierKind.OpenId) =>
        junk.Contains(kind, System.Text.Encoding.UTF8.GetBytes(value));
}
