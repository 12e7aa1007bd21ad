using System.Globalization;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using ScrmStream.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Puts rejected records on the dead-letter topic: the raw bytes as the value, the record's key as the key, and why and where from as
/// headers <c>reason</c>, <c>detail</c>, <c>topic</c>, <c>topic_id</c>, <c>partition</c>, <c>offset</c>, <c>index</c> (-1: the record as
/// a whole), <c>part</c> (what the value is: <c>record</c> or one <c>event</c> of it) and <c>timestamp</c> (Unix milliseconds); then the
/// record's own headers, each with <c>header.</c> before its name. A letter that the broker refuses as too large is cut to the beginning of
/// its value, without key and own headers, and the header <c>cut_from</c> gives the value's length in bytes. While the topic takes no
/// letter, for whatever reason, writing waits and tries again: the flow stands still behind it and nothing is dropped. Calls may come from
/// any thread.
/// </summary>
public sealed class KafkaDeadLetterSink : IDeadLetterSink, IDisposable
{
    // Below the least limit a broker is likely to have, so that a letter can always be delivered.
    private const int CutBytes = 256 * 1024;

    /// <summary>What stands before the names of the record's own headers.</summary>
    public const string OwnHeaderPrefix = "header.";

    private static readonly string[] Reasons =
        Array.ConvertAll(Enum.GetNames<RejectReason>(), JsonNamingPolicy.SnakeCaseLower.ConvertName);

    private const int PauseMs = 100, PauseMaxMs = 5_000;
    private static readonly TimeSpan SilenceBeforeWarning = TimeSpan.FromSeconds(10);

    private readonly IProducer<byte[]?, byte[]> _producer;
    private readonly ILogger _log;
    private readonly KafkaTopics _topics;
    private readonly string _servers;
    private readonly string _topic;

    private int _isWaiting;

    private KafkaDeadLetterSink(KafkaOptions options, KafkaTopics topics, ILogger log)
    {
        _log = log;
        _topics = topics;
        _servers = options.BootstrapServers;
        _topic = options.DeadLetterTopic;
        _producer = new ProducerBuilder<byte[]?, byte[]>(options.Producer())
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler(static (_, _) => { })
            .Build();
    }

    /// <summary>Creates the topic if it is missing.</summary>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses the topic.</exception>
    public static async Task<KafkaDeadLetterSink> OpenAsync(KafkaOptions options, ILogger log)
    {
        options.Validate();
        var topics = KafkaTopics.Connect(options);
        try
        {
            await topics.WaitForBrokerAsync();
            await topics.CreateMissingAsync([options.DeadLetterTopic]);
            return new KafkaDeadLetterSink(options, topics, log);
        }
        catch
        {
            topics.Dispose();
            throw;
        }
    }

    /// <remarks>While the topic takes none of them the call blocks until it does, or is cancelled: any may then be written.</remarks>
    /// <exception cref="StoreUnavailableException">The client itself is broken for good.</exception>
    public async Task WriteAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
    {
        var deliveries = new Task[letters.Count];
        for (var i = 0; i < deliveries.Length; i++) deliveries[i] = DeliverAsync(letters[i], cancel);
        var all = Task.WhenAll(deliveries);
        if (await Task.WhenAny(all, Task.Delay(SilenceBeforeWarning, cancel)) != all && !cancel.IsCancellationRequested)
            NoteWaiting($"no answer for {SilenceBeforeWarning.TotalSeconds:0} s");
        await all;
        if (Interlocked.Exchange(ref _isWaiting, 0) == 1) KafkaLog.LettersGoOn(_log, _topic);
    }

    public void Dispose()
    {
        _producer.Dispose();
        _topics.Dispose();
    }

