using Confluent.Kafka;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Integration.Kafka;

/// <summary>What only a real broker does: topics come back under their name, and the broker itself may crash.</summary>
[Collection(BrokersCollection.Name)]
public sealed class RealKafkaTests(Brokers brokers)
{
    [RealKafkaFact]
    public async Task Open_TopicRecreatedSinceTheCommit_StartsAtItsBeginning()
    {
        var scene = brokers.Scene(Brokers.Real);
        await scene.PublishAsync(300);
        await using (var source = await scene.OpenAsync()) source.Commit(KafkaScene.NextAfter(KafkaScene.ReadToEnd(source)));
        await DeleteAsync(scene);
        await scene.PublishAsync(900); // longer than the old one: its offsets would be valid here

        await using var later = await scene.OpenAsync();
        var seen = KafkaScene.ReadToEnd(later);

        Assert.Equal(900, seen.Count);
        later.Commit(KafkaScene.NextAfter(seen));
        await later.DisposeAsync();
        await using var last = await scene.OpenAsync();
        Assert.Empty(KafkaScene.ReadToEnd(last));
    }

    [RealKafkaFact]
    public async Task Poll_TopicRecreatedMeanwhile_ReadsTheNewOneWholeUnderItsOwnId()
    {
        var scene = brokers.Scene(Brokers.Real);
        await scene.PublishAsync(300);
        await using var source = await scene.OpenAsync();
        var old = KafkaScene.ReadToEnd(source);
        await DeleteAsync(scene);
        await scene.PublishAsync(900);

        var seen = KafkaScene.ReadUntil(source, (_, all) => OfNewTopic(all, old).Count() >= 900);

        var ofNew = OfNewTopic(seen, old).ToList();
        Assert.Equal(900, ofNew.Select(s => s.Value).Distinct().Count());
        Assert.Single(ofNew.Select(s => s.Partition.TopicId).Distinct());
    }

    [RealKafkaFact(isSlow: true)]
    public async Task Poll_BrokerCrashes_GoesOnWhenItIsBack()
    {
        using var broker = RealKafka.Start();
        var scene = new KafkaScene(broker.Address);
        await scene.PublishAsync(100);
        await using var source = await scene.OpenAsync();
        var before = KafkaScene.ReadToEnd(source);

        broker.Crash();
        Assert.Equal(0, PollOnce(source));
        broker.Restart();
        await scene.PublishAsync(100, first: 100);

        var after = KafkaScene.ReadUntil(source, (_, seen) => before.Concat(seen).Select(s => s.Value).Distinct().Count() == 200);
        // What was not committed may come twice when the crash outlasts the group's session.
        Assert.InRange(after.Count, 100, 200);
    }

    private static int PollOnce(KafkaEventSource source)
    {
        var batch = new Events.RecordBatch(16, 1024);
        source.Poll(batch, TimeSpan.FromMilliseconds(500));
        return batch.Count;
    }

    private static IEnumerable<Seen> OfNewTopic(List<Seen> seen, List<Seen> old) =>
        seen.Where(s => s.Partition.TopicId != old[0].Partition.TopicId);

    // The broker deletes in the background; the name is free when it no longer knows the topic.
    private static async Task DeleteAsync(KafkaScene scene)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = scene.Options.BootstrapServers }).Build();
        await admin.DeleteTopicsAsync([scene.Topic]);
        using var topics = KafkaTopics.Connect(scene.Options);
        while ((await topics.IdsAsync([scene.Topic])).Count > 0) await Task.Delay(50);
    }
}
