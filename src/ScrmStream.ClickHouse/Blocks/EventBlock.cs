using System.Text;
using ScrmStream.Events;

namespace ScrmStream.ClickHouse.Blocks;

/// <summary>
/// The events of batches as one block of <c>events_rows</c>, but those that are there; duplicates as deleted rows. Bytes to bytes, no
/// string and no object per event. A row depends on its event, its verdict and the batch's epoch, so the same batches give the same
/// bytes. One thread.
/// </summary>
internal sealed class EventBlock : IDisposable
{
    private static readonly NativeTable Table = new("events_rows",
        new("topic_id", "UUID"), new("topic", "String"), new("partition", "Int32"), new("offset", "Int64"), new("index", "Int32"),
        new("event_id", "String"), new("event", "String"), new("event_time", "DateTime64(3, 'UTC')"),
        new("received_time", "Nullable(DateTime64(3, 'UTC'))"), new("record_time", "Nullable(DateTime64(3, 'UTC'))"),
        new("channel", "String"), new("anchor_id", "UInt128"), new("anchor", "String"), new("identifiers", "Array(String)"),
        new("unverified", "Array(String)"), new("named_identifiers", "UInt16"), new("session_id", "String"), new("page", "String"),
        new("referrer", "String"), new("campaign_source", "String"), new("campaign_medium", "String"), new("campaign_name", "String"),
        new("campaign_content", "String"), new("campaign_term", "String"), new("share_from", "String"),
        new("share_depth", "Nullable(Int32)"), new("amount_fen", "Nullable(Int64)"), new("currency", "String"),
        new("properties", "Map(String, String)"), new("property_types", "String"),
        new("epoch", "UInt64"), new("is_deleted", "UInt8"));

    // The name of the topic last seen: its partitions share the string, so events of one topic encode it once.
    private string? _topic;
    private byte[] _topicUtf8 = [];
    private long _identifiers;
    private long _unverified;
    private long _properties;

    public NativeBlock Block { get; } = new(Table);

    public void Add(EventBatch batch)
    {
        foreach (ref readonly var e in batch.Events)
        {
            if (e.IsStored) continue;
            var columns = new Cursor(Block.Buffers);
            WriteCoordinates(batch, in e, ref columns);
            WriteWhat(batch, in e, ref columns);
            WriteWho(batch, in e, ref columns);
            WriteContext(batch, in e, ref columns);
            WriteProperties(batch, batch.PropertiesOf(in e), ref columns);
            columns.Next().Int64((long)batch.EpochOf(in e));
            columns.Next().Byte(e.Verdict == Verdict.Duplicate ? (byte)1 : (byte)0);
            Block.Rows++;
        }
    }

    public void Dispose() => Block.Dispose();

    private void WriteCoordinates(EventBatch batch, in TrackingEvent e, ref Cursor columns)
    {
        ref var record = ref batch.Records.Records[e.Record];
        var partition = record.Partition;
        if (!ReferenceEquals(partition.Topic, _topic))
        {
            _topic = partition.Topic;
            _topicUtf8 = Encoding.UTF8.GetBytes(_topic);
        }
        columns.Next().Uuid(partition.TopicId);
        columns.Next().Text(_topicUtf8);
        columns.Next().Int32(partition.Partition);
        columns.Next().Int64(record.Offset);
        columns.Next().Int32(e.Index);
    }

    private static void WriteWhat(EventBatch batch, in TrackingEvent e, ref Cursor columns)
    {
        var recordTimeMs = batch.Records.Records[e.Record].TimestampMs;
        columns.Next().Text(batch.Text(e.EventId));
        columns.Next().Text(batch.Text(e.Name));
        columns.Next().Int64(e.EventTimeMs);
        columns.NullableInt64(e.ReceivedTimeMs != 0, e.ReceivedTimeMs);
        columns.NullableInt64(recordTimeMs >= 0, recordTimeMs);
        columns.Next().Text(e.Channel.WordUtf8());
    }

    private void WriteWho(EventBatch batch, in TrackingEvent e, ref Cursor columns)
    {
        var identifiers = batch.IdentifiersOf(in e);
        columns.Next().UInt128(e.AnchorId);
        columns.Next().Text(batch.Text(batch.Identifiers[e.Anchor].Text));
        WriteTexts(batch, identifiers, verified: true, ref _identifiers, ref columns);
        WriteTexts(batch, identifiers, verified: false, ref _unverified, ref columns);
        columns.Next().UInt16((ushort)Math.Min(e.NamedIdentifiers, ushort.MaxValue));
    }

    private static void WriteTexts(
        EventBatch batch, scoped ReadOnlySpan<EventIdentifier> identifiers, bool verified, ref long end, ref Cursor columns)
    {
        var ends = columns.Next();
        var values = columns.Next();
        foreach (ref readonly var identifier in identifiers)
        {
            if (identifier.Verified != verified) continue;
            values.Text(batch.Text(identifier.Text));
            end++;
        }
        ends.Int64(end);
    }

    private static void WriteContext(EventBatch batch, in TrackingEvent e, ref Cursor columns)
    {
        columns.Next().Text(batch.Text(e.SessionId));
        columns.Next().Text(batch.Text(e.Page));
        columns.Next().Text(batch.Text(e.Referrer));
        columns.Next().Text(batch.Text(e.CampaignSource));
        columns.Next().Text(batch.Text(e.CampaignMedium));
        columns.Next().Text(batch.Text(e.CampaignName));
        columns.Next().Text(batch.Text(e.CampaignContent));
        columns.Next().Text(batch.Text(e.CampaignTerm));
        columns.Next().Text(batch.Text(e.ShareFrom));
        columns.Next().Byte(e.HasShareDepth ? (byte)0 : (byte)1);
        columns.Next().Int32(e.HasShareDepth ? e.ShareDepth : 0);
        columns.NullableInt64(e.HasAmount, e.AmountFen);
        columns.Next().Text(batch.Text(e.Currency));
    }

    private void WriteProperties(EventBatch batch, scoped ReadOnlySpan<EventProperty> properties, ref Cursor columns)
    {
        var ends = columns.Next();
        var names = columns.Next();
        var values = columns.Next();
        var types = columns.Next();
        _properties += properties.Length;
        ends.Int64(_properties);
        types.Count(properties.Length);
        foreach (ref readonly var property in properties)
        {
            names.Text(batch.Text(property.Name));
            values.Text(batch.Text(property.Text));
            types.Byte("sldb"u8[(int)property.Type]);
        }
    }

    /// <summary>Walks the block's buffers in the order of the columns, once per row.</summary>
    private ref struct Cursor(ReadOnlySpan<ColumnBuffer> buffers)
    {
        private readonly ReadOnlySpan<ColumnBuffer> _buffers = buffers;
        private int _next;

        public ColumnBuffer Next() => _buffers[_next++];

        public void NullableInt64(bool present, long value)
        {
            Next().Byte(present ? (byte)0 : (byte)1);
            Next().Int64(present ? value : 0);
        }
    }
}
