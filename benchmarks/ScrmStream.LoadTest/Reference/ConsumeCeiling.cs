using System.Diagnostics;
using Confluent.Kafka;
using ScrmStream.Kafka;

namespace ScrmStream.LoadTest.Reference;

/// <summary>
/// The topic fetched in batches by the client library, with the settings of <c>run</c>, and each message given back at once: nothing is
/// copied, decoded or kept.
/// </summary>
internal static class ConsumeCeiling
{
    private const int FetchMax = 1024, WaitMs = 100;
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(60);

    public static Task<Ceiling> RunAsync(LadderGround ground, LadderTopic topic, CancellationToken cancel) =>
        Task.Run(() => Run(ground.Settings(ground.NextName(), redis: null, topic).Kafka, topic, cancel), cancel);

    private static Ceiling Run(KafkaOptions options, LadderTopic topic, CancellationToken cancel)
    {
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(options.Consumer()).SetLogHandler(static (_, _) => { }).Build();
        long records = 0, bytes = 0, began = 0;
        using (var native = new NativeConsumer(consumer, FetchMax))
        {
            consumer.Subscribe(topic.Name);
            for (var lastCame = Stopwatch.GetTimestamp(); records < topic.Truth.Events;)
            {
                cancel.ThrowIfCancellationRequested();
                native.Fetch(FetchMax, WaitMs);
                var before = records;
                GiveBack(native, ref records, ref bytes);
                if (records > before) lastCame = Stopwatch.GetTimestamp();
                if (began == 0 && records > 0) began = lastCame;
                if (Stopwatch.GetElapsedTime(lastCame) > SilenceMax)
                    throw new TimeoutException($"Kafka gave {records} of {topic.Truth.Events} records, and then nothing for a minute.");
            }
        }
        var elapsed = Stopwatch.GetElapsedTime(began);
        consumer.Close();
        var wrong = bytes == topic.ValueBytes ? Array.Empty<string>() : [$"{bytes} bytes were fetched, not {topic.ValueBytes}"];
        var what = $"{bytes / 1e6:N0} MB of values, {bytes / 1e6 / elapsed.TotalSeconds:N0} MB/s";
        return new Ceiling($"raw batch consume, {topic.Format}", $"Kafka, {topic.Format}", topic.Truth.Events, elapsed, what, wrong);
    }

    private static unsafe void GiveBack(NativeConsumer native, ref long records, ref long bytes)
    {
        for (var message = native.Take(); message is not null; message = native.Take())
        {
            if (message->Error == NativeKafka.NoError)
            {
                records++;
                bytes += (long)message->ValueBytes;
            }
            NativeKafka.Destroy(message);
        }
    }
}
