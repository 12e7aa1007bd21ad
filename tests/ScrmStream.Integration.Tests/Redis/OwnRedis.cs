using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Redis;
using ScrmStream.Redis.Embedded;

namespace ScrmStream.Integration.Redis;

/// <summary>A redis-server of one test, which it may stop, start again or leave without keys.</summary>
internal sealed class OwnRedis : IAsyncDisposable
{
    private readonly string _directory = System.IO.Directory.CreateTempSubdirectory("scrm-redis-").FullName;
    private readonly List<RedisConnection> _connections = [];
    private EmbeddedRedis? _server;

    public string Directory => _directory;
    public int Port => _server!.Port;
    public EmbeddedRedis Server => _server!;

    /// <summary>Starts it, or starts it again on its port and directory.</summary>
    public async Task StartAsync(params string[] extra)
    {
        var port = _server?.Port ?? 0;
        if (_server is not null) await _server.DisposeAsync();
        _server = await EmbeddedRedis.StartAsync(_directory, TimeProvider.System, CancellationToken.None, port, extra);
    }

    public async Task<RedisConnection> ConnectAsync(Action<RedisOptions>? set = null, ILogger? logger = null)
    {
        var options = new RedisOptions { Address = _server!.Address };
        set?.Invoke(options);
        var connection = await RedisConnection.OpenAsync(
            options, logger ?? NullLogger.Instance, TimeProvider.System, CancellationToken.None);
        _connections.Add(connection);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections) await connection.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
        System.IO.Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>Keeps what was logged.</summary>
internal sealed class LogList : ILogger
{
    private readonly List<(int Id, string Text)> _lines = [];

    public IReadOnlyList<(int Id, string Text)> Lines
    {
        get { lock (_lines) return [.. _lines]; }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel level, EventId id, TState state, Exception? error, Func<TState, Exception?, string> format)
    {
        lock (_lines) _lines.Add((id.Id, format(state, error)));
    }
}
