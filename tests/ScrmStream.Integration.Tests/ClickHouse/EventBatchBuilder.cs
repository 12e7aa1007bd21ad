using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>Builds event batches as the decoder and the deciding thread leave them.</summary>
internal sealed class EventBatchBuilder(int eventsMax = 4096)
{
    private readonly RecordBatch _records = new(eventsMax, 64 * 1024 * 1024);
    private EventBatch? _batch;

    public EventBatch Batch => _batch ??= new EventBatch(_records);

    /// <summary>An event with these texts. The first verified identifier is its anchor.</summary>
    public EventBatchBuilder Add(
        SourcePartition partition, long offset, string name, long timeMs, (string Text, bool Verified)[] identifiers,
        (string Name, string Value, PropertyType Type)[]? properties = null, long? amountFen = null, string? eventId = null,
        string? page = null, Channel channel = Channel.App, Verdict verdict = Verdict.Accepted, string? currency = null,
        long recordTimeMs = -1, long receivedTimeMs = 0, int index = 0, int? shareDepth = null, string? campaign = null)
    {
        var record = _records.Count;
        _records.Add(partition, offset, recordTimeMs, default);
        var anchor = Array.FindIndex(identifiers, i => i.Verified);
        var e = new TrackingEvent
        {
            Record = record,
            Index = index,
            Name = Text(name),
            EventId = Text(eventId),
            SessionId = TextRange.Absent,
            Page = Text(page),
            Referrer = TextRange.Absent,
            Currency = Text(currency),
            CampaignSource = Text(campaign),
            CampaignMedium = TextRange.Absent,
            CampaignName = TextRange.Absent,
            CampaignContent = TextRange.Absent,
            CampaignTerm = TextRange.Absent,
            ShareFrom = TextRange.Absent,
            EventTimeMs = timeMs,
            ReceivedTimeMs = receivedTimeMs,
            AmountFen = amountFen ?? 0,
            HasAmount = amountFen.HasValue,
            ShareDepth = shareDepth ?? 0,
            HasShareDepth = shareDepth.HasValue,
            Channel = channel,
            Verdict = verdict,
            FirstIdentifier = Batch.IdentifierCount,
            IdentifierCount = identifiers.Length,
            NamedIdentifiers = identifiers.Length,
            Anchor = Batch.IdentifierCount + anchor,
            AnchorId = IdentifierId.Of(Encoding.UTF8.GetBytes(identifiers[anchor].Text)).Value,
            FirstProperty = Batch.PropertyCount,
            PropertyCount = properties?.Length ?? 0,
        };
        foreach (var (text, verified) in identifiers) Batch.Add(new EventIdentifier { Text = Text(text), Verified = verified, Node = -1 });
        foreach (var (key, value, type) in properties ?? [])
            Batch.Add(new EventProperty { Name = Text(key), Text = Text(value), Type = type });
        Batch.Add(in e);
        return this;
    }

    private TextRange Text(string? text)
    {
        if (text is null) return TextRange.Absent;
        var length = Encoding.UTF8.GetByteCount(text);
        var start = _records.Reserve(length);
        Encoding.UTF8.GetBytes(text, _records.Buffer.AsSpan(start));
        return new TextRange(start, length);
    }
}
