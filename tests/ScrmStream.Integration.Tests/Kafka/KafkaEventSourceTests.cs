using System.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Integration.Kafka;

/// <summary>What the source promises, on every broker there is.</summary>
public sealed class KafkaEventSourceTests(Brokers brokers) : IClassFixture<Brokers>
{
    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Poll_ManyRecords_EachOnceAndInOrderPerPartition(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(5_000);
        await using var source = await scene.OpenAsync();

        var seen = KafkaScene.ReadToEnd(source);

        var expected = Enumerable.Range(0, 5_000).Select(i => $"k{i % 16}:{i / 16}").ToHashSet();
        Assert.Equal(5_000, seen.Count);
        Assert.Equal(expected, seen.Select(s => s.Value).ToHashSet());
        Assert.True(seen.Select(s => s.Partition.Partition).Distinct().Count() > 1);
        foreach (var partition in seen.GroupBy(s => s.Partition))
        {
            Assert.Equal(Enumerable.Range(0, partition.Count()).Select(i => (long)i), partition.Select(s => s.Offset));
            foreach (var key in partition.GroupBy(s => s.Value.Split(':')[0]))
            {
                Assert.Equal(Enumerable.Range(0, key.Count()).Select(i => $"{key.Key}:{i}"), key.Select(s => s.Value));
            }
        }
        Assert.All(seen, s => Assert.InRange(s.TimestampMs, 1_500_000_000_000, 5_000_000_000_000));
        Assert.Equal(0, source.Lag);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Poll_NothingAssignedYet_IsNotIdle(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(1);
        await using var source = await scene.OpenAsync();

        Assert.Equal(SourceState.Open, source.Poll(new(16, 1024), TimeSpan.Zero));
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Poll_MoreAfterIdle_GoesOn(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(100);
        await using var source = await scene.OpenAsync();
        KafkaScene.ReadToEnd(source);

        await scene.PublishAsync(50, first: 100);

        Assert.Equal(50, KafkaScene.ReadToEnd(source, atLeast: 50).Count);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Poll_SmallBatches_LeaveNothingOut(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(1_000);
        await using var source = await scene.OpenAsync();

        var seen = KafkaScene.ReadUntil(source, (state, _) => state == SourceState.Idle, batchRecords: 3);

        Assert.Equal(1_000, seen.Select(s => s.Value).Distinct().Count());
        Assert.Equal(1_000, seen.Count);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Commit_NewSourceOfTheGroup_GoesOnBehindIt(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(1_000);
        await using (var source = await scene.OpenAsync())
        {
            var next = KafkaScene.NextAfter(KafkaScene.ReadToEnd(source));
            source.Commit(next);
            source.Commit([.. next.Select(n => n with { Offset = 1 })]); // backwards: has to be ignored
        }
        await scene.PublishAsync(20, first: 1_000);

        await using var later = await scene.OpenAsync();
        var seen = KafkaScene.ReadToEnd(later, atLeast: 20);

        Assert.Equal(20, seen.Count);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Rewind_SomeCommitted_GivesTheRestAgainAndGoesOn(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(1_000);
        await using var source = await scene.OpenAsync();
        var all = KafkaScene.ReadToEnd(source, atLeast: 1_000);
        // Of one partition nothing is committed, of the others all but ten.
        var committed = KafkaScene.NextAfter(all).Where(n => n.Partition.Partition != 0).Select(n => n with { Offset = n.Offset - 10 }).ToList();
        source.Commit(committed);
        var expected = all.Where(s => committed.All(c => c.Partition != s.Partition || s.Offset >= c.Offset)).ToHashSet();

        source.Rewind();
        var again = KafkaScene.ReadToEnd(source, atLeast: expected.Count);
        await scene.PublishAsync(20, first: 1_000);
        var later = KafkaScene.ReadToEnd(source, atLeast: 20);

        Assert.Equal(expected.Count, again.Count);
        Assert.Subset(expected, again.ToHashSet());
        Assert.Equal(20, later.Count);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Commit_Nothing_NewSourceReadsAllAgain(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(200);
        await using (var source = await scene.OpenAsync()) Assert.Equal(200, KafkaScene.ReadToEnd(source).Count);

        await using var later = await scene.OpenAsync();

        Assert.Equal(200, KafkaScene.ReadToEnd(later).Count);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Commit_PartitionNotAssigned_IsIgnored(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(10);
        await using var source = await scene.OpenAsync();
        var seen = KafkaScene.ReadToEnd(source);

        source.Commit([new NextOffset(new(Guid.Empty, "elsewhere", 0), 5), .. KafkaScene.NextAfter(seen)]);
        await source.DisposeAsync();

        await using var later = await scene.OpenAsync();
        Assert.Empty(KafkaScene.ReadToEnd(later));
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Open_OffsetsCommittedForAnotherTopicOfTheName_StartsAtTheBeginning(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(200);
        scene.CommitAs(Guid.NewGuid(), offset: 10);

        await using var source = await scene.OpenAsync();

        Assert.Equal(200, KafkaScene.ReadToEnd(source).Count);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Open_OffsetsCommittedByAnOperatorsTool_GoesOnThere(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(200);
        scene.CommitAs(Guid.Empty, offset: 10); // without a note

        await using var source = await scene.OpenAsync();

        Assert.Equal(200 - 10 * scene.Options.NewTopicPartitions, KafkaScene.ReadToEnd(source).Count);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Pause_WhilePolled_GivesNothingUntilResumed(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(2_000);
        await using var source = await scene.OpenAsync();
        var before = KafkaScene.ReadUntil(source, (_, seen) => seen.Count > 0, batchRecords: 100);

        source.Pause(true);
        var paused = new List<SourceState>();
        var batch = new Events.RecordBatch(100, 64 * 1024);
        for (var i = 0; i < 5; i++) paused.Add(source.Poll(batch, TimeSpan.FromMilliseconds(20)));
        Assert.Equal(0, batch.Count);
        Assert.All(paused, s => Assert.Equal(SourceState.Open, s));
        source.Pause(false);

        var all = before.Concat(KafkaScene.ReadToEnd(source)).Select(s => (s.Partition, s.Offset)).ToList();
        Assert.Equal(2_000, all.Count);
        Assert.Equal(2_000, all.Distinct().Count());
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Rebalance_SecondSourceJoins_TheyShareThePartitions(string broker)
    {
        var scene = brokers.Scene(broker);
        await scene.PublishAsync(400);
        await using var first = await scene.OpenAsync();
        first.Commit(KafkaScene.NextAfter(KafkaScene.ReadToEnd(first)));
        await using var second = await scene.OpenAsync();
        var joined = false;
        var polling = Task.Run(() => KafkaScene.ReadUntil(first, (_, _) => Volatile.Read(ref joined)));
        KafkaScene.ReadUntil(second, (state, _) => state == SourceState.Idle);
        Volatile.Write(ref joined, true);
        await polling;

        // A slow machine may rebalance once more in the middle of a round; some round after it is undisturbed.
        var shared = false;
        for (var round = 1; round <= 5 && !shared; round++)
        {
            await scene.PublishAsync(400, first: 400 * round);
            var reading = Task.Run(() => KafkaScene.ReadToEnd(second, atLeast: 1));
            var byFirst = KafkaScene.ReadToEnd(first, atLeast: 1);
            var bySecond = await reading;
            Assert.All(byFirst.Concat(bySecond), s => Assert.True(int.Parse(s.Value.Split(':')[1]) >= 25, s.Value));
            shared = !byFirst.Select(s => s.Partition).Intersect(bySecond.Select(s => s.Partition)).Any();
            first.Commit(KafkaScene.NextAfter(byFirst));
            second.Commit(KafkaScene.NextAfter(bySecond));
        }
        Assert.True(shared, "in none of five rounds did the two read different partitions");
    }

    [Fact]
    public async Task Open_NoBroker_SaysWhereAndWhatToDo()
    {
        var scene = new KafkaScene("127.0.0.1:1");
        scene.Options.StartTimeoutMs = 500;
        var started = Stopwatch.GetTimestamp();

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(scene.OpenAsync);

        Assert.Contains("127.0.0.1:1", error.Message);
        Assert.Contains("--kafka", error.Message);
        Assert.Contains("Kafka:BootstrapServers", error.Message);
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0.4, 5);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Open_TopicMissing_NamesIt(string broker)
    {
        var scene = brokers.Scene(broker);

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(scene.OpenAsync);

        Assert.Contains(scene.Topic, error.Message);
        Assert.Contains("--topics", error.Message);
    }

    [Fact]
    public async Task Open_BadOptions_NamesThem()
    {
        var options = new KafkaOptions
        {
            BootstrapServers = "127.0.0.1:1",
            Topics = ["t"],
            StartTimeoutMs = 1,
            SecurityProtocol = Confluent.Kafka.SecurityProtocol.SaslSsl,
        };

        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            KafkaEventSource.OpenAsync(options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));

        Assert.Contains("StartTimeoutMs", error.Message);
        Assert.Contains("SaslMechanism", error.Message);
    }
}
