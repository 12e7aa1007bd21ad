using Confluent.Kafka;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Kafka;

/// <summary>What only a real broker does: topics come back under their name, and the broker itself may crash.</summary>
public sealed class RealKafkaTests(Brokers brokers) : IClassFixture<Brokers>
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

    /// <summary>Sixteen thousand live records come while history is being read: they go first.</summary>
    [RealKafkaFact]
    public async Task Poll_HistoryBesideLiveRecords_WaitsForThem()
    {
        const int History = 20_000, Live = 16_000;
        var scene = brokers.Scene(Brokers.Real);
        var history = $"history-{Guid.NewGuid():N}";
        scene.Options.HistoryTopics = [history];
        scene.Options.DecisionTopic = $"decisions-{Guid.NewGuid():N}";
        using var publisher = await KafkaPublisher.OpenAsync(scene.Options);
        await publisher.CreateMissingAsync(scene.Topic, history);
        var value = new byte[1_000];
        for (var i = 0; i < History; i++) publisher.Publish(history, BitConverter.GetBytes(i), value);
        publisher.Flush();
        await using var source = await scene.OpenAsync();
        var (live, old, oldMeanwhile) = (0, 0, 0);
        await PollUntilAsync(() => old >= 500);

        await scene.PublishAsync(Live);
        await PollUntilAsync(() => live >= Live - 2_000);
        oldMeanwhile = old - 500;
        await PollUntilAsync(() => live == Live && old == History);

        // Read in turn, as many of them would have come as live ones.
        Assert.InRange(oldMeanwhile, 0, Live / 2);

        async Task PollUntilAsync(Func<bool> isDone)
        {
            var batch = new Events.RecordBatch(256, 1 << 20);
            for (var polls = 0; !isDone(); polls++)
            {
                Assert.True(polls < 5_000, $"{live} live and {old} old records");
                batch.Clear();
                source.Poll(batch, TimeSpan.FromMilliseconds(50));
                foreach (var record in batch.Records.AsSpan(0, batch.Count))
                    if (record.Partition.Topic == history) old++;
                    else live++;
                await Task.Delay(10);
            }
        }
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
