using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Diagnostics;
using ScrmStream.Pipeline;

namespace ScrmStream.ClickHouse;

/// <summary>
/// Speaks ClickHouse's HTTP interface: a server's or the embedded one's. Calls may come from any thread. Whatever passes
/// (transport, overload, restart) is tried again with back-off; queries until <see cref="ClickHouseOptions.ReachTimeoutMs"/> is over,
/// inserts until they are cancelled.
/// </summary>
public sealed class ClickHouseClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly Uri _address;
    private readonly TimeSpan _requestTimeout;
    private readonly TimeSpan _reachTimeout;
    private readonly int _retryDelayMs;
    private readonly int _retryDelayMaxMs;
    private int _waiting;

    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    public ClickHouseClient(ClickHouseOptions options, TimeProvider? time = null, ILogger? log = null)
    {
        _address = options.Validate();
        Database = options.Database;
        _requestTimeout = TimeSpan.FromMilliseconds(options.RequestTimeoutMs);
        _reachTimeout = TimeSpan.FromMilliseconds(options.ReachTimeoutMs);
        _retryDelayMs = options.RetryDelayMs;
        _retryDelayMaxMs = options.RetryDelayMaxMs;
        _time = time ?? TimeProvider.System;
        _log = log ?? NullLogger.Instance;
        _http = new HttpClient(Transport(options)) { BaseAddress = _address, Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.Add("X-ClickHouse-User", options.User);
        if (options.Password is { } password) _http.DefaultRequestHeaders.Add("X-ClickHouse-Key", password);
    }

    /// <summary>The database every statement runs in.</summary>
    public string Database { get; }

    /// <summary>The address as it is shown to people.</summary>
    public string Address => _address.GetLeftPart(UriPartial.Authority);

    /// <summary>Runs a statement that answers nothing a caller reads.</summary>
    /// <exception cref="ClickHouseException">The server refused it.</exception>
    /// <exception cref="StoreUnavailableException">The server was not reached in time.</exception>
    public async Task CommandAsync(string sql, CancellationToken cancel) => await QueryAsync(sql, "TabSeparated", cancel);

    /// <summary>Runs a query and returns its result whole, in the format asked for.</summary>
    /// <inheritdoc cref="CommandAsync" path="/exception"/>
    public Task<byte[]> QueryAsync(string sql, string format, CancellationToken cancel) => QueryInAsync(Database, sql, format, cancel);

    /// <summary>
    /// Runs a query and writes its result as it comes. Retries end with the first byte; an error behind it breaks the call.
    /// </summary>
    /// <inheritdoc cref="CommandAsync" path="/exception"/>
    public async Task CopyResultAsync(string sql, string format, Stream destination, CancellationToken cancel)
    {
        using var response = await WithRetriesAsync(() => SendAsync(Query(Database, sql, format), cancel), cancel);
        await response.Content.CopyToAsync(destination, cancel);
    }

    /// <summary>
    /// Runs a query and hands its result on as it comes. Retries end with the first byte; an error behind it breaks the call.
    /// </summary>
    /// <inheritdoc cref="CommandAsync" path="/exception"/>
    public async Task ReadResultAsync(string sql, string format, Func<Stream, Task> read, CancellationToken cancel)
    {
        using var response = await WithRetriesAsync(() => SendAsync(Query(Database, sql, format), cancel), cancel);
        await using var result = await response.Content.ReadAsStreamAsync(cancel);
        await read(result);
    }

    /// <summary>
    /// Inserts a block and returns when it is stored. Retries until cancelled with the same bytes and the same token, so an
    /// attempt whose answer was lost adds nothing; an outage blocks and drops nothing.
    /// </summary>
    /// <param name="token">Deduplication token; null: the server compares the block's content.</param>
    /// <exception cref="ClickHouseException">The server refused it for good: access, schema or data.</exception>
    internal async Task InsertAsync(NativeBlock block, string? token, CancellationToken cancel)
    {
        var target = Target(Database, $"INSERT INTO {block.Into} FORMAT Native", InsertSettings(token));
        var started = _time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Failpoints.PassAsync(Failpoint.InsertBefore);
                using var _ = await SendAsync(() => Post(target, block.ToContent()), cancel);
                await Failpoints.PassAsync(Failpoint.InsertAfter);
                NoteStored(attempt, started);
                return;
            }
            catch (Exception error) when (IsPassing(error, cancel))
            {
                NoteWaiting(error);
                await Task.Delay(DelayBefore(attempt), _time, cancel);
            }
        }
    }

    /// <summary>Returns when the server answers; used before the first statement.</summary>
    /// <exception cref="StoreUnavailableException">It does not within <see cref="ClickHouseOptions.ReachTimeoutMs"/>.</exception>
    public Task PingAsync(CancellationToken cancel) => QueryInAsync("default", "SELECT 1", "TabSeparated", cancel);

    internal Task<byte[]> QueryInAsync(string database, string sql, string format, CancellationToken cancel) =>
        WithRetriesAsync(async () =>
        {
            using var response = await SendAsync(Query(database, sql, format), cancel);
            return await response.Content.ReadAsByteArrayAsync(cancel);
        }, cancel);

    public void Dispose() => _http.Dispose();

    private async Task<T> WithRetriesAsync<T>(Func<Task<T>> send, CancellationToken cancel)
    {
        var started = _time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Failpoints.PassAsync(Failpoint.QueryBefore);
                var answer = await send();
                await Failpoints.PassAsync(Failpoint.QueryAfter);
                return answer;
            }
            catch (Exception error) when (IsPassing(error, cancel))
            {
                var delay = DelayBefore(attempt);
                if (_time.GetElapsedTime(started) + delay > _reachTimeout) throw Unavailable(error);
                await Task.Delay(delay, _time, cancel);
            }
        }
    }

    private Func<HttpRequestMessage> Query(string database, string sql, string format)
    {
        var target = Target(database, "", [new("default_format", format), new("wait_end_of_query", "1")]);
        return () => Post(target, new StringContent(sql, Encoding.UTF8, "text/plain"));
    }

    private static HttpRequestMessage Post(string target, HttpContent content) => new(HttpMethod.Post, target) { Content = content };

    private static string Target(string database, string query, IEnumerable<KeyValuePair<string, string>> settings)
    {
        var target = new StringBuilder("/?database=").Append(Uri.EscapeDataString(database));
        if (query.Length > 0) target.Append("&query=").Append(Uri.EscapeDataString(query));
        foreach (var (name, value) in settings) target.Append('&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        return target.ToString();
    }

    private static List<KeyValuePair<string, string>> InsertSettings(string? token)
    {
        // All of it is said, because the servers' defaults have changed from version to version.
        List<KeyValuePair<string, string>> settings =
            [new("async_insert", "0"), new("insert_deduplicate", "1"), new("wait_end_of_query", "1"),
            // Replacing rows within the block as it comes costs two fifths of the insert, and the views' FINAL replaces them anyway.
            new("optimize_on_insert", "0")];
        if (token is not null) settings.Add(new("insert_deduplication_token", token));
        return settings;
    }

    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> request, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_requestTimeout);
        using var message = request();
        var response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        if (response.IsSuccessStatusCode && !response.Headers.Contains("X-ClickHouse-Exception-Code")) return response;
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync(limit.Token);
            throw ClickHouseException.From(CodeOf(response.Headers), (int)response.StatusCode, text, Address);
        }
    }

    private static int CodeOf(HttpResponseHeaders headers) =>
        headers.TryGetValues("X-ClickHouse-Exception-Code", out var values)
        && int.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code : 0;

    private static bool IsPassing(Exception error, CancellationToken cancel) => error switch
    {
        ClickHouseException refused => refused.Kind == ClickHouseErrorKind.Passing,
        // A certificate that is not trusted stays so.
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => false,
        HttpRequestException or IOException => true,
        // Our own time limit, not the caller's cancellation.
        OperationCanceledException => !cancel.IsCancellationRequested,
        _ => false,
    };

    private TimeSpan DelayBefore(int attempt) =>
        TimeSpan.FromMilliseconds(Math.Min(_retryDelayMaxMs, _retryDelayMs * Math.Pow(2, Math.Min(attempt - 1, 20))));

    private StoreUnavailableException Unavailable(Exception error) => new(
        $"ClickHouse at {Address} cannot be reached: {error.Message} Start it (`./scrm up` starts the embedded one) " +
        "or give its address with --clickhouse http://HOST:PORT (setting ClickHouse:Address).", error);

    private void NoteWaiting(Exception error)
    {
        if (Interlocked.Exchange(ref _waiting, 1) == 0) ClickHouseLog.InsertsWait(_log, Address, _retryDelayMaxMs, error.Message);
    }

    private void NoteStored(int attempts, long started)
    {
        if (Interlocked.Exchange(ref _waiting, 0) == 1)
            ClickHouseLog.InsertsGoOn(_log, Address, attempts, (long)_time.GetElapsedTime(started).TotalMilliseconds);
    }

    private static SocketsHttpHandler Transport(ClickHouseOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            MaxConnectionsPerServer = 16,
            UseProxy = false,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        };
        if (options.CertificateAuthorityFile is not { } file) return handler;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        return handler;
    }
}
