using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>
/// ClickHouse's HTTP interface over the engine: one connection per request, a limit on how many run at once, and the same
/// headers, statuses and error texts that a server sends.
/// </summary>
internal sealed class HttpInterface(ChdbEngine engine, EmbeddedServerOptions options, TimeProvider time) : IDisposable
{
    private const int StatementBytesMax = 64 * 1024 * 1024;

    private readonly SemaphoreSlim _turns = new(options.ConcurrentRequestsMax);
    private readonly TimeSpan _queueTime = TimeSpan.FromSeconds(options.QueueSeconds);
    private readonly long _requestBytesMax = options.RequestBytesMax;
    private readonly byte[]? _password = options.Password is null ? null : Encoding.UTF8.GetBytes(options.Password);
    private readonly string _instance = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private long _requests;

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers["X-ClickHouse-Server-Display-Name"] = "scrmstream";
        context.Response.Headers["X-ClickHouse-Timezone"] = engine.TimeZone;
        var path = context.Request.Path.Value ?? "/";
        if (path == "/ping" || (path == "/" && HttpMethods.IsGet(context.Request.Method) && !context.Request.Query.ContainsKey("query")))
            await context.Response.WriteAsync("Ok.\n");
        else if (path != "/")
            await AnswerErrorAsync(context, 404, 0, $"There is no handle {path}; use / with a query or /ping.");
        else
            await AnswerQueryAsync(context);
    }

    private async Task AnswerQueryAsync(HttpContext context)
    {
        try
        {
            var request = QueryRequest.Read(context.Request, () => $"{_instance}-{Interlocked.Increment(ref _requests):x8}");
            context.Response.Headers["X-ClickHouse-Query-Id"] = request.QueryId;
            if (!IsAllowed(request))
                throw new ChdbException(
                    "Code: 516. DB::Exception: default: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)");
            if (!await _turns.WaitAsync(_queueTime, context.RequestAborted))
                throw new ChdbException("Code: 202. DB::Exception: Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)");
            try
            {
                // The engine's calls block, so they stay off the threads that Kestrel schedules its sockets on.
                await Task.Run(() => RunAsync(context, request));
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (ChdbException error)
        {
            var code = ErrorAnswer.CodeOf(error.Message);
            await AnswerErrorAsync(context, ErrorAnswer.StatusOf(code), code, error.Message);
        }
        catch (Exception error) when (error is InvalidDataException or BadHttpRequestException)
        {
            await AnswerErrorAsync(context, 400, 1001,
                $"Code: 1001. DB::Exception: The body cannot be read: {error.Message} (STD_EXCEPTION)");
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            // The client has gone; an unfinished insert was cancelled on the way here.
            context.Abort();
        }
    }

    private async Task RunAsync(HttpContext context, QueryRequest request)
    {
        var cancel = context.RequestAborted;
        using var body = new RequestBody(context.Request, request.Query, _requestBytesMax);
        using var connection = engine.Connect();
        Prepare(connection, request, HttpMethods.IsGet(context.Request.Method));
        while (Statement.Read(body.Text, body.IsWhole).Kind == StatementKind.Unfinished)
        {
            if (body.Text.Length > StatementBytesMax)
                throw new ChdbException("Code: 223. DB::Exception: The statement is longer than 64 MiB. (QUERY_IS_TOO_LARGE)");
            await body.ReadMoreAsync(cancel);
        }
        await using var answer = new QueryAnswer(context.Response, request);
        var started = time.GetTimestamp();
        if (Statement.Read(body.Text, body.IsWhole).Kind == StatementKind.InsertWithData)
        {
            using var stored = await InsertAsync(connection, request, body, cancel);
            stored.ThrowOnError();
            answer.SetFormat(request.Format);
            answer.SetSummary(stored, time.GetElapsedTime(started));
            return;
        }
        await AnswerRowsAsync(connection, request, body, answer, started, cancel);
    }

    private static void Prepare(ChdbConnection connection, QueryRequest request, bool readOnly)
    {
        if (request.Database != "default") connection.Command($"USE {SqlText.Name(request.Database)}");
        if (request.SettingsStatement(readOnly) is { Length: > 0 } set) connection.Command(set);
    }

    private static async Task<ChdbResult> InsertAsync(ChdbConnection connection, QueryRequest request, RequestBody body,
        CancellationToken cancel)
    {
        using var insert = OpenInsert(connection, request, body);
        while (await body.ReadMoreAsync(cancel))
        {
            insert.Append(body.Text);
            body.Drop();
        }
        return insert.Finish();
    }

    private static ChdbInsert OpenInsert(ChdbConnection connection, QueryRequest request, RequestBody body)
    {
        var statement = Statement.Read(body.Text, body.IsWhole);
        var insert = connection.OpenInsert(body.Text[..statement.HeadEnd], Encoding.UTF8.GetBytes(statement.Format!), request.Parameters);
        if (statement.DataStart < body.Text.Length) insert.Append(body.Text[statement.DataStart..]);
        body.Drop();
        return insert;
    }

    private async Task AnswerRowsAsync(
        ChdbConnection connection, QueryRequest request, RequestBody body, QueryAnswer answer, long started, CancellationToken cancel)
    {
        var statement = Statement.Read(body.Text, isWhole: true);
        if (statement.HasSecond)
            throw new ChdbException("Code: 62. DB::Exception: Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)");
        var format = statement.Format ?? request.Format;
        answer.SetFormat(format);
        var sql = body.Text[..statement.HeadEnd];
        if (statement.Kind == StatementKind.Select && ResultFormats.CanStream(format))
        {
            var stream = connection.OpenStream(sql, Encoding.UTF8.GetBytes(format), request.Parameters);
            await AnswerStreamAsync(connection, stream, answer, started, cancel);
            return;
        }
        using var result = connection.Execute(sql, Encoding.UTF8.GetBytes(format), request.Parameters);
        result.ThrowOnError();
        answer.SetSummary(result, time.GetElapsedTime(started));
        await answer.WriteAsync(result, cancel);
    }

    /// <summary>
    /// Sends chunks as the engine makes them. The first one is there before the headers go, so most errors get their status.
    /// </summary>
    private async Task AnswerStreamAsync(
        ChdbConnection connection, ChdbResult stream, QueryAnswer answer, long started, CancellationToken cancel)
    {
        using var opened = stream;
        opened.ThrowOnError();
        var ended = false;
        try
        {
            while (!ended)
            {
                using var chunk = connection.Fetch(opened);
                chunk.ThrowOnError();
                ended = chunk is { Length: 0, ResultRows: 0 };
                answer.SetSummary(chunk, time.GetElapsedTime(started));
                await answer.WriteAsync(chunk, cancel);
            }
        }
        finally
        {
            if (!ended) connection.CancelStream(opened);
        }
    }

    private bool IsAllowed(QueryRequest request) =>
        _password is null || CryptographicOperations.FixedTimeEquals(_password, Encoding.UTF8.GetBytes(request.Password ?? ""));

    private async Task AnswerErrorAsync(HttpContext context, int status, int code, string message)
    {
        if (context.Response.HasStarted)
        {
            // Rows are under way: breaking the connection is the only way left to tell the client that they are not all.
            context.Abort();
            return;
        }
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=UTF-8";
        context.Response.Headers.Remove("X-ClickHouse-Format");
        context.Response.Headers.ContentEncoding = default;
        if (code != 0)
            context.Response.Headers["X-ClickHouse-Exception-Code"] = code.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var version = code == 0 || message.Contains("(version ", StringComparison.Ordinal) ? "" : $" (version {engine.Version})";
        await context.Response.WriteAsync($"{message.TrimEnd()}{version}\n");
    }

    public void Dispose() => _turns.Dispose();
}
