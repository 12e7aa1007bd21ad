namespace ScrmStream.Host.Servers;

/// <summary>What servers of this machine are started with.</summary>
public sealed class StackOptions
{
    /// <summary>Topics that the embedded Kafka has from the start; others come, with four partitions, when they are first named.</summary>
    public IReadOnlyList<string> KafkaTopics { get; set; } = [];

    /// <summary>Partitions of <see cref="KafkaTopics"/>. Default 4, range 1 to 1,000.</summary>
    public int KafkaPartitions { get; set; } = 4;

    /// <exception cref="ArgumentException">An option is outside its range; the message names it.</exception>
    public void Validate()
    {
        if (KafkaPartitions is < 1 or > 1000) throw new ArgumentException($"--kafka-partitions {KafkaPartitions}: give 1 to 1000.");
        var bad = KafkaTopics.FirstOrDefault(t =>
            t.Length is 0 or > 249 || t.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')));
        if (bad is not null) throw new ArgumentException(
            $"--kafka-topics '{bad}': a topic is named with 1 to 249 letters, digits, dots, underscores and hyphens.");
    }
}
