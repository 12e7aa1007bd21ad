using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace ScrmStream.Events;

/// <summary>Numbers as the shortest text that reads back as the same number; the framework's text, made faster where it is plain.</summary>
internal static class NumberTexts
{
    /// <summary>No number's text is longer.</summary>
    public const int BytesMax = 32;

    // Whole numbers up to it are exact in a double, and a double tells all texts of at most 15 digits apart.
    private const double ExactMax = 1e15;
    private const double PlainMin = 1e-4;

    private static ReadOnlySpan<double> Powers => [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

    /// <param name="target">At least <see cref="BytesMax"/> bytes.</param>
    /// <returns>The text's length.</returns>
    public static int Write(long number, Span<byte> target)
    {
        if ((ulong)number > 9) return WriteAny(number, target);
        target[0] = (byte)('0' + number);
        return 1;
    }

    /// <param name="number">Finite.</param>
    /// <param name="target">At least <see cref="BytesMax"/> bytes.</param>
    /// <returns>The text's length.</returns>
    public static int Write(double number, Span<byte> target)
    {
        var size = Math.Abs(number);
        if (size is not (>= PlainMin and < ExactMax)) return WriteAny(number, target);
        for (var places = 0; places < Powers.Length; places++)
        {
            var digits = Math.Round(size * Powers[places]);
            if (digits >= ExactMax) break;
            // A quotient of two exact numbers is the double nearest to it, so the text of these digits reads back as the number. It is the
            // only one of 15 digits or fewer that does, and the first that is found does not end with a zero.
            if (digits / Powers[places] == size) return WritePlaces(number < 0, (ulong)digits, places, target);
        }
        return WriteAny(number, target);
    }

    private static int WritePlaces(bool isNegative, ulong digits, int places, Span<byte> target)
    {
        var length = isNegative ? 1 : 0;
        target[0] = (byte)'-';
        var power = (ulong)Powers[places];
        var (whole, fraction) = Math.DivRem(digits, power);
        length += Write((long)whole, target[length..]);
        if (places == 0) return length;
        target[length] = (byte)'.';
        for (var place = places; place > 0; place--)
        {
            (fraction, var digit) = Math.DivRem(fraction, 10);
            target[length + place] = (byte)('0' + digit);
        }
        return length + 1 + places;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int WriteAny<T>(T number, Span<byte> target) where T : IUtf8SpanFormattable
    {
        var fits = number.TryFormat(target, out var length, default, CultureInfo.InvariantCulture);
        Debug.Assert(fits, "No number of 64 bits takes more than 24 bytes.");
        return length;
    }
}
