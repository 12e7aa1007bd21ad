using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// Finds the stored text of an identifier that a person names, by the same steps that events go through (<see cref="IdentifierScreen"/>).
/// Thread safe.
/// </summary>
public sealed class IdentifierLookup(IdentityOptions options)
{
    private readonly Normaliser _normaliser = options.Normaliser();
    private readonly JunkList _junk = options.Junk();
    private readonly PersonalKeys _keys = new(options.PersonalKeys);

    /// <summary>The texts that an identifier may be stored under, to be tried in turn.</summary>
    /// <param name="named">
    /// <c>KIND:SCOPE:VALUE</c>, split at the first two colons; the value as anyone writes it, or hashed as it is stored.
    /// </param>
    /// <returns>One text; of a phone or e-mail one per key, the current one first.</returns>
    /// <exception cref="ArgumentException">It cannot be the name of anybody; the message says why and what to give.</exception>
    public IReadOnlyList<string> TextsOf(string named)
    {
        var parts = named.Split(':', 3);
        if (parts.Length < 3 || !IdentifierKinds.TryParse(Encoding.UTF8.GetBytes(parts[0]), out var kind))
            throw new ArgumentException($"'{named}' is not KIND:SCOPE:VALUE with a kind of {string.Join(", ", Kinds)}.");
        if (IsHashed(named, kind)) return [named];
        if (_normaliser.NormaliseText(kind, parts[2]) is not { } value) throw new ArgumentException(Invalid(kind, parts[2]));
        if (_junk.Contains(kind, Encoding.UTF8.GetBytes(value)))
            throw new ArgumentException($"'{named}' is on the list of junk values, which are dropped from every event: nobody has it.");
        var text = $"{parts[0]}:{parts[1]}:{value}";
        return kind.IsPersonal() && _keys.Count > 0 ? [.. Enumerable.Range(0, _keys.Count).Select(key => Hashed(text, kind, key))] : [text];
    }

    private static IEnumerable<string> Kinds => Enum.GetValues<IdentifierKind>().Select(k => k.Word());

    private bool IsHashed(string text, IdentifierKind kind) =>
        IdentifierText.KeyId(Encoding.UTF8.GetBytes(text), kind) is { IsEmpty: false } id && _keys.Knows(id);

    private string Hashed(string text, IdentifierKind kind, int key)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var value = new byte[_keys.ValueBytes(key)];
        _keys.WriteValue(key, plain, value);
        return Encoding.UTF8.GetString(plain.AsSpan()[..^IdentifierText.Value(plain, kind).Length]) + Encoding.ASCII.GetString(value);
    }

    private static string Invalid(IdentifierKind kind, string value) => kind switch
    {
        IdentifierKind.Phone => $"'{value}' is not the phone number of a person: give it in E.164, such as +8613912345678, or as it is "
            + "dialled, such as 13912345678 or 010-12345678.",
        IdentifierKind.Email => $"'{value}' is not an e-mail address: give it plain, such as ann@example.cn.",
        _ => $"An identifier of kind {kind.Word()} has to have a value.",
    };
}
