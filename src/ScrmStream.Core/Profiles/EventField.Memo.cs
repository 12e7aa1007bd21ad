using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// How a field of an event is put down and brought back: a text as its first 512 bytes, a number as eight bytes, and a property as
/// <code>u8 type | i64 number, or the bits of a double | text, at most 512 bytes</code>
/// </summary>
public sealed partial class EventField
{
    private const int NumberBytes = 8, PropertyHeadBytes = 9;

    internal static EventField EventId { get; } = TryFind("event_id")!;

    /// <summary>The bytes of the field's memo; -1 when the event has no such field, or has it anyway (the channel).</summary>
    internal int MemoBytes(EventBatch batch, in TrackingEvent e)
    {
        switch (_source)
        {
            case Source.Channel: return -1;
            case Source.AmountFen: return e.HasAmount ? NumberBytes : -1;
            case Source.ShareDepth: return e.HasShareDepth ? NumberBytes : -1;
            case Source.Property:
                var text = PropertyText(batch, in e);
                return text.IsPresent ? PropertyHeadBytes + EdgeEntry.Cut(batch.Text(text), EdgeValue.ValueBytesMax).Length : -1;
        }
        return Range(in e).IsPresent ? EdgeEntry.Cut(batch.Text(Range(in e)), EdgeValue.ValueBytesMax).Length : -1;
    }

    /// <summary>Puts the field down in exactly <see cref="MemoBytes"/> bytes.</summary>
    internal void WriteMemo(EventBatch batch, in TrackingEvent e, Span<byte> memo)
    {
        if (IsInteger)
        {
            BinaryPrimitives.WriteInt64LittleEndian(memo, _source == Source.AmountFen ? e.AmountFen : e.ShareDepth);
            return;
        }
        if (IsProperty)
        {
            ref readonly var property = ref batch.PropertiesOf(in e)[FindProperty(batch, in e)];
            memo[0] = (byte)property.Type;
            BinaryPrimitives.WriteInt64LittleEndian(
                memo[1..], property.Type == PropertyType.Double ? BitConverter.DoubleToInt64Bits(property.Double) : property.Long);
            batch.Text(property.Text)[..(memo.Length - PropertyHeadBytes)].CopyTo(memo[PropertyHeadBytes..]);
            return;
        }
        batch.Text(Range(in e))[..memo.Length].CopyTo(memo);
    }

    /// <summary>Gives an event that is being made the field back.</summary>
    /// <param name="memo">Where it is in the batch's buffer.</param>
    internal void Recall(EventBatch batch, ref TrackingEvent e, TextRange memo)
    {
        if (IsProperty)
        {
            RecallProperty(batch, ref e, memo);
            return;
        }
        switch (_source)
        {
            case Source.AmountFen: (e.AmountFen, e.HasAmount) = (BinaryPrimitives.ReadInt64LittleEndian(batch.Text(memo)), true); break;
            case Source.ShareDepth:
                (e.ShareDepth, e.HasShareDepth) = ((int)BinaryPrimitives.ReadInt64LittleEndian(batch.Text(memo)), true);
                break;
            case Source.Event: e.Name = memo; break;
            case Source.Page: e.Page = memo; break;
            case Source.SessionId: e.SessionId = memo; break;
            case Source.Referrer: e.Referrer = memo; break;
            case Source.Currency: e.Currency = memo; break;
            case Source.CampaignSource: e.CampaignSource = memo; break;
            case Source.CampaignMedium: e.CampaignMedium = memo; break;
            case Source.CampaignName: e.CampaignName = memo; break;
            case Source.CampaignContent: e.CampaignContent = memo; break;
            case Source.CampaignTerm: e.CampaignTerm = memo; break;
            case Source.EventId: e.EventId = memo; break;
            case Source.ShareFrom: e.ShareFrom = memo; break;
        }
    }

    private void RecallProperty(EventBatch batch, ref TrackingEvent e, TextRange memo)
    {
        ref var property = ref batch.NextProperty(batch.Copied(_property));
        var stored = batch.Text(memo);
        property.Type = (PropertyType)stored[0];
        var number = BinaryPrimitives.ReadInt64LittleEndian(stored[1..]);
        if (property.Type == PropertyType.Double) property.Double = BitConverter.Int64BitsToDouble(number);
        else property.Long = number;
        property.Text = new TextRange(memo.Start + PropertyHeadBytes, memo.Length - PropertyHeadBytes);
        if (batch.TryAccept(e.FirstProperty, int.MaxValue)) e.PropertyCount = batch.PropertyCount - e.FirstProperty;
    }
}
