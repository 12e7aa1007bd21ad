using Confluent.Kafka;
using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>What a group has committed of a partition and the broker still has.</summary>
/// <param name="First">The first offset that is there.</param>
/// <param name="End">The committed offset: what lies before it is done.</param>
public sealed record CommittedRange(SourcePartition Partition, long First, long End);

/// <summary>
/// Reads again what a group has committed, without joining it: ranges one after the other, with what headers and topics say of formats,
/// as the service reads them. One thread.
/// </summary>
public sealed class CommittedRecords : IDisposable
{
    private const int FetchMax = 4096, FetchMs = 200;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    private readonly KafkaTopics _topics;
    private readonly IConsumer<Ignore, Ignore> _consumer;
    private readonly NativeConsumer _native;
    private readonly Dictionary<string, RecordFormat> _formats;
    private readonly TimeProvider _time;
    private readonly string _servers;
    private CommittedRange? _range;

    private CommittedRecords(KafkaOptions options, KafkaTopics topics, TimeProvider time)
    {
        (_topics, _time, _servers, _formats) = (topics, time, options.BootstrapServers, options.TopicFormats());
        var config = new ConsumerConfig(options.Consumer()) { GroupInstanceId = null, EnableAutoCommit = false };
        _consumer = new ConsumerBuilder<Ignore, Ignore>(config)
            .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
        _native = new NativeConsumer(_consumer, FetchMax);
    }

    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers.</exception>
    public static async Task<CommittedRecords> OpenAsync(KafkaOptions options, TimeProvider time)
    {
        options.Validate();
        var topics = KafkaTopics.Connect(options);
        try
        {
            await topics.WaitForBrokerAsync();
            return new CommittedRecords(options, topics, time);
        }
        catch
        {
            topics.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The ranges of all partitions of which the group has committed something, by topic and partition. Offsets of a topic that was deleted
    /// and created again since are left out, with its name in <paramref name="recreated"/>.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The broker does not answer.</exception>
    public async Task<IReadOnlyList<CommittedRange>> RangesAsync(List<string> recreated)
    {
        try
        {
            var names = await _topics.NamesAsync();
            var ids = await _topics.IdsAsync(names.Select(n => n.Topic).Distinct());
            var ranges = new List<CommittedRange>();
            var committed = await Task.Run(() => _native.Committed([.. names], (int)AnswerTimeout.TotalMilliseconds));
            foreach (var (partition, offset, topicId) in committed)
            {
                if (offset < 0 || !ids.TryGetValue(partition.Topic, out var id)) continue;
                if (topicId is { } known && known != id && id != Guid.Empty) recreated.Add(partition.Topic);
                else ranges.Add(await RangeAsync(partition, id, offset));
            }
            return [.. ranges.OrderBy(r => r.Partition.Topic, StringComparer.Ordinal).ThenBy(r => r.Partition.Partition)];
        }
        catch (KafkaException e)
        {
            throw Unavailable(e.Error.Reason, e);
        }
    }

    /// <summary>Turns to a range; what was read of another one is forgotten.</summary>
    public void Begin(CommittedRange range)
    {
        if (_range is not null) Leave();
        _range = range;
        _consumer.Assign(new TopicPartitionOffset(range.Partition.Topic, range.Partition.Partition, range.First));
    }

    /// <summary>Adds records until the batch is full.</summary>
    /// <returns>False when the range has been read to its end; the batch may have the last of it.</returns>
    /// <exception cref="StoreUnavailableException">The broker gives nothing any more.</exception>
    public bool Read(RecordBatch batch, CancellationToken cancel)
    {
        var started = _time.GetTimestamp();
        while (!batch.IsFull)
        {
            cancel.ThrowIfCancellationRequested();
            var taken = Take(batch);
            if (taken is Taken.End) return false;
            if (taken is Taken.Record) started = _time.GetTimestamp();
            else if (_time.GetElapsedTime(started) > AnswerTimeout) throw Unavailable($"nothing of {_range!.Partition} came for 30 s");
            else _native.Fetch(batch.Records.Length - batch.Count, FetchMs);
        }
        return true;
    }

    public void Dispose()
    {
        _native.Dispose();
        _consumer.Close();
        _consumer.Dispose();
        _topics.Dispose();
    }

    private enum Taken : byte
    {
        Nothing,
        Record,
        End,
    }

    private unsafe Taken Take(RecordBatch batch)
    {
        var message = _native.Take();
        if (message is null) return Taken.Nothing;
        try
        {
            if (message->Error == NativeKafka.PartitionEof) return Taken.End;
            // Trouble on the way to the broker: the library goes on by itself, or nothing comes for long.
            if (message->Error != NativeKafka.NoError) return Taken.Nothing;
            if (message->Offset >= _range!.End) return Taken.End;
            Add(batch, message);
            return Taken.Record;
        }
        finally
        {
            NativeKafka.Destroy(message);
        }
    }

    private unsafe void Add(RecordBatch batch, NativeKafka.Message* message)
    {
        int type;
        nint headers;
        if (NativeKafka.Headers(message, &headers) != NativeKafka.NoError) headers = 0;
        var hints = RecordHeaders.Read(headers, out var schema);
        var partition = _range!.Partition;
        if (hints.Format == RecordFormat.Unknown) hints = hints with { Format = _formats.GetValueOrDefault(partition.Topic) };
        batch.Add(partition, message->Offset, NativeKafka.Timestamp(message, &type), message->ValueSpan, hints, schema);
    }

    private void Leave()
    {
        _consumer.Unassign();
        _native.Fetch(FetchMax, 0);
        _native.Drop(_range!.Partition);
    }

    private async Task<CommittedRange> RangeAsync(TopicPartition partition, Guid topicId, long committed)
    {
        var ends = await Task.Run(() => _consumer.QueryWatermarkOffsets(partition, AnswerTimeout));
        var source = new SourcePartition(topicId, partition.Topic, partition.Partition.Value);
        return new CommittedRange(source, Math.Min(ends.Low.Value, committed), committed);
    }

    private StoreUnavailableException Unavailable(string reason, Exception? inner = null) =>
        new($"Kafka at {_servers} (--kafka, setting Kafka:BootstrapServers) cannot be read: {reason}. Check the broker.", inner);
}
