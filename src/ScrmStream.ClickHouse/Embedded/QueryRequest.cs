using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>The arguments of one request, from its address and headers.</summary>
internal sealed class QueryRequest
{
    // Arguments of the interface itself; every other name is a setting or a parameter.
    private static readonly HashSet<string> Reserved =
    [
        "query", "database", "default_format", "user", "password", "query_id", "session_id", "session_timeout", "session_check",
        "close_session", "quota_key", "compress", "decompress", "buffer_size", "wait_end_of_query", "stacktrace", "role",
        "client_protocol_version",
    ];

    public string Query { get; private init; } = "";
    public string Database { get; private init; } = "default";
    public string Format { get; private init; } = "TabSeparated";
    public string QueryId { get; private init; } = "";
    public string? Password { get; private init; }
    public bool CompressesAnswer { get; private init; }
    public List<KeyValuePair<string, string>> Settings { get; } = [];
    public List<QueryParameter> Parameters { get; } = [];

    /// <exception cref="ChdbException">An argument the embedded server does not know how to honour.</exception>
    public static QueryRequest Read(HttpRequest http, Func<string> newQueryId)
    {
        var args = http.Query;
        string? First(string name, string header) =>
            args.TryGetValue(name, out var value) ? value.ToString() : http.Headers.TryGetValue(header, out var h) ? h.ToString() : null;
        Refuse(args, "session_id", "Sessions are not supported by the embedded ClickHouse.");
        if (args.TryGetValue("compress", out var c) && c == "1")
            Refuse(args, "compress", "Use Accept-Encoding: gzip instead of compress=1.");
        if (args.TryGetValue("decompress", out var d) && d == "1")
            Refuse(args, "decompress", "Use Content-Encoding: gzip instead of decompress=1.");

        var request = new QueryRequest
        {
            Query = args["query"].ToString(),
            Database = First("database", "X-ClickHouse-Database") is { Length: > 0 } database ? database : "default",
            Format = First("default_format", "X-ClickHouse-Format") is { Length: > 0 } format ? format : "TabSeparated",
            QueryId = args["query_id"].ToString() is { Length: > 0 } id ? id : newQueryId(),
            Password = First("password", "X-ClickHouse-Key") ?? BasicPassword(http.Headers.Authorization.ToString()),
            CompressesAnswer = args["enable_http_compression"] == "1"
                && http.Headers[HeaderNames.AcceptEncoding].ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase),
        };
        foreach (var (name, value) in args)
        {
            if (Reserved.Contains(name)) continue;
            if (name.StartsWith("param_", StringComparison.Ordinal))
                request.Parameters.Add(new QueryParameter(name[6..], value.ToString()));
            else request.Settings.Add(new(name, value.ToString()));
        }
        return request;
    }

    /// <summary>The statement that applies the settings to the request's own connection; empty when there is nothing to set.</summary>
    public string SettingsStatement(bool readOnly)
    {
        // ClickHouse lets a GET read only. The limit comes last, because nothing can be set behind it.
        var settings = readOnly && !Settings.Exists(s => s.Key == "readonly") ? [.. Settings, new("readonly", "2")] : Settings;
        if (settings.Count == 0) return "";
        var text = new StringBuilder("SET ");
        foreach (var (name, value) in settings)
        {
            if (text.Length > 4) text.Append(", ");
            text.Append(SqlText.Name(name)).Append(" = ").Append(SqlText.Quote(value));
        }
        return text.ToString();
    }

    private static void Refuse(IQueryCollection args, string name, string fix)
    {
        if (args.ContainsKey(name)) throw new ChdbException($"Code: 48. DB::Exception: {fix} (NOT_IMPLEMENTED)");
    }

    private static string? BasicPassword(string authorization)
    {
        if (!authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return null;
        var bytes = new byte[authorization.Length];
        if (!Convert.TryFromBase64String(authorization[6..].Trim(), bytes, out var length)) return null;
        var pair = Encoding.UTF8.GetString(bytes, 0, length);
        var colon = pair.IndexOf(':');
        return colon < 0 ? null : pair[(colon + 1)..];
    }
}
