using System.Runtime.CompilerServices;
using System.Text.Json;
using ScrmStream.Events;
using static ScrmStream.Tests.Events.Decoding;

namespace ScrmStream.Tests.Events;

public sealed class SampleEventTests
{
    private static string Folder([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../schemas/events"));

    [Fact]
    public void Decode_EverySample_IsAccepted()
    {
        var files = Directory.GetFiles(Path.Combine(Folder(), "samples"), "*.json");
        Assert.True(files.Length >= 4);
        foreach (var file in files)
        {
            var batch = Screen(File.ReadAllText(file));
            Assert.True(batch.Count > 0 && batch.Rejects.Count == 0 && batch.DroppedIdentifiers == 0, file);
        }
    }

    [Fact]
    public void AvroSchema_NamesTheFieldsAndChannelsOfTheJsonEvent()
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder(), "tracking-event.v1.avsc")));
        var fields = schema.RootElement.GetProperty("fields").EnumerateArray().ToDictionary(f => f.GetProperty("name").GetString()!);
        Assert.Equal(
            ["event_id", "event", "event_time", "received_time", "channel", "identifiers", "session_id", "page", "referrer", "campaign", "share", "amount_fen", "currency", "properties"],
            fields.Keys);
        var channels = fields["channel"].GetProperty("type").GetProperty("symbols").EnumerateArray().Select(s => s.GetString());
        Assert.Equal(Enum.GetValues<Channel>()[1..].Select(c => c.Word()), channels);
    }

    [Fact]
    public void Readme_Example_IsAccepted()
    {
        var text = File.ReadAllText(Path.Combine(Folder(), "README.md"));
        var start = text.IndexOf("```json", StringComparison.Ordinal) + 7;
        var batch = Screen(text[start..text.IndexOf("```", start, StringComparison.Ordinal)]);
        Assert.Equal(["sku=cat-food-5kg:s", "items=2:l", "discount=0.15:d", "first_order=true:b"], batch.PropertyTexts());
        Assert.Equal(3, batch.IdentifierTexts().Length);
    }
}
