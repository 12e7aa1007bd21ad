using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ScrmStream.Events;

/// <summary>Why an event or a whole record was set aside; the word is what metrics, dead letters and summaries say.</summary>
public enum RejectReason : byte
{
    NotDecodable, TooLarge, LimitExceeded, NoEventName, NoEventTime, EventTimeOutOfRange, NoVerifiedIdentifier, BadUnbind, BadRelease,
    Duplicate, UnknownSchema, IncompatibleSchema, UnsupportedFormat, RefusedByTables,
}

/// <summary>A rejected event: its place and why. <see cref="Index"/> is -1 when the record as a whole was rejected.</summary>
/// <param name="Raw">The bytes of the event alone; empty: those of the record, which may hold other events too.</param>
public readonly record struct Reject(int Record, int Index, RejectReason Reason, string Detail, TextRange Raw = default);

/// <summary>
/// The decoded events of one <see cref="RecordBatch"/>, which it keeps until it is recycled. Arrays grow to what a batch needs
/// and are reused, so a warm batch allocates nothing. Owned by one thread at a time.
/// </summary>
public sealed class EventBatch(RecordBatch records)
{
    private const int Wide = 32;

    private TrackingEvent[] _events = new TrackingEvent[1024];
    private EventIdentifier[] _identifiers = new EventIdentifier[2048];
    private EventProperty[] _properties = new EventProperty[2048];

    public RecordBatch Records { get; } = records;
    /// <summary>The bytes that every <see cref="TextRange"/> of this batch refers to.</summary>
    public byte[] Buffer => Records.Buffer;

    public int Count { get; private set; }
    public int IdentifierCount { get; private set; }
    public int PropertyCount { get; private set; }
    public Span<TrackingEvent> Events => _events.AsSpan(0, Count);
    public Span<EventIdentifier> Identifiers => _identifiers.AsSpan(0, IdentifierCount);
    public Span<EventProperty> Properties => _properties.AsSpan(0, PropertyCount);
    public List<Reject> Rejects { get; } = [];

    /// <summary>
    /// Of which epoch the verdicts are (<see cref="RowEpoch"/>): those of a higher one overrule those of a lower. Set by the deciding
    /// thread.
    /// </summary>
    public ulong Epoch { get; set; }

    /// <summary>The greatest writer epoch before that one in which a process alone may have judged, with no cell that says so.</summary>
    public ulong AheadBefore { get; set; }

    /// <summary>The epoch of one verdict: <see cref="Epoch"/>, or <see cref="RowEpoch.Forgotten"/>.</summary>
    public ulong EpochOf(in TrackingEvent e) => e.Verdict == Verdict.Forgotten ? RowEpoch.Forgotten : Epoch;

    /// <summary>Identifiers dropped as junk, of unknown kind or invalid; the events were kept.</summary>
    public int DroppedIdentifiers { get; set; }

    public Span<EventIdentifier> IdentifiersOf(in TrackingEvent e) => _identifiers.AsSpan(e.FirstIdentifier, e.IdentifierCount);

    public Span<EventProperty> PropertiesOf(in TrackingEvent e) => _properties.AsSpan(e.FirstProperty, e.PropertyCount);

    public ReadOnlySpan<byte> Text(TextRange range) => range.In(Buffer);

    /// <summary>
    /// Some of its events, with their verdicts; to be read only until this batch is recycled, for it shares what they refer to.
    /// </summary>
    internal EventBatch Part(int first, int count) => new(Records)
    {
        _events = _events[first..(first + count)], _identifiers = _identifiers, _properties = _properties,
        Count = count, IdentifierCount = IdentifierCount, PropertyCount = PropertyCount, Epoch = Epoch, AheadBefore = AheadBefore,
    };

    public SourcePosition PositionOf(in TrackingEvent e)
    {
        ref var record = ref Records.Records[e.Record];
        return new SourcePosition(record.Partition, record.Offset, e.Index);
    }

    public void Add(in TrackingEvent e)
    {
        if (Count == _events.Length) Array.Resize(ref _events, Count * 2);
        _events[Count++] = e;
    }

    /// <summary>
    /// The place of the next event, made empty, to be filled there: it counts only after <see cref="Accept"/>, and until then no other is
    /// begun.
    /// </summary>
    internal ref TrackingEvent Next(int record, int index)
    {
        if (Count == _events.Length) Array.Resize(ref _events, Count * 2);
        ref var e = ref _events[Count];
        e = TrackingEvent.Empty;
        (e.Record, e.Index, e.FirstIdentifier, e.FirstProperty) = (record, index, IdentifierCount, PropertyCount);
        return ref e;
    }

    /// <summary>Adds the event that was filled in its place.</summary>
    internal void Accept() => Count++;

    public void Add(in EventIdentifier identifier)
    {
        if (IdentifierCount == _identifiers.Length) Array.Resize(ref _identifiers, IdentifierCount * 2);
        _identifiers[IdentifierCount++] = identifier;
    }

