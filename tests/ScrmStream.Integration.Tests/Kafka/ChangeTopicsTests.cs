using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using ScrmStream.Identity;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Integration.Kafka;

/// <summary>The topics of changes and actions, as schemas/changes/README.md describes them.</summary>
public sealed class ChangeTopicsTests(Brokers brokers) : IClassFixture<Brokers>
{
    private const long Noon = 1_760_000_000_000;
    private static readonly IdentifierId A = IdentifierId.Of("phone::a"u8), B = IdentifierId.Of("phone::b"u8);

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_Changes_AreWholeAndKeyedByCustomer(string broker)
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(broker), TagChangesTopic = $"tags-{Guid.NewGuid():N}" };
        using (var topic = await ChangeTopics.OpenTagsAsync(options))
        {
            await topic.WriteAsync([], CancellationToken.None);
            await topic.WriteAsync(
                [new(A, "萌宠", "1", null, Noon) { Events = 2 }, new(B, "stage", "new", "\"old\"", Noon) { Events = 9 }], CancellationToken.None);
            await topic.WriteAsync([new(A, "萌宠", null, "1", Noon + 5) { Events = 2 }], CancellationToken.None);
        }
        var read = TopicRecords.Read(options, options.TagChangesTopic, 3);
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
        using (var topic = await ChangeTopics.OpenTagsAsync(options))
        {
            await topic.WriteAsync(
                [.. Enumerable.Range(0, Count).Select(i => new TagChange(A, "t", $"{i}", null, Noon + i))], CancellationToken.None);
        }
        var values = TopicRecords.Read(options, options.TagChangesTopic, Count).Select(m => JsonDocument.Parse(m.Value).RootElement.GetProperty("value").GetString());
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
        using var topic = await ChangeTopics.OpenTagsAsync(options);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => topic.WriteAsync([new(A, "t", new string('x', 5_000), null, Noon)], CancellationToken.None));
        Assert.All([options.TagChangesTopic, "Kafka:TagChangesTopic"], part => Assert.Contains(part, error.Message));
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_Actions_AreWholeAndKeyedByCustomer(string broker)
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(broker), ActionsTopic = $"actions-{Guid.NewGuid():N}" };
        using (var topic = await ChangeTopics.OpenActionsAsync(options))
        {
            await topic.WriteAsync(
                [new(A, "coupon", Noon, Noon, false, ""), new(A, "mail", Noon, Noon + 5, false, "cap"), new(B, "call", Noon, Noon, true, "")],
                CancellationToken.None);
        }
        var read = TopicRecords.Read(options, options.ActionsTopic, 3);
        Assert.Equal(
        [
            $$"""{"id":"{{A}}-{{Noon}}-coupon","customer":"{{A}}","action":"coupon","to":"customer","outcome":"sent","reason":null,"at":{{Noon}},"decided":{{Noon}}}""",
            $$"""{"id":"{{A}}-{{Noon}}-mail","customer":"{{A}}","action":"mail","to":"customer","outcome":"suppressed","reason":"cap","at":{{Noon}},"decided":{{Noon + 5}}}""",
        ], read.Where(m => Encoding.UTF8.GetString(m.Key) == A.ToString()).Select(m => Encoding.UTF8.GetString(m.Value)));
        Assert.Contains("\"to\":\"staff\"", Encoding.UTF8.GetString(read.Single(m => Encoding.UTF8.GetString(m.Key) == B.ToString()).Value));
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_StageChanges_AreWholeAndKeyedByCustomer(string broker)
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(broker), StageChangesTopic = $"stages-{Guid.NewGuid():N}" };
        using (var topic = await ChangeTopics.OpenStagesAsync(options))
        {
            await topic.WriteAsync([], CancellationToken.None);
            await topic.WriteAsync(
            [
                new(A, "sales", "sales", "sales-1-a", "意向", "engaged", "event", null, Noon) { Events = 3 },
                new(A, "sales", "sales", "sales-1-a", "意向", "意向", "reminder", "follow_up", Noon + 1) { Events = 3 },
                new(A, "sales", "", "", null, "意向", "rewritten", null, Noon + 2),
            ], CancellationToken.None);
        }
        Assert.Equal(
        [
            $$"""{"id":"{{A}}-{{Noon}}-3-sales=意向","customer":"{{A}}","pipeline":"sales","type":"sales","lead":"sales-1-a","stage":"意向","previous":"engaged","step":"event","reminder":null,"since":{{Noon}},"events":3}""",
            $$"""{"id":"{{A}}-{{Noon + 1}}-3-sales=意向!follow_up","customer":"{{A}}","pipeline":"sales","type":"sales","lead":"sales-1-a","stage":"意向","previous":"意向","step":"reminder","reminder":"follow_up","since":{{Noon + 1}},"events":3}""",
            $$"""{"id":"{{A}}-{{Noon + 2}}-0-sales=","customer":"{{A}}","pipeline":"sales","type":"","lead":null,"stage":null,"previous":"意向","step":"rewritten","reminder":null,"since":{{Noon + 2}},"events":0}""",
        ], Values(TopicRecords.Read(options, options.StageChangesTopic, 3)));
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_ScoreChanges_AreWholeAndKeyedByCustomer(string broker)
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(broker), ScoreChangesTopic = $"scores-{Guid.NewGuid():N}" };
        using (var topic = await ChangeTopics.OpenScoresAsync(options))
        {
            await topic.WriteAsync([], CancellationToken.None);
            await topic.WriteAsync([new(A, "intent", 49_999_999, "B", "A", Noon) { Events = 7 }, new(A, "intent", -1, null, "B", Noon + 1)], CancellationToken.None);
        }
        Assert.Equal(
        [
            $$"""{"id":"{{A}}-{{Noon}}-7-intent=B","customer":"{{A}}","score":"intent","value":49.999999,"grade":"B","previous":"A","since":{{Noon}},"events":7}""",
            $$"""{"id":"{{A}}-{{Noon + 1}}-0-intent=","customer":"{{A}}","score":"intent","value":-0.000001,"grade":null,"previous":"B","since":{{Noon + 1}},"events":0}""",
        ], Values(TopicRecords.Read(options, options.ScoreChangesTopic, 2)));
    }

    [Fact]
    public async Task Write_BrokerGone_FailsWithTopicSettingAndServer()
    {
        var broker = MockKafka.Start();
        var options = new KafkaOptions { BootstrapServers = broker.BootstrapServers, TagChangesTopic = "tags", DeliveryTimeoutMs = 1_000 };
        using var topic = await ChangeTopics.OpenTagsAsync(options);
        broker.Dispose();
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => topic.WriteAsync([new(A, "t", "1", null, Noon)], CancellationToken.None));
        Assert.All(["tags", "Kafka:TagChangesTopic", options.BootstrapServers], part => Assert.Contains(part, error.Message));
    }

    // All of customer A.
    private static IEnumerable<string> Values(IEnumerable<Message<byte[], byte[]>> messages) => messages.Select(m =>
    {
        Assert.Equal(A.ToString(), Encoding.UTF8.GetString(m.Key));
        return Encoding.UTF8.GetString(m.Value);
    });
}
