using Microsoft.Extensions.Logging;

namespace ScrmStream.Kafka;

/// <summary>Everything the Kafka adapter says.</summary>
internal static partial class KafkaLog
{
    [LoggerMessage(100, LogLevel.Information, "Partitions assigned: {Partitions}")]
    public static partial void Assigned(ILogger logger, string partitions);

    [LoggerMessage(101, LogLevel.Information, "Partitions revoked: {Partitions}")]
    public static partial void Revoked(ILogger logger, string partitions);

    [LoggerMessage(102, LogLevel.Warning, "Topic {Topic} was recreated (now {TopicId}): reading it from its beginning")]
    public static partial void Recreated(ILogger logger, string topic, Guid topicId);

    [LoggerMessage(103, LogLevel.Warning, "Kafka at {Servers} is out of reach, retrying: {Reason}")]
    public static partial void Unreachable(ILogger logger, string servers, string reason);

    [LoggerMessage(104, LogLevel.Information, "Kafka at {Servers} is in reach again")]
    public static partial void ReachableAgain(ILogger logger, string servers);

    [LoggerMessage(105, LogLevel.Warning, "Kafka: {Reason}")]
    public static partial void Problem(ILogger logger, string reason);

    [LoggerMessage(106, LogLevel.Warning, "{Topic}[{Partition}] went back from offset {Expected} to {Offset}: repeats follow")]
    public static partial void WentBack(ILogger logger, string topic, int partition, long expected, long offset);

    [LoggerMessage(107, LogLevel.Debug, "librdkafka {Facility}: {Text}")]
    public static partial void Library(ILogger logger, string facility, string text);

    [LoggerMessage(108, LogLevel.Warning, "Kafka did not answer at the assignment of partitions (attempt {Attempt}): {Reason}")]
    public static partial void AssignmentRetry(ILogger logger, int attempt, string reason);

    [LoggerMessage(109, LogLevel.Warning, "The schema registry {Address} is out of reach, records wait for it: {Reason}")]
    public static partial void RegistryUnreachable(ILogger logger, string address, string reason);

    [LoggerMessage(110, LogLevel.Information, "The schema registry {Address} is in reach again")]
    public static partial void RegistryReachableAgain(ILogger logger, string address);

    [LoggerMessage(111, LogLevel.Warning,
        "Kafka at {Servers} takes no rejected records on topic {Topic} (setting Kafka:DeadLetterTopic), the flow waits for it: {Reason}")]
    public static partial void LettersWait(ILogger logger, string servers, string topic, string reason);

    [LoggerMessage(112, LogLevel.Information, "Topic {Topic} takes rejected records again")]
    public static partial void LettersGoOn(ILogger logger, string topic);
}
