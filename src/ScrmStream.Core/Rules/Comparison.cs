namespace ScrmStream.Rules;

/// <summary>How two values are compared.</summary>
internal enum Comparison : byte { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual }

internal static class Comparisons
{
    private static readonly string[] Symbols = ["=", "!=", "<", "<=", ">", ">="];

    public static string Symbol(this Comparison comparison) => Symbols[(int)comparison];

    public static Comparison Of(string symbol) => (Comparison)Array.IndexOf(Symbols, symbol);

    public static bool Holds(this Comparison comparison, long left, long right) => comparison switch
    {
        Comparison.Equal => left == right,
        Comparison.NotEqual => left != right,
        Comparison.Less => left < right,
        Comparison.LessOrEqual => left <= right,
        Comparison.Greater => left > right,
        _ => left >= right,
    };

    public static bool Holds(this Comparison comparison, Int128 left, Int128 right) => comparison switch
    {
        Comparison.Equal => left == right,
        Comparison.NotEqual => left != right,
        Comparison.Less => left < right,
        Comparison.LessOrEqual => left <= right,
        Comparison.Greater => left > right,
        _ => left >= right,
    };
}
