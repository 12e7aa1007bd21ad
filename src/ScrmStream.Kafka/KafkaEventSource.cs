using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using ScrmStream.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Reads topics, and the topic of decisions, as one member of a consumer group. Records go from librdkafka's buffers into the batch
/// without an object in between; offsets are stored only by <see cref="Commit"/> and committed in the background and at the end. A
/// broker that goes away after the start is retried for ever and logged once.
/// </summary>
public sealed class KafkaEventSource : IEventSource
{
    private const int FetchMax = 1024;
    // A fetch returns when it has what it asked for or its time is over; longer would hold back the first records of a few.
    private const int FetchSliceMs = 10;

    private readonly KafkaTopics _topics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _servers;
    private readonly int _startTimeoutMs;
    private readonly HistoryTopics _history;
    private readonly TopicIdWatch _watch;
    private readonly KafkaTrouble _trouble;
    private readonly IConsumer<Ignore, Ignore> _consumer;
    private readonly NativeConsumer _native;
    private readonly AssignedPartitions _assigned;
    private readonly Lock _commitGate = new();
    private readonly List<OffsetToStore> _toStore = [];
    private readonly ArrayBufferWriter<byte> _headers = new(1024);

    // Records come in runs of one partition, so the last one found is nearly always the next one wanted.
    private nint _lastTopic;
    private int _lastPartition;
    private AssignedPartition? _last;
    private bool _wasEmpty, _paused, _hasNewPartitions, _disposed;

    private KafkaEventSource(KafkaOptions options, KafkaTopics topics, string[] subscription, TimeProvider time, ILogger logger)
    {
        _topics = topics;
        _time = time;
        _logger = logger;
        _servers = options.BootstrapServers;
        _assigned = new AssignedPartitions(options.TopicFormats());
        _startTimeoutMs = options.StartTimeoutMs;
        _history = new HistoryTopics(options.HistoryTopics, time);
        _watch = new TopicIdWatch(topics, time, TimeSpan.FromMilliseconds(options.TopicRefreshIntervalMs));
        _trouble = new KafkaTrouble(_servers, logger);
        _consumer = new ConsumerBuilder<Ignore, Ignore>(options.Consumer())
            .SetPartitionsAssignedHandler((_, partitions) => OnAssigned(partitions))
            .SetPartitionsRevokedHandler((_, partitions) => OnRevoked(partitions))
            .SetPartitionsLostHandler((_, partitions) => OnRevoked(partitions))
            .SetErrorHandler((_, error) => _trouble.Note(error))
            .SetLogHandler((_, message) => KafkaLog.Library(_logger, message.Facility, message.Message))
            .Build();
        _native = new NativeConsumer(_consumer, FetchMax);
        _consumer.Subscribe(subscription);
    }

    /// <summary>Joins the group.</summary>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or a topic that is named in full is missing.</exception>
    public static async Task<KafkaEventSource> OpenAsync(KafkaOptions options, TimeProvider time, ILogger logger)
    {
        options.Validate();
        if (options.Topics.Count == 0) throw new ArgumentException("Name the topics to read with --topics (setting Kafka:Topics).");
        var topics = KafkaTopics.Connect(options);
        try
        {
            await topics.WaitForBrokerAsync();
            await topics.RequireAsync([.. options.Topics.Where(t => !t.StartsWith('^'))]);
            return new KafkaEventSource(options, topics, await SubscriptionAsync(options, topics), time, logger);
        }
        catch
        {
            topics.Dispose();
            throw;
        }
    }

    // A topic that is not there yet is found by an expression once it is.
    private static async Task<string[]> SubscriptionAsync(KafkaOptions options, KafkaTopics topics)
    {
        string[] others = [.. options.HistoryTopics.Append(options.DecisionTopic).Except(options.Topics)];
        var known = await topics.IdsAsync(others.Where(t => !t.StartsWith('^')));
        return [.. options.Topics, .. others.Select(t => t.StartsWith('^') || known.ContainsKey(t) ? t : $"^{Regex.Escape(t)}$")];
    }

    public long Lag
    {
        get
        {
            lock (_commitGate)
            {
                return _disposed ? -1 : SumOfLags(_assigned.ToList());
            }
        }
    }

