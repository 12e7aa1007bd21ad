using System.Text;
using Confluent.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// Publishes records together with notes of what has been done, all or nothing: each <see cref="Commit"/> is one Kafka transaction. Notes
/// are records of a topic that is kept for ever; who opens the same name later reads them and goes on exactly there. A second process
/// under the same name ends the first one's work. Used by one thread.
/// </summary>
public sealed class KafkaTransactions : IDisposable
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);
    private readonly KafkaOptions _options;
    private readonly KafkaTopics _topics;
    private readonly IProducer<byte[]?, byte[]?> _producer;
    private readonly string _noteTopic;
    private bool _isOpen;

    private KafkaTransactions(KafkaOptions options, KafkaTopics topics, string name, string noteTopic)
    {
        (_options, _topics, _noteTopic) = (options, topics, noteTopic);
        var config = new ProducerConfig(options.Producer())
        {
            TransactionalId = name,
            TransactionTimeoutMs = (int)AnswerTimeout.TotalMilliseconds,
            // A transaction ends before a record of it gives up.
            MessageTimeoutMs = (int)AnswerTimeout.TotalMilliseconds,
        };
        _producer = new ProducerBuilder<byte[]?, byte[]?>(config)
            .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
    }

    /// <summary>Creates the topic of notes when it is missing, and ends what another process of this name has left open.</summary>
    /// <param name="name">Of the work: one process at a time.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses.</exception>
    public static async Task<KafkaTransactions> OpenAsync(KafkaOptions options, string name, string noteTopic)
    {
        options.Validate();
        var topics = KafkaTopics.Connect(options);
        KafkaTransactions? transactions = null;
        try
        {
            await topics.WaitForBrokerAsync();
            await topics.CreateMissingAsync([noteTopic], isKept: true);
            transactions = new KafkaTransactions(options, topics, name, noteTopic);
            await Task.Run(() => transactions.Guard(() => transactions._producer.InitTransactions(AnswerTimeout)));
            return transactions;
        }
        catch
        {
            if (transactions is null) topics.Dispose();
            else transactions.Dispose();
            throw;
        }
    }

    /// <summary>Creates the topics that are missing, with <see cref="KafkaOptions.NewTopicPartitions"/> partitions.</summary>
    public Task CreateMissingAsync(params IReadOnlyList<string> topics) => _topics.CreateMissingAsync(topics);

    /// <summary>All notes so far, in their order; of one key the last counts.</summary>
    public async Task<IReadOnlyList<(string Key, byte[] Value)>> NotesAsync(CancellationToken cancel)
    {
        var partitions = await _topics.PartitionsOfAsync(_noteTopic);
        return await Task.Run(() => TopicReader.Read(_options, _noteTopic, partitions, cancel)
            .Select(r => (Encoding.UTF8.GetString(r.Message.Key ?? []), r.Message.Value ?? [])).ToList(), cancel);
    }

    /// <summary>Adds a record to the open transaction; the first one opens it.</summary>
    /// <param name="partition">Null: by the key.</param>
    /// <exception cref="StoreUnavailableException">Kafka does not take it; nothing of the transaction will be seen.</exception>
    public void Publish(string topic, int? partition, Message<byte[]?, byte[]?> message)
    {
        if (!_isOpen) Guard(_producer.BeginTransaction);
        _isOpen = true;
        var target = new TopicPartition(topic, partition ?? Partition.Any);
        while (true)
        {
            try
            {
                _producer.Produce(target, message);
                return;
            }
            catch (ProduceException<byte[]?, byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                _producer.Poll(TimeSpan.FromMilliseconds(20));
            }
            catch (KafkaException e)
            {
                throw Failure(e);
            }
        }
    }

    /// <summary>Adds a note to the open transaction.</summary>
    public void Note(string key, byte[] value) =>
        Publish(_noteTopic, 0, new Message<byte[]?, byte[]?> { Key = Encoding.UTF8.GetBytes(key), Value = value });

    /// <summary>Makes everything since the last commit visible at once; returns when it is.</summary>
    /// <exception cref="StoreUnavailableException">It is not known, or nothing of it will be seen; the notes say which.</exception>
    public void Commit()
    {
        if (!_isOpen) return;
        Guard(() => _producer.CommitTransaction(AnswerTimeout));
        _isOpen = false;
    }

    /// <summary>What is not committed is never seen.</summary>
    public void Dispose()
    {
        try
        {
            if (_isOpen) _producer.AbortTransaction(AnswerTimeout);
        }
        catch (KafkaException)
        {
            // The broker ends it when its time is over.
        }
        _producer.Dispose();
        _topics.Dispose();
    }

    private void Guard(Action call)
    {
        while (true)
        {
            try
            {
                call();
                return;
            }
            catch (KafkaRetriableException)
            {
                // The library asks for the same call again.
            }
            catch (KafkaException e)
            {
                throw Failure(e);
            }
        }
    }

    private StoreUnavailableException Failure(KafkaException e)
    {
        var isFenced = e.Error.Code is ErrorCode.Local_Fenced or ErrorCode.ProducerFenced or ErrorCode.InvalidProducerEpoch;
        return new StoreUnavailableException(isFenced
            ? "Another process has taken this work over; what it does is noted, nothing is done twice."
            : $"Kafka at {_options.BootstrapServers} did not finish a transaction: {e.Error.Reason}. Start again: it goes on where it was.",
            e);
    }
}
