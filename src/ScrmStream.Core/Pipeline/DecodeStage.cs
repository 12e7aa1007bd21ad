using System.Threading.Channels;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>One decode lane: bytes to flat events, identifiers screened. Lanes share nothing.</summary>
public sealed class DecodeStage(
    ChannelReader<EventBatch> input, ChannelWriter<EventBatch> output, EventLimits limits, IdentifierScreen screen,
    FloodBreaker flood)
{
    private readonly JsonEventDecoder _decoder = new(limits);

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            await foreach (var batch in input.ReadAllAsync(cancel))
            {
                _decoder.Decode(batch);
                screen.Apply(batch);
                flood.Note(batch.Count + batch.Rejects.Count, batch.Rejects.Count);
                await output.WriteAsync(batch, cancel);
            }
        }
        finally
        {
            output.TryComplete();
        }
    }
}
