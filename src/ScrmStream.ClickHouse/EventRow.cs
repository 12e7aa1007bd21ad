using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using ScrmStream.Events;

namespace ScrmStream.ClickHouse;

/// <summary>
/// One row of stored events in ClickHouse's RowBinary, found out part by part and then put into a batch whole: its texts are ranges of the
/// row. One thread; reused for every row.
/// </summary>
internal sealed class EventRow
{
    private const int TextsMax = 11, GuidBytes = 16;

    // The field as rules name it, its column, and where its text belongs.
    private static readonly (string Field, string Column)[] Texts =
    [
        ("event_id", "event_id"), ("session_id", "session_id"), ("page", "page"), ("referrer", "referrer"),
        ("campaign.source", "campaign_source"), ("campaign.medium", "campaign_medium"), ("campaign.name", "campaign_name"),
        ("campaign.content", "campaign_content"), ("campaign.term", "campaign_term"), ("share.from", "share_from"),
        ("currency", "currency"),
    ];

    private readonly bool[] _has;
    private readonly bool _hasDepth, _hasAmount, _hasProperties;
    private readonly TextRange[] _texts = new TextRange[TextsMax];
    private readonly List<(TextRange Name, TextRange Text)> _properties = [];
    private readonly Dictionary<(Guid Id, string Topic, int Partition), SourcePartition> _known = [];
    private UInt128 _anchor;
    private TextRange _topicId, _topic, _event, _channel, _types;
    private int _partition, _index;
    private long _offset, _timeMs, _amount;
    private int? _depth;
    private bool _isAmount;
    private SourcePartition? _last;
    private byte[] _lastTopic = [];
    private Guid _lastId;

    public EventRow(IReadOnlyList<string> columns)
    {
        _has = [.. Texts.Select(t => columns.Contains(t.Column))];
        (_hasDepth, _hasAmount) = (columns.Contains("share_depth"), columns.Contains("amount_fen"));
        _hasProperties = columns.Contains("properties");
    }

    /// <summary>The columns that hold some fields of events, in the order in which a row has them.</summary>
    public static IReadOnlyList<string> ColumnsFor(IReadOnlySet<string> fields)
    {
        var columns = Texts.Where(t => fields.Contains(t.Field)).Select(t => t.Column).ToList();
        if (fields.Contains("share.depth")) columns.Add("share_depth");
        if (fields.Contains("amount_fen")) columns.Add("amount_fen");
        if (fields.Contains("properties.")) columns.AddRange(["properties", "property_types"]);
        return columns;
    }

    /// <summary>Finds out the row that the bytes begin with; false when they end before it does.</summary>
    public bool TryRead(ReadOnlySpan<byte> bytes, out int length)
    {
        var row = new Cursor(bytes);
        _anchor = row.Fixed(16) is { IsEmpty: false } anchor ? BinaryPrimitives.ReadUInt128LittleEndian(anchor) : 0;
        _topicId = row.Range(GuidBytes);
        _topic = row.Text();
        _partition = row.Int32();
        _offset = row.Int64();
        _index = row.Int32();
        _event = row.Text();
        _timeMs = row.Int64();
        _channel = row.Text();
        for (var i = 0; i < _has.Length; i++) _texts[i] = _has[i] ? row.Text() : TextRange.Absent;
        _depth = _hasDepth && !row.IsNull() ? row.Int32() : null;
        _isAmount = _hasAmount && !row.IsNull();
        _amount = _isAmount ? row.Int64() : 0;
        ReadProperties(ref row);
        length = row.At;
        return !row.IsShort;
    }

    /// <summary>Adds the row that was found out last to a batch.</summary>
    public void AddTo(EventBatch batch, ReadOnlySpan<byte> row)
    {
        batch.Records.Add(PartitionOf(row), _offset, -1, row);
        var start = batch.Records.Records[batch.Records.Count - 1].Start;
        TextRange At(TextRange range) => range.Length > 0 ? new TextRange(start + range.Start, range.Length) : TextRange.Absent;
        batch.Add(new TrackingEvent
        {
            Record = batch.Records.Count - 1, Index = _index, AnchorId = _anchor, EventTimeMs = _timeMs, Name = At(_event),
            Channel = ChannelOf(row), EventId = At(_texts[0]), SessionId = At(_texts[1]), Page = At(_texts[2]), Referrer = At(_texts[3]),
            CampaignSource = At(_texts[4]), CampaignMedium = At(_texts[5]), CampaignName = At(_texts[6]), CampaignContent = At(_texts[7]),
            CampaignTerm = At(_texts[8]), ShareFrom = At(_texts[9]), Currency = At(_texts[10]), HasShareDepth = _depth is not null,
            ShareDepth = _depth ?? 0, HasAmount = _isAmount, AmountFen = _amount, FirstProperty = batch.PropertyCount,
            PropertyCount = _properties.Count, FirstIdentifier = batch.IdentifierCount,
        });
        for (var i = 0; i < _properties.Count; i++) batch.Add(Property(row, i, start));
    }

