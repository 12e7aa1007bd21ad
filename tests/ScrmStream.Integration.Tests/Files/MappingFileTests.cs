using System.Text;
using ScrmStream.Host.Mapping;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline.Files;
using static ScrmStream.Integration.Files.MappingFixture;

namespace ScrmStream.Integration.Files;

public sealed class MappingFileTests
{
    private const string Start = "{\"event\":\"x\",\"event_time\":5,\"identifiers\":[{\"kind\":\"cookie\",\"value\":\"c1\"}]";

    [Fact]
    public void Parse_WrongFiles_AreRefusedWithPlaceAndReason()
    {
        const string Event = "event:\n  event: x\n  event_time: { value: '{t}', format: unix_s }\n  identifiers: [{ kind: phone, value: '{p}' }]\n";
        const string Csv = "format: csv\nheader: false\ncolumns: [t, p]\n";
        (string Text, string Expected)[] cases =
        [
            ("", "m.yaml:1:1: a mapping file is one YAML document"),
            ("a: [", "not readable as YAML"),
            (Event, "m.yaml:1:1: the key 'format'"),
            ("format: xml\n" + Event, "m.yaml:1:9: format 'xml': use one of csv, ndjson"),
            ("format: csv\n" + Event, "csv needs the key 'header'"),
            ("format: csv\nheader: yes\n" + Event, "m.yaml:2:9: header is true or false"),
            ("format: csv\nheader: false\n" + Event, "needs the key 'columns'"),
            ("format: csv\nheader: true\ncolumns: [t, p]\n" + Event, "m.yaml:3:10: 'columns' is for a csv without a header"),
            ("format: csv\nheader: false\ncolumns: [t, t]\n" + Event, "column 't' is named twice"),
            ("format: ndjson\ndelimiter: ;\n" + Event, "m.yaml:2:12: 'delimiter' is for format csv only"),
            (Csv + "delimiter: ';;'\n" + Event, "m.yaml:4:12: the delimiter is one ASCII character"),
            (Csv + "time_zone: Asia/Atlantis\n" + Event, "m.yaml:4:12: this machine knows no time zone 'Asia/Atlantis'"),
            (Csv + "colour: red\n" + Event, "m.yaml:4:1: unknown key 'colour' of a mapping"),
            (Csv + "format: csv\n" + Event, "m.yaml:4:1: not readable as YAML"),
            (Csv, "the key 'event'"),
            (Csv + Event + "  colour: red\n", "m.yaml:8:3: unknown key 'colour' of event"),
            (Csv + Event + "  page: '{url}'\n", "m.yaml:8:9: there is no column 'url'; there are t, p"),
            (Csv + Event + "  page: '{t'\n", "m.yaml:8:9: '{t': a single brace"),
            (Csv + Event + "  page: 'a}'\n", "a single brace"),
            (Csv + Event + "  page: { valeu: x }\n", "m.yaml:8:11: unknown key 'valeu' of page"),
            (Csv + Event + "  page: { default: x }\n", "page needs 'value'"),
            (Csv + Event + "  channel: wechat\n", "m.yaml:8:12: 'wechat' is no channel; there are wechat_official"),
            (Csv + Event + "  amount_fen: { value: '{t}', unit: dollar }\n", "unit 'dollar': use one of fen, yuan"),
            (Csv + Event + "  properties: { a: { value: '{t}', type: int } }\n", "type 'int': use one of string, long, double, boolean"),
            (Csv + Event + "  properties: [a]\n", "properties is a map"),
            (Csv + Event + "  received_time: '{t}'\n", "received_time is a map with 'value' and 'format'"),
            (Csv + Event + "  received_time: { value: '{t}', format: 'yyyy-MM-dd' }\n", "need the mapping's time_zone"),
            (Csv + Event + "  received_time: { value: '{t}', format: epoch }\n", "'epoch' is no time format"),
            (Csv + Event + "  campaign: { colour: x }\n", "unknown key 'colour' of campaign"),
            (Csv + Event.Replace("phone", "fax"), "'fax' is no kind of identifier; there are unionid"),
            (Csv + Event.Replace("[{ kind: phone, value: '{p}' }]", "[]"), "an event needs an identifier"),
            (Csv + Event.Replace("  event: x\n", ""), "the field 'event' is missing"),
            (Csv + "skip: [{ column: t }]\n" + Event, "has one of 'in' and 'not_in'"),
            (Csv + "skip: [{ column: z, in: [a] }]\n" + Event, "there is no column 'z'"),
        ];
        foreach (var (text, expected) in cases)
        {
            var message = Assert.Throws<SettingsException>(() => MappingFile.Parse(text, "m.yaml")).Message;
            Assert.True(message.StartsWith("m.yaml:", StringComparison.Ordinal) && message.Contains(expected), $"{text}\nexpected {expected}\nsaid {message}");
        }
    }

