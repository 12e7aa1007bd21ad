namespace ScrmStream.ClickHouse;

/// <summary>What can be done about an error of the server.</summary>
public enum ClickHouseErrorKind : byte
{
    /// <summary>It passes: overload, shutdown, too many parts. The same request is sent again.</summary>
    Passing,
    /// <summary>User, password or rights.</summary>
    Access,
    /// <summary>A database, table or column is missing or different.</summary>
    Schema,
    /// <summary>The statement is wrong.</summary>
    Request,
    /// <summary>Something in the rows is not taken: a constraint, a type, a range, or a view that fails on it. Other rows may be.</summary>
    Data,
}

/// <summary>The server refused a request. The message is the server's, with the fix behind it.</summary>
public sealed class ClickHouseException(int code, int status, ClickHouseErrorKind kind, string message) : Exception(message)
{
    /// <summary>ClickHouse's error code; 0 when the answer carried none.</summary>
    public int Code { get; } = code;

    /// <summary>The HTTP status.</summary>
    public int Status { get; } = status;

    public ClickHouseErrorKind Kind { get; } = kind;

    internal static ClickHouseException From(int code, int status, string text, string address)
    {
        var kind = KindOf(code, status);
        var fix = kind switch
        {
            ClickHouseErrorKind.Access => " Check ClickHouse:User, ClickHouse:Password and the rights of that user.",
            ClickHouseErrorKind.Schema =>
                " The schema is missing or of another version: start scrmstream once with a user who may create tables.",
            _ => "",
        };
        var shown = text.Length > 2_000 ? text[..2_000] + " ..." : text;
        return new ClickHouseException(code, status, kind, $"ClickHouse at {address}: {shown.Trim()}{fix}");
    }

    private static ClickHouseErrorKind KindOf(int code, int status) => code switch
    {
        // Unexpected end, timeouts, overload, memory, no space, read-only replica, too many parts, unknown insert status, Keeper, shutdown.
        3 or 107 or 159 or 202 or 203 or 209 or 210 or 236 or 241 or 242 or 243 or 252 or 285 or 286 or 319 or 394 or 425 or 439 or 999
            => ClickHouseErrorKind.Passing,
        164 or 192 or 193 or 194 or 195 or 291 or 497 or 516 => ClickHouseErrorKind.Access,
        // Texts and numbers that cannot be read or do not fit, sizes, bad data, divisions by zero, throwIf, overflow, constraints, NULL.
        6 or 26 or 27 or 38 or 41 or 53 or 69 or 70 or 72 or 117 or 128 or 131 or 153 or 321 or 349 or 395 or 407 or 469
            => ClickHouseErrorKind.Data,
        10 or 16 or 36 or 47 or 60 or 81 or 115 => ClickHouseErrorKind.Schema,
        0 => status switch
        {
            401 or 403 => ClickHouseErrorKind.Access,
            408 or 429 or >= 500 => ClickHouseErrorKind.Passing,
            _ => ClickHouseErrorKind.Request,
        },
        _ => ClickHouseErrorKind.Request,
    };
}

/// <summary>The database's schema does not go with this build; the message says which file and what to do.</summary>
public sealed class ClickHouseSchemaException(string message) : Exception(message);
