using System.Threading.Channels;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>One decode lane: bytes to flat events, identifiers screened. Lanes share nothing.</summary>
public sealed class DecodeStage(ChannelReader<EventBatch> input, ChannelWriter<EventBatch> output, PipelineOptions options, JunkList junk)
{
    private readonly JsonEventDecoder _decoder = new(options.Limits);
    private readonly IdentifierScreen _screen = new(junk);

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            await foreach (var batch in input.ReadAllAsync(cancel))
            {
                _decoder.Decode(batch);
                _screen.Apply(batch);
                await output.WriteAsync(batch, cancel);
            }
        }
        finally
        {
            output.TryComplete();
        }
    }
}
