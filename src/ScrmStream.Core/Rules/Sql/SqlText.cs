using System.Text;

namespace ScrmStream.Rules.Sql;

/// <summary>Text inside SQL: nothing from outside is put into a statement without one of these.</summary>
public static class SqlText
{
    /// <summary>A string literal.</summary>
    public static string Quote(string value) => Enclose(value, '\'');

    /// <summary>An identifier.</summary>
    public static string Name(string value) => Enclose(value, '`');

    private static string Enclose(string value, char quote)
    {
        var text = new StringBuilder(value.Length + 2).Append(quote);
        foreach (var c in value)
        {
            if (c == quote || c == '\\') text.Append('\\');
            if (c == '\0') text.Append("\\0");
            else text.Append(c);
        }
        return text.Append(quote).ToString();
    }
}
