using System.Text;
using System.Text.RegularExpressions;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Tests.Tidy;

namespace ScrmStream.Tests.Identity;

/// <summary>Normal forms: the table of docs/identifiers.md line by line, and what holds of every value.</summary>
public sealed class NormaliserTests
{
    private const string Canonical = "+8613912345678";

    public static TheoryData<string, string, string> Documented
    {
        get
        {
            var lines = new TheoryData<string, string, string>();
            foreach (var line in File.ReadLines(Repository.Full("docs/identifiers.md")))
            {
                var row = Regex.Match(line, @"^\| (\w+) \| `([^`]*)` \| (?:`([^`]*)`|dropped) \|$");
                if (row.Success) lines.Add(row.Groups[1].Value, Regex.Unescape(Escaped(row.Groups[2].Value)), row.Groups[3].Value);
            }
            return lines;
        }
    }

    [Theory]
    [MemberData(nameof(Documented))]
    public void Document_Line_IsWhatHappens(string kind, string given, string stored)
    {
        Assert.True(IdentifierKinds.TryParse(Encoding.UTF8.GetBytes(kind), out var known));
        var normal = new Normaliser("86").NormaliseText(known, given);
        if (normal is not null && JunkList.Default.Contains(known, Encoding.UTF8.GetBytes(normal))) normal = null;
        Assert.Equal(stored.Length == 0 ? null : stored, normal);
    }

    [Fact]
    public void Document_Table_IsRead() => Assert.True(Documented.Count() > 70, "the table of docs/identifiers.md is not found");

    [Fact]
    public void Normalise_OneMobileNumberInAnyRendering_IsTheSame()
    {
        string[] prefixes = ["", "0", "86", "+86", "0086", "17951", "12593", "17911", "179510", "1795186", "17951+86", "tel:+86", "(+86)", "[+86]"];
        string[] separators = ["", " ", "-", ".", "\u00a0", "\u3000", " - ", "\u2011", "—", "\u200b", "）（"];
        string[] extensions = ["", "转1", " ext.22", "x333", "#4444", "分机 55555", ",,666666", ";ext=7777777", "，88888888"];
        int[][] groups = [[11], [3, 4, 4], [3, 3, 5], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]];
        var seen = 0;
        foreach (var prefix in prefixes)
            foreach (var separator in separators)
                foreach (var extension in extensions)
                    foreach (var sizes in groups)
                        foreach (var isWide in new[] { false, true })
                        {
                            var text = prefix + separator + Grouped("13912345678", sizes, separator) + extension;
                            var given = isWide ? Wide(text) : text;
                            Assert.True(Canonical == Phone(given), $"'{given}' became '{Phone(given)}'");
                            seen++;
                        }
        Assert.Equal(14 * 11 * 9 * 4 * 2, seen);
    }

    [Fact]
    public void Normalise_AnyBytes_NeverThrowsAndTwiceIsOnce()
    {
        var random = new Random(1);
        var changed = 0;
        foreach (var region in new[] { "86", "1", "44", "852" })
        {
            var normaliser = new Normaliser(region);
            for (var i = 0; i < 100_000; i++)
            {
                var value = i % 4 == 0 ? RandomBytes(random) : Encoding.UTF8.GetBytes(RandomText(random));
                foreach (var kind in new[] { IdentifierKind.Phone, IdentifierKind.Email, IdentifierKind.OpenId })
                {
                    var once = normaliser.Normalise(kind, value, new byte[Normaliser.ScratchBytes]).ToArray();
                    if (once.Length == 0) continue;
                    var twice = normaliser.Normalise(kind, once, new byte[Normaliser.ScratchBytes]).ToArray();
                    Assert.True(once.AsSpan().SequenceEqual(twice), $"{kind} '{Encoding.UTF8.GetString(value)}' of region {region}");
                    if (!once.AsSpan().SequenceEqual(value)) changed++;
                    if (Normaliser.IsNormal(kind, value)) Assert.Equal(value, once);
                }
            }
        }
        Assert.True(changed > 10_000, $"only {changed} values were changed: the test shows little");
    }

    [Fact]
    public void Normalise_AnotherRegion_PutsItsCallingCodeInFront()
    {
        var hongKong = new Normaliser("852");
        Assert.Equal("+85291234567", hongKong.NormaliseText(IdentifierKind.Phone, "9123 4567"));
        Assert.Equal("+442079460958", new Normaliser("44").NormaliseText(IdentifierKind.Phone, "020 7946 0958"));
        Assert.Equal(Canonical, hongKong.NormaliseText(IdentifierKind.Phone, "+86 139 1234 5678"));
        Assert.Null(hongKong.NormaliseText(IdentifierKind.Phone, "+86 129 1234 5678"));
    }

    [Fact]
    public void Normalise_Email_HasAtMost254Bytes()
    {
        var longest = new string('a', 254 - 11) + "@example.cn";
        Assert.Equal(longest, new Normaliser("86").NormaliseText(IdentifierKind.Email, longest.ToUpperInvariant()));
        Assert.Null(new Normaliser("86").NormaliseText(IdentifierKind.Email, "a" + longest));
        Assert.Null(new Normaliser("86").NormaliseText(IdentifierKind.Email, new string('猫', 400) + "@example.cn"));
    }

    private static string? Phone(string given) => new Normaliser("86").NormaliseText(IdentifierKind.Phone, given);

    private static string Grouped(string digits, int[] sizes, string separator)
    {
        var groups = new List<string>();
        foreach (var size in sizes) groups.Add(digits.Substring(groups.Sum(g => g.Length), size));
        return string.Join(separator, groups);
    }

    // All of ASCII but "tel:" has a full-width form that means the same.
    private static string Wide(string text)
    {
        var start = text.StartsWith("tel:", StringComparison.Ordinal) ? 4 : 0;
        return text[..start] + string.Concat(text[start..].Select(c => c is > ' ' and < '\x7f' ? (char)(c + 0xFEE0) : c));
    }

    private static string RandomText(Random random)
    {
        string[] pieces =
        [
            "1", "3", "9", "0", "00", "86", "+86", "+", "139", "12345678", "010", "0755", "400", "17951", "tel:", "mailto:", "-", " ", "(0)", "(", "\u3000",
            "转", "x", "ext", "#", "@", "a", "B", "é", "例", ".", "。", "example.cn", "Ａ", "＠", "１", "\u200b", "\t", "😀",
        ];
        return string.Concat(random.GetItems(pieces, random.Next(0, 8)));
    }

    private static byte[] RandomBytes(Random random)
    {
        var bytes = new byte[random.Next(0, 40)];
        random.NextBytes(bytes);
        return bytes;
    }

    // Only \u escapes mean something in the document.
    private static string Escaped(string text) => Regex.Replace(Regex.Escape(text), @"\\\\u([0-9a-f]{4})", @"\u$1");
}
