namespace ScrmStream.Events;

/// <summary>Where the customer was met. An unknown word is <see cref="Other"/>; the word itself is kept in the properties.</summary>
public enum Channel : byte
{
    None, WechatOfficial, MiniProgram, Wecom, Moments, App, Web, Store, Douyin, Xiaohongshu, Weibo, Taobao, Meituan, Live,
    Call, Sms, Email, Crm, Other,
}

/// <summary>The type of a property's value.</summary>
public enum PropertyType : byte { String, Long, Double, Boolean }

/// <summary>What became of an event: the verdict is final once the anchor's cell is stored.</summary>
public enum Verdict : byte
{
    Accepted,
    Duplicate,
    /// <summary>
    /// It was judged before, and the verdict is no longer known. Its row was stored by then: what is
    /// written now shows only where that one is gone.
    /// </summary>
    Forgotten,
}

/// <summary>
/// One canonical event as flat data: its texts are ranges in the batch's buffer, its identifiers and properties are ranges in
/// the batch's arrays. Times are Unix milliseconds, money is integer fen.
/// </summary>
public struct TrackingEvent
{
    /// <summary>Index of the record in the batch, which gives partition, offset and record timestamp.</summary>
    public int Record;
    /// <summary>Place in the record's array; 0 for a record of one event.</summary>
    public int Index;

    /// <summary>The bytes of this event alone, as they came; empty where the format cannot tell them from the record's.</summary>
    public TextRange Raw;

    public TextRange EventId, Name, SessionId, Page, Referrer, Currency;
    public TextRange CampaignSource, CampaignMedium, CampaignName, CampaignContent, CampaignTerm, ShareFrom;

    public long EventTimeMs;
    /// <summary>0 when absent.</summary>
    public long ReceivedTimeMs;
    public long AmountFen;
    public int ShareDepth;
    public Channel Channel;
    public bool HasAmount;
    public bool HasShareDepth;
    public Verdict Verdict;
    /// <summary>Its row with this verdict is in the tables already.</summary>
    public bool IsStored;

    /// <summary>The event's identifiers are <c>batch.Identifiers[FirstIdentifier .. + IdentifierCount]</c>: normalised, known kinds,
    /// no junk, no repeats; personal ones hashed where there is a key. Unverified ones are kept with
    /// <see cref="EventIdentifier.Verified"/> false. While keys are rotated there are aliases (<see cref="EventIdentifier.AliasOf"/>).
    /// </summary>
    public int FirstIdentifier, IdentifierCount;
    /// <summary>Index in <c>batch.Identifiers</c> of the strongest verified identifier.</summary>
    public int Anchor;
    /// <summary>The anchor's identifier id; set by the deciding thread.</summary>
    public UInt128 AnchorId;
    /// <summary>The event's properties are <c>batch.Properties[FirstProperty .. + PropertyCount]</c>, in the order of the record.</summary>
    public int FirstProperty, PropertyCount;
    /// <summary>Number of identifiers the record named, before junk and unknown kinds were dropped; aliases are not among them.</summary>
    public int NamedIdentifiers;

    /// <summary>An event of which nothing is known yet: no texts, no time.</summary>
    internal static readonly TrackingEvent Empty = new()
    {
        EventTimeMs = long.MinValue,
        EventId = TextRange.Absent, Name = TextRange.Absent, SessionId = TextRange.Absent, Page = TextRange.Absent,
        Referrer = TextRange.Absent, Currency = TextRange.Absent, CampaignSource = TextRange.Absent, CampaignMedium = TextRange.Absent,
        CampaignName = TextRange.Absent, CampaignContent = TextRange.Absent, CampaignTerm = TextRange.Absent, ShareFrom = TextRange.Absent,
    };
}

/// <summary>One identifier of an event. <see cref="Text"/> is the stored text <c>kind:scope:value</c>.</summary>
public struct EventIdentifier
{
    public TextRange Text;
    /// <summary>64-bit fingerprint of the stored text; look-ups verify the bytes.</summary>
    public ulong Fingerprint;
    public IdentifierKind Kind;
    public bool Verified;
    /// <summary>Index in the deciding thread's identifier table; -1 until it is interned there.</summary>
    public int Node;

    // One more than AliasOf, so that an identifier nobody said it of is no alias.
    private int _principal;

    /// <summary>
    /// Index in <c>batch.Identifiers</c> of the same phone or e-mail under the current key, when this is its text under an old one; else
    /// -1. An alias is verified, stands behind its principal in the order of the keys, and is never the anchor.
    /// </summary>
    public int AliasOf
    {
        readonly get => _principal - 1;
        set => _principal = value + 1;
    }
}

/// <summary>One property of an event.</summary>
public struct EventProperty
{
    public TextRange Name;
    /// <summary>The value's text: of a string its content, of a number or boolean the JSON literal.</summary>
    public TextRange Text;
    public PropertyType Type;
    public long Long;
    public double Double;
}
