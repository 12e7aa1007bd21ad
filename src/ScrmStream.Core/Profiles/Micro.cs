using System.Buffers.Text;
using System.Globalization;

namespace ScrmStream.Profiles;

/// <summary>
/// Numbers as integers of 10^-6 ("micro"), so that adding them is exact and the order of events cannot show. A value is at most
/// 10^25 micro either way (every 64-bit integer fits); 2^32 of them still fit in 128 bits.
/// </summary>
public static class Micro
{
    public const long One = 1_000_000;
    /// <summary>Room for the longest text of a number.</summary>
    public const int TextBytesMax = 48;

    private const double LimitMicro = 1e25;

    public static Int128 From(long value) => (Int128)value * One;

    /// <summary>The nearest micro, ties to even; false for what is no number.</summary>
    public static bool TryFrom(double value, out Int128 micro)
    {
        micro = 0;
        if (!double.IsFinite(value)) return false;
        micro = (Int128)Math.Clamp(Math.Round(value * One, MidpointRounding.ToEven), -LimitMicro, LimitMicro);
        return true;
    }

    /// <summary>It is no more than <see cref="TryFrom"/> gives at most.</summary>
    public static bool IsInRange(Int128 micro) => Int128.Abs(micro) <= (Int128)LimitMicro;

    /// <summary>The product, to the nearest micro, ties to even; false where it does not fit.</summary>
    public static bool TryMultiply(Int128 a, Int128 b, out Int128 micro)
    {
        micro = 0;
        if (a != 0 && Int128.Abs(b) > Int128.MaxValue / Int128.Abs(a)) return false;
        micro = DivideToNearest(a * b, One);
        return true;
    }

    /// <summary>The quotient, to the nearest micro, ties to even; false where it does not fit, and for a divisor of 0.</summary>
    public static bool TryDivide(Int128 a, Int128 b, out Int128 micro)
    {
        micro = 0;
        if (b == 0 || Int128.Abs(a) > Int128.MaxValue / One) return false;
        micro = DivideToNearest(a * One, b);
        return true;
    }

    /// <summary>The nearest whole number to a quotient, ties to even.</summary>
    public static Int128 DivideToNearest(Int128 dividend, Int128 divisor)
    {
        var (quotient, rest) = Int128.DivRem(Int128.Abs(dividend), Int128.Abs(divisor));
        var missing = Int128.Abs(divisor) - rest;
        if (rest > missing || (rest == missing && quotient % 2 != 0)) quotient++;
        return dividend < 0 == divisor < 0 ? quotient : -quotient;
    }

    /// <summary>Reads the text of a number: exact for at most six decimals, else the nearest double's micro.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out Int128 micro)
    {
        if (Utf8Parser.TryParse(utf8, out long whole, out var used) && used == utf8.Length)
        {
            micro = From(whole);
            return true;
        }
        micro = 0;
        return Utf8Parser.TryParse(utf8, out double value, out used) && used == utf8.Length && TryFrom(value, out micro);
    }

    /// <summary>Reads a number of a rule file: an optional minus, at most 18 digits, at most six decimals.</summary>
    public static bool TryParseExact(string text, out Int128 micro)
    {
        micro = 0;
        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        if (!decimal.TryParse(text, style, CultureInfo.InvariantCulture, out var value)) return false;
        if (Math.Abs(value) >= 1_000_000_000_000_000_000m || decimal.Round(value, 6) != value) return false;
        micro = (Int128)(value * One);
        return true;
    }

    /// <summary>Writes the shortest decimal text, such as 12, -0.5; returns its length.</summary>
    public static int Format(Int128 micro, Span<byte> destination)
    {
        var magnitude = micro < 0 ? (UInt128)(-micro) : (UInt128)micro;
        var at = 0;
        if (micro < 0) destination[at++] = (byte)'-';
        (magnitude / One).TryFormat(destination[at..], out var written, default, CultureInfo.InvariantCulture);
        at += written;
        var fraction = (int)(magnitude % One);
        if (fraction == 0) return at;
        destination[at++] = (byte)'.';
        for (var digit = 100_000; fraction > 0; digit /= 10)
        {
            destination[at++] = (byte)('0' + fraction / digit);
            fraction %= digit;
        }
        return at;
    }
}