    [Fact]
    public void Load_MissingFile_IsNamed() =>
        Assert.Contains("nowhere.yaml", Assert.Throws<FileNotFoundException>(() => MappingFile.Load("nowhere.yaml")).Message);

    [Theory]
    [InlineData("x,5,c1", "x|5|c1")]
    [InlineData("\"x\",\"5\",\"c1\"", "x|5|c1")]
    [InlineData("\"a, \"\"b\"\"\n猫\",5,\" \"", "a, \"b\"\n猫|5| ")]
    [InlineData("x,5", "2 columns instead of 3")]
    [InlineData("x,5,c,d", "4 columns instead of 3")]
    [InlineData("x,5,\"c", "column 3: the closing quote is missing")]
    [InlineData("x,5,\"c\"d", "column 3: text follows the closing quote")]
    [InlineData("x,5,c\"d", "column 3: a quote stands in an unquoted field")]
    public void Map_CsvRow_IsSplitAsRfc4180Says(string row, string expected)
    {
        var mapped = Map(Abc(), row)[0];
        if (mapped.Result == RowResult.Refused)
        {
            Assert.Equal(expected, mapped.Reason);
            return;
        }
        var batch = System.Text.Json.JsonDocument.Parse(mapped.Value).RootElement;
        Assert.Equal(expected, $"{batch.GetProperty("event")}|{batch.GetProperty("event_time")}|{batch.GetProperty("identifiers")[0].GetProperty("value")}");
    }

    [Fact]
    public void Map_DelimiterTab_SplitsAtTabs() =>
        Assert.Equal(Start + "}", Map(Abc(head: "delimiter: tab"), "x\t5\tc1")[0].Value);

    [Fact]
    public void Map_InvalidUtf8_IsRefused() =>
        Assert.Equal("not valid UTF-8", Map(Abc(), [[(byte)'x', 0xFF, (byte)',', (byte)',']])[0].Reason);

    [Theory]
    [InlineData("", "5", "c1", "event is empty")]
    [InlineData("x", "", "c1", "event_time: the time is empty")]
    [InlineData("x", "5.5", "c1", "event_time: '5.5' is no time in unix milliseconds")]
    [InlineData("x", "5", "", "no identifier has a value")]
    public void Map_RowWithoutWhatAnEventNeeds_IsRefused(string a, string b, string c, string reason) =>
        Assert.Equal(reason, Map(Abc(), $"{a},{b},{c}")[0].Reason);

    [Theory]
    [InlineData("page: '{a}-{{{b}}}'", "\"page\":\"x-{5}\"")]
    [InlineData("page: constant", "\"page\":\"constant\"")]
    [InlineData("page: { value: '{a}', words: { x: seen, y: z } }", "\"page\":\"seen\"")]
    [InlineData("currency: CNY", "\"currency\":\"CNY\"")]
    [InlineData("amount_fen: '{b}'", "\"amount_fen\":5")]
    [InlineData("amount_fen: { value: '{b}', unit: yuan }", "\"amount_fen\":500")]
    [InlineData("share: { from: '{c}', depth: '{b}' }", "\"share\":{\"from\":\"c1\",\"depth\":5}")]
    [InlineData("campaign: { source: '{a}', term: '' }", "\"campaign\":{\"source\":\"x\"}")]
    [InlineData("properties: { s: '{b}', l: { value: '{b}', type: long }, d: { value: '{b}.50', type: double }, t: { value: 'TRUE', type: boolean }, f: { value: '0', type: boolean } }",
        "\"properties\":{\"s\":\"5\",\"l\":5,\"d\":5.5,\"t\":true,\"f\":false}")]
    [InlineData("properties:\n  d: { value: '', type: long, default: 7 }\n  e: ''", "\"properties\":{\"d\":7}")]
    public void Map_Field_BecomesJson(string fields, string expected) =>
        Assert.Equal($"{Start},{expected}}}", Map(Abc(fields), "x,5,c1")[0].Value);

    [Fact]
    public void Map_FieldOrder_IsTheSchemasNotTheFiles() =>
        Assert.StartsWith("{\"event_id\":\"x/5\",\"event\":\"x\"", Map(Abc("page: p\nevent_id: '{a}/{b}'"), "x,5,c1")[0].Value);

