using System.Text;
using ScrmStream.Events;
using static ScrmStream.Tests.Events.Decoding;

namespace ScrmStream.Tests.Events;

public sealed class JsonEventDecoderTests
{
    private const string Whole = """
        {"event_id":"e-1","event":"order_paid","event_time":1772334000000,"received_time":1772334000412,"channel":"mini_program",
         "identifiers":[{"kind":"unionid","scope":"w","value":"u1"},{"kind":"phone","value":"+8613912345678","verified":false}],
         "session_id":"s-1","page":"/checkout","referrer":"/cart","campaign":{"source":"moments","medium":"cpc","name":"春","content":"b","term":"猫粮"},
         "share":{"from":"openid:a:o1","depth":2},"amount_fen":25900,"currency":"CNY",
         "properties":{"sku":"cat","items":2,"rate":-0.15,"first":true,"last":false},"unheard_of":{"a":[1,{"b":null}]}}
        """;

    [Fact]
    public void Decode_WholeEvent_FillsEveryField()
    {
        var batch = Decode(Whole);
        Assert.Empty(batch.Rejects);
        var e = batch.Events[0];
        Assert.Equal("e-1", batch.Text(x => x.EventId));
        Assert.Equal("order_paid", batch.Text(x => x.Name));
        Assert.Equal((1_772_334_000_000, 1_772_334_000_412), (e.EventTimeMs, e.ReceivedTimeMs));
        Assert.Equal(Channel.MiniProgram, e.Channel);
        Assert.Equal(["unionid:w:u1", "phone::+8613912345678"], batch.IdentifierTexts());
        Assert.Equal([true, false], batch.Identifiers.ToArray().Select(i => i.Verified));
        Assert.Equal([IdentifierKind.UnionId, IdentifierKind.Phone], batch.Identifiers.ToArray().Select(i => i.Kind));
        Assert.Equal(2, e.NamedIdentifiers);
        Assert.Equal(("s-1", "/checkout", "/cart"), (batch.Text(x => x.SessionId), batch.Text(x => x.Page), batch.Text(x => x.Referrer)));
        Assert.Equal(("moments", "cpc", "春"), (batch.Text(x => x.CampaignSource), batch.Text(x => x.CampaignMedium), batch.Text(x => x.CampaignName)));
        Assert.Equal(("b", "猫粮"), (batch.Text(x => x.CampaignContent), batch.Text(x => x.CampaignTerm)));
        Assert.Equal(("openid:a:o1", 2, true), (batch.Text(x => x.ShareFrom), e.ShareDepth, e.HasShareDepth));
        Assert.Equal((25_900, true, "CNY"), (e.AmountFen, e.HasAmount, batch.Text(x => x.Currency)));
        Assert.Equal(
            ["sku=cat:s", "items=2:l", "rate=-0.15:d", "first=true:b", "last=false:b", "unheard_of.a=[1,{\"b\":null}]:s"], batch.PropertyTexts());
        Assert.Equal([0, 2, 0, 1, 0, 0], batch.Properties.ToArray().Select(p => p.Long));
        Assert.Equal(-0.15, batch.Properties[2].Double);
    }

    [Fact]
    public void Decode_SmallestEvent_LeavesTheRestAbsent()
    {
        var batch = Decode(Event());
        var e = batch.Events[0];
        Assert.Equal("page_view", batch.Text(x => x.Name));
        Assert.False(e.EventId.IsPresent || e.SessionId.IsPresent || e.Page.IsPresent || e.Referrer.IsPresent || e.Currency.IsPresent);
        Assert.False(e.CampaignSource.IsPresent || e.CampaignTerm.IsPresent || e.ShareFrom.IsPresent || e.HasAmount || e.HasShareDepth);
        Assert.Equal((Channel.None, 0, 0), (e.Channel, e.ReceivedTimeMs, e.PropertyCount));
    }

    // Texts of any length are put together in the room that is left, also where that is the batch's last bytes.
    [Fact]
    public void Decode_IdentifiersOfEveryLength_StandAsWritten()
    {
        for (var recordBytes = 900; recordBytes < 1100; recordBytes++)
        {
            var (scope, value) = (new string('s', recordBytes % 41), new string('v', 1 + recordBytes % 67));
            var record = Event(identifiers: $$"""[{"kind":"external_userid","scope":"{{scope}}","value":"{{value}}"},{"kind":"phone","value":"1"}]""");
            var batch = Decode(record + new string(' ', recordBytes - record.Length));
            Assert.Equal([$"external_userid:{scope}:{value}", "phone::1"], batch.IdentifierTexts());
        }
    }