    public SourceState Poll(RecordBatch batch, TimeSpan timeout)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var started = _time.GetTimestamp();
        while (true)
        {
            _trouble.ThrowIfFinal();
            if (!_paused) HandOver(batch);
            if (batch.IsFull) return SourceState.Open;
            var isIdle = !_paused && _assigned.AreAllAtEnd();
            if (isIdle && batch.Count > 0) return SourceState.Idle;
            var leftMs = (int)(timeout - _time.GetElapsedTime(started)).TotalMilliseconds;
            if (leftMs <= 0) return isIdle ? SourceState.Idle : SourceState.Open;
            if (!_paused) YieldToLive();
            Fetch(batch.Records.Length - batch.Count, leftMs);
            FollowTopics();
        }
    }

    public void Commit(IReadOnlyList<NextOffset> next)
    {
        lock (_commitGate)
        {
            if (_disposed) return;
            _toStore.Clear();
            foreach (var (source, offset) in next)
            {
                var partition = _assigned.Find(source.Topic, source.Partition);
                // Not ours any more, of a deleted topic of the same name, or backwards: not ours to say.
                if (partition is null || partition.Source.TopicId != source.TopicId || offset <= partition.Stored) continue;
                partition.Stored = offset;
                _toStore.Add(new OffsetToStore(source, offset));
            }
            Failpoints.Pass(Failpoint.OffsetsBefore);
            if (_toStore.Count > 0) _native.Store(_toStore);
        }
    }

    public void Describe(List<PartitionStanding> standings)
    {
        foreach (var p in _assigned.ToList())
            standings.Add(new PartitionStanding(p.Source, p.Taken, p.IsAtEnd, _history.Contains(p.Source.Topic)));
    }

    public void Rewind()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (var partition in _assigned.ToList())
            StartAgain(partition.Source.TopicId, partition, partition.Stored, partition.Stored >= 0 ? partition.Stored : Offset.Beginning);
    }

    public void Pause(bool paused)
    {
        if (_paused == paused) return;
        _paused = paused;
        if (paused) _consumer.Pause(_assigned.Names());
        else _consumer.Resume(_assigned.Names());
        _history.Forget();
    }

    /// <summary>Leaves the group and commits what is stored; waits for the broker. Not to be called while a poll runs.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_commitGate)
        {
            if (_disposed) return ValueTask.CompletedTask;
            _disposed = true;
        }
        return new ValueTask(Task.Run(Close));
    }

    private void Close()
    {
        _native.Dispose();
        try
        {
            _consumer.Close();
        }
        catch (KafkaException e)
        {
            KafkaLog.Problem(_logger, e.Error.Reason);
        }
        _consumer.Dispose();
        _topics.Dispose();
    }

    private unsafe void HandOver(RecordBatch batch)
    {
        while (!batch.IsFull)
        {
            var message = _native.Take();
            if (message is null) return;
            if (message->Error == NativeKafka.NoError) Add(batch, message);
            else Note(message);
            NativeKafka.Destroy(message);
        }
    }

    private unsafe void Add(RecordBatch batch, NativeKafka.Message* message)
    {
        var partition = message->Topic == _lastTopic && message->Partition == _lastPartition ? _last : Find(message);
        if (partition is null) return; // revoked while it lay here; its next owner reads it
        if (message->Offset < partition.Next) WentBack(partition, message->Offset);
        partition.Next = partition.Taken = message->Offset + 1;
        partition.IsAtEnd = false;
        int type;
        nint headers;
        if (NativeKafka.Headers(message, &headers) != NativeKafka.NoError) headers = 0;
        var hints = RecordHeaders.Read(headers, out var schema);
        if (hints.Format == RecordFormat.Unknown) hints = hints with { Format = partition.Format };
        batch.Add(partition.Source, message->Offset, NativeKafka.Timestamp(message, &type), message->ValueSpan, hints, schema);
        batch.Attach(message->KeySpan, AllOf(headers));
    }

    private unsafe ReadOnlySpan<byte> AllOf(nint headers)
    {
        if (headers == 0) return default;
        _headers.ResetWrittenCount();
        byte* name, value;
        nuint length;
        for (nuint i = 0; NativeKafka.HeaderAt(headers, i, &name, &value, &length) == NativeKafka.NoError; i++)
        {
            var text = new ReadOnlySpan<byte>(value, value is null ? 0 : checked((int)length));
            HeaderBlock.Append(_headers, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name), text, hasValue: value is not null);
        }
        return _headers.WrittenSpan;
    }

    private unsafe AssignedPartition? Find(NativeKafka.Message* message)
    {
        _lastTopic = message->Topic;
        _lastPartition = message->Partition;
        return _last = _assigned.Find(NativeKafka.TopicName(message->Topic), message->Partition);
    }

    private unsafe void Note(NativeKafka.Message* message)
    {
        if (message->Error != NativeKafka.PartitionEof)
        {
            _trouble.Note(new Error((ErrorCode)message->Error, NativeKafka.ErrorText(message->Error)));
            _watch.LookNow();
        }
        else if (Find(message) is { } partition)
        {
            partition.IsAtEnd = message->Offset >= partition.Next;
            partition.Next = Math.Max(partition.Next, message->Offset);
        }
    }

    private void WentBack(AssignedPartition partition, long offset) =>
        KafkaLog.WentBack(_logger, partition.Source.Topic, partition.Source.Partition, partition.Next, offset);

    // A source that was empty is asked for one record, because that returns as soon as there is one.
    private void Fetch(int room, int leftMs)
    {
        if (_paused && _hasNewPartitions) _consumer.Pause(_assigned.Names());
        _hasNewPartitions = false;
        var came = _wasEmpty ? _native.Fetch(1, leftMs) : _native.Fetch(room, Math.Min(leftMs, FetchSliceMs));
        _wasEmpty = came == 0;
        if (came > 0) _trouble.NoteAnswer();
    }

    private void YieldToLive()
    {
        if (!_history.IsLookDue()) return;
        var history = _assigned.ToList();
        var live = history.FindAll(p => !_history.Contains(p.Source.Topic));
        history.RemoveAll(live.Contains);
        if (history.Count == 0 || !_history.Changes(live.Count == 0 ? 0 : SumOfLags(live))) return;
        var names = history.ConvertAll(p => p.Name);
        if (_history.IsWaiting) _consumer.Pause(names);
        else _consumer.Resume(names);
    }

    private void FollowTopics()
    {
        if (_watch.Changed(_assigned) is not { } ids) return;
        foreach (var partition in _assigned.ToList())
        {
            if (!ids.TryGetValue(partition.Source.Topic, out var id) || id == partition.Source.TopicId) continue;
            KafkaLog.Recreated(_logger, partition.Source.Topic, id);
            // Records of the old and the new topic cannot be told apart here; all of the new one is read again.
            StartAgain(id, partition, stored: -1, Offset.Beginning);
        }
    }

    private void StartAgain(Guid topicId, AssignedPartition partition, long stored, Offset at)
    {
        _native.Drop(partition.Source);
        _consumer.IncrementalUnassign([partition.Name]);
        _assigned.Add(topicId, partition.Name, stored);
        _consumer.IncrementalAssign([new TopicPartitionOffset(partition.Name, at)]);
        _hasNewPartitions = true;
        _history.Forget();
        _lastTopic = 0;
    }

    private long SumOfLags(List<AssignedPartition> partitions)
    {
        long lag = 0;
        foreach (var partition in partitions)
        {
            var ends = _consumer.GetWatermarkOffsets(partition.Name);
            if (ends.High == Offset.Unset) return -1;
            var next = partition.Next >= 0 ? partition.Next : Math.Max(partition.Stored, ends.Low.Value);
            lag += Math.Max(0, ends.High.Value - next);
        }
        return partitions.Count == 0 ? -1 : lag;
    }

    // The handlers run inside librdkafka's calls, where an exception would lose records: none leaves them.
    private IEnumerable<TopicPartitionOffset> OnAssigned(List<TopicPartition> partitions)
    {
        _lastTopic = 0;
        _hasNewPartitions = true;
        _history.Forget();
        try
        {
            Failpoints.Pass(Failpoint.AssignBefore);
            var starts = partitions.Count == 0 ? [] : StartOfEach(partitions);
            if (starts.Count > 0) KafkaLog.Assigned(_logger, string.Join(", ", starts));
            return starts;
        }
        catch (Exception e)
        {
            // Where to start is not known, so nothing may be read: the next step of the poll throws this.
            _trouble.Fail($"Kafka at {_servers} did not say where reading goes on ({e.Message}). "
                + "Check the broker (--kafka, setting Kafka:BootstrapServers).");
            return partitions.ConvertAll(p => new TopicPartitionOffset(p, Offset.Unset));
        }
    }

    private void OnRevoked(List<TopicPartitionOffset> partitions)
    {
        _lastTopic = 0;
        foreach (var partition in partitions) _assigned.Remove(partition.TopicPartition);
        if (partitions.Count > 0) KafkaLog.Revoked(_logger, string.Join(", ", partitions));
    }

    private List<TopicPartitionOffset> StartOfEach(List<TopicPartition> partitions)
    {
        var ids = DescribeWithRetry([.. partitions.Select(p => p.Topic).Distinct()]);
        return _native.Committed(partitions, _startTimeoutMs).ConvertAll(committed =>
        {
            var id = ids.GetValueOrDefault(committed.Partition.Topic);
            var isRecreated = committed.TopicId is { } known && known != id && id != Guid.Empty;
            if (isRecreated) KafkaLog.Recreated(_logger, committed.Partition.Topic, id);
            _assigned.Add(id, committed.Partition, isRecreated ? -1 : Math.Max(-1, committed.Offset));
            // Unset: from the committed offset, or from the beginning where there is none.
            return new TopicPartitionOffset(committed.Partition, isRecreated ? Offset.Beginning : Offset.Unset);
        });
    }

    private IReadOnlyDictionary<string, Guid> DescribeWithRetry(List<string> topics)
    {
        var started = _time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return _topics.IdsAsync(topics).GetAwaiter().GetResult();
            }
            catch (KafkaException e) when (_time.GetElapsedTime(started).TotalMilliseconds < _startTimeoutMs)
            {
                KafkaLog.AssignmentRetry(_logger, attempt, e.Error.Reason);
            }
        }
    }
}
