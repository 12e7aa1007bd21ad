namespace ScrmStream.ClickHouse.Embedded;

/// <summary>What the HTTP interface knows of output formats.</summary>
internal static class ResultFormats
{
    // The engine writes each chunk of a streamed result as a document of its own. These formats have neither header nor footer, so
    // their chunks put together are the whole result; every other format is answered in one piece.
    private static readonly HashSet<string> WithoutFrame = new(StringComparer.OrdinalIgnoreCase)
    {
        "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "Raw", "CSV", "JSONEachRow", "JSONLines", "NDJSON", "JSONStringsEachRow",
        "JSONCompactEachRow", "JSONCompactStringsEachRow", "RowBinary", "Native", "TSKV",
    };

    public static bool CanStream(string format) => WithoutFrame.Contains(format);

    /// <summary>The Content-Type ClickHouse sends for a format.</summary>
    public static string ContentType(string format)
    {
        var with = format.Contains("WithNames", StringComparison.OrdinalIgnoreCase) ? "present" : "absent";
        if (StartsWith(format, "JSON")) return IsLines(format) ? "application/x-ndjson; charset=UTF-8" : "application/json; charset=UTF-8";
        if (StartsWith(format, "NDJSON")) return "application/x-ndjson; charset=UTF-8";
        if (StartsWith(format, "TabSeparated") || StartsWith(format, "TSV")) return "text/tab-separated-values; charset=UTF-8";
        if (StartsWith(format, "CSV")) return $"text/csv; charset=UTF-8; header={with}";
        if (StartsWith(format, "XML")) return "application/xml; charset=UTF-8";
        if (StartsWith(format, "Markdown")) return "text/markdown; charset=UTF-8";
        return IsBinary(format) ? "application/octet-stream" : "text/plain; charset=UTF-8";
    }

    private static bool IsLines(string format) =>
        format.EndsWith("EachRow", StringComparison.OrdinalIgnoreCase) || format.Equals("JSONLines", StringComparison.OrdinalIgnoreCase)
        || StartsWith(format, "JSONEachRow") || format.Contains("EachRowWith", StringComparison.OrdinalIgnoreCase);

    private static bool IsBinary(string format) =>
        StartsWith(format, "RowBinary") || StartsWith(format, "Native") || StartsWith(format, "Parquet") || StartsWith(format, "Arrow")
        || StartsWith(format, "ORC") || StartsWith(format, "Avro") || StartsWith(format, "MsgPack") || StartsWith(format, "RawBLOB");

    private static bool StartsWith(string format, string prefix) => format.StartsWith(prefix, StringComparison.OrdinalIgnoreCase);
}
