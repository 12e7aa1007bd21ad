using System.Buffers.Text;
using ScrmStream.Events;

namespace ScrmStream.Host.Generation;

/// <summary>The identifiers of the story's people: a pure function of seed and person.</summary>
internal sealed class PetShopIdentifiers(int seed, int heroine)
{
    /// <summary>The heroine's identifiers are the same for every seed, so that a reader can ask for them.</summary>
    public static readonly (Known Slot, string StoredText)[] Heroine =
    [
        (Known.OfficialOpenId, "openid:wx-official-petshop:oOfficial-lin-xiaoman"),
        (Known.MiniOpenId, "openid:wx-mini-petshop:oMini-lin-xiaoman"),
        (Known.UnionId, "unionid:wx-open-petshop:oUnion-lin-xiaoman"), (Known.Member, "member_id:petshop:M-lin-xiaoman"),
        (Known.Phone, "phone::+8615900000001"), (Known.Device, "device_id:petshop-app:D-lin-xiaoman"),
        (Known.Cookie, "cookie:petshop.example:C-lin-xiaoman"),
    ];

    /// <summary>All slots, in the order in which an event names them.</summary>
    public static readonly Known[] Slots =
        [Known.UnionId, Known.Member, Known.OfficialOpenId, Known.MiniOpenId, Known.Phone, Known.Device, Known.Cookie];

    public static (IdentifierKind Kind, string Scope) KindOf(Known slot) => slot switch
    {
        Known.OfficialOpenId => (IdentifierKind.OpenId, "wx-official-petshop"),
        Known.MiniOpenId => (IdentifierKind.OpenId, "wx-mini-petshop"),
        Known.UnionId => (IdentifierKind.UnionId, "wx-open-petshop"),
        Known.Member => (IdentifierKind.MemberId, "petshop"),
        Known.Phone => (IdentifierKind.Phone, ""),
        Known.Device => (IdentifierKind.DeviceId, "petshop-app"),
        _ => (IdentifierKind.Cookie, "petshop.example"),
    };

    /// <summary>Writes the value of a person's identifier; returns its length (at most 32 bytes).</summary>
    public int Value(int person, Known slot, Span<byte> destination)
    {
        if (person == heroine) return HeroineValue(slot, destination);
        if (slot == Known.Phone) return Phone(person, destination);
        destination[0] = slot switch
        {
            Known.Member => (byte)'M',
            Known.Device => (byte)'D',
            Known.Cookie => (byte)'C',
            _ => (byte)'o',
        };
        destination[1] = (byte)'-';
        var hash = Mix(((ulong)(uint)seed << 40) ^ ((ulong)(uint)person << 8) ^ (byte)slot);
        Utf8Formatter.TryFormat(hash, destination[2..], out var length, new System.Buffers.StandardFormat('x', 16));
        return length + 2;
    }

    // 7919 is coprime to 10^9, so no two people of a seed share a number; no number of +8615 is on the list of junk.
    private int Phone(int person, Span<byte> destination)
    {
        "+8615"u8.CopyTo(destination);
        var digits = (ulong)(((long)person * 7919 + (uint)seed * 104_729L + 17) % 1_000_000_000);
        Utf8Formatter.TryFormat(digits, destination[5..], out var length, new System.Buffers.StandardFormat('d', 9));
        return length + 5;
    }

    private static int HeroineValue(Known slot, Span<byte> destination)
    {
        var text = Array.Find(Heroine, h => h.Slot == slot).StoredText;
        return System.Text.Encoding.UTF8.GetBytes(text.AsSpan(text.LastIndexOf(':') + 1), destination);
    }

    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
