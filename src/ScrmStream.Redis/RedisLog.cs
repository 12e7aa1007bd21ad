using Microsoft.Extensions.Logging;

namespace ScrmStream.Redis;

/// <summary>What the Redis adapter logs. Event ids 3200 to 3299.</summary>
internal static partial class RedisLog
{
    [LoggerMessage(3201, LogLevel.Warning,
        "Redis at {Address} does not answer ({Reason}). Nothing is lost: writes wait and are sent again until it does.")]
    public static partial void Lost(ILogger logger, string address, string reason);

    [LoggerMessage(3202, LogLevel.Information, "Redis at {Address} answers again after {SilentMs} ms.")]
    public static partial void Back(ILogger logger, string address, long silentMs);

    [LoggerMessage(3203, LogLevel.Warning, "Redis at {Address}: {Finding}")]
    public static partial void Finding(ILogger logger, string address, string finding);
}