    [Fact]
    public void Decode_NullFields_AreAbsent()
    {
        var nulls = string.Join(',', new[] { "event_id", "received_time", "channel", "session_id", "page", "referrer", "campaign", "share", "amount_fen", "currency", "properties" }
            .Select(f => $"\"{f}\":null"));
        var e = Assert.Single(Decode(Event(nulls)).Events.ToArray());
        Assert.False(e.EventId.IsPresent || e.HasAmount || e.SessionId.IsPresent);
        Assert.Equal(Channel.None, e.Channel);
    }

    [Fact]
    public void Decode_EscapedText_IsUnescapedInNamesAndValues()
    {
        var batch = Decode("""{"\u0065vent":"a\"b\\\/\n\u732b\ud83d\udc31","event_time":1772334000000,"identifiers":[{"kind":"m\u0065mber_id","scope":"s\t","value":"\u0041"}],"properties":{"\u006b\"":"\u00e9"}}""");
        Assert.Empty(batch.Rejects);
        Assert.Equal("a\"b\\/\n猫🐱", batch.Text(x => x.Name));
        Assert.Equal(["member_id:s\t:A"], batch.IdentifierTexts());
        Assert.Equal(["k\"=é:s"], batch.PropertyTexts());
    }

    [Fact]
    public void Decode_EscapedTextLargerThanTheBuffer_GrowsItAndKeepsEarlierText()
    {
        var records = Enumerable.Range(0, 40).Select(i => Event($"\"page\":\"{i}{string.Concat(Enumerable.Repeat("\\u732b", 1200))}\"")).ToArray();
        var batch = Decode(records);
        Assert.Equal(40, batch.Count);
        for (var i = 0; i < 40; i++)
        {
            Assert.Equal(i + new string('猫', 1200), batch.Text(x => x.Page, i));
            Assert.Equal("page_view", batch.Text(x => x.Name, i));
        }
    }

    [Theory]
    [InlineData("""{"event":"\ud800","event_time":1772334000000,"identifiers":[]}""")]
    [InlineData("""{"\udc00event":"x"}""")]
    [InlineData("""{"properties":{"\ud800x":1}}""")]
    [InlineData("""{"properties":{"a":"\udfff"}}""")]
    [InlineData("""{"identifiers":[{"kin\ud800":"phone"}]}""")]
    [InlineData("""{"campaign":{"source":"\ud800\ud800"}}""")]
    public void Decode_EscapeThatIsNoCharacter_IsRejectedAndItsSiblingKept(string bad)
    {
        var batch = Decode($"[{bad},{Event()}]");
        Assert.Equal(1, batch.Count);
        Assert.Equal((RejectReason.NotDecodable, 0), (Assert.Single(batch.Rejects).Reason, batch.Rejects[0].Index));
        Assert.Equal(1, batch.Events[0].Index);
    }

    [Fact]
    public void Decode_Array_KeepsGoodEventsAndRejectsBadOnesByIndex()
    {
        var batch = Decode($$"""[{{Event("\"page\":\"a\"")}}, 7, {"event":""}, {{Event("\"page\":\"b\"")}}, {"event":"x"}, [{{Event()}}]]""");
        Assert.Equal(["a", "b"], [batch.Text(x => x.Page, 0), batch.Text(x => x.Page, 1)]);
        Assert.Equal([0, 3], batch.Events.ToArray().Select(e => e.Index));
        Assert.Equal(
            [(1, RejectReason.NotDecodable), (2, RejectReason.NoEventName), (4, RejectReason.NoEventTime), (5, RejectReason.NotDecodable)],
            batch.Rejects.Select(r => (r.Index, r.Reason)));
    }

    [Fact]
    public void Decode_EmptyArray_IsNoEvent()
    {
        var batch = Decode("[]", " [ ] ");
        Assert.Equal((0, 0), (batch.Count, batch.Rejects.Count));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("12")]
    [InlineData("{}x")]
    [InlineData("{} {}")]
    [InlineData("{'event':'x'}")]
    [InlineData("// comment\n{}")]
    public void Decode_NoJsonEvent_IsNotDecodable(string record) =>
        Assert.Equal((RejectReason.NotDecodable, -1), (Decode(record).OnlyReject().Reason, Decode(record).Rejects[0].Index));

