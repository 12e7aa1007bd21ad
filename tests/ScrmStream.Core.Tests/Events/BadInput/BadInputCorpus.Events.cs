using static ScrmStream.Tests.Events.Decoding;

namespace ScrmStream.Tests.Events.BadInput;

/// <content>What is wrong, or only unusual, inside an event.</content>
internal static partial class BadInputCorpus
{
    private static void AddFields()
    {
        Add("no-event", Without("event"));
        Add("event-empty", Event("\"event\":\"\""));
        Add("event-null", Event("\"event\":null"));
        Add("event-number", Event("\"event\":7"));
        Add("no-event-time", Without("event_time"));
        Add("any-order", $$"""{"properties":{"a":1},"identifiers":{{Identifiers}},"page":"/","event_time":{{Noon}},"event":"page_view"}""");
        Add("field-twice", Event("\"page\":\"/a\",\"page\":\"/b\""));
        Add("field-twice-first-bad", Event("\"page\":1,\"page\":\"/b\""));
        Add("identifiers-twice", Event("\"identifiers\":[" + Id("cookie", "w", "\"c1\"") + "]"));
        Add("ids-as-numbers", Event("\"event_id\":17,\"session_id\":18446744073709551616"));
        Add("id-with-fraction", Event("\"event_id\":1.5"));
        Add("id-boolean", Event("\"event_id\":true"));
        Add("page-number", Event("\"page\":1"));
        Add("channel-unknown", Event("\"channel\":\"线下活动\""));
        Add("channel-list", Event("\"channel\":[\"web\"]"));
        Add("campaign-text", Event("\"campaign\":\"spring\""));
        Add("campaign-more", Event("\"campaign\":{\"source\":\"moments\",\"creative\":{\"id\":7}}"));
        Add("share-more", Event("\"share\":{\"depth\":2,\"group\":\"g1\"}"));
        Add("share-depth-negative", Event("\"share\":{\"depth\":-5}"));
        Add("amount-fraction", Event("\"amount_fen\":12.5"));
        Add("amount-text", Event("\"amount_fen\":\"1250\""));
        Add("amount-negative", Event("\"amount_fen\":-1250"));
        Add("amount-too-large", Event("\"amount_fen\":9223372036854775808"));
        Add("properties-list", Event("\"properties\":[1]"));
        Add("properties-null", Event("\"properties\":null"));
    }

    private static void AddProperties()
    {
        Add("unknown-text", Event("\"utm_id\":\"x\""));
        Add("unknown-number", Event("\"stay_seconds\":31"));
        Add("unknown-boolean", Event("\"is_new\":true"));
        Add("unknown-null", Event("\"is_new\":null"));
        Add("unknown-object", Event("\"geo\":{\"city\":\"上海\",\"at\":{\"lat\":31.2,\"lon\":121.5}}"));
        Add("unknown-empty-object", Event("\"geo\":{}"));
        Add("unknown-list", Event("\"tags\":[\"a\", {\"b\":1}]"));
        Add("property-object", Event("\"properties\":{\"sku\":{\"id\":7,\"name\":\"粮\"}}"));
        Add("property-list", Event("\"properties\":{\"skus\":[1,2]}"));
        Add("property-null", Event("\"properties\":{\"a\":null}"));
        Add("property-empty-text", Event("\"properties\":{\"a\":\"\"}"));
        Add("property-empty-name", Event("\"properties\":{\"\":1}"));
        Add("property-twice", Event("\"properties\":{\"a\":1,\"a\":\"two\"}"));
        Add("property-and-field", Event("\"a\":1,\"properties\":{\"a\":2}"));
        Add("property-dotted-twice", Event("\"properties\":{\"a.b\":1,\"a\":{\"b\":2}}"));
        Add("properties-twice", Event("\"properties\":{\"a\":1,\"b\":2},\"properties\":{\"a\":3}"));
    }

    private static void AddNumbers()
    {
        Add("largest-long", Event("\"n\":9223372036854775807"));
        Add("smallest-long", Event("\"n\":-9223372036854775808"));
        Add("beyond-long", Event("\"n\":9223372036854775808"));
        Add("minus-zero", Event("\"n\":-0"));
        Add("exponent", Event("\"n\":1E5"));
        Add("fraction", Event("\"n\":0.1"));
        Add("tiny", Event("\"n\":1e-400"));
        Add("1e308", Event("\"n\":1e308"));
        Add("1e400", Event("\"n\":1e400"));
        Add("minus-1e400", Event("\"n\":-1e400"));
        Add("digits-300", Event($"\"n\":1{new string('0', 300)}"));
        Add("digits-400", Event($"\"n\":1{new string('0', 400)}"));
        Add("digits-100000", Event($"\"n\":1{new string('0', 100_000)}"));
    }

