using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// Brings the values of identifiers into one form, so that one phone number or address is one identifier however it was written
/// (docs/identifiers.md). Applying it twice gives the same as once. Thread safe.
/// </summary>
/// <param name="phoneRegion">Calling code of phone numbers that name none, 1 to 3 digits.</param>
public sealed class Normaliser(string phoneRegion)
{
    /// <summary>Room that <see cref="Normalise"/> needs.</summary>
    public const int ScratchBytes = EmailAddress.BytesMax;

    private readonly byte[] _region = Encoding.ASCII.GetBytes(phoneRegion);

    /// <summary>True when the value is seen to be in normal form without work; false says nothing.</summary>
    public static bool IsNormal(IdentifierKind kind, ReadOnlySpan<byte> value) => kind switch
    {
        IdentifierKind.Phone => PhoneNumber.IsMobile(value),
        IdentifierKind.Email => false,
        _ => !WhiteSpace.Surrounds(value),
    };

    /// <summary>The value in normal form: in <paramref name="scratch"/>, or the part of the value that counts; empty if invalid.</summary>
    public ReadOnlySpan<byte> Normalise(IdentifierKind kind, ReadOnlySpan<byte> value, Span<byte> scratch) => kind switch
    {
        IdentifierKind.Phone => scratch[..PhoneNumber.Write(value, _region, scratch)],
        IdentifierKind.Email => scratch[..EmailAddress.Write(value, scratch)],
        _ => WhiteSpace.Trim(value),
    };

    /// <summary>The same for a text; null when invalid.</summary>
    public string? NormaliseText(IdentifierKind kind, string value)
    {
        var normal = Normalise(kind, Encoding.UTF8.GetBytes(value), stackalloc byte[ScratchBytes]);
        return normal.IsEmpty ? null : Encoding.UTF8.GetString(normal);
    }
}