    private void ReadProperties(ref Cursor row)
    {
        _properties.Clear();
        if (!_hasProperties) return;
        for (var left = row.Count(); left > 0 && !row.IsShort; left--) _properties.Add((row.Text(), row.Text()));
        _types = row.Text();
    }

    private EventProperty Property(ReadOnlySpan<byte> row, int i, int start)
    {
        var (name, text) = _properties[i];
        var property = new EventProperty
        {
            Name = new TextRange(start + name.Start, name.Length), Text = new TextRange(start + text.Start, text.Length),
            Type = (PropertyType)"sldb"u8.IndexOf(row[_types.Start + i]),
        };
        var value = row.Slice(text.Start, text.Length);
        switch (property.Type)
        {
            case PropertyType.Long when Utf8Parser.TryParse(value, out long number, out _):
                (property.Long, property.Double) = (number, number);
                break;
            case PropertyType.Double when Utf8Parser.TryParse(value, out double number, out _):
                property.Double = number;
                break;
            case PropertyType.Boolean:
                property.Long = value.SequenceEqual("true"u8) ? 1 : 0;
                property.Double = property.Long;
                break;
        }
        return property;
    }

    // An absent channel is stored as an empty word.
    private Channel ChannelOf(ReadOnlySpan<byte> row) => _channel.Length == 0 ? Channel.None
        : ChannelWords.TryParse(row.Slice(_channel.Start, _channel.Length), out var channel) ? channel : Channel.Other;

    // A UUID is two numbers of eight bytes, the upper one first.
    private SourcePartition PartitionOf(ReadOnlySpan<byte> row)
    {
        var topic = row.Slice(_topic.Start, _topic.Length);
        Span<byte> id = stackalloc byte[GuidBytes];
        var stored = row.Slice(_topicId.Start, GuidBytes);
        BinaryPrimitives.WriteUInt64BigEndian(id, BinaryPrimitives.ReadUInt64LittleEndian(stored));
        BinaryPrimitives.WriteUInt64BigEndian(id[8..], BinaryPrimitives.ReadUInt64LittleEndian(stored[8..]));
        var topicId = new Guid(id, bigEndian: true);
        if (_last is not null && _last.Partition == _partition && _lastId == topicId && topic.SequenceEqual(_lastTopic)) return _last;
        var key = (topicId, Encoding.UTF8.GetString(topic), _partition);
        if (!_known.TryGetValue(key, out var partition))
            _known.Add(key, partition = new SourcePartition(key.topicId, key.Item2, _partition));
        (_last, _lastId, _lastTopic) = (partition, topicId, topic.ToArray());
        return partition;
    }

    /// <summary>Walks the values of a row; what lies beyond the bytes reads as nothing, and is noted.</summary>
    private ref struct Cursor(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public int At { get; private set; }
        public bool IsShort { get; private set; }

        public ReadOnlySpan<byte> Fixed(int count)
        {
            if (IsShort || count > _bytes.Length - At)
            {
                IsShort = true;
                return default;
            }
            At += count;
            return _bytes.Slice(At - count, count);
        }

        public TextRange Range(int count) => Fixed(count).Length == count && !IsShort ? new TextRange(At - count, count) : TextRange.Absent;

        public int Int32() => Fixed(sizeof(int)) is { IsEmpty: false } value ? BinaryPrimitives.ReadInt32LittleEndian(value) : 0;

        public long Int64() => Fixed(sizeof(long)) is { IsEmpty: false } value ? BinaryPrimitives.ReadInt64LittleEndian(value) : 0;

        public bool IsNull() => Fixed(1) is { IsEmpty: false } flag && flag[0] != 0;

        public int Count()
        {
            var (count, shift) = (0, 0);
            while (Fixed(1) is { IsEmpty: false } next)
            {
                count |= (next[0] & 0x7F) << shift;
                if (next[0] < 0x80) return count;
                shift += 7;
            }
            return 0;
        }

        public TextRange Text() => Range(Count());
    }
}
