using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// Where a lead came from, as the event that made it says: the identifier it is attributed to, channel, campaign and inviter. Texts are
/// cut at 48 bytes, between characters.
/// <code>
/// u64 first half of the anchor's id, big endian | u8 channel | u8 source | u8 campaign | u8 inviter: lengths | source | campaign | inviter
/// </code>
/// </summary>
public readonly ref struct LeadOrigin(ReadOnlySpan<byte> bytes)
{
    public const int TextBytesMax = 48;
    public const int BytesMax = HeadBytes + 3 * TextBytesMax;
    private const int HeadBytes = 12;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>The first 16 hex digits of the id of the identifier that the event is attributed to.</summary>
    public ulong Anchor => _bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt64BigEndian(_bytes);
    public Channel Channel => _bytes.IsEmpty ? Channel.None : (Channel)_bytes[8];
    /// <summary><c>campaign.source</c>; empty when the event had none.</summary>
    public ReadOnlySpan<byte> Source => _bytes.IsEmpty ? default : _bytes.Slice(HeadBytes, _bytes[9]);
    /// <summary><c>campaign.name</c>.</summary>
    public ReadOnlySpan<byte> Campaign => _bytes.IsEmpty ? default : _bytes.Slice(HeadBytes + _bytes[9], _bytes[10]);
    /// <summary><c>share.from</c>: who brought the customer.</summary>
    public ReadOnlySpan<byte> Inviter => _bytes.IsEmpty ? default : _bytes.Slice(HeadBytes + _bytes[9] + _bytes[10], _bytes[11]);

    /// <summary>Writes what an event says, at most <see cref="BytesMax"/>; returns how many.</summary>
    public static int Write(EventBatch batch, in TrackingEvent e, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, (ulong)(e.AnchorId >> 64));
        destination[8] = (byte)e.Channel;
        var length = HeadBytes;
        destination[9] = Append(batch.Text(e.CampaignSource), destination, ref length);
        destination[10] = Append(batch.Text(e.CampaignName), destination, ref length);
        destination[11] = Append(batch.Text(e.ShareFrom), destination, ref length);
        return length;
    }

    private static byte Append(ReadOnlySpan<byte> text, Span<byte> destination, ref int length)
    {
        text = EdgeEntry.Cut(text, TextBytesMax);
        text.CopyTo(destination[length..]);
        length += text.Length;
        return (byte)text.Length;
    }
}
