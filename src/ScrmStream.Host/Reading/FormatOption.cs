using System.CommandLine;

namespace ScrmStream.Host.Reading;

/// <summary>The option <c>--format</c>, the same on every verb that prints a result.</summary>
internal static class FormatOption
{
    public const string Json = "json", Text = "text", Csv = "csv", Table = "table", Tsv = "tsv";

    /// <summary>Null when it is not given: then the verb writes for whoever reads standard output.</summary>
    public static Option<string?> Of(params string[] formats)
    {
        var option = new Option<string?>("--format")
            { Description = $"{string.Join(" or ", formats)}, for programs; without it, text for people." };
        option.AcceptOnlyFromAmong(formats);
        return option;
    }

    /// <summary>For verbs whose answer for people is text wherever it goes.</summary>
    public static Option<string> TextOrJson()
    {
        var option = new Option<string>("--format") { Description = "text or json.", DefaultValueFactory = _ => Text };
        option.AcceptOnlyFromAmong(Text, Json);
        return option;
    }
}
