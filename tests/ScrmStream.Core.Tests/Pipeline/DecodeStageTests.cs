using System.Threading.Channels;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Tests.Events.Avro;

namespace ScrmStream.Tests.Pipeline;

public sealed class DecodeStageTests
{
    private sealed class AwayRegistry : ISchemaSource
    {
        public TaskCompletionSource<string?> Back { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async ValueTask<WrittenSchema?> FindAsync(SchemaRef schema, CancellationToken cancel) =>
            await Back.Task.WaitAsync(cancel) is { } text ? new WrittenSchema(SchemaLanguage.Avro, text) : null;
    }

    [Fact]
    public async Task Run_ARegistryThatIsAway_HoldsTheBatchAndDropsNothing()
    {
        var registry = new AwayRegistry();
        var options = new PipelineOptions();
        var schemas = new SchemaCatalog(options.Limits, new SchemaOptions(), [registry], TimeProvider.System);
        var (input, output) = (System.Threading.Channels.Channel.CreateUnbounded<EventBatch>(), System.Threading.Channels.Channel.CreateUnbounded<EventBatch>());
        var stage = new DecodeStage(
            input.Reader, output.Writer, options.Limits, schemas, new IdentifierScreen(options.Identity), new FloodBreaker(options, TimeProvider.System),
            new StageBooks());
        var batch = new EventBatch(new RecordBatch(4, 1024));
        var partition = new SourcePartition(Guid.Empty, "test", 0);
        byte[] json = System.Text.Encoding.UTF8.GetBytes(Tests.Events.Decoding.Event()), framed = [0, 0, 0, 0, 7, .. AvroDecoding.Event().Bytes];
        foreach (var (value, i) in ((byte[][])[json, framed, json, framed]).Select((value, i) => (value, i))) batch.Records.Add(partition, i, -1, value);
        input.Writer.TryWrite(batch);
        input.Writer.Complete();
        var running = stage.RunAsync(default);

        Assert.NotSame(running, await Task.WhenAny(running, Task.Delay(100)));
        Assert.False(output.Reader.TryRead(out _));
        registry.Back.SetResult(AvroDecoding.Schema());
        await running.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.True(output.Reader.TryRead(out var decoded));
        Assert.Equal([0, 1, 2, 3], decoded.Events.ToArray().Select(e => e.Record));
        Assert.Empty(decoded.Rejects);
    }
}