    [Fact]
    public void Decode_InvalidUtf8_IsNotDecodable()
    {
        var bytes = Encoding.UTF8.GetBytes(Event("\"page\":\"??\""));
        bytes[Array.LastIndexOf(bytes, (byte)'?')] = 0xC3;
        Assert.Equal(RejectReason.NotDecodable, Decode(new EventLimits(), -1, bytes).OnlyReject().Reason);
    }

    [Fact]
    public void Decode_EveryTruncation_RejectsTheWholeRecord()
    {
        var bytes = Encoding.UTF8.GetBytes($"[{Whole},{Whole}]");
        for (var length = 0; length < bytes.Length; length++)
        {
            var batch = Decode(new EventLimits(), -1, bytes[..length]);
            Assert.Equal((RejectReason.NotDecodable, -1), (batch.OnlyReject().Reason, batch.Rejects[0].Index));
            Assert.Equal(0, batch.DroppedIdentifiers);
        }
        Assert.Equal(2, Decode(new EventLimits(), -1, bytes).Count);
    }

    [Fact]
    public void Decode_RecordCutAfterEventsWithDroppedIdentifiers_TakesTheirCountBack()
    {
        var batch = Decode($"[{Event(identifiers: """[{"kind":"weibo_uid","value":"1"}]""")},");
        Assert.Equal(RejectReason.NotDecodable, batch.OnlyReject().Reason);
        Assert.Equal(0, batch.DroppedIdentifiers);
    }

    [Theory]
    [InlineData("\"event\":7", RejectReason.NotDecodable)]
    [InlineData("\"event\":\"\"", RejectReason.NoEventName)]
    [InlineData("\"event\":null", RejectReason.NoEventName)]
    [InlineData("\"event_time\":\"2026-03-01\"", RejectReason.NoEventTime)]
    [InlineData("\"event_time\":1.5", RejectReason.NoEventTime)]
    [InlineData("\"event_time\":null", RejectReason.NoEventTime)]
    [InlineData("\"event_time\":99999999999999999999", RejectReason.NoEventTime)]
    [InlineData("\"event_time\":631151999999", RejectReason.EventTimeOutOfRange)]
    [InlineData("\"event_time\":-1", RejectReason.EventTimeOutOfRange)]
    [InlineData("\"amount_fen\":12.5", RejectReason.NotDecodable)]
    [InlineData("\"amount_fen\":\"12\"", RejectReason.NotDecodable)]
    [InlineData("\"received_time\":{}", RejectReason.NotDecodable)]
    [InlineData("\"channel\":[\"web\"]", RejectReason.NotDecodable)]
    [InlineData("\"campaign\":\"x\"", RejectReason.NotDecodable)]
    [InlineData("\"campaign\":{\"source\":1}", RejectReason.NotDecodable)]
    [InlineData("\"share\":[1,2]", RejectReason.NotDecodable)]
    [InlineData("\"share\":{\"depth\":\"2\"}", RejectReason.NotDecodable)]
    [InlineData("\"identifiers\":{}", RejectReason.NotDecodable)]
    [InlineData("\"identifiers\":[\"x\"]", RejectReason.NotDecodable)]
    [InlineData("\"identifiers\":[{\"kind\":\"phone\",\"value\":1.5}]", RejectReason.NotDecodable)]
    [InlineData("\"identifiers\":[{\"kind\":\"phone\",\"value\":\"1\",\"verified\":0}]", RejectReason.NotDecodable)]
    [InlineData("\"properties\":[]", RejectReason.NotDecodable)]
    [InlineData("\"properties\":{\"a\":{\"b\":1e999}}", RejectReason.NotDecodable)]
    [InlineData("\"share\":{\"depth\":-1}", RejectReason.NotDecodable)]
    [InlineData("\"properties\":{\"a\":1e999}", RejectReason.NotDecodable)]
    public void Decode_WrongField_IsRejectedWithItsReasonAndTheSiblingKept(string field, RejectReason reason)
    {
        // The later of two fields of one name counts.
        var batch = Decode($"[{Event(field)},{Event()}]");
        Assert.Equal((reason, 0), (Assert.Single(batch.Rejects).Reason, batch.Rejects[0].Index));
        Assert.Equal(1, Assert.Single(batch.Events.ToArray()).Index);
        Assert.Equal(["member_id:s:m1"], batch.IdentifierTexts());
    }

    [Fact]
    public void Decode_EventTime_IsHeldAgainstTheRecordsTimestamp()
    {
        const long Day = 24 * 3_600_000;
        Assert.Equal(1, Decode(new EventLimits(), Noon - Day, Event()).Count);
        Assert.Equal(RejectReason.EventTimeOutOfRange, Decode(new EventLimits(), Noon - Day - 1, Event()).OnlyReject().Reason);
        Assert.Equal(1, Decode(new EventLimits(), -1, Event()).Count);
    }

    [Fact]
    public void Decode_FieldsTwice_TheLaterCounts()
    {
        var batch = Decode(Event("""
            "page":"a","page":"b","amount_fen":1,"amount_fen":null,"properties":{"x":1,"x":"two"},"properties":{"x":3,"y":4},
            "identifiers":[{"kind":"cookie","scope":"w","value":"c"}]
            """));
        Assert.Equal("b", batch.Text(x => x.Page));
        Assert.False(batch.Events[0].HasAmount);
        Assert.Equal(["x=3:l", "y=4:l"], batch.PropertyTexts());
        Assert.Equal(["cookie:w:c"], batch.IdentifierTexts());
        Assert.Equal(1, batch.Events[0].NamedIdentifiers);
    }

    [Theory]
    [InlineData("\"channel\":\"线下活动\",\"properties\":{\"a\":1}")]
    [InlineData("\"properties\":{\"a\":1},\"channel\":\"线下活动\"")]
    public void Decode_UnknownChannel_BecomesOtherAndIsKeptAsProperty(string fields)
    {
        var batch = Decode(Event(fields));
        Assert.Equal(Channel.Other, batch.Events[0].Channel);
        Assert.Equal(["a=1:l", "channel=线下活动:s"], batch.PropertyTexts().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Decode_UnknownChannelBesideAPropertyOfThatName_LeavesOneProperty()
    {
        var batch = Decode(Event("\"channel\":\"kiosk\",\"properties\":{\"channel\":\"x\"}"));
        Assert.Equal(["channel=x:s"], batch.PropertyTexts());
    }

    [Fact]
    public void Decode_EveryChannelWord_IsKnown()
    {
        foreach (var channel in Enum.GetValues<Channel>().Where(c => c != Channel.None))
            Assert.Equal(channel, Decode(Event($"\"channel\":\"{channel.Word()}\"")).Events[0].Channel);
    }

    [Fact]
    public void Decode_UnknownKindsAndColons_AreDroppedAndCounted()
    {
        var batch = Decode(Event(identifiers: """
            [{"kind":"weibo_uid","value":"1"},{"kind":"open:id","scope":"a","value":"1"},{"kind":"openid","scope":"a:b","value":"1"},
             {"kind":"openid","scope":"a","value":""},{"kind":"openid","scope":"a"},{"scope":"a","value":"1"},{"kind":"openid","scope":"a","value":"x:y"}]
            """));
        Assert.Equal(["openid:a:x:y"], batch.IdentifierTexts());
        Assert.Equal((6, 7), (batch.DroppedIdentifiers, batch.Events[0].NamedIdentifiers));
    }

    [Fact]
    public void Decode_RejectedEvent_TakesItsDroppedIdentifiersBack()
    {
        var batch = Decode($$"""[{"event":"x","identifiers":[{"kind":"weibo_uid","value":"1"}]},{{Event()}}]""");
        Assert.Equal((1, 1, 0), (batch.Count, batch.Rejects.Count, batch.DroppedIdentifiers));
    }

    [Fact]
    public void Decode_NumbersOfEverySize_KeepLiteralAndValue()
    {
        var batch = Decode(Event("\"properties\":{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":9223372036854775808,\"d\":1E-7,\"e\":0.1,\"f\":-0}"));
        Assert.Equal(["a=9223372036854775807:l", "b=-9223372036854775808:l", "c=9223372036854775808:d", "d=1E-7:d", "e=0.1:d", "f=-0:l"], batch.PropertyTexts());
        Assert.Equal([9223372036854775807d, -9223372036854775808d, 9223372036854775808d, 1e-7, 0.1, 0], batch.Properties.ToArray().Select(p => p.Double));
    }
}
