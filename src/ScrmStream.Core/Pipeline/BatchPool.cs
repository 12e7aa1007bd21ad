using System.Threading.Channels;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// The batches of a process, made on demand up to a limit and reused. An empty pool is back-pressure: the poll stage waits until a
/// flush gives batches back.
/// </summary>
public sealed class BatchPool(PipelineOptions options)
{
    private readonly Channel<EventBatch> _free = System.Threading.Channels.Channel.CreateBounded<EventBatch>(options.BatchesInFlightMax);
    private int _made;
    // The next batch will need about as much as the last one, which the poll stage has filled by then.
    private EventBatch? _last;

    /// <summary>A cleared batch; waits for one when the limit is reached.</summary>
    public async ValueTask<EventBatch> TakeAsync(CancellationToken cancel)
    {
        if (_free.Reader.TryRead(out var batch)) return batch;
        if (_made < options.BatchesInFlightMax)
        {
            _made++;
            var bytesAtFirst = _last?.Buffer.Length ?? RecordBatch.BytesAtFirst;
            return _last = new EventBatch(new RecordBatch(options.BatchRecordsMax, options.BatchBytesMax, bytesAtFirst));
        }
        return await _free.Reader.ReadAsync(cancel);
    }

    public void Return(EventBatch batch)
    {
        batch.Clear();
        _free.Writer.TryWrite(batch);
    }
}
