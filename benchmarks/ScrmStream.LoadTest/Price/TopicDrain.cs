using ScrmStream.Pipeline;

namespace ScrmStream.LoadTest.Price;

/// <summary>One run of a pipeline over the records that a topic has.</summary>
internal static class TopicDrain
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(2);

    /// <summary>Runs it until so many records are durable, and ends it.</summary>
    /// <param name="begun">Called when a poll has given the first records.</param>
    /// <param name="ended">Called when all is durable, and before the pipeline is ended.</param>
    public static async Task RunAsync(
        StreamPipeline pipeline, long records, Action begun, Func<Task> ended, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var running = pipeline.RunAsync(stop.Token);
        await UntilAsync(() => pipeline.Counters.PolledRecords > 0);
        begun();
        await UntilAsync(() => pipeline.Counters.DurableRecords >= records);
        await ended();
        pipeline.EndAtMaximum();
        await stop.CancelAsync();
        await running;

        async Task UntilAsync(Func<bool> isSo)
        {
            while (!isSo())
            {
                if (running.IsCompleted) await running;
                await Task.Delay(Look, cancel);
            }
        }
    }
}
