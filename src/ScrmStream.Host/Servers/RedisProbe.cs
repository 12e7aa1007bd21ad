using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using StackExchange.Redis;

namespace ScrmStream.Host.Servers;

/// <summary>What can be told of a Redis from outside.</summary>
public static class RedisProbe
{
    /// <summary>The server's version.</summary>
    /// <exception cref="StoreUnavailableException">It does not answer; the message names the address.</exception>
    public static async Task<string> VersionAsync(RedisOptions options, CancellationToken cancel)
    {
        if (options.Validate() is { Count: > 0 } wrong) throw new ArgumentException(string.Join(" ", wrong));
        var configuration = new ConfigurationOptions
        {
            ConnectTimeout = options.ConnectTimeoutMs,
            ConnectRetry = 0,
            Password = string.IsNullOrEmpty(options.Password) ? null : options.Password,
            Ssl = options.Tls,
        };
        foreach (var address in options.Address.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            configuration.EndPoints.Add(address);
        try
        {
            using var multiplexer = await ConnectionMultiplexer.ConnectAsync(configuration).WaitAsync(cancel);
            await multiplexer.GetDatabase().PingAsync().WaitAsync(cancel);
            return multiplexer.GetEndPoints().Select(e => multiplexer.GetServer(e)).First(s => s.IsConnected).Version.ToString();
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            throw new StoreUnavailableException(
                $"Redis does not answer at {options.Address} (--redis, Redis:Address): {e.Message.Split('\n')[0]} "
                + "Start it (./scrm up), or check the address, Redis:Password and Redis:Tls.", e);
        }
    }

    /// <summary>Counts what the namespace holds; one pass over its keys.</summary>
    public static async Task<StoreTotals> CountAsync(RedisOptions options, CancellationToken cancel)
    {
        await using var connection = await RedisConnection.OpenAsync(options, NullLogger.Instance, TimeProvider.System, cancel);
        return await new RedisViewStore(connection).CountAsync(cancel);
    }
}
