using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Tests.Events;

/// <summary>Decodes records in one line, for the tests of this folder.</summary>
internal static class Decoding
{
    public const long Noon = 1_772_334_000_000;

    public const string Identifiers = """[{"kind":"member_id","scope":"s","value":"m1"}]""";

    private static readonly SourcePartition Partition = new(Guid.Empty, "test", 0);

    public static EventBatch Decode(params string[] records) => Decode(new EventLimits(), -1, records);

    public static EventBatch Decode(EventLimits limits, long timestampMs, params string[] records) =>
        Decode(limits, timestampMs, Array.ConvertAll(records, Encoding.UTF8.GetBytes));

    public static EventBatch Decode(EventLimits limits, long timestampMs, params byte[][] records)
    {
        var batch = new EventBatch(new RecordBatch(Math.Max(records.Length, 1), 1024));
        for (var i = 0; i < records.Length; i++) batch.Records.Add(Partition, i, timestampMs, records[i]);
        new JsonEventDecoder(limits).Decode(batch);
        return batch;
    }

    public static EventBatch Screen(params string[] records)
    {
        var batch = Decode(records);
        new IdentifierScreen(new IdentityOptions()).Apply(batch);
        return batch;
    }

    /// <summary>A whole event with further fields, for example <c>"page":"/"</c>.</summary>
    public static string Event(string fields = "", string identifiers = Identifiers) =>
        $$"""{"event":"page_view","event_time":{{Noon}},"identifiers":{{identifiers}}{{(fields.Length > 0 ? "," : "")}}{{fields}}}""";

    public static string Text(this EventBatch batch, Func<TrackingEvent, TextRange> field, int index = 0) =>
        Encoding.UTF8.GetString(batch.Text(field(batch.Events[index])));

    public static string[] IdentifierTexts(this EventBatch batch, int index = 0)
    {
        List<string> texts = [];
        foreach (ref var identifier in batch.IdentifiersOf(in batch.Events[index])) texts.Add(Encoding.UTF8.GetString(batch.Text(identifier.Text)));
        return [.. texts];
    }

    /// <summary>name=value, with the type's letter: s, l, d or b.</summary>
    public static string[] PropertyTexts(this EventBatch batch, int index = 0)
    {
        List<string> texts = [];
        foreach (ref var p in batch.PropertiesOf(in batch.Events[index]))
            texts.Add($"{Encoding.UTF8.GetString(batch.Text(p.Name))}={Encoding.UTF8.GetString(batch.Text(p.Text))}:{char.ToLowerInvariant(p.Type.ToString()[0])}");
        return [.. texts];
    }

    /// <summary>The batch holds no event and one reject.</summary>
    public static Reject OnlyReject(this EventBatch batch)
    {
        Assert.Equal(0, batch.Count);
        Assert.Equal((0, 0), (batch.IdentifierCount, batch.PropertyCount));
        return Assert.Single(batch.Rejects);
    }
}
