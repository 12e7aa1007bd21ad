using System.Threading.Channels;
using ScrmStream.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>
/// One decode lane: bytes to flat events, identifiers screened. Lanes share nothing but the schemas. A schema that is not known yet is
/// waited for, however long its registry is away: the lane stands still, nothing is dropped.
/// </summary>
public sealed class DecodeStage(
    ChannelReader<EventBatch> input, ChannelWriter<EventBatch> output, EventLimits limits, SchemaCatalog schemas, IdentifierScreen screen,
    FloodBreaker flood, StageBooks books)
{
    public async Task RunAsync(CancellationToken cancel)
    {
        using var decoder = new RecordDecoder(limits, schemas);
        try
        {
            while (await input.WaitToReadAsync(cancel))
            {
                if (!input.TryRead(out var batch)) continue;
                for (var next = decoder.Decode(batch); next < batch.Records.Count; next = decoder.Decode(batch, next))
                    await schemas.FetchAsync(decoder.Missing, cancel);
                screen.Apply(batch);
                flood.Note(batch.Count + batch.Rejects.Count, batch.Rejects.Count);
                await Failpoints.PassAsync(Failpoint.DecodeAfter);
                books.Decoded(batch);
                await output.WriteAsync(batch, cancel);
            }
        }
        finally
        {
            output.TryComplete();
        }
    }
}
