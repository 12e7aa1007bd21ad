using System.Buffers.Binary;

namespace ScrmStream.Identity;

/// <summary>
/// The id of an identifier: the first 16 bytes (32 hex digits) of the SHA-256 of its stored text <c>kind:scope:value</c>.
/// A customer's id is the id of its root identifier.
/// </summary>
public readonly record struct IdentifierId(UInt128 Value) : IComparable<IdentifierId>
{
    public static IdentifierId Of(ReadOnlySpan<byte> storedText)
    {
        Span<byte> hash = stackalloc byte[ShortSha256.HashBytes];
        ShortSha256.Hash(storedText, hash);
        return new IdentifierId(BinaryPrimitives.ReadUInt128BigEndian(hash));
    }

    /// <summary>Takes 32 hex digits.</summary>
    public static bool TryParse(ReadOnlySpan<char> hex, out IdentifierId id)
    {
        var ok = UInt128.TryParse(hex, System.Globalization.NumberStyles.AllowHexSpecifier, null, out var value) && hex.Length == 32;
        id = new IdentifierId(ok ? value : 0);
        return ok;
    }

    /// <summary>0..4095: the first three hex digits, the hash tag of the identifier's keys.</summary>
    public int Bucket => (int)(Value >> 116);

    public int CompareTo(IdentifierId other) => Value.CompareTo(other.Value);

    /// <summary>The bytes that the hex digits stand for, 16.</summary>
    public void WriteBytes(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    /// <summary>32 lower-case hex digits.</summary>
    public override string ToString() => Value.ToString("x32", null);

    /// <summary>Writes the 32 hex digits as ASCII.</summary>
    public void WriteHex(Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[16];
        WriteBytes(bytes);
        Convert.TryToHexStringLower(bytes, destination, out _);
    }
}
