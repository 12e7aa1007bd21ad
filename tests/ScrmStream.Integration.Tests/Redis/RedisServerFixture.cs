using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Redis;
using ScrmStream.Redis.Embedded;

namespace ScrmStream.Integration.Redis;

/// <summary>One real redis-server for all tests of the collection; each test has a namespace of its own.</summary>
public sealed class RedisServerFixture : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("scrm-redis-").FullName;
    private readonly List<RedisConnection> _connections = [];
    private EmbeddedRedis? _server;
    private int _namespaces;

    public async Task InitializeAsync()
    {
        if (EmbeddedRedis.FindServer() is not null)
            _server = await EmbeddedRedis.StartAsync(_directory, TimeProvider.System, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        foreach (var connection in _connections) await connection.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A connection to a namespace that nobody has used. Small calls, so that a test needs several of them.</summary>
    public async Task<RedisConnection> OpenAsync(Action<RedisOptions>? set = null)
    {
        var options = new RedisOptions
        {
            Address = _server!.Address, Namespace = $"t{Interlocked.Increment(ref _namespaces)}", KeysPerCall = 100,
        };
        set?.Invoke(options);
        var connection = await RedisConnection.OpenAsync(options, NullLogger.Instance, TimeProvider.System, CancellationToken.None);
        lock (_connections) _connections.Add(connection);
        return connection;
    }
}

[CollectionDefinition("redis")]
public sealed class RedisCollection : ICollectionFixture<RedisServerFixture>;
