using System.Text;
using static ScrmStream.Tests.Events.Decoding;

namespace ScrmStream.Tests.Events.BadInput;

/// <summary>One thing that producers really send, or that somebody might.</summary>
/// <param name="TimestampMs">Of the records; -1: they have none.</param>
internal sealed record BadInputCase(byte[][] Records, long TimestampMs);

/// <summary>The cases of docs/bad-input.md, made rather than stored: by the name that the document gives them.</summary>
internal static partial class BadInputCorpus
{
    private const long Day = 24 * 3_600_000;
    private const int RecordBytesMax = 1024 * 1024;
    private const string Smallest = """{"event":"x","event_time":1772334000000,"identifiers":[{"kind":"cookie","value":"c1"}]}""";

    private static readonly Dictionary<string, BadInputCase> Cases = new(StringComparer.Ordinal);

    static BadInputCorpus()
    {
        AddRecords();
        AddBytes();
        AddSizes();
        AddFields();
        AddProperties();
        AddNumbers();
        AddTimes();
        AddIdentifiers();
        AddRepeats();
    }

    public static IReadOnlyDictionary<string, BadInputCase> All => Cases;

    private static void AddRecords()
    {
        Add("empty", "");
        Add("blank", " \r\n\t");
        Add("null", "null");
        Add("number", "12");
        Add("text", "\"order_paid\"");
        Add("empty-array", "[]");
        Add("empty-object", "{}");
        Add("xml", "<xml><Event><![CDATA[subscribe]]></Event></xml>");
        Add("form", "data=eyJldmVudCI6InBhZ2VfdmlldyJ9&ext=crc%3D1");
        Add("two-lines", $"{Event()}\n{Event()}");
        Add("text-behind", $"{Event()};");
        Add("cut-off", Event()[..60]);
        Add("cut-off-anywhere", [.. Enumerable.Range(0, Event().Length).Select(length => $"[{Event()},{Event()}]"[..(length + 1)])]);
        Add("comment", $"// from the till\n{Event()}");
        Add("trailing-comma", Event("\"page\":\"a\",").Replace(",}", ", }"));
        Add("single-quotes", Event().Replace('"', '\''));
        Add("bare-names", "{event:\"page_view\"}");
        Add("nan", Event("\"a\":NaN"));
        Add("infinity", Event("\"a\":-Infinity"));
        Add("hexadecimal", Event("\"a\":0x10"));
        Add("leading-zero", Event("\"a\":007"));
        Add("plus-sign", Event("\"a\":+1"));
        Add("bad-escape", Event("\"page\":\"C:\\users\""));
        Add("line-break-in-text", Event("\"page\":\"a\nb\""));
        Add("array", $"[{Event()},{Event()}]");
        Add("array-with-bad", $$"""[{{Event()}}, 7, {"event":""}, {{Event()}}, {"event":"x"}]""");
        Add("array-in-array", $"[[{Event()}]]");
    }

    private static void AddBytes()
    {
        Add("nul-bytes", [new byte[64]]);
        Add("random-bytes", [Random(300)]);
        Add("byte-order-mark", "\uFEFF" + Event());
        Add("utf-16", [Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(Event())).ToArray()]);
        Add("bad-utf-8", [Utf8With([0xC3, 0x28])]);
        Add("overlong-utf-8", [Utf8With([0xC0, 0x80])]);
        Add("surrogate-in-utf-8", [Utf8With([0xED, 0xA0, 0x80])]);
        Add("gbk", [Utf8With([0xC3, 0xA8])], [Utf8With([0xC3, 0xA8, 0xC1, 0xB8])]);
        Add("lone-surrogate", Event("\"page\":\"\\ud800\""));
        Add("lone-surrogate-in-name", Event("\"\\udc00x\":1"));
        Add("surrogate-pair", Event("\"page\":\"\\ud83d\\udc31\""));
        Add("escaped-nul", Event("\"page\":\"a\\u0000b\""));
        Add("right-to-left", Event("\"page\":\"\u202Egpj.exe\""));
        Add("escaped-names", Event("\"p\\u0061ge\":\"/cart\""));
    }

    private static void AddSizes()
    {
        Add("record-at-limit", Padded(RecordBytesMax));
        Add("record-over-limit", Padded(RecordBytesMax + 1));
        Add("record-of-50-mb", Padded(50_000_000));
        Add("depth-32", Event($"\"a\":{Nested(31)}"));
        Add("depth-33", Event($"\"a\":{Nested(32)}"));
        Add("depth-100000", Event($"\"a\":{Nested(100_000)}"), Nested(100_000));
        Add("events-10000", $"[{Repeat(10_000, _ => Smallest)}]");
        Add("events-10001", $"[{Repeat(10_001, _ => "0")}]");
        Add("properties-256", Event($"\"properties\":{{{Repeat(256, i => $"\"p{i}\":{i}")}}}"));
        Add("properties-257", Event($"\"properties\":{{{Repeat(257, i => $"\"p{i}\":{i}")}}}"));
        Add("fields-80000", Event(Repeat(80_000, i => $"\"f{i}\":1")));
        Add("same-name-80000", Event(Repeat(80_000, _ => "\"f\":1")));
        Add("name-129", Event($"\"properties\":{{\"{new string('k', 129)}\":1}}"));
        Add("nested-name-129", Event($"\"a\":{{\"{new string('k', 127)}\":1}}"));
        Add("text-8193", Event($"\"page\":\"{new string('p', 8193)}\""));
        Add("value-8193", Event($"\"note\":\"{new string('v', 8193)}\""));
        Add("list-8193", Event($"\"note\":[{Repeat(4096, _ => "1")}]"));
        Add("event-name-129", Event($"\"event\":\"{new string('n', 129)}\""));
        Add("identifiers-17", Event(identifiers: $"[{Repeat(17, i => Id("cookie", "w", $"\"c{i}\""))}]"));
        Add("identifiers-30000", Event(identifiers: $"[{Repeat(30_000, i => "{\"kind\":\"cookie\",\"value\":\"c\"}")}]"));
        Add("identifier-257", Event(identifiers: $"[{Id("cookie", "w", $"\"{new string('x', 257)}\"")}]"));
        Add("scope-257", Event(identifiers: $"[{Id("cookie", new string('x', 257), "\"c\"")}]"));
    }

    private static void Add(string name, params string[] records) => Add(name, Noon, records);

    private static void Add(string name, long timestampMs, params string[] records) =>
        Cases.Add(name, new BadInputCase(Array.ConvertAll(records, Encoding.UTF8.GetBytes), timestampMs));

    private static void Add(string name, params byte[][][] records) =>
        Cases.Add(name, new BadInputCase([.. records.SelectMany(r => r)], Noon));

    private static string Id(string kind, string scope, string value) =>
        $$"""{"kind":"{{kind}}","scope":"{{scope}}","value":{{value}}}""";

    private static string Repeat(int count, Func<int, string> make) => string.Join(',', Enumerable.Range(0, count).Select(make));

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);

    private static string Padded(int bytes) => Event() + new string(' ', bytes - Event().Length);

    private static byte[] Random(int bytes)
    {
        var random = new byte[bytes];
        new Random(1).NextBytes(random);
        return random;
    }

    // An event whose page holds these bytes.
    private static byte[] Utf8With(byte[] text)
    {
        var parts = Event("\"page\":\"#\"").Split('#');
        return [.. Encoding.UTF8.GetBytes(parts[0]), .. text, .. Encoding.UTF8.GetBytes(parts[1])];
    }
}
