using System.ComponentModel.DataAnnotations;
using Confluent.Kafka;
using ScrmStream.Events;

namespace ScrmStream.Kafka;

/// <summary>
/// How to reach Kafka and how much of it to hold in memory; the section <c>Kafka</c> of the configuration. Set at the edge,
/// checked by <see cref="Validate"/> when a client is opened, not read afterwards.
/// </summary>
public sealed class KafkaOptions
{
    /// <summary>Addresses of brokers, <c>host:port</c>, separated by commas; <c>--kafka</c> on the command line.</summary>
    [Required(AllowEmptyStrings = false)]
    public string BootstrapServers { get; set; } = "";

    /// <summary>The consumer group; its committed offsets say where reading goes on.</summary>
    [Required(AllowEmptyStrings = false)]
    public string GroupId { get; set; } = "scrmstream";

    /// <summary>Names of topics, or regular expressions that start with <c>^</c>.</summary>
    public IList<string> Topics { get; set; } = [];

    /// <summary>
    /// Formats of topics whose records do not say it by a header: a topic's name to <c>json</c>, <c>avro</c> or
    /// <c>cloudevents</c>. Without an entry the bytes decide.
    /// </summary>
    public Dictionary<string, string> Formats { get; set; } = [];

    /// <summary>
    /// Topics of history, read beside <see cref="Topics"/> and only while these are nearly read: names, which need not exist yet, or
    /// regular expressions that start with <c>^</c>.
    /// </summary>
    public IList<string> HistoryTopics { get; set; } = [];

    /// <summary>Plaintext, Ssl, SaslPlaintext or SaslSsl.</summary>
    public SecurityProtocol SecurityProtocol { get; set; } = SecurityProtocol.Plaintext;

    /// <summary>Plain, ScramSha256 or ScramSha512; needed by the two Sasl protocols.</summary>
    public SaslMechanism? SaslMechanism { get; set; }

    public string? SaslUsername { get; set; }

    public string? SaslPassword { get; set; }

    /// <summary>File of the certificate authority that signed the brokers' certificates; null: the system's.</summary>
    public string? SslCaLocation { get; set; }

    /// <summary>How long a broker may take to answer at the start before that is an error.</summary>
    [Range(100, 600_000)]
    public int StartTimeoutMs { get; set; } = 15_000;

    /// <summary>How often stored offsets are committed.</summary>
    [Range(100, 60_000)]
    public int CommitIntervalMs { get; set; } = 250;

    /// <summary>How often new partitions, new topics of a regular expression and recreated topics are looked for.</summary>
    [Range(100, 300_000)]
    public int TopicRefreshIntervalMs { get; set; } = 10_000;

    /// <summary>
    /// Names this process in its group, each by a name of its own: one that is started again under its name has its partitions back at
    /// once, and one that ends keeps them until <see cref="SessionTimeoutMs"/> has passed. Empty: no name; then it is the other way round.
    /// </summary>
    public string InstanceId { get; set; } = "";

    /// <summary>The group takes a process that is silent for so long as gone.</summary>
    [Range(1_000, 300_000)]
    public int SessionTimeoutMs { get; set; } = 10_000;

    /// <summary>The group takes a process that does not poll for so long as stuck.</summary>
    [Range(10_000, 3_600_000)]
    public int PollIntervalMaxMs { get; set; } = 300_000;

    /// <summary>Fetched records that wait to be polled; one fetch may overshoot it.</summary>
    [Range(1_024, 1_048_576)]
    public int FetchQueueKilobytesMax { get; set; } = 32_768;

    /// <summary>Largest response of a broker; it has to exceed the largest record.</summary>
    [Range(2 * 1024 * 1024, 1_000_000_000)]
    public int ResponseBytesMax { get; set; } = 32 * 1024 * 1024;

    /// <summary>Records on their way to the broker; when so many wait, publishing waits.</summary>
    [Range(1, 1_000_000)]
    public int PublishQueueRecordsMax { get; set; } = 100_000;

    /// <summary>Memory of the records on their way to the broker.</summary>
    [Range(1_024, 1_048_576)]
    public int PublishQueueKilobytesMax { get; set; } = 65_536;

    /// <summary>How long a record may take to be acknowledged, retries included, before that is an error.</summary>
    [Range(1_000, 3_600_000)]
    public int DeliveryTimeoutMs { get; set; } = 120_000;

    /// <summary>Largest record to publish; the broker's own limit may be lower.</summary>
    [Range(1_024, 100_000_000)]
    public int PublishRecordBytesMax { get; set; } = 4 * 1024 * 1024;

    /// <summary>Partitions of a topic that publishing has to create.</summary>
    [Range(1, 10_000)]
    public int NewTopicPartitions { get; set; } = 4;

    /// <summary>Where rejected records go.</summary>
    [Required(AllowEmptyStrings = false)]
    public string DeadLetterTopic { get; set; } = "scrm.dead-letters";

    /// <summary>Where identifiers that went to another customer are announced; empty: nowhere.</summary>
    public string IdentityChangesTopic { get; set; } = "scrm.identity-changes";

