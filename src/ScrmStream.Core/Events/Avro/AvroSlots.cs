using System.Runtime.CompilerServices;

namespace ScrmStream.Events.Avro;

/// <summary>What a field of the canonical event is filled with.</summary>
internal enum AvroSlotKind : byte { None, Text, Time, Number, Depth, Boolean, Channel, Identifiers, Properties, Record }

/// <summary>Where a field of the canonical schema goes.</summary>
/// <param name="Path">Its name, with that of the record around it.</param>
/// <param name="BytesMax">Of a text.</param>
/// <param name="Inner">The fields of a record.</param>
internal sealed record AvroSlot(
    AvroSlotKind Kind, string Path, int Offset = 0, int BytesMax = 0, Dictionary<string, AvroSlot>? Inner = null)
{
    private static readonly AvroSlot Nowhere = new(AvroSlotKind.None, "");

    /// <summary>Where a field of the record goes.</summary>
    public AvroSlot Of(string field) => Inner!.GetValueOrDefault(field, Nowhere);
}

/// <summary>An identifier while its fields are being read; they may come in any order.</summary>
internal struct NamedIdentifier
{
    public TextRange Kind, Scope, Value;
    public bool Verified;
}

/// <summary>The canonical event's fields and where they lie in <see cref="TrackingEvent"/> and <see cref="NamedIdentifier"/>.</summary>
internal static class AvroSlots
{
    public static AvroSlot Event(EventLimits limits)
    {
        var e = new TrackingEvent();
        var (key, value) = (limits.KeyBytesMax, limits.ValueBytesMax);
        AvroSlot Text(string path, ref TextRange field, int max) => new(AvroSlotKind.Text, path, Offset(ref e, ref field), max);
        AvroSlot Record(string path, params (string, AvroSlot)[] fields) => new(AvroSlotKind.Record, path, Inner: Named(fields));
        return Record(
            "event",
            ("event_id", Text("event_id", ref e.EventId, value)),
            ("event", Text("event", ref e.Name, key)),
            ("event_time", new(AvroSlotKind.Time, "event_time", Offset(ref e, ref e.EventTimeMs))),
            ("received_time", new(AvroSlotKind.Time, "received_time", Offset(ref e, ref e.ReceivedTimeMs))),
            ("channel", new(AvroSlotKind.Channel, "channel")),
            ("identifiers", new(AvroSlotKind.Identifiers, "identifiers", Inner: Identifier(limits))),
            ("session_id", Text("session_id", ref e.SessionId, value)),
            ("page", Text("page", ref e.Page, value)),
            ("referrer", Text("referrer", ref e.Referrer, value)),
            ("campaign", Record(
                "campaign",
                ("source", Text("campaign.source", ref e.CampaignSource, value)),
                ("medium", Text("campaign.medium", ref e.CampaignMedium, value)),
                ("name", Text("campaign.name", ref e.CampaignName, value)),
                ("content", Text("campaign.content", ref e.CampaignContent, value)),
                ("term", Text("campaign.term", ref e.CampaignTerm, value)))),
            ("share", Record(
                "share",
                ("from", Text("share.from", ref e.ShareFrom, value)),
                ("depth", new(AvroSlotKind.Depth, "share.depth")))),
            ("amount_fen", new(AvroSlotKind.Number, "amount_fen", Offset(ref e, ref e.AmountFen))),
            ("currency", Text("currency", ref e.Currency, key)),
            ("properties", new(AvroSlotKind.Properties, "properties")));
    }

    private static Dictionary<string, AvroSlot> Identifier(EventLimits limits)
    {
        var i = new NamedIdentifier();
        return Named(
            ("kind", new(AvroSlotKind.Text, "kind", Offset(ref i, ref i.Kind), limits.KeyBytesMax)),
            ("scope", new(AvroSlotKind.Text, "scope", Offset(ref i, ref i.Scope), limits.IdentifierBytesMax)),
            ("value", new(AvroSlotKind.Text, "value", Offset(ref i, ref i.Value), limits.IdentifierBytesMax)),
            ("verified", new(AvroSlotKind.Boolean, "verified", Offset(ref i, ref i.Verified))));
    }

    private static Dictionary<string, AvroSlot> Named(params (string Name, AvroSlot Slot)[] fields) =>
        fields.ToDictionary(f => f.Name, f => f.Slot, StringComparer.Ordinal);

    // A step knows its field by the distance from the start of the struct: one store, whatever the field.
    private static int Offset<TOwner, TField>(ref TOwner owner, ref TField field) =>
        (int)Unsafe.ByteOffset(ref Unsafe.As<TOwner, byte>(ref owner), ref Unsafe.As<TField, byte>(ref field));
}
