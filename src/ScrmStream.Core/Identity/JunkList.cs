using System.Text;
using System.Text.RegularExpressions;
using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// Identifier values that say nothing about who it is: null words, test numbers, zeros. Exact values are compared without regard to
/// ASCII case; patterns are .NET regular expressions without backtracking over the whole value. Thread safe.
/// </summary>
public sealed class JunkList
{
    /// <summary>The shipped values.</summary>
    public static readonly string[] DefaultValues =
        ["null", "undefined", "nil", "none", "nan", "n/a", "na", "unknown", "anonymous", "guest", "test", "true", "false", "-", "0", "-1",
         "[object object]", "13800138000", "+8613800138000", "13800000000", "+8613800000000", "13888888888", "+8613888888888",
         "test@test.com", "test@example.com", "a@a.com"];

    /// <summary>The shipped patterns: zeros with or without separators (advertising ids that were refused).</summary>
    public static readonly string[] DefaultPatterns = ["[0:-]+"];

    private const int ValueBytesMax = 1024;
    private readonly Dictionary<ulong, byte[]> _values = [];
    private readonly Regex? _patterns;

    public JunkList(IEnumerable<string> values, IReadOnlyCollection<string> patterns)
    {
        foreach (var value in values)
        {
            // Only ASCII, as Contains does: any other capital would never be found again.
            var utf8 = Encoding.UTF8.GetBytes(string.Concat(value.Select(c => char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c)));
            _values.TryAdd(Fingerprint.Of(utf8), utf8);
        }
        if (patterns.Count == 0) return;
        _patterns = new Regex($"^(?:{string.Join('|', patterns)})\\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    public static JunkList Default { get; } = new(DefaultValues, DefaultPatterns);

    public bool Contains(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || value.Length > ValueBytesMax) return value.IsEmpty;
        Span<byte> lower = stackalloc byte[value.Length];
        for (var i = 0; i < value.Length; i++) lower[i] = value[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(value[i] | 0x20) : value[i];
        if (_values.TryGetValue(Fingerprint.Of(lower), out var known) && lower.SequenceEqual(known)) return true;
        return _patterns is not null && MatchesPattern(value);
    }

    private bool MatchesPattern(ReadOnlySpan<byte> value)
    {
        Span<char> chars = stackalloc char[value.Length];
        return _patterns!.IsMatch(chars[..Encoding.UTF8.GetChars(value, chars)]);
    }
}
