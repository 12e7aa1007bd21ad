using System.Buffers;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Kafka;

/// <summary>Letters go back exactly once, with what came with them; what is rejected again is a new letter and does not go round.</summary>
public sealed class DeadLetterReplayTests(Brokers brokers) : IClassFixture<Brokers>
{
    private static readonly Action<ReplayResult> Silent = _ => { };

    private static string Event(string fields, string id) =>
        $$"""{"event":"order_paid",{{fields}}"identifiers":[{"kind":"member_id","scope":"s","value":"{{id}}"}]}""";

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Replay_Letters_GoBackOnceWithKeyHeadersAndBytes(string broker)
    {
        var scene = Scene(broker);
        await PublishAsync(scene, [("k1", "{\"bro"), ("k2", $"[{Event("\"event_time\":1772334000000,", "m1")},{Event("", "m2")}]"), ("k3", Event("", "m3"))]);
        var first = await RunAsync(scene, limits: null);
        Assert.Equal((1, 3), (first.Accepted, first.Rejected));

        using (var trial = await DeadLetterReplay.OpenAsync(scene.Options, isTrial: true))
            Assert.Equal(3, (await trial.RunAsync(new ReplaySelection(), Silent, default)).PutBack);
        var result = await ReplayAsync(scene, new ReplaySelection(Reason: "no_event_time"));
        Assert.Equal((3, 2, 1), (result.Letters, result.PutBack, result.Left));
        result = await ReplayAsync(scene, new ReplaySelection());
        Assert.Equal((3, 1, 2), (result.Letters, result.PutBack, result.Already));
        Assert.Equal(0, (await ReplayAsync(scene, new ReplaySelection())).PutBack);

        var back = Read(scene.Options, scene.Topic).Where(r => Header(r, StoredLetter.ReplaysHeader) is not null).ToList();
        Assert.Equal(3, back.Count);
        var sibling = back.Single(r => Encoding.UTF8.GetString(r.Message.Value!).Contains("m2"));
        // Only the event that was set aside: its sibling was accepted.
        Assert.Equal(Event("", "m2"), Encoding.UTF8.GetString(sibling.Message.Value!));
        Assert.Equal("k2", Encoding.UTF8.GetString(sibling.Message.Key!));
        Assert.Equal("1", Header(sibling, StoredLetter.ReplaysHeader));
        Assert.EndsWith("/1", Header(sibling, StoredLetter.OriginHeader));
        Assert.Equal("shop", Header(sibling, "source"));
        Assert.Equal("{\"bro", Encoding.UTF8.GetString(back.Single(r => Encoding.UTF8.GetString(r.Message.Key!) == "k1").Message.Value!));
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Replay_RejectedAgain_IsKeptAndDoesNotGoRound(string broker)
    {
        var scene = Scene(broker);
        await PublishAsync(scene, [("k1", "no json"), ("k2", Event("\"event_time\":946684800000,", "m1"))]);
        Assert.Equal(2, (await RunAsync(scene, new EventLimits { EventTimeMinMs = 1_000_000_000_000 })).Rejected);
        Assert.Equal(2, (await ReplayAsync(scene, new ReplaySelection())).PutBack);

        // The limit was wrong and is mended; the other one stays what it is.
        var second = await RunAsync(scene, limits: null);
        Assert.Equal((1, 1), (second.Accepted, second.Rejected));

        var again = await ReplayAsync(scene, new ReplaySelection());
        Assert.Equal((3, 0, 2, 1), (again.Letters, again.PutBack, again.Already, again.RejectedAgain));
        again = await ReplayAsync(scene, new ReplaySelection(ReplaysMax: 2));
        Assert.Equal(1, again.PutBack);
        var last = Read(scene.Options, scene.Topic).Single(r => Header(r, StoredLetter.ReplaysHeader) == "2");
        // The origin is the first one, however often it went round.
        Assert.Contains($"/{scene.Topic}/", Header(last, StoredLetter.OriginHeader));
        Assert.EndsWith("/-1", Header(last, StoredLetter.OriginHeader));
        Assert.Single(Read(scene.Options, scene.Topic), r => Header(r, StoredLetter.OriginHeader) == Header(last, StoredLetter.OriginHeader)
            && Header(r, StoredLetter.ReplaysHeader) == "1");
    }

    /// <summary>What goes back is the event without its envelope, and has to say so, whether a header or the topic's setting named it.</summary>
    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Replay_EventOfACloudEvent_IsReadWithoutItsEnvelope(string broker)
    {
        foreach (var isByTopic in new[] { false, true })
        {
            var scene = Scene(broker);
            if (isByTopic) scene.Options.Formats[scene.Topic] = "cloudevents";
            var envelope = $$"""{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{{Event("\"event_time\":946684800000,", "m1")}}}""";
            await PublishAsync(scene, [("k1", envelope)], isByTopic ? null : "application/cloudevents+json; charset=utf-8");
            Assert.Equal(1, (await RunAsync(scene, new EventLimits { EventTimeMinMs = 1_000_000_000_000 })).Rejected);
            Assert.Equal(1, (await ReplayAsync(scene, new ReplaySelection())).PutBack);

            var second = await RunAsync(scene, limits: null);

            Assert.Equal((1, 0), (second.Accepted, second.Rejected));
        }
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Replay_TwoLettersOfOneOrigin_PutsOneBack(string broker)
    {
        var scene = Scene(broker);
        await PublishAsync(scene, [("k1", "x")]);
        var partition = new SourcePartition(Guid.NewGuid(), scene.Topic, 0);
        var letter = new DeadLetter(new SourcePosition(partition, 7, -1), 1_772_334_000_000, RejectReason.NotDecodable, "why", "x"u8.ToArray());
        var cut = letter with { Position = new SourcePosition(new SourcePartition(Guid.NewGuid(), "gone", 0), 8, -1) };
        using (var sink = await KafkaDeadLetterSink.OpenAsync(scene.Options, NullLogger.Instance)) await sink.WriteAsync([letter, letter, cut], CancellationToken.None);

        var result = await ReplayAsync(scene, new ReplaySelection());

        Assert.Equal((3, 1, 1, 1), (result.Letters, result.PutBack, result.Already, result.TopicGone));
    }

    [RealKafkaFact]
    public async Task Transactions_LeftOpen_AreNeverSeenAndTheNextProcessGoesOn()
    {
        var scene = Scene(Brokers.Real);
        await PublishAsync(scene, [("k1", "x")]);
        var (name, notes) = ($"work-{Guid.NewGuid():N}", $"notes-{Guid.NewGuid():N}");
        var dead = await KafkaTransactions.OpenAsync(scene.Options, name, notes);
        dead.Publish(scene.Topic, 0, new Message<byte[]?, byte[]?> { Value = "one"u8.ToArray() });
        dead.Note("n", "1"u8.ToArray());
        dead.Commit();
        dead.Publish(scene.Topic, 0, new Message<byte[]?, byte[]?> { Value = "two"u8.ToArray() });
        dead.Note("n", "2"u8.ToArray());

        using (var next = await KafkaTransactions.OpenAsync(scene.Options, name, notes))
        {
            Assert.Equal(["1"], (await next.NotesAsync(default)).Select(n => Encoding.UTF8.GetString(n.Value)));
            Assert.Throws<StoreUnavailableException>(dead.Commit);
        }
        dead.Dispose();
        Assert.Equal(["one", "x"], Read(scene.Options, scene.Topic).Select(r => Encoding.UTF8.GetString(r.Message.Value!)).Order());
    }

    private KafkaScene Scene(string broker)
    {
        var scene = brokers.Scene(broker);
        scene.Options.DeadLetterTopic = $"dead-{Guid.NewGuid():N}";
        scene.Options.DecisionTopic = $"decisions-{Guid.NewGuid():N}";
        return scene;
    }

    private static async Task PublishAsync(KafkaScene scene, (string Key, string Value)[] records, string? contentType = null)
    {
        using var publisher = await KafkaPublisher.OpenAsync(scene.Options);
        await publisher.CreateMissingAsync(scene.Topic);
        foreach (var (key, value) in records)
        {
            var headers = new Headers { { "source", "shop"u8.ToArray() } };
            if (contentType is not null) headers.Add("content-type", Encoding.UTF8.GetBytes(contentType));
            publisher.Publish(scene.Topic, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), headers);
        }
        publisher.Flush();
    }

    private static async Task<ReplayResult> ReplayAsync(KafkaScene scene, ReplaySelection selection)
    {
        using var replay = await DeadLetterReplay.OpenAsync(scene.Options);
        return await replay.RunAsync(selection, Silent, CancellationToken.None);
    }

    // The real source and the real dead-letter topic around memory stores, until everything is read.
    private static async Task<PipelineCounters> RunAsync(KafkaScene scene, EventLimits? limits)
    {
        await using var source = await KafkaEventSource.OpenAsync(scene.Options, TimeProvider.System, NullLogger.Instance);
        using var letters = await KafkaDeadLetterSink.OpenAsync(scene.Options, NullLogger.Instance);
        var views = new MemoryViewStore();
        var options = new PipelineOptions();
        if (limits is not null) options.Limits = limits;
        var pipeline = new StreamPipeline(
            options, RuleSet.Empty, new PipelinePorts(source, new MemoryCellStore(views), views, new MemoryAnalytics(), letters), 1,
            TimeProvider.System);
        await new Host.Running.ServiceRun(pipeline, TimeProvider.System).RunAsync(TimeSpan.FromMilliseconds(200), _ => { }, CancellationToken.None);
        return pipeline.Counters;
    }

    private static List<ConsumeResult<byte[]?, byte[]?>> Read(KafkaOptions options, string topic) =>
        [.. TopicReader.Read(options, topic, options.NewTopicPartitions, CancellationToken.None)];

    private static string? Header(ConsumeResult<byte[]?, byte[]?> record, string name) =>
        record.Message.Headers.TryGetLastBytes(name, out var value) ? Encoding.UTF8.GetString(value) : null;
}
