using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using ScrmStream.Events;
using ScrmStream.TestKit;
using ScrmStream.Tests.Events.BadInput;

namespace ScrmStream.Tests.Events;

/// <summary>The scanner against the reader of System.Text.Json: the same verdict, the same tokens at the same places, the same texts.</summary>
public sealed class JsonScannerTests
{
    private const int RecordsPerSeed = 20_000, DepthMax = 32;

    private static readonly byte[][] Samples = ListSource.Utf8(
    [
        "{\"a\":1,\"b\":[true,false,null,\"x\",-0.5e+7,{\"c\":\"\\ud83d\\udc31 \\\" \\\\ \\/ \\b\\f\\n\\r\\t\"}],\"猫\":\"粮\"}",
        " [ 1 , -2.0 , 3E5 , [ ] , { } , \"\" , \"a\\u0041\\u732b\" ] ",
        "\"a text that is a little longer than eight bytes, and goes on\"", "12", "-0", "true", "[[[[[[[[1]]]]]]]]",
        Decoding.Event("\"page\":\"/a/b/c\",\"properties\":{\"sku\":\"k\",\"n\":12.25}"),
        "{ \"a\": 12345678, \"b\": 123456789012345678,\"c\":1234567890123456789, \"d\":12345678.5,\"e\":12345678e2 , \"f\":10,\"a text of more than 32 bytes, so that it takes a second look\":\"\"}",
    ]);

    private readonly record struct Seen(JsonTokenType Token, int Start, string? Text);

    [Fact]
    public void Read_MutatedJson_SeesWhatTheFrameworkSees()
    {
        var valid = 0;
        foreach (var seed in Seeds.From(1, 5, 500))
        {
            var mutator = new RecordMutator(seed);
            for (var i = 0; i < RecordsPerSeed; i++)
            {
                var json = mutator.Next(Samples);
                if (!Utf8.IsValid(json)) continue;
                var (expected, isValid) = ByFramework(json);
                var (seen, error) = ByScanner(json);
                var (quick, quickError) = ByQuickScanner(json);
                Assert.True(quickError == error && quick.SequenceEqual(seen), $"seed {seed}: {Encoding.UTF8.GetString(json)}: {quickError}");
                Assert.True((error is null) == isValid, $"seed {seed}: {Encoding.UTF8.GetString(json)}: {error}");
                // Before an error both have seen the same; how far each got is its own business.
                var common = isValid ? Math.Max(seen.Count, expected.Count) : Math.Min(seen.Count, expected.Count);
                Assert.True(seen.Take(common).SequenceEqual(expected.Take(common)), $"seed {seed}: {Encoding.UTF8.GetString(json)}");
                if (isValid) valid++;
            }
        }
        Assert.True(valid > 1_000, $"only {valid} texts were valid");
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("{", "too early")]
    [InlineData("{}{}", "behind")]
    [InlineData("{\"a\" 1}", "colon")]
    [InlineData("{\"a\":1 \"b\":2}", "comma")]
    [InlineData("[1,]", "value")]
    [InlineData("{\"a\":1,}", "name")]
    [InlineData("[01]", "zero")]
    [InlineData("[1.]", "point")]
    [InlineData("[1e]", "exponent")]
    [InlineData("[\"a", "no end")]
    [InlineData("[\"\\x\"]", "escape")]
    [InlineData("[\"\\u12\"]", "escape")]
    [InlineData("[\"a\nb\"]", "control")]
    [InlineData("[[[[[1]]]]]", "deeper")]
    public void Read_WhatIsNoJson_SaysWhy(string json, string why)
    {
        var scanner = new JsonScanner(Encoding.UTF8.GetBytes(json), depthMax: 4);
        while (scanner.Read())
        {
        }
        Assert.Contains(why, scanner.Error);
        Assert.Contains("byte ", scanner.Error);
        Assert.False(scanner.Read());
    }

    [Fact]
    public void Skip_OfEveryValue_EndsBehindIt()
    {
        var scanner = new JsonScanner("[{\"a\":[1,{\"b\":2}]},[],7]"u8, DepthMax);
        scanner.Read();
        var ends = new List<int>();
        while (scanner.Read() && scanner.Token != JsonToken.EndArray)
        {
            scanner.Skip();
            ends.Add(scanner.Next);
        }
        Assert.Equal([18, 21, 23], ends);
        Assert.Null(scanner.Error);
    }

    private static (List<Seen>, bool) ByFramework(byte[] json)
    {
        List<Seen> seen = [];
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
            while (reader.Read())
            {
                string? text = null;
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                {
                    try { text = reader.GetString(); }
                    catch (InvalidOperationException) { text = null; }
                }
                else if (reader.TokenType == JsonTokenType.Number) text = reader.TryGetInt64(out var n) ? $"{n}" : "";
                seen.Add(new Seen(reader.TokenType, (int)reader.TokenStartIndex, text));
            }
            return (seen, seen.Count > 0);
        }
        catch (JsonException)
        {
            return (seen, false);
        }
    }

    private static (List<Seen>, string?) ByScanner(byte[] json)
    {
        List<Seen> seen = [];
        var scanner = new JsonScanner(json, DepthMax);
        while (scanner.Read()) seen.Add(SeenBy(in scanner));
        return (seen, scanner.Error);
    }

    // As the decoder of events reads: names and values by the quick ways wherever these may be asked.
    private static (List<Seen>, string?) ByQuickScanner(byte[] json)
    {
        List<Seen> seen = [];
        var isObject = new Stack<bool>();
        var scanner = new JsonScanner(json, DepthMax);
        while (ReadQuickly(ref scanner, isObject.Count > 0 && isObject.Peek(), out var number))
        {
            seen.Add(SeenBy(in scanner));
            if (number is { } whole) Assert.Equal($"{whole}", seen[^1].Text);
            if (scanner.Token is JsonToken.StartObject or JsonToken.StartArray) isObject.Push(scanner.Token == JsonToken.StartObject);
            else if (scanner.Token is JsonToken.EndObject or JsonToken.EndArray) isObject.Pop();
        }
        return (seen, scanner.Error);
    }

    private static bool ReadQuickly(ref JsonScanner scanner, bool isInObject, out long? number)
    {
        number = null;
        if (scanner.Token == JsonToken.Name)
        {
            if (scanner.TryReadPlain()) return true;
            if (!scanner.TryReadWhole(out var whole)) return scanner.Read();
            number = whole;
            return true;
        }
        if (!isInObject) return scanner.Read();
        return scanner.ReadName() ? scanner.Token == JsonToken.Name : scanner.Token == JsonToken.EndObject;
    }

    private static Seen SeenBy(in JsonScanner scanner)
    {
        string? text = null;
        if (scanner.Token is JsonToken.Name or JsonToken.Text)
        {
            var room = new byte[scanner.TextLength];
            if (scanner.TryUnescape(room, out var written)) text = Encoding.UTF8.GetString(room, 0, written);
        }
        else if (scanner.Token == JsonToken.Number) text = scanner.TryGetInt64(out var n) ? $"{n}" : "";
        return new Seen(TypeOf(scanner.Token), scanner.Start, text);
    }

    private static JsonTokenType TypeOf(JsonToken token) => token switch
    {
        JsonToken.Name => JsonTokenType.PropertyName,
        JsonToken.Text => JsonTokenType.String,
        _ => Enum.Parse<JsonTokenType>(token.ToString()),
    };
}
