using System.Numerics;

namespace ScrmStream.Profiles;

/// <summary>
/// 2^x and log2 in arithmetic that is the same on every machine: a table made by integer square roots, integer products, and of
/// floating point only + - * /.
/// </summary>
internal static class PowersOfTwo
{
    private const int TableBits = 8;
    private const int Tables = 3;
    private const ulong Ln2 = 0xB172_17F7_D1CF_79AB; // ln 2 x 2^64

    private static readonly ulong[] Table = BuildTable();

    /// <summary>2^x in [1, 2), times 2^63, for x = fraction / 2^63 in [0, 1). Relative error below 4e-15.</summary>
    public static ulong Mantissa(ulong fraction)
    {
        var table = Table;
        var result = table[(int)(fraction >> 55) & 255];
        result = Math.BigMul(result, table[256 + ((int)(fraction >> 47) & 255)], out _) << 1;
        result = Math.BigMul(result, table[512 + ((int)(fraction >> 39) & 255)], out _) << 1;
        // The last 39 bits: 2^e = 1 + e ln 2 with an error below (2^-24 ln 2)^2 / 2.
        var rest = Math.BigMul(fraction & ((1UL << 39) - 1), Ln2, out _);
        return result + (Math.BigMul(result, rest, out _) << 1);
    }

    /// <summary>log2 of a positive finite number; absolute error below 1e-14 plus the rounding of the result.</summary>
    public static double Log2(double value)
    {
        var exponent = Math.ILogB(value);
        var m = Math.ScaleB(value, -exponent);
        if (m > 1.4142135623730951)
        {
            m /= 2;
            exponent++;
        }
        var s = (m - 1) / (m + 1);
        var square = s * s;
        var sum = 0.0;
        for (var k = 25; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
        return exponent + 2 * s * sum * 1.4426950408889634;
    }

    // Entry i of table j is 2^(i / 2^(8 (j + 1))) times 2^63.
    private static ulong[] BuildTable()
    {
        const int bits = 128;
        var roots = new BigInteger[Tables * TableBits];
        var root = new BigInteger(2) << bits;
        for (var i = 0; i < roots.Length; i++) roots[i] = root = SquareRoot(root << bits);

        var table = new ulong[Tables << TableBits];
        for (var entry = 0; entry < table.Length; entry++)
        {
            var product = BigInteger.One << bits;
            for (var bit = 0; bit < TableBits; bit++)
            {
                if ((entry >> (TableBits - 1 - bit) & 1) == 0) continue;
                product = product * roots[(entry >> TableBits) * TableBits + bit] >> bits;
            }
            table[entry] = (ulong)(product >> (bits - 63));
        }
        return table;
    }

    // The integer square root, by Newton's method from above.
    private static BigInteger SquareRoot(BigInteger square)
    {
        var root = BigInteger.One << (int)((square.GetBitLength() + 1) / 2);
        while (true)
        {
            var next = (root + square / root) >> 1;
            if (next >= root) return root;
            root = next;
        }
    }
}