    private async Task DeliverAsync(DeadLetter letter, CancellationToken cancel)
    {
        var key = letter.Key.IsEmpty ? null : letter.Key.ToArray();
        var message = new Message<byte[]?, byte[]> { Key = key, Value = letter.Raw.ToArray(), Headers = HeadersOf(letter) };
        try
        {
            await ProduceAsync(message, cancel);
        }
        catch (ProduceException<byte[]?, byte[]> e) when (e.Error.Code == ErrorCode.MsgSizeTooLarge)
        {
            await ProduceAsync(Cut(message), cancel);
        }
    }

    // Whatever made it too large, what is left always fits: a letter that no broker takes would hold the whole stream.
    private static Message<byte[]?, byte[]> Cut(Message<byte[]?, byte[]> whole)
    {
        var cut = new Message<byte[]?, byte[]> { Value = whole.Value[..Math.Min(whole.Value.Length, CutBytes)], Headers = [] };
        foreach (var header in whole.Headers)
            if (!header.Key.StartsWith(OwnHeaderPrefix, StringComparison.Ordinal)) cut.Headers.Add(header);
        Add(cut.Headers, "cut_from", whole.Value.Length.ToString(CultureInfo.InvariantCulture));
        return cut;
    }

    // A full queue empties as letters are acknowledged or time out; every other trouble is waited out too, for a letter that is not written
    // must hold the offset of its record.
    private async Task ProduceAsync(Message<byte[]?, byte[]> message, CancellationToken cancel)
    {
        for (var pauseMs = PauseMs; ; pauseMs = Math.Min(pauseMs * 2, PauseMaxMs))
        {
            try
            {
                await Failpoints.PassAsync(Failpoint.ProduceBefore);
                await _producer.ProduceAsync(_topic, message, cancel);
                await Failpoints.PassAsync(Failpoint.ProduceAfter);
                return;
            }
            catch (ProduceException<byte[]?, byte[]> e) when (e.Error.Code != ErrorCode.MsgSizeTooLarge)
            {
                if (e.Error.IsFatal) throw Unavailable(e);
                if (e.Error.Code != ErrorCode.Local_QueueFull) NoteWaiting(e.Error.Reason);
            }
            catch (IOException e) when (Failpoints.AreOn)
            {
                NoteWaiting(e.Message);
            }
            await Task.Delay(pauseMs, cancel);
        }
    }

    private void NoteWaiting(string reason)
    {
        if (Interlocked.Exchange(ref _isWaiting, 1) == 0) KafkaLog.LettersWait(_log, _servers, _topic, reason);
    }

    private StoreUnavailableException Unavailable(ProduceException<byte[]?, byte[]> e) => new(
        $"Kafka at {_servers} did not take a rejected record for topic {_topic}: {e.Error.Reason}. "
        + "Check the broker and the topic (settings Kafka:BootstrapServers, Kafka:DeadLetterTopic).", e);

    private static Headers HeadersOf(in DeadLetter letter)
    {
        var (partition, offset, index) = letter.Position;
        var headers = new Headers();
        Add(headers, "reason", Reasons[(int)letter.Reason]);
        Add(headers, "detail", letter.Detail);
        Add(headers, "topic", partition.Topic);
        Add(headers, "topic_id", partition.TopicId.ToString());
        Add(headers, "partition", partition.Partition.ToString(CultureInfo.InvariantCulture));
        Add(headers, "offset", offset.ToString(CultureInfo.InvariantCulture));
        Add(headers, "index", index.ToString(CultureInfo.InvariantCulture));
        Add(headers, "part", letter.IsWholeRecord ? "record" : "event");
        Add(headers, "timestamp", letter.TimestampMs.ToString(CultureInfo.InvariantCulture));
        var own = letter.Headers;
        while (HeaderBlock.TryTake(ref own, out var name, out var value))
            headers.Add(OwnHeaderPrefix + Encoding.UTF8.GetString(name.Span), value?.ToArray());
        return headers;
    }

    private static void Add(Headers headers, string name, string value) => headers.Add(name, Encoding.UTF8.GetBytes(value));
}
