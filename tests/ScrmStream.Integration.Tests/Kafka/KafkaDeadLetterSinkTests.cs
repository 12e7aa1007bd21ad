using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Kafka;

public sealed class KafkaDeadLetterSinkTests(Brokers brokers) : IClassFixture<Brokers>
{
    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_Letter_CarriesBytesReasonAndOrigin(string broker)
    {
        var options = OptionsOf(broker);
        var topicId = Guid.NewGuid();
        var letters = Enumerable.Range(0, 50).Select(i => new DeadLetter(
            new SourcePosition(new SourcePartition(topicId, "orders", 3), 1_000 + i, i == 0 ? -1 : i),
            1_700_000_000_000, RejectReason.EventTimeOutOfRange, "1970 手机", new byte[] { 0, 255, (byte)i })).ToList();

        using (var sink = await KafkaDeadLetterSink.OpenAsync(options, NullLogger.Instance)) await sink.WriteAsync(letters, CancellationToken.None);

        var read = Read(options, 50).OrderBy(m => Header(m, "offset")).ToList();
        Assert.Equal([0, 255, 0], read[0].Value);
        Assert.Equal("event_time_out_of_range", Header(read[0], "reason"));
        Assert.Equal("1970 手机", Header(read[0], "detail"));
        Assert.Equal("orders", Header(read[0], "topic"));
        Assert.Equal(topicId.ToString(), Header(read[0], "topic_id"));
        Assert.Equal("3", Header(read[0], "partition"));
        Assert.Equal("-1", Header(read[0], "index"));
        Assert.Equal("1700000000000", Header(read[0], "timestamp"));
        Assert.Equal(Enumerable.Range(1_000, 50).Select(o => o.ToString()), read.Select(m => Header(m, "offset")));
    }

    [RealKafkaFact]
    public async Task Write_LargerThanTheBrokerTakes_IsCutAndSaysSo()
    {
        var options = OptionsOf(Brokers.Real);
        var raw = new byte[2 * 1024 * 1024];
        new Random(1).NextBytes(raw);
        var position = new SourcePosition(new SourcePartition(Guid.Empty, "orders", 0), 7, -1);
        var letter = new DeadLetter(position, 0, RejectReason.TooLarge, "", raw);

        using (var sink = await KafkaDeadLetterSink.OpenAsync(options, NullLogger.Instance)) await sink.WriteAsync([letter], CancellationToken.None);

        var read = Assert.Single(Read(options, 1));
        Assert.Equal(raw.Length.ToString(), Header(read, "cut_from"));
        Assert.Equal(raw[..read.Value.Length], read.Value);
        Assert.NotEmpty(read.Value);
    }

    /// <summary>A record may be small and its key and headers large; its letter must not hold the stream.</summary>
    [RealKafkaFact]
    public async Task Write_HeadersLargerThanTheBrokerTakes_AreLeftOut()
    {
        var options = OptionsOf(Brokers.Real);
        var headers = new System.Buffers.ArrayBufferWriter<byte>();
        var trace = new byte[2 * 1024 * 1024];
        new Random(1).NextBytes(trace);
        HeaderBlock.Append(headers, "trace"u8, trace);
        var position = new SourcePosition(new SourcePartition(Guid.Empty, "orders", 0), 8, 0);
        var letter = new DeadLetter(position, 0, RejectReason.NoEventName, "", "{}"u8.ToArray()) { Headers = headers.WrittenMemory, Key = "k"u8.ToArray() };

        using (var sink = await KafkaDeadLetterSink.OpenAsync(options, NullLogger.Instance)) await sink.WriteAsync([letter], CancellationToken.None);

        var read = Assert.Single(Read(options, 1));
        Assert.Equal("{}"u8.ToArray(), read.Value);
        Assert.Equal("2", Header(read, "cut_from"));
        Assert.Equal("8", Header(read, "offset"));
    }

    /// <summary>An outage longer than a delivery may take: nothing is given up, and the letter is there when the broker is back.</summary>
    [RealKafkaFact]
    public async Task Write_BrokerIsAway_WaitsUntilItIsBack()
    {
        using var broker = RealKafka.Start();
        var options = new KafkaOptions
            { BootstrapServers = broker.Address, DeadLetterTopic = $"dead-{Guid.NewGuid():N}", DeliveryTimeoutMs = 1_000 };
        var position = new SourcePosition(new SourcePartition(Guid.Empty, "orders", 0), 9, -1);
        var letter = new DeadLetter(position, 0, RejectReason.NotDecodable, "", "x"u8.ToArray());
        using var sink = await KafkaDeadLetterSink.OpenAsync(options, NullLogger.Instance);
        broker.Crash();

        var write = sink.WriteAsync([letter], CancellationToken.None);
        var wait = Task.Delay(TimeSpan.FromSeconds(3));
        Assert.Same(wait, await Task.WhenAny(write, wait));
        broker.Restart();
        await write.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal("9", Header(Assert.Single(Read(options, 1)), "offset"));
    }

    [Fact]
    public async Task Open_NoBroker_SaysWhereAndWhatToDo()
    {
        var options = new KafkaOptions { BootstrapServers = "127.0.0.1:1", StartTimeoutMs = 300 };

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => KafkaDeadLetterSink.OpenAsync(options, NullLogger.Instance));

        Assert.Contains("127.0.0.1:1", error.Message);
        Assert.Contains("--kafka", error.Message);
    }

    private KafkaOptions OptionsOf(string broker) =>
        new() { BootstrapServers = brokers.Address(broker), DeadLetterTopic = $"dead-{Guid.NewGuid():N}" };

    private static List<Message<Ignore, byte[]>> Read(KafkaOptions options, int count)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = options.BootstrapServers,
            GroupId = $"reader-{Guid.NewGuid():N}",
            AutoOffsetReset = AutoOffsetReset.Earliest,
        };
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(config).Build();
        consumer.Subscribe(options.DeadLetterTopic);
        var messages = new List<Message<Ignore, byte[]>>();
        while (messages.Count < count)
        {
            var result = consumer.Consume(TimeSpan.FromSeconds(20));
            Assert.True(result is not null, $"only {messages.Count} of {count} letters came");
            messages.Add(result.Message);
        }
        consumer.Close();
        return messages;
    }

    private static string Header(Message<Ignore, byte[]> message, string name) =>
        Encoding.UTF8.GetString(message.Headers.GetLastBytes(name));
}