    public void Add(in EventProperty property)
    {
        if (PropertyCount == _properties.Length) Array.Resize(ref _properties, PropertyCount * 2);
        _properties[PropertyCount++] = property;
    }

    /// <summary>Adds an identifier of the event that is being made; known by its text, not yet screened.</summary>
    internal void AddIdentifier(IdentifierKind kind, TextRange text, bool isVerified)
    {
        if (IdentifierCount == _identifiers.Length) Array.Resize(ref _identifiers, IdentifierCount * 2);
        ref var identifier = ref _identifiers[IdentifierCount++];
        identifier = default;
        identifier.Text = text;
        identifier.Kind = kind;
        identifier.Verified = isVerified;
        identifier.Node = -1;
    }

    /// <summary>The place of the next property, made empty, to be filled there; it counts only after <see cref="TryAccept"/>.</summary>
    internal ref EventProperty NextProperty(TextRange name)
    {
        if (PropertyCount == _properties.Length) Array.Resize(ref _properties, PropertyCount * 2);
        ref var property = ref _properties[PropertyCount];
        property = default;
        property.Name = name;
        return ref property;
    }

    /// <summary>Adds the property that was filled in its place, or puts it over one of its name: of two the later counts.</summary>
    /// <param name="first">The event's first property.</param>
    /// <param name="countMax">False when the event would have more.</param>
    internal bool TryAccept(int first, int countMax)
    {
        ref var property = ref _properties[PropertyCount];
        var name = Text(property.Name);
        for (var i = first; i < PropertyCount; i++)
        {
            if (_properties[i].Name.Length != name.Length || !name.SequenceEqual(Text(_properties[i].Name))) continue;
            _properties[i] = property;
            return true;
        }
        if (PropertyCount - first >= countMax) return false;
        PropertyCount++;
        return true;
    }

    /// <summary>Puts a text behind the records.</summary>
    internal TextRange Copied(ReadOnlySpan<byte> text) => Records.Copied(text);

    /// <summary>Whether a text holds a colon, which parts the stored text of an identifier.</summary>
    internal bool HasColon(TextRange text)
    {
        if (text.Length <= 0) return false;
        if (text.Length > Wide || text.Start > Buffer.Length - Wide) return Text(text).Contains((byte)':');
        var bytes = Vector256.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(Buffer), (nuint)text.Start);
        var colons = Vector256.Equals(bytes, Vector256.Create((byte)':')).ExtractMostSignificantBits();
        return (colons & (uint)((1ul << text.Length) - 1)) != 0;
    }

    /// <summary>Puts an identifier's stored text, <c>kind:scope:value</c>, behind the records.</summary>
    internal TextRange StoredText(IdentifierKind kind, TextRange scope, TextRange value)
    {
        var scopeAt = kind.PrefixLength();
        var colonAt = scopeAt + Math.Max(scope.Length, 0);
        var length = colonAt + 1 + value.Length;
        var start = Records.Reserve(length);
        if (Math.Max(scope.Length, value.Length) <= Wide && start + length <= Buffer.Length - Wide)
            WriteWide(kind, scope, value, start, start + colonAt);
        else
        {
            var text = Buffer.AsSpan(start, length);
            kind.WordUtf8().CopyTo(text);
            text[scopeAt - 1] = (byte)':';
            Text(scope).CopyTo(text[scopeAt..]);
            text[colonAt] = (byte)':';
            Text(value).CopyTo(text[(colonAt + 1)..]);
        }
        return new TextRange(start, length);
    }

    // Each part is written as 32 bytes, whatever its length; the next part, or the next text, goes over what was too much. The texts lie
    // before the new one in the same buffer, so what is read too much of them is there to be read.
    private void WriteWide(IdentifierKind kind, TextRange scope, TextRange value, int start, int colon)
    {
        ref var buffer = ref MemoryMarshal.GetArrayDataReference(Buffer);
        kind.Prefix().StoreUnsafe(ref buffer, (nuint)start);
        if (scope.Length > 0)
            Vector256.LoadUnsafe(ref buffer, (nuint)scope.Start).StoreUnsafe(ref buffer, (nuint)(colon - scope.Length));
        Unsafe.Add(ref buffer, colon) = (byte)':';
        Vector256.LoadUnsafe(ref buffer, (nuint)value.Start).StoreUnsafe(ref buffer, (nuint)(colon + 1));
    }

    /// <summary>Takes back what a rejected event had added.</summary>
    public void Truncate(int identifiers, int properties)
    {
        IdentifierCount = identifiers;
        PropertyCount = properties;
    }

    /// <summary>Takes back the events behind the first <paramref name="count"/>.</summary>
    public void TruncateEvents(int count) => Count = count;

    public void Clear()
    {
        Records.Clear();
        Rejects.Clear();
        Count = IdentifierCount = PropertyCount = DroppedIdentifiers = 0;
        Epoch = 0;
    }
}
