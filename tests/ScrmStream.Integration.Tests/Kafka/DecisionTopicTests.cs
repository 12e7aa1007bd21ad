using System.Text;
using ScrmStream.Kafka;

namespace ScrmStream.Integration.Kafka;

/// <summary>The source reads the topic of decisions beside its own, from the start or as soon as it is there.</summary>
public sealed class DecisionTopicTests(Brokers brokers) : IClassFixture<Brokers>
{
    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Poll_DecisionsThereAtTheStart_AreReadToTheirEndBesideTheTopic(string broker)
    {
        var scene = Scene(broker);
        await scene.PublishAsync(20);
        await DecideAsync(scene, "first");
        await using var source = await scene.OpenAsync();

        var seen = KafkaScene.ReadToEnd(source);   // one look: idle means that both were read

        Assert.Equal(21, seen.Count);
        Assert.Equal("first", Assert.Single(seen, s => s.Partition.Topic == scene.Options.DecisionTopic).Value);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Poll_DecisionsCreatedLater_AreReadThen(string broker)
    {
        var scene = Scene(broker);
        await scene.PublishAsync(20);
        await using var source = await scene.OpenAsync();
        KafkaScene.ReadToEnd(source, atLeast: 20);

        await DecideAsync(scene, "later");

        Assert.Equal("later", Assert.Single(KafkaScene.ReadToEnd(source, atLeast: 1)).Value);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task CreateMissing_TopicIsMissing_IsThereBeforeAnyRecord(string broker)
    {
        var scene = Scene(broker);
        using var topics = KafkaTopics.Connect(scene.Options);
        await topics.CreateMissingAsync([scene.Topic]);
        Assert.Contains(scene.Topic, (await topics.IdsAsync([scene.Topic])).Keys);
    }

    // Each scene has decisions of its own.
    private KafkaScene Scene(string broker)
    {
        var scene = brokers.Scene(broker);
        scene.Options.DecisionTopic = $"scrm.{scene.Topic}.decisions";
        return scene;
    }

    private static async Task DecideAsync(KafkaScene scene, string value)
    {
        using var publisher = await KafkaPublisher.OpenAsync(scene.Options);
        await publisher.CreateMissingAsync(scene.Options.DecisionTopic);
        publisher.Publish(scene.Options.DecisionTopic, null, Encoding.UTF8.GetBytes(value));
        publisher.Flush();
    }
}
