using System.Text;
using System.Text.RegularExpressions;
using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// Identifier values that say nothing about who it is: null words, test numbers, zeros, a device's repeated character. Exact values are
/// compared without regard to ASCII case; patterns are .NET regular expressions without backtracking over the whole value. Values are
/// given in normal form (<see cref="Normaliser"/>). Thread safe.
/// </summary>
public sealed class JunkList
{
    /// <summary>The shipped values. Zeros with or without separators are junk besides.</summary>
    public static readonly string[] DefaultValues =
        ["null", "undefined", "nil", "none", "nan", "n/a", "na", "unknown", "anonymous", "guest", "test", "true", "false", "-", "0", "-1",
         "[object object]", "13800138000", "+8613800138000", "13800000000", "+8613800000000", "13888888888", "+8613888888888",
         "test@test.com", "test@example.com", "a@a.com"];

    private const int ValueBytesMax = 1024;
    // Shorter ones may be somebody's numbering.
    private const int RepeatsMin = 4;
    private readonly Dictionary<ulong, byte[]> _values = [];
    private readonly int _longestValue;
    private readonly Regex? _patterns;

    public JunkList(IEnumerable<string> values, IReadOnlyCollection<string> patterns)
    {
        foreach (var value in values)
        {
            // Only ASCII, as Contains does: any other capital would never be found again.
            var utf8 = Encoding.UTF8.GetBytes(string.Concat(value.Select(c => char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c)));
            _values.TryAdd(Fingerprint.Of(utf8), utf8);
            _longestValue = Math.Max(_longestValue, utf8.Length);
        }
        if (patterns.Count == 0) return;
        _patterns = new Regex($"^(?:{string.Join('|', patterns)})\\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    public static JunkList Default { get; } = new(DefaultValues, []);

    public bool Contains(IdentifierKind kind, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || value.Length > ValueBytesMax) return value.IsEmpty;
        if (value.Length <= _longestValue && IsListed(value)) return true;
        // Advertising ids that were refused are zeros with or without separators; broken devices repeat any one character.
        if (!value.ContainsAnyExcept((byte)'0', (byte)':', (byte)'-')) return true;
        if (kind == IdentifierKind.DeviceId && IsOneCharacter(value)) return true;
        return _patterns is not null && MatchesPattern(value);
    }

    private bool IsListed(ReadOnlySpan<byte> value)
    {
        Span<byte> lower = stackalloc byte[value.Length];
        for (var i = 0; i < value.Length; i++) lower[i] = value[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(value[i] | 0x20) : value[i];
        return _values.TryGetValue(Fingerprint.Of(lower), out var known) && lower.SequenceEqual(known);
    }

    private static bool IsOneCharacter(ReadOnlySpan<byte> value)
    {
        var first = value.IndexOfAnyExcept("{:-._ "u8);
        if (first < 0) return true;
        var repeats = 0;
        foreach (var character in value)
        {
            if (character == value[first]) repeats++;
            else if ("{}:-._ "u8.IndexOf(character) < 0) return false;
        }
        return repeats >= RepeatsMin;
    }

    private bool MatchesPattern(ReadOnlySpan<byte> value)
    {
        Span<char> chars = stackalloc char[value.Length];
        return _patterns!.IsMatch(chars[..Encoding.UTF8.GetChars(value, chars)]);
    }
}
