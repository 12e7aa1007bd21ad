using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using ScrmStream.Diagnostics;
using ScrmStream.Pipeline;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// One connection to Redis, shared by the stores, with a limit of calls in flight. An outage blocks: a call that gets no answer is
/// sent again, after Redis has answered a PING, until it is cancelled. Calls may come from any thread.
/// </summary>
public sealed class RedisConnection : IAsyncDisposable
{
    // Errors that pass: loading, fail-over, a full memory or disk. Everything else that Redis answers stays wrong however often it is sent.
    private static readonly string[] Passing =
    [
        "LOADING", "BUSY", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "OOM", "MISCONF", "NOREPLICAS", "NOSCRIPT", "MOVED", "ASK",
    ];

    private readonly ConnectionMultiplexer _multiplexer;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly RedisOptions _options;
    private readonly ConcurrentBag<RespPipe> _pipes = [];
    private readonly SemaphoreSlim _inFlight;
    private readonly TimeSpan _callTimeout;
    private readonly int _retryDelayMs;
    private readonly int _retryDelayMaxMs;
    private readonly Lock _outage = new();
    private long _lostSince;
    private long _backSince;
    private bool _lost;

    private RedisConnection(ConnectionMultiplexer multiplexer, RedisOptions options, ILogger logger, TimeProvider time)
    {
        _multiplexer = multiplexer;
        _options = options;
        _logger = logger;
        _time = time;
        _inFlight = new SemaphoreSlim(options.CallsInFlight);
        _callTimeout = TimeSpan.FromMilliseconds(options.CallTimeoutMs);
        _retryDelayMs = options.RetryDelayMs;
        _retryDelayMaxMs = options.RetryDelayMaxMs;
        Address = options.Address;
        KeysPerCall = options.KeysPerCall;
        CallBytes = options.CallBytes;
        CallsInFlight = options.CallsInFlight;
        Keys = new RedisKeys(options.Namespace);
        Epoch = new WriterEpoch(this, BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8)));
    }

    /// <summary>Whether this process writes the namespace alone; every write checks it.</summary>
    public WriterEpoch Epoch { get; }
    public string Address { get; }
    public RedisKeys Keys { get; }
    internal ILogger Logger => _logger;
    internal int KeysPerCall { get; }
    internal int CallBytes { get; }
    internal int CallsInFlight { get; }
    internal IDatabase Database => _multiplexer.GetDatabase();

    /// <summary>True: keys of different buckets must not share a call.</summary>
    public bool IsCluster { get; private set; }

    /// <exception cref="StoreUnavailableException">Nobody answers at the address, or not as Redis.</exception>
    /// <exception cref="ArgumentException">The options are out of range.</exception>
    public static async Task<RedisConnection> OpenAsync(RedisOptions options, ILogger logger, TimeProvider time, CancellationToken cancel)
    {
        if (options.Validate() is { Count: > 0 } wrong) throw new ArgumentException(string.Join(" ", wrong));
        RedisConnection? connection = null;
        try
        {
            var multiplexer = await ConnectionMultiplexer.ConnectAsync(Configure(options)).WaitAsync(cancel);
            connection = new RedisConnection(multiplexer, options, logger, time);
            await connection.Database.PingAsync().WaitAsync(TimeSpan.FromMilliseconds(options.ConnectTimeoutMs), time, cancel);
            connection.IsCluster = (await connection.InfoAsync("cluster")).GetValueOrDefault("cluster_enabled") == "1";
            return connection;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            if (connection is not null) await connection.DisposeAsync();
            throw Unreachable(options.Address, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_pipes.TryTake(out var pipe)) pipe.Dispose();
        await _multiplexer.CloseAsync(allowCommandsToComplete: false);
        _multiplexer.Dispose();
    }

    /// <summary>Waits for room in flight. The caller hands the room on to <see cref="RunAsync"/>.</summary>
    internal Task EnterAsync(CancellationToken cancel) => _inFlight.WaitAsync(cancel);

    /// <summary>Gives back the room of a call that is not run after all.</summary>
    internal void Leave() => _inFlight.Release();

    /// <summary>Runs a call until it is answered, and gives back the room taken by <see cref="EnterAsync"/>.</summary>
    internal async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> call, CancellationToken cancel)
    {
        try
        {
            return await RepeatAsync(db => call(db).WaitAsync(_callTimeout, _time, cancel), cancel);
        }
        finally
        {
            _inFlight.Release();
        }
    }

    /// <summary>Runs one call by itself: takes room, runs, gives it back.</summary>
    internal async Task<T> CallAsync<T>(Func<IDatabase, Task<T>> call, CancellationToken cancel)
    {
        await EnterAsync(cancel);
        return await RunAsync(call, cancel);
    }

    /// <summary>
    /// Runs a script that writes, under the writer epoch. Null: another process has written meanwhile, nothing was written, and what the
    /// caller has cached is void. Gives back the room taken by <see cref="EnterAsync"/>.
    /// </summary>
    /// <param name="epoch">The only one in which it may be written; null or empty: whichever is known when it is sent, for the script
    /// compares.</param>
    internal async Task<int[]?> WriteAsync(
        string script, RedisKey[] keys, RedisValue[] values, string? epoch, CancellationToken cancel)
    {
        if (!IsCluster && Epoch.Expected.Length == 0) await Epoch.AdoptAsync(cancel);
        RedisKey[] allKeys = IsCluster ? keys : [.. keys, Epoch.Key];
        var attempts = 0;
        var answer = (int[])await RunAsync(async db =>
        {
            if (attempts++ > 0) await Epoch.RenewAsync(db);
            return await db.ScriptEvaluateAsync(script, allKeys, [.. values, epoch is { Length: > 0 } ? epoch : Epoch.Expected]);
        }, cancel);
        if (answer is not [0]) return answer;
        await Epoch.AdoptAsync(cancel);
        return null;
    }

    /// <summary>
    /// Runs plain commands in one transaction that holds only while this process writes alone. False: it no longer does, nothing was
    /// written, and what the caller has cached is void. Gives back the room taken by <see cref="EnterAsync"/>.
    /// </summary>
    internal async Task<bool> WriteAloneAsync(RespWriter commands, CancellationToken cancel)
    {
        var attempts = 0;
        bool done;
        try
        {
            done = await RepeatAsync(async db =>
            {
                if (attempts++ > 0) await Epoch.RenewAsync(db).WaitAsync(_callTimeout, _time, cancel);
                // Taken once: a call beside this one may find at any moment that the process is no longer alone, and what holds then must
                // not be the condition of a write that compares nothing.
                var expected = Epoch.Expected;
                return WriterEpoch.IsSoleValue(expected) && await TransactAsync(expected, commands, cancel);
            }, cancel);
        }
        finally
        {
            _inFlight.Release();
        }
        // Takes room of its own, which this call must not hold then.
        if (!done) await Epoch.AdoptAsync(cancel);
        return done;
    }

    // A pipe is used again only after a whole answer; whatever goes wrong ends it, and with it what was under way on this side.
    private async Task<bool> TransactAsync(string epoch, RespWriter commands, CancellationToken cancel)
    {
        using var timeout = new CancellationTokenSource(_callTimeout, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel, timeout.Token);
        RespPipe? pipe = null;
        try
        {
            if (!_pipes.TryTake(out pipe)) pipe = await RespPipe.ConnectAsync(PrimaryEndPoint(), _options, limit.Token);
            var done = await pipe.TransactAsync(Epoch.KeyUtf8, Encoding.UTF8.GetBytes(epoch), commands, limit.Token);
            _pipes.Add(pipe);
            return done;
        }
        catch (Exception e)
        {
            pipe?.Dispose();
            if (e is OperationCanceledException && !cancel.IsCancellationRequested)
                throw new TimeoutException($"Redis did not answer within {_callTimeout.TotalMilliseconds:0} ms.", e);
            throw;
        }
    }

    /// <summary>The primaries that are in reach.</summary>
    internal IEnumerable<IServer> Primaries() =>
        Endpoints().Select(e => _multiplexer.GetServer(e)).Where(s => s is { IsConnected: true, IsSlave: false });

    private EndPoint PrimaryEndPoint() =>
        Primaries().FirstOrDefault()?.EndPoint ?? throw new IOException($"No primary is in reach at {Address}.");

    /// <summary>The fields of one section of INFO, from the first primary.</summary>
    internal async Task<Dictionary<string, string>> InfoAsync(string section)
    {
        var groups = await Primaries().First().InfoAsync(section).WaitAsync(_callTimeout, _time);
        return groups.SelectMany(g => g).GroupBy(p => p.Key).ToDictionary(p => p.Key, p => p.First().Value);
    }

    private EndPoint[] Endpoints() => _multiplexer.GetEndPoints();

    // The call keeps to the time limit by itself.
    private async Task<T> RepeatAsync<T>(Func<IDatabase, Task<T>> call, CancellationToken cancel)
    {
        var delayMs = _retryDelayMs;
        while (true)
        {
            var began = _time.GetTimestamp();
            try
            {
                await Failpoints.PassAsync(Failpoint.RedisBefore);
                var answer = await call(Database);
                await Failpoints.PassAsync(Failpoint.RedisAfter);
                if (_lost) NoteBack();
                return answer;
            }
            catch (Exception e) when (IsOutage(e))
            {
                // A script cache that was emptied (restart, SCRIPT FLUSH) is no outage: the next attempt loads the script.
                if (IsNoScript(e)) continue;
                NoteLost(e, began);
            }
            catch (Exception e) when (e is RedisServerException or RespErrorException)
            {
                throw new StoreUnavailableException(
                    $"Redis at {Address} (--redis, Redis:Address) refuses a call: {e.Message}. Check the permissions of its default user "
                    + "and that no other program writes keys under the prefix " + Keys.Prefix, e);
            }
            delayMs = await WaitForAnswerAsync(delayMs, cancel);
        }
    }

    // The calls of a silent server are not sent again and again into its queue: only a PING is, until it is answered.
    private async Task<int> WaitForAnswerAsync(int delayMs, CancellationToken cancel)
    {
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(delayMs), _time, cancel);
            delayMs = Math.Min(delayMs * 2, _retryDelayMaxMs);
            var began = _time.GetTimestamp();
            try
            {
                await Database.PingAsync().WaitAsync(_callTimeout, _time, cancel);
                return delayMs;
            }
            catch (Exception e) when (IsOutage(e))
            {
                NoteLost(e, began);
            }
        }
    }

    private static bool IsNoScript(Exception e) => e is RedisServerException && e.Message.Contains("NOSCRIPT", StringComparison.Ordinal);

    private static bool IsOutage(Exception e) => e switch
    {
        RedisServerException or RespErrorException =>
            Passing.Any(p => e.Message.StartsWith(p, StringComparison.Ordinal)) || IsNoScript(e),
        RedisCommandException => e.Message.Contains("No connection", StringComparison.OrdinalIgnoreCase),
        RedisException or TimeoutException or IOException or System.Net.Sockets.SocketException or ObjectDisposedException => true,
        TaskCanceledException t => !t.CancellationToken.IsCancellationRequested,
        _ => false,
    };

    // The failure of an attempt that began before the server was back is the tail of the outage that was over then.
    private void NoteLost(Exception e, long began)
    {
        lock (_outage)
        {
            if (_lost || began < _backSince) return;
            _lost = true;
            _lostSince = _time.GetTimestamp();
        }
        var line = e.Message.AsSpan();
        RedisLog.Lost(_logger, Address, line[..(line.IndexOf('\n') is var end and >= 0 ? end : line.Length)].ToString());
    }

    private void NoteBack()
    {
        lock (_outage)
        {
            if (!_lost) return;
            _lost = false;
            _backSince = _time.GetTimestamp();
        }
        RedisLog.Back(_logger, Address, (long)_time.GetElapsedTime(_lostSince).TotalMilliseconds);
    }

    private static ConfigurationOptions Configure(RedisOptions options)
    {
        var configuration = new ConfigurationOptions
        {
            AbortOnConnectFail = false,
            AllowAdmin = true,   // INFO and CONFIG GET, for the check at start
            ClientName = "scrmstream",
            ConnectTimeout = options.ConnectTimeoutMs,
            ConnectRetry = 1,
            KeepAlive = 30,
            Password = string.IsNullOrEmpty(options.Password) ? null : options.Password,
            Ssl = options.Tls,
            SyncTimeout = options.CallTimeoutMs,
            ReconnectRetryPolicy = new LinearRetry(options.RetryDelayMaxMs),
        };
        foreach (var address in options.Address.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            configuration.EndPoints.Add(address);
        return configuration;
    }

    private static StoreUnavailableException Unreachable(string address, Exception e) => new(
        $"Redis does not answer at {address} (--redis, Redis:Address): {e.Message.Split('\n')[0]} "
        + "Start it (scrm up, or redis-server), or give the address, password and TLS setting of the one that runs.", e);
}
