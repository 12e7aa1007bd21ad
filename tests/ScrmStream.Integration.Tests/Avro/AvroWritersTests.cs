using System.Diagnostics;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Integration.Cli;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Avro;

/// <summary>What independent programs write is read field by field as the JSON of the same events.</summary>
public sealed class AvroWritersTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-avro-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [AvroWriterTheory("avsc"), InlineData("null"), InlineData("deflate")]
    public void Decode_WhatNpmAvscWrote_IsTheJsonEvent(string codec) => AssertSame(codec, (events, output) => Run(
        "node", ScrmProcess.InCheckout("tests/ScrmStream.Integration.Tests/Avro/write.cjs"), AvroWriterTheoryAttribute.Folder("avsc"),
        SchemaFile, events, codec, output));

    [AvroWriterTheory("python"), InlineData("null"), InlineData("deflate")]
    public void Decode_WhatPythonAvroWrote_IsTheJsonEvent(string codec) => AssertSame(codec, (events, output) => Run(
        "/usr/bin/python3", ScrmProcess.InCheckout("tests/ScrmStream.Integration.Tests/Avro/write.py"), SchemaFile, events, codec, output));

    internal static string SchemaFile => ScrmProcess.InCheckout("schemas/events/tracking-event.v1.avsc");

    private void AssertSame(string codec, Action<string, string> write)
    {
        var (events, output) = (Path.Combine(_folder, "events.ndjson"), Path.Combine(_folder, $"events.{codec}.avro"));
        File.WriteAllLines(events, Enumerable.Range(0, 400).Select(i => Event(new Random(i), i)));
        write(events, output);
        var (json, avro) = (Decode(events), Decode(output));
        Assert.Equal(400, json.Length);
        Assert.Equal(json, avro);
    }

    private static string[] Decode(string file)
    {
        var schemas = new SchemaCatalog(new EventLimits());
        var source = new FileEventSource([file], new EventLimits(), null, schemas);
        var batch = new EventBatch(new RecordBatch(1000, 1 << 24));
        Assert.Equal(SourceState.Ended, source.Poll(batch.Records, TimeSpan.Zero));
        using var decoder = new RecordDecoder(new EventLimits(), schemas);
        Assert.Equal(batch.Records.Count, decoder.Decode(batch));
        Assert.Empty(batch.Rejects);
        return EventText.All(batch);
    }

    /// <summary>An event as JSON with what is hard to carry: texts of all kinds, numbers of every length, absent fields.</summary>
    internal static string Event(Random random, int number)
    {
        string? Text(string text) => random.Next(2) == 0 ? null : random.Next(6) == 0 ? "" : text;
        var words = random.GetItems(["a", "é", "猫粮", "long-text-of-more-than-sixteen-bytes", "\\\"\n", "😀"], 3);
        var e = new Dictionary<string, object?>
        {
            ["event_id"] = Text($"e-{number}"), ["event"] = $"event_{number % 7}", ["event_time"] = Decimals(random, 1_700_000_000_000),
            ["channel"] = random.GetItems(["web", "mini_program", "other", "wechat_official"], 1)[0],
            ["identifiers"] = Enumerable.Range(0, random.Next(1, 5)).Select(i => new Dictionary<string, object>
            {
                ["kind"] = random.GetItems(["openid", "unionid", "phone", "member_id"], 1)[0], ["scope"] = i == 0 ? "" : words[1],
                ["value"] = $"{words[0]}{number}", ["verified"] = random.Next(3) > 0,
            }).ToArray(),
            ["session_id"] = Text(words[0]), ["page"] = Text($"/{words[1]}"), ["referrer"] = Text(words[2]), ["currency"] = Text("CNY"),
            ["received_time"] = random.Next(2) == 0 ? null : Decimals(random, 1_700_000_000_000),
            ["amount_fen"] = random.Next(2) == 0 ? null : Decimals(random, 0) * (random.Next(2) == 0 ? 1 : -1),
            ["campaign"] = random.Next(2) == 0 ? null : new Dictionary<string, object?> { ["source"] = Text(words[0]), ["term"] = "t", ["name"] = words[2] },
            ["share"] = random.Next(2) == 0 ? null : new Dictionary<string, object?> { ["from"] = Text(words[1]), ["depth"] = random.Next(0, 300) },
            ["properties"] = new Dictionary<string, object>
            {
                ["text"] = words[0], ["whole"] = Decimals(random, -1 << 20), ["part"] = random.Next(1, 1000) / 64.0 + 0.001, ["flag"] = random.Next(2) == 0, [words[2]] = "x",
            },
        };
        return JsonSerializer.Serialize(e.Where(field => field.Value is not null).ToDictionary());
    }

    // Numbers of every length, none beyond what JavaScript holds exactly.
    private static long Decimals(Random random, long from) => from + random.NextInt64(1L << random.Next(1, 38));

    /// <summary>Runs a writer; it has to end well.</summary>
    internal static void Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
        start.Environment["PYTHONPATH"] = AvroWriterTheoryAttribute.Folder("python");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }
}

/// <summary>A theory that needs a writer which <c>./scrm test</c> downloads; skipped, with the reason, where it could not.</summary>
public sealed class AvroWriterTheoryAttribute : TheoryAttribute
{
    public AvroWriterTheoryAttribute(string writer)
    {
        if (!IsThere(writer)) Skip = $"{writer} is not there: ./scrm test downloads it where npm and Debian's packages can be reached";
    }

    public static bool IsThere(string writer) => Directory.Exists(Folder(writer));

    public static string Folder(string writer) =>
        Path.Combine(Environment.GetEnvironmentVariable("SCRM_HOME") ?? ScrmProcess.InCheckout(".scrm"), "avro", writer);
}
