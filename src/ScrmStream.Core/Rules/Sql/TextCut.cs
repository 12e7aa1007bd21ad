using System.Globalization;

namespace ScrmStream.Rules.Sql;

/// <summary>At most so many bytes of a text, cut between characters.</summary>
internal static class TextCut
{
    private const string Lambda = """
        ((text, bytes) -> if(length(text) <= bytes, text, substring(text, 1,
                arrayFirst(n -> bitAnd(reinterpretAsUInt8(substring(text, n + 1, 1)), 192) != 128,
                    [bytes, bytes - 1, bytes - 2, bytes - 3]))))
        """;

    public static string Of(string text, int bytesMax, SqlScope scope) =>
        string.Create(CultureInfo.InvariantCulture, $"{scope.Function("cut", Lambda)}({text}, {bytesMax})");
}