    private static void AddTimes()
    {
        Add("iso-utc", Time("\"2026-03-01T03:00:00Z\""));
        Add("iso-offset", Time("\"2026-03-01T11:00:00.123456+08:00\""));
        Add("iso-escaped-plus", Time("\"2026-03-01T11:00:00\\u002B08:00\""));
        Add("iso-space", Time("\"2026-03-01 11:00+0800\""));
        Add("iso-no-offset", Time("\"2026-03-01T11:00:00\""));
        Add("iso-date", Time("\"2026-03-01\""));
        Add("iso-30-february", Time("\"2026-02-30T11:00:00Z\""));
        Add("iso-leap-second", Time("\"2016-12-31T23:59:60Z\""));
        Add("time-as-digits", Time($"\"{Noon}\""));
        Add("time-with-fraction", Time($"{Noon}.5"));
        Add("time-null", Time("null"));
        Add("time-boolean", Time("true"));
        Add("time-beyond-64-bit", Time("99999999999999999999"));
        Add("seconds", Time($"{Noon / 1000}"));
        Add("microseconds", Time($"{Noon}000"));
        Add("nanoseconds", Time($"{Noon}000000"));
        Add("microseconds-without-timestamp", -1, Time($"{Noon}000"));
        Add("zero", Time("0"));
        Add("negative", Time("-1"));
        Add("before-1990", Time("631151999999"));
        Add("in-1990", Time("631152000000"));
        Add("ten-years-late", Time($"{Noon - 3653 * Day}"));
        Add("24-hours-ahead", Time($"{Noon + Day}"));
        Add("more-than-24-hours-ahead", Time($"{Noon + Day + 1}"));
        Add("year-2199-without-timestamp", -1, Time("7258118399999"));
        Add("year-2286", Time("9999999999999"));
        Add("received-in-seconds", Event($"\"received_time\":{Noon / 1000}"));
        Add("received-iso", Event("\"received_time\":\"2026-03-01T03:00:01Z\""));
        Add("received-wrong", Event("\"received_time\":{}"));
    }

    private static void AddIdentifiers()
    {
        Add("no-identifiers", Without("identifiers"));
        Add("identifiers-empty", Event(identifiers: "[]"));
        Add("identifiers-object", Event(identifiers: "{}"));
        Add("identifiers-texts", Event(identifiers: "[\"u1\"]"));
        Add("identifier-more-fields", Event(identifiers: """[{"kind":"cookie","scope":"w","value":"c1","source":"sdk"}]"""));
        Add("unknown-kind", Beside("""{"kind":"weibo_uid","value":"1"}"""));
        Add("unknown-kind-alone", Event(identifiers: """[{"kind":"weibo_uid","value":"1"}]"""));
        Add("no-kind", Beside("""{"scope":"w","value":"1"}"""));
        Add("no-value", Beside("""{"kind":"cookie","scope":"w"}"""));
        Add("empty-value", Beside(Id("cookie", "w", "\"\"")));
        Add("colon-in-scope", Beside(Id("cookie", "a:b", "\"c\"")));
        Add("colon-in-value", Beside(Id("cookie", "w", "\"c:d\"")));
        Add("value-number", Beside(Id("login_id", "s", "10086001")));
        Add("value-fraction", Beside(Id("login_id", "s", "1.5")));
        Add("value-boolean", Beside(Id("login_id", "s", "true")));
        Add("verified-text", Beside("""{"kind":"phone","value":"13912345678","verified":"true"}"""));
        Add("unverified-alone", Event(identifiers: """[{"kind":"phone","value":"13912345678","verified":false}]"""));
        Add("same-twice", Beside(Id("member_id", "s", "\"m1\"")));
        Add("junk", Beside(Id("openid", "wx1", "\"undefined\"")));
        Add("junk-alone", Event(identifiers: $"[{Id("phone", "", "\"13800138000\"")},{Id("cookie", "w", "\"null\"")}]"));
        Add("phone-with-spaces", Beside(Id("phone", "", "\"139 1234 5678\"")));
        Add("phone-with-0086", Beside(Id("phone", "", "\"0086-139-1234-5678\"")));
        Add("phone-full-width", Beside(Id("phone", "", "\"１３９１２３４５６７８\"")));
        Add("phone-as-number", Beside(Id("phone", "", "13912345678")));
        Add("phone-invalid", Beside(Id("phone", "", "\"12\"")));
        Add("phone-invalid-alone", Event(identifiers: $"[{Id("phone", "", "\"12\"")}]"));
        Add("email-capitals", Beside(Id("email", "", "\"Lin@Example.ORG\"")));
        Add("unbind-none", Unbind(""));
        Add("unbind-three", Unbind(Repeat(3, i => Id("cookie", "w", $"\"c{i}\""))));
        Add("release-two", Unbind(Repeat(2, i => Id("cookie", "w", $"\"c{i}\""))).Replace("unbind", "release"));
    }

    private static void AddRepeats()
    {
        var other = $"[{Id("member_id", "s", "\"m2\"")}]";
        Add("event-id-again", Event("\"event_id\":\"e1\""), Event("\"event_id\":\"e1\""));
        Add("event-id-again-in-array", $"[{Event("\"event_id\":\"e1\"")},{Event("\"event_id\":\"e1\"")}]");
        Add("event-id-again-as-number", Event("\"event_id\":\"7\""), Event("\"event_id\":7"));
        Add("event-id-of-another-anchor", Event("\"event_id\":\"e1\""), Event("\"event_id\":\"e1\"", other));
        Add("no-event-id-again", Event(), Event());
        Add("empty-event-id-again", Event("\"event_id\":\"\""), Event("\"event_id\":\"\""));
        Add("event-ids-alike", Event("\"event_id\":\"e1\""), Event("\"event_id\":\"E1\""), Event("\"event_id\":\"e1 \""));
        Add("rejected-then-mended", Event("\"event_id\":\"e1\",\"amount_fen\":1.5"), Event("\"event_id\":\"e1\",\"amount_fen\":150"));
        Add("backwards", Time($"{Noon}"), Time($"{Noon - Day}"), Time($"{Noon - 2 * Day}"));
    }

    private static string Time(string time) => Event($"\"event_time\":{time}");

    private static string Beside(string identifier) => Event(identifiers: $"{Identifiers[..^1]},{identifier}]");

    private static string Unbind(string identifiers) =>
        $$"""{"event":"identity_unbind","event_time":{{Noon}},"identifiers":[{{identifiers}}]}""";

    private static string Without(string field) => Event().Replace($"\"{field}\":", $"\"not_{field}\":");
}