    [Theory]
    [InlineData("properties: { l: { value: '{a}', type: long } }", "properties: l: 'x' is no long")]
    [InlineData("properties: { l: { value: '1e999', type: double } }", "properties: l: '1e999' is no double")]
    [InlineData("properties: { l: { value: 'yes', type: boolean } }", "properties: l: 'yes' is no boolean")]
    [InlineData("amount_fen: '1.5'", "amount_fen: '1.5' is no amount in whole fen")]
    [InlineData("share: { depth: deep }", "share: depth: 'deep' is no long")]
    public void Map_ValueOfTheWrongType_IsRefusedWithTheField(string fields, string reason) =>
        Assert.Equal(reason, Map(Abc(fields), "x,5,c1")[0].Reason);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("12", 1200)]
    [InlineData("12.3", 1230)]
    [InlineData("12.34", 1234)]
    [InlineData("12.3400", 1234)]
    [InlineData("-0.05", -5)]
    [InlineData("0.29", 29)] // as a float times 100 it is 28.999...
    [InlineData("1.15", 115)]
    [InlineData("92233720368547758.07", long.MaxValue)]
    [InlineData("92233720368547758.08", null)]
    [InlineData("99999999999999999999999999999999999999999", null)]
    [InlineData("12.345", null)]
    [InlineData("12.", null)]
    [InlineData(".5", null)]
    [InlineData("1,5", null)]
    [InlineData("1e2", null)]
    [InlineData("--1", null)]
    [InlineData("¥5", null)]
    public void Map_Yuan_BecomeFenExactly(string yuan, object? fen)
    {
        var mapped = Map(Abc("amount_fen: { value: '{a}', unit: yuan }"), $"\"{yuan}\",5,c1")[0];
        if (fen is null) Assert.Equal($"amount_fen: '{yuan}' is no amount in whole fen", mapped.Reason);
        else Assert.EndsWith($"\"amount_fen\":{fen}}}", mapped.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unix_s", "1511544070", 1_511_544_070_000)]
    [InlineData("unix_ms", "-5", -5)]
    [InlineData("iso8601", "2026-03-01T08:00:00Z", 1_772_352_000_000)]
    [InlineData("iso8601", "2026-03-01T16:00:00.250+08:00", 1_772_352_000_250)]
    [InlineData("iso8601", "2026-03-01 16:00:00", 1_772_352_000_000)]
    [InlineData("iso8601", "2026-03-01", 1_772_294_400_000)]
    [InlineData("yyyy/M/d H:mm", "2026/3/1 16:00", 1_772_352_000_000)]
    [InlineData("yyyyMMdd", "20260301", 1_772_294_400_000)]
    [InlineData("dd.MM.yyyy HH:mm:sszzz", "01.03.2026 08:00:00+00:00", 1_772_352_000_000)]
    [InlineData("unix_s", "9999999999999999", null)]
    [InlineData("unix_s", "1511544070.5", null)]
    [InlineData("iso8601", "03/01/2026", null)]
    [InlineData("iso8601", "2026-02-30", null)]
    [InlineData("yyyy/M/d H:mm", "2026/3/1", null)]
    public void Map_Times_AreReadInTheMappingsZone(string format, string text, object? timeMs)
    {
        var mapped = Map(Abc($"received_time: {{ value: '{{a}}', format: '{format}' }}", "time_zone: Asia/Shanghai"), $"{text},5,c1")[0];
        if (timeMs is null) Assert.StartsWith($"received_time: '{text}' is no time", mapped.Reason);
        else Assert.Contains($"\"received_time\":{timeMs},", mapped.Value);
    }

    [Fact]
    public void Map_LocalTimeThatTheClocksSkippedOrShowedTwice_IsRefusedOrTakenAsStandardTime()
    {
        var mapping = Abc("received_time: { value: '{a}', format: iso8601 }", "time_zone: Europe/Berlin");
        var rows = Map(mapping, "2026-03-29T02:30,5,c", "2026-10-25T02:30,5,c");
        Assert.Contains("was skipped by the clocks", rows[0].Reason);
        Assert.Contains($"\"received_time\":{new DateTimeOffset(2026, 10, 25, 2, 30, 0, TimeSpan.FromHours(1)).ToUnixTimeMilliseconds()},", rows[1].Value);
    }

    [Fact]
    public void Map_IsoTimeWithoutOffsetNorZone_IsRefused() =>
        Assert.Contains("states no offset", Map(Abc("received_time: { value: '{a}', format: iso8601 }"), "2026-03-01T08:00,5,c")[0].Reason);

    [Fact]
    public void Map_SkipConditions_LeaveRowsOut()
    {
        var mapping = Abc(head: "skip: [{ column: a, in: ['', bot] }, { column: c, not_in: [c1, c2] }]");
        Assert.Equal(
            [RowResult.Skipped, RowResult.Skipped, RowResult.Mapped, RowResult.Skipped],
            Map(mapping, ",5,c1", "bot,5,c1", "x,5,c2", "x,5,c3").Select(r => r.Result));
    }

    [Fact]
    public void Map_Header_BindsColumnsByNameForEachFile()
    {
        var mapping = MappingFile.Parse(
            """
            format: csv
            header: true
            event:
              event: "{what}"
              event_time: { value: "{when}", format: unix_ms }
              identifiers: [{ kind: cookie, value: "{who}" }]
            """, "h.yaml");
        foreach (var (head, row) in new[] { ("when,more,who,what", "5,?,c1,x"), ("\"what\",\"who\",\"when\"", "x,c1,5") })
        {
            var rows = Map(mapping, head, row);
            Assert.Equal([RowResult.Header, RowResult.Mapped], rows.Select(r => r.Result));
            Assert.Equal(Start + "}", rows[1].Value);
        }
        Assert.Contains("test.csv has no column 'what'", Assert.Throws<SettingsException>(() => Map(mapping, "when,who,event")).Message);
        Assert.Contains("more than one column 'who'", Assert.Throws<SettingsException>(() => Map(mapping, "when,who,what,who")).Message);
    }

    [Theory]
    [InlineData("""{"a":"x","b":{"t":5},"c":"c1"}""", Start + "}")]
    [InlineData("""{"b.t":5,"c":"c1","a":"x","d":[1]}""", Start + "}")]
    [InlineData("""{"a":true,"b":{"t":5},"c":12.50}""", """{"event":"true","event_time":5,"identifiers":[{"kind":"cookie","value":"12.50"}]}""")]
    [InlineData("""{"a":"\u732b\n","b":{"t":5},"c":"c1"}""", """{"event":"猫\n","event_time":5,"identifiers":[{"kind":"cookie","value":"c1"}]}""")]
    [InlineData("""{"a":"x","b":null,"c":"c1"}""", "event_time: the time is empty")]
    [InlineData("""{"a":["x"],"b":{"t":5},"c":"c1"}""", "field a is no single value")]
    [InlineData("""{"a":"\ud800","b":{"t":5},"c":"c1"}""", "field a holds an escape that is no character")]
    [InlineData("""[{"a":"x"}]""", "not a JSON object")]
    [InlineData("""{"a":"x"}{""", "not JSON: ")]
    [InlineData("x,5,c1", "not JSON: ")]
    public void Map_Ndjson_TakesFieldsByNameAndPath(string row, string expected)
    {
        var mapping = MappingFile.Parse(
            """
            format: ndjson
            event:
              event: "{a}"
              event_time: { value: "{b.t}", format: unix_ms }
              identifiers: [{ kind: cookie, value: "{c}" }]
            """, "n.yaml");
        var mapped = Map(mapping, row)[0];
        Assert.StartsWith(expected, mapped.Reason ?? mapped.Value);
    }

    [Fact]
    public void Map_RandomCsv_GivesBackWhatAWriterQuoted()
    {
        var random = new Random(5);
        var mapping = Abc("page: '{a}'\nreferrer: '{b2}'".Replace("{b2}", "{c}"));
        for (var round = 0; round < 2_000; round++)
        {
            var fields = new[] { Random(), "5", Random() };
            var row = string.Join(',', fields.Select(f => f.AsSpan().IndexOfAny(",\"\r\n") >= 0 || random.Next(3) == 0 ? $"\"{f.Replace("\"", "\"\"")}\"" : f));
            var json = System.Text.Json.JsonDocument.Parse(Map(mapping, row)[0].Value).RootElement;
            Assert.Equal((fields[0], fields[2]), (json.GetProperty("page").GetString(), json.GetProperty("referrer").GetString()));
        }

        string Random()
        {
            var text = new StringBuilder("f");
            for (var n = random.Next(8); n > 0; n--) text.Append("ab,\"\r\n 猫é{}"[random.Next(11)]);
            return text.ToString();
        }
    }
}