    /// <summary>Where tags that customers gain, lose or change are announced; empty: nowhere.</summary>
    public string TagChangesTopic { get; set; } = "scrm.tag-changes";

    /// <summary>Where grades that customers cross are announced; empty: nowhere.</summary>
    public string ScoreChangesTopic { get; set; } = "scrm.score-changes";

    /// <summary>Where stages that leads come into, and reminders of them, are announced; empty: nowhere.</summary>
    public string StageChangesTopic { get; set; } = "scrm.stage-changes";

    /// <summary>Where actions of the rules are told, to be carried out; empty: nowhere.</summary>
    public string ActionsTopic { get; set; } = "scrm.actions";

    /// <summary>
    /// Where decisions of people are: events like others, read by every process beside <see cref="Topics"/>, as soon as the topic exists.
    /// </summary>
    [Required(AllowEmptyStrings = false)]
    public string DecisionTopic { get; set; } = "scrm.decisions";

    /// <exception cref="ArgumentException">A setting is missing or out of range; the message names each.</exception>
    public void Validate()
    {
        var wrong = new List<ValidationResult>();
        Validator.TryValidateObject(this, new ValidationContext(this), wrong, validateAllProperties: true);
        var messages = wrong.ConvertAll(w => w.ErrorMessage ?? "invalid");
        if (SecurityProtocol is SecurityProtocol.SaslPlaintext or SecurityProtocol.SaslSsl
            && (SaslMechanism is null || string.IsNullOrEmpty(SaslUsername) || SaslPassword is null))
        {
            messages.Add($"SecurityProtocol {SecurityProtocol} needs SaslMechanism, SaslUsername and SaslPassword.");
        }
        if (SslCaLocation is not null && !File.Exists(SslCaLocation)) messages.Add($"SslCaLocation: there is no file {SslCaLocation}.");
        foreach (var (topic, word) in Formats)
        {
            if (!RecordHints.TryParse(word, out _)) messages.Add($"Formats:{topic} '{word}': use json, avro or cloudevents.");
        }
        if (messages.Count > 0) throw new ArgumentException($"Section Kafka of the configuration: {string.Join(' ', messages)}");
    }

    internal Dictionary<string, RecordFormat> TopicFormats() =>
        Formats.ToDictionary(f => f.Key, f => RecordHints.TryParse(f.Value, out var format) ? format : RecordFormat.Unknown);

    /// <summary>What every client of these options has in common.</summary>
    internal ClientConfig Client() => new()
    {
        BootstrapServers = BootstrapServers,
        // Equal client ids in one group have made the balancing loop; the process id keeps them apart.
        ClientId = $"scrmstream-{Environment.MachineName}-{Environment.ProcessId}",
        SecurityProtocol = SecurityProtocol,
        SaslMechanism = SaslMechanism,
        SaslUsername = SaslUsername,
        SaslPassword = SaslPassword,
        SslCaLocation = SslCaLocation,
        TopicMetadataRefreshIntervalMs = TopicRefreshIntervalMs,
        ReceiveMessageMaxBytes = ResponseBytesMax,
        AllowAutoCreateTopics = false,
    };

    internal ConsumerConfig Consumer() => new(Client())
    {
        GroupId = GroupId,
        GroupInstanceId = InstanceId.Length == 0 ? null : InstanceId,
        EnableAutoCommit = true,
        AutoCommitIntervalMs = CommitIntervalMs,
        EnableAutoOffsetStore = false,
        AutoOffsetReset = AutoOffsetReset.Earliest,
        EnablePartitionEof = true,
        PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky,
        SessionTimeoutMs = SessionTimeoutMs,
        // What the group decides a member learns with its next heartbeat, and a rebalance is two decisions.
        HeartbeatIntervalMs = Math.Min(500, SessionTimeoutMs / 6),
        MaxPollIntervalMs = Math.Max(PollIntervalMaxMs, SessionTimeoutMs),
        QueuedMaxMessagesKbytes = FetchQueueKilobytesMax,
        // A busy broker would answer every few records with a fetch of their own, which costs it more than the records do. The wait is what
        // an event on a quiet topic pays for it.
        FetchMinBytes = 64 * 1024,
        FetchWaitMaxMs = 50,
        // With the default of a second, a queue that was full for a moment stalls for that long.
        FetchQueueBackoffMs = 10,
        FetchMaxBytes = Math.Min(FetchQueueKilobytesMax * 1024, ResponseBytesMax - 512 * 1024),
        IsolationLevel = IsolationLevel.ReadCommitted,
    };

    internal ProducerConfig Producer() => new(Client())
    {
        Acks = Acks.All,
        EnableIdempotence = true,
        CompressionType = CompressionType.Lz4,
        LingerMs = 20,
        QueueBufferingMaxMessages = PublishQueueRecordsMax,
        QueueBufferingMaxKbytes = PublishQueueKilobytesMax,
        MessageTimeoutMs = DeliveryTimeoutMs,
        MessageMaxBytes = PublishRecordBytesMax,
        // Topics are created on purpose where the broker can; the embedded one makes them when they are first named.
        AllowAutoCreateTopics = true,
    };
}
