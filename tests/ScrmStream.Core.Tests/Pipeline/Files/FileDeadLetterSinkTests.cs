using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Tests.Pipeline.Files;

public sealed class FileDeadLetterSinkTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("scrm-letters-").FullName, "rejects.ndjson");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Fact]
    public async Task Write_Letters_AreLinesWithReasonPlaceAndRecord()
    {
        var topic = new SourcePartition(Guid.Parse("11111111-2222-3333-4444-555555555555"), "events", 3);
        using (var sink = new FileDeadLetterSink(_path))
        {
            await sink.WriteAsync([new DeadLetter(new SourcePosition(topic, 17, 2), 1_000, RejectReason.NoEventName, "猫 \"x\"", "{\"a\":\n1}"u8.ToArray())], default);
            await sink.WriteAsync([], default);
            await sink.WriteAsync([new DeadLetter(new SourcePosition(topic, 18, -1), -1, RejectReason.NotDecodable, "not valid UTF-8", new byte[] { 0xFF, 0x00 })], default);
            Assert.Equal(2, sink.Written);
            // Acknowledged is on disk: nothing waits for the end.
            Assert.Equal(2, ReadShared().Length);
        }
        var lines = File.ReadAllLines(_path).Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        Assert.Equal(
            """{"reason":"no_event_name","detail":"猫 \"x\"","topic":"events","topic_id":"11111111-2222-3333-4444-555555555555","partition":3,"offset":17,"index":2,"timestamp":1000,"raw":"{\"a\":\n1}"}""",
            lines[0].GetRawText().Replace("\\u0022", "\\\""));
        Assert.Equal("not_decodable", lines[1].GetProperty("reason").GetString());
        Assert.Equal([0xFF, 0x00], lines[1].GetProperty("raw_base64").GetBytesFromBase64());
        Assert.False(lines[1].TryGetProperty("timestamp", out _));
    }

    private string[] ReadShared()
    {
        using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return new StreamReader(file).ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
