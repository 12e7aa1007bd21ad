using System.Runtime.Intrinsics;
using System.Text;

namespace ScrmStream.Events;

/// <summary>The kinds of identifier, by default strongest first. The number is stored in cells: append, never renumber.</summary>
public enum IdentifierKind : byte
{
    UnionId, ExternalUserId, MemberId, LoginId, OpenId, Phone, Email, PendingId, DeviceId, Cookie, MpId, AnonymousId,
}

/// <summary>The classes of kinds, strongest first.</summary>
public enum IdentifierClass : byte { Account, App, Contact, Bridge, Device }

/// <summary>What is known of each kind: its word in events and stored texts, and the class it has when none is configured.</summary>
public static class IdentifierKinds
{
    private static readonly string[] Words =
    [
        "unionid", "external_userid", "member_id", "login_id", "openid", "phone", "email", "pending_id", "device_id", "cookie", "mp_id",
        "anonymous_id",
    ];

    private static readonly WordTable Utf8 = new(Words);

    // As one vector each, so that a stored text is put together in a few stores.
    private static readonly Vector256<byte>[] Prefixes =
        Array.ConvertAll(Words, word => Vector256.Create([.. Encoding.UTF8.GetBytes($"{word}:".PadRight(Vector256<byte>.Count, '\0'))]));

    private static readonly byte[] PrefixLengths = Array.ConvertAll(Words, word => (byte)(word.Length + 1));

    public static int Count => Words.Length;

    public static string Word(this IdentifierKind kind) => Words[(int)kind];

    public static ReadOnlySpan<byte> WordUtf8(this IdentifierKind kind) => Utf8[(int)kind];

    /// <summary>The word and its colon, then zeros.</summary>
    internal static Vector256<byte> Prefix(this IdentifierKind kind) => Prefixes[(int)kind];

    /// <summary>Length of the word with its colon.</summary>
    internal static int PrefixLength(this IdentifierKind kind) => PrefixLengths[(int)kind];

    /// <summary>The class where the configuration names none; which one holds, <c>KindTable</c> of the identity says.</summary>
    public static IdentifierClass DefaultClass(this IdentifierKind kind) => kind switch
    {
        <= IdentifierKind.LoginId => IdentifierClass.Account,
        IdentifierKind.OpenId => IdentifierClass.App,
        <= IdentifierKind.Email => IdentifierClass.Contact,
        IdentifierKind.PendingId => IdentifierClass.Bridge,
        _ => IdentifierClass.Device,
    };

    /// <summary>True for the one kind that links for a while. No configuration changes it: cells are laid out by it.</summary>
    public static bool IsBridge(this IdentifierKind kind) => kind == IdentifierKind.PendingId;

    /// <summary>True for values that name a person outside of any system: with a configured key they are stored as a keyed hash.</summary>
    public static bool IsPersonal(this IdentifierKind kind) => kind is IdentifierKind.Phone or IdentifierKind.Email;

    public static bool TryParse(ReadOnlySpan<byte> word, out IdentifierKind kind)
    {
        var found = Utf8.Find(word);
        kind = found < 0 ? default : (IdentifierKind)found;
        return found >= 0;
    }
}
