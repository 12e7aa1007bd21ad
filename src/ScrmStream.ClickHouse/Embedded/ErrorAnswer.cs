using System.Globalization;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>How an engine error travels over HTTP: its code, and the status that ClickHouse gives it.</summary>
internal static class ErrorAnswer
{
    /// <summary>The number in <c>Code: N. DB::Exception</c>; 1001 (STD_EXCEPTION) when there is none.</summary>
    public static int CodeOf(string message)
    {
        const string mark = "Code: ";
        var start = message.IndexOf(mark, StringComparison.Ordinal);
        if (start < 0) return 1001;
        var digits = message.AsSpan(start + mark.Length);
        var length = digits.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(length < 0 ? digits : digits[..length], NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            ? code : 1001;
    }

    public static int StatusOf(int code) => code switch
    {
        194 => 401,                                                             // REQUIRED_PASSWORD
        192 or 193 or 195 or 291 or 497 or 516 => 403,                          // user, password, access
        16 or 20 or 46 or 47 or 50 or 56 or 60 or 73 or 81 or 82 or 115 => 404, // unknown column, function, table, database, setting ...
        159 => 408,                                                             // TIMEOUT_EXCEEDED
        381 => 411,                                                             // HTTP_LENGTH_REQUIRED
        223 => 413,                                                             // QUERY_IS_TOO_LARGE
        48 => 501,                                                              // NOT_IMPLEMENTED
        439 => 503,                                                             // CANNOT_SCHEDULE_TASK
        6 or 26 or 27 or 33 or 38 or 41 or 42 or 43 or 53 or 62 or 63 or 69 or 70 or 72 or 117 or 130 or 131 or 441 or 456 or 457 => 400,
        _ => 500,
    };
}
