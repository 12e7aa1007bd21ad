using System.Globalization;
using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>A field of an event as rules name it: <c>event</c>, <c>page</c>, <c>campaign.source</c>, <c>properties.topic</c>, ...</summary>
public sealed partial class EventField
{
    private const string PropertyPrefix = "properties.";

    private enum Source : byte
    {
        Event, Channel, Page, SessionId, Referrer, Currency, CampaignSource, CampaignMedium, CampaignName, CampaignContent,
        CampaignTerm, ShareFrom, EventId, ShareDepth, AmountFen, Property,
    }

    private static readonly string[] Names =
        ["event", "channel", "page", "session_id", "referrer", "currency", "campaign.source", "campaign.medium", "campaign.name",
         "campaign.content", "campaign.term", "share.from", "event_id", "share.depth", "amount_fen"];

    private readonly Source _source;
    private readonly byte[] _property;

    private EventField(Source source, string name)
    {
        _source = source;
        Name = name;
        _property = source == Source.Property ? Encoding.UTF8.GetBytes(name[PropertyPrefix.Length..]) : [];
    }

    /// <summary>The field's name in rules.</summary>
    public string Name { get; }

    public bool IsEvent => _source == Source.Event;
    public bool IsChannel => _source == Source.Channel;
    /// <summary>Always a number, never text.</summary>
    public bool IsInteger => _source is Source.AmountFen or Source.ShareDepth;
    public bool IsProperty => _source == Source.Property;
    /// <summary>May hold a number.</summary>
    public bool CanBeNumber => IsInteger || IsProperty;

    public static IEnumerable<string> Known => Names;

    public static string KnownNames => string.Join(", ", Names) + ", properties.NAME";

    public static EventField? TryFind(string name)
    {
        if (name.Length > PropertyPrefix.Length && name.StartsWith(PropertyPrefix, StringComparison.Ordinal))
        {
            return new EventField(Source.Property, name);
        }
        var i = Array.IndexOf(Names, name);
        return i < 0 ? null : new EventField((Source)i, name);
    }

    /// <summary>The field as text; false when the event has none.</summary>
    /// <param name="scratch">At least 24 bytes, for numbers.</param>
    public bool TryGetText(EventBatch batch, in TrackingEvent e, Span<byte> scratch, out ReadOnlySpan<byte> text)
    {
        if (_source == Source.Channel)
        {
            text = e.Channel.WordUtf8();
            return e.Channel != Channel.None;
        }
        if (IsInteger)
        {
            var present = TryGetMicro(batch, in e, out _);
            var written = 0;
            if (present)
            {
                var number = _source == Source.AmountFen ? e.AmountFen : e.ShareDepth;
                number.TryFormat(scratch, out written, default, CultureInfo.InvariantCulture);
            }
            text = scratch[..written];
            return present;
        }
        var range = IsProperty ? PropertyText(batch, in e) : Range(in e);
        text = batch.Text(range);
        // An empty text of a property is one; everywhere else it is none, as in the analysts' tables.
        return IsProperty ? range.IsPresent : range.Length > 0;
    }

    /// <summary>The field as a number in micro; false when the event has none, or it is no number.</summary>
    public bool TryGetMicro(EventBatch batch, in TrackingEvent e, out Int128 micro)
    {
        switch (_source)
        {
            case Source.AmountFen:
                micro = Micro.From(e.AmountFen);
                return e.HasAmount;
            case Source.ShareDepth:
                micro = Micro.From(e.ShareDepth);
                return e.HasShareDepth;
        }
        var i = FindProperty(batch, in e);
        micro = 0;
        if (i < 0) return false;
        ref readonly var property = ref batch.PropertiesOf(in e)[i];
        if (property.Type == PropertyType.Double) return Micro.TryFrom(property.Double, out micro);
        micro = Micro.From(property.Long);
        return property.Type == PropertyType.Long;
    }

    /// <summary>The type of a property; null when the event has none of that name.</summary>
    public PropertyType? TypeOf(EventBatch batch, in TrackingEvent e)
    {
        var i = FindProperty(batch, in e);
        return i < 0 ? null : batch.PropertiesOf(in e)[i].Type;
    }

    private TextRange PropertyText(EventBatch batch, in TrackingEvent e)
    {
        var i = FindProperty(batch, in e);
        return i < 0 ? TextRange.Absent : batch.PropertiesOf(in e)[i].Text;
    }

    private int FindProperty(EventBatch batch, in TrackingEvent e)
    {
        var properties = batch.PropertiesOf(in e);
        for (var i = 0; i < properties.Length; i++)
        {
            if (batch.Text(properties[i].Name).SequenceEqual(_property)) return i;
        }
        return -1;
    }

    private TextRange Range(in TrackingEvent e) => _source switch
    {
        Source.Event => e.Name,
        Source.Page => e.Page,
        Source.SessionId => e.SessionId,
        Source.Referrer => e.Referrer,
        Source.Currency => e.Currency,
        Source.CampaignSource => e.CampaignSource,
        Source.CampaignMedium => e.CampaignMedium,
        Source.CampaignName => e.CampaignName,
        Source.CampaignContent => e.CampaignContent,
        Source.CampaignTerm => e.CampaignTerm,
        Source.EventId => e.EventId,
        _ => e.ShareFrom,
    };
}
