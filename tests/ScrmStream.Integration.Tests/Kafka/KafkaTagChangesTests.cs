using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using ScrmStream.Identity;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Integration.Kafka;

public sealed class KafkaTagChangesTests(Brokers brokers) : IClassFixture<Brokers>
{
    private const long Noon = 1_760_000_000_000;
    private static readonly IdentifierId A = IdentifierId.Of("phone::a"u8), B = IdentifierId.Of("phone::b"u8);

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_Changes_AreWholeAndKeyedByCustomer(string broker)
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(broker), TagChangesTopic = $"tags-{Guid.NewGuid():N}" };
        using (var topic = await KafkaTagChanges.OpenAsync(options))
        {
            await topic.WriteAsync([], CancellationToken.None);
            await topic.WriteAsync(
                [new(A, "萌宠", "1", null, Noon) { Events = 2 }, new(B, "stage", "new", "\"old\"", Noon) { Events = 9 }], CancellationToken.None);
            await topic.WriteAsync([new(A, "萌宠", null, "1", Noon + 5) { Events = 2 }], CancellationToken.None);
        }
        var read = Read(options, options.TagChangesTopic, 3);
        Assert.Equal(
        [
            $$"""{"id":"{{A}}-{{Noon}}-2-萌宠=1","customer":"{{A}}","tag":"萌宠","value":"1","previous":null,"since":{{Noon}},"events":2}""",
            $$"""{"id":"{{A}}-{{Noon + 5}}-2-萌宠=","customer":"{{A}}","tag":"萌宠","value":null,"previous":"1","since":{{Noon + 5}},"events":2}""",
        ], read.Where(m => Encoding.UTF8.GetString(m.Key) == A.ToString()).Select(m => Encoding.UTF8.GetString(m.Value)));
        var other = JsonDocument.Parse(read.Single(m => Encoding.UTF8.GetString(m.Key) == B.ToString()).Value).RootElement;
        Assert.Equal(("new", "\"old\""), (other.GetProperty("value").GetString(), other.GetProperty("previous").GetString()));
    }

    /// <summary>However small the queue: what does not fit waits for its turn, and nothing is lost or overtaken.</summary>
    [Theory, InlineData(1), InlineData(7)]
    public async Task Write_MoreChangesThanTheQueueHolds_ComeAllInOrder(int queueRecords)
    {
        const int Count = 50;
        var options = new KafkaOptions
        {
            BootstrapServers = brokers.Address(Brokers.Embedded), TagChangesTopic = $"tags-{Guid.NewGuid():N}", PublishQueueRecordsMax = queueRecords,
        };
        using (var topic = await KafkaTagChanges.OpenAsync(options))
        {
            await topic.WriteAsync(
                [.. Enumerable.Range(0, Count).Select(i => new TagChange(A, "t", $"{i}", null, Noon + i))], CancellationToken.None);
        }
        var values = Read(options, options.TagChangesTopic, Count).Select(m => JsonDocument.Parse(m.Value).RootElement.GetProperty("value").GetString());
        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"{i}"), values);
    }

    /// <summary>A record that the broker would not take fails the write with topic and setting; it does not vanish.</summary>
    [Fact]
    public async Task Write_ARecordBeyondTheLimit_Fails()
    {
        var options = new KafkaOptions
        {
            BootstrapServers = brokers.Address(Brokers.Embedded), TagChangesTopic = $"tags-{Guid.NewGuid():N}", PublishRecordBytesMax = 1_024,
        };
        using var topic = await KafkaTagChanges.OpenAsync(options);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => topic.WriteAsync([new(A, "t", new string('x', 5_000), null, Noon)], CancellationToken.None));
        Assert.All([options.TagChangesTopic, "Kafka:TagChangesTopic"], part => Assert.Contains(part, error.Message));
    }

    /// <summary>Actions go the same way.</summary>
    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_Actions_AreWholeAndKeyedByCustomer(string broker)
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(broker), ActionsTopic = $"actions-{Guid.NewGuid():N}" };
        using (var topic = await KafkaActions.OpenAsync(options))
        {
            await topic.WriteAsync(
                [new(A, "coupon", Noon, Noon, false, ""), new(A, "mail", Noon, Noon + 5, false, "cap"), new(B, "call", Noon, Noon, true, "")],
                CancellationToken.None);
        }
        var read = Read(options, options.ActionsTopic, 3);
        Assert.Equal(
        [
            $$"""{"id":"{{A}}-{{Noon}}-coupon","customer":"{{A}}","action":"coupon","to":"customer","outcome":"sent","reason":null,"at":{{Noon}},"decided":{{Noon}}}""",
            $$"""{"id":"{{A}}-{{Noon}}-mail","customer":"{{A}}","action":"mail","to":"customer","outcome":"suppressed","reason":"cap","at":{{Noon}},"decided":{{Noon + 5}}}""",
        ], read.Where(m => Encoding.UTF8.GetString(m.Key) == A.ToString()).Select(m => Encoding.UTF8.GetString(m.Value)));
        Assert.Contains("\"to\":\"staff\"", Encoding.UTF8.GetString(read.Single(m => Encoding.UTF8.GetString(m.Key) == B.ToString()).Value));
    }

    [Fact]
    public async Task Write_BrokerGone_FailsWithTopicSettingAndServer()
    {
        var broker = MockKafka.Start();
        var options = new KafkaOptions { BootstrapServers = broker.BootstrapServers, TagChangesTopic = "tags", DeliveryTimeoutMs = 1_000 };
        using var topic = await KafkaTagChanges.OpenAsync(options);
        broker.Dispose();
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => topic.WriteAsync([new(A, "t", "1", null, Noon)], CancellationToken.None));
        Assert.All(["tags", "Kafka:TagChangesTopic", options.BootstrapServers], part => Assert.Contains(part, error.Message));
    }

    private static List<Message<byte[], byte[]>> Read(KafkaOptions options, string topic, int count)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = options.BootstrapServers, GroupId = $"reader-{Guid.NewGuid():N}", AutoOffsetReset = AutoOffsetReset.Earliest,
        };
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Subscribe(topic);
        var messages = new List<Message<byte[], byte[]>>();
        while (messages.Count < count)
        {
            var result = consumer.Consume(TimeSpan.FromSeconds(20));
            Assert.True(result is not null, $"only {messages.Count} of {count} changes came");
            messages.Add(result.Message);
        }
        consumer.Close();
        return messages;
    }
}
