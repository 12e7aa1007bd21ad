using System.Buffers;
using System.Buffers.Binary;

namespace ScrmStream.Events.Avro;

/// <summary>
/// Writes decoded events as data of the canonical schema. What the decoder dropped of an event's identifiers is written as empty ones, so
/// that they are counted and dropped again; an event without a channel becomes one of <c>other</c>, for the schema has no absent one.
/// </summary>
public static class AvroEventWriter
{
    private const int StringBranch = 0, DoubleBranch = 1, LongBranch = 2, BooleanBranch = 3;

    /// <param name="e">An event of the batch, before or after its identifiers were screened.</param>
    public static void Write(EventBatch batch, in TrackingEvent e, IBufferWriter<byte> target)
    {
        Optional(target, batch, e.EventId);
        Text(target, batch.Text(e.Name));
        Long(target, e.EventTimeMs);
        OptionalLong(target, e.ReceivedTimeMs != 0, e.ReceivedTimeMs);
        Long(target, (e.Channel == Channel.None ? (int)Channel.Other : (int)e.Channel) - 1);
        Identifiers(target, batch, in e);
        Optional(target, batch, e.SessionId);
        Optional(target, batch, e.Page);
        Optional(target, batch, e.Referrer);
        Campaign(target, batch, in e);
        Share(target, batch, in e);
        OptionalLong(target, e.HasAmount, e.AmountFen);
        Optional(target, batch, e.Currency);
        Properties(target, batch, in e);
    }

    private static void Identifiers(IBufferWriter<byte> target, EventBatch batch, in TrackingEvent e)
    {
        var count = Math.Max(e.NamedIdentifiers, e.IdentifierCount);
        if (count > 0) Long(target, count);
        foreach (ref readonly var identifier in batch.IdentifiersOf(in e))
        {
            var kind = identifier.Kind.WordUtf8();
            var scopeAndValue = batch.Text(identifier.Text)[(kind.Length + 1)..];
            var colon = scopeAndValue.IndexOf((byte)':');
            Identifier(target, kind, scopeAndValue[..colon], scopeAndValue[(colon + 1)..], identifier.Verified);
        }
        for (var i = e.IdentifierCount; i < count; i++) Identifier(target, default, default, default, isVerified: false);
        Long(target, 0);
    }

    private static void Identifier(
        IBufferWriter<byte> target, ReadOnlySpan<byte> kind, ReadOnlySpan<byte> scope, ReadOnlySpan<byte> value, bool isVerified)
    {
        Text(target, kind);
        Text(target, scope);
        Text(target, value);
        target.Write([isVerified ? (byte)1 : (byte)0]);
    }

    private static void Campaign(IBufferWriter<byte> target, EventBatch batch, in TrackingEvent e)
    {
        var isThere = e.CampaignSource.IsPresent || e.CampaignMedium.IsPresent || e.CampaignName.IsPresent
            || e.CampaignContent.IsPresent || e.CampaignTerm.IsPresent;
        Long(target, isThere ? 1 : 0);
        if (!isThere) return;
        Optional(target, batch, e.CampaignSource);
        Optional(target, batch, e.CampaignMedium);
        Optional(target, batch, e.CampaignName);
        Optional(target, batch, e.CampaignContent);
        Optional(target, batch, e.CampaignTerm);
    }

    private static void Share(IBufferWriter<byte> target, EventBatch batch, in TrackingEvent e)
    {
        var isThere = e.ShareFrom.IsPresent || e.HasShareDepth;
        Long(target, isThere ? 1 : 0);
        if (!isThere) return;
        Optional(target, batch, e.ShareFrom);
        OptionalLong(target, e.HasShareDepth, e.ShareDepth);
    }

    private static void Properties(IBufferWriter<byte> target, EventBatch batch, in TrackingEvent e)
    {
        if (e.PropertyCount > 0) Long(target, e.PropertyCount);
        foreach (ref readonly var property in batch.PropertiesOf(in e))
        {
            Text(target, batch.Text(property.Name));
            Value(target, batch, in property);
        }
        Long(target, 0);
    }

    private static void Value(IBufferWriter<byte> target, EventBatch batch, in EventProperty property)
    {
        switch (property.Type)
        {
            case PropertyType.String:
                Long(target, StringBranch);
                Text(target, batch.Text(property.Text));
                break;
            case PropertyType.Double:
                Long(target, DoubleBranch);
                BinaryPrimitives.WriteDoubleLittleEndian(target.GetSpan(8), property.Double);
                target.Advance(8);
                break;
            case PropertyType.Long:
                Long(target, LongBranch);
                Long(target, property.Long);
                break;
            default:
                Long(target, BooleanBranch);
                target.Write([(byte)property.Long]);
                break;
        }
    }

    // Null is the first branch of all optional fields.
    private static void Optional(IBufferWriter<byte> target, EventBatch batch, TextRange text)
    {
        Long(target, text.IsPresent ? 1 : 0);
        if (text.IsPresent) Text(target, batch.Text(text));
    }

    private static void OptionalLong(IBufferWriter<byte> target, bool isThere, long value)
    {
        Long(target, isThere ? 1 : 0);
        if (isThere) Long(target, value);
    }

    private static void Text(IBufferWriter<byte> target, ReadOnlySpan<byte> text)
    {
        Long(target, text.Length);
        target.Write(text);
    }

    private static void Long(IBufferWriter<byte> target, long value)
    {
        var zigzag = (ulong)(value << 1) ^ (ulong)(value >> 63);
        var span = target.GetSpan(10);
        var length = 0;
        for (; zigzag >= 0x80; zigzag >>= 7) span[length++] = (byte)(zigzag | 0x80);
        span[length++] = (byte)zigzag;
        target.Advance(length);
    }
}
