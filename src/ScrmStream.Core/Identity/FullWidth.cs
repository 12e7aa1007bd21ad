using System.Text;

namespace ScrmStream.Identity;

/// <summary>Full-width forms, which Chinese input methods write for ASCII (Unicode block FF00).</summary>
internal static class FullWidth
{
    /// <summary>The ASCII character of a full-width form; any other character as it is.</summary>
    public static Rune ToAscii(Rune rune) => rune.Value is >= 0xFF01 and <= 0xFF5E ? new Rune(rune.Value - 0xFEE0) : rune;
}
