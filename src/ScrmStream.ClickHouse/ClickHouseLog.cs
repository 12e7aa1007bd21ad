using Microsoft.Extensions.Logging;

namespace ScrmStream.ClickHouse;

/// <summary>The log messages of this project: ids 4000..4099.</summary>
internal static partial class ClickHouseLog
{
    [LoggerMessage(4001, LogLevel.Warning,
        "ClickHouse at {Address} does not take inserts; rows wait and nothing is dropped. Retrying with pauses up to {DelayMaxMs} ms. " +
        "Reason: {Reason}")]
    public static partial void InsertsWait(ILogger logger, string address, int delayMaxMs, string reason);

    [LoggerMessage(4002, LogLevel.Warning, "ClickHouse at {Address} takes inserts again after {Attempts} attempts and {WaitedMs} ms.")]
    public static partial void InsertsGoOn(ILogger logger, string address, int attempts, long waitedMs);

    [LoggerMessage(4003, LogLevel.Information, "ClickHouse schema {Number} ({Name}) applied to database {Database}.")]
    public static partial void MigrationApplied(ILogger logger, int number, string name, string database);

    [LoggerMessage(4004, LogLevel.Error,
        "ClickHouse refuses {Refused} of {Rows} rows of {Table} for what is in them; they are dead letters, all others are stored. " +
        "Reason: {Reason}")]
    public static partial void DerivedRowsRefused(ILogger logger, int refused, int rows, string table, string reason);
}
