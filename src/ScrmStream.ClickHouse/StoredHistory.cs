using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Reload;

namespace ScrmStream.ClickHouse;

/// <summary>
/// Reads anchors' events back from the analysts' table, for aggregates that rules ask for anew (<see cref="ReadHistory"/>). Rows come
/// as they are stored, in binary, and become flat events without a string or an object each. Calls may come from any thread.
/// </summary>
public sealed class StoredHistory(ClickHouseClient client)
{
    private const int EventsPerBatch = 4096, BatchBytes = 4 << 20, BufferBytes = 1 << 20, RowBytesMax = 64 << 20;

    /// <inheritdoc cref="ReadHistory"/>
    public async Task ReadAsync(HistoryQuestion question, RefoldedShards into, CancellationToken cancel)
    {
        var columns = EventRow.ColumnsFor(question.Refolding.Fields);
        var sql = AnchorEventsSql.Of(question.FirstBucket, question.Buckets, question.Anchors, columns);
        try
        {
            await client.ReadResultAsync(sql, "RowBinary", rows => ReadAsync(rows, new EventRow(columns), into, cancel), cancel);
        }
        catch (Exception e) when (e is ClickHouseException or IOException or HttpRequestException or InvalidDataException)
        {
            throw new StoreUnavailableException($"Stored events cannot be read from ClickHouse at {client.Address}: {e.Message}", e);
        }
    }

    private static async Task ReadAsync(Stream rows, EventRow row, RefoldedShards into, CancellationToken cancel)
    {
        var batch = new EventBatch(new RecordBatch(EventsPerBatch, BatchBytes));
        var buffer = new byte[BufferBytes];
        var (start, end) = (0, 0);
        while (true)
        {
            while (row.TryRead(buffer.AsSpan(start, end - start), out var bytes))
            {
                if (batch.Records.IsFull) Hand(batch, into);
                row.AddTo(batch, buffer.AsSpan(start, bytes));
                start += bytes;
            }
            if (start > 0) buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
            if (end == buffer.Length)
            {
                if (end >= RowBytesMax) throw new InvalidDataException("A stored event has more than 64 MiB.");
                Array.Resize(ref buffer, buffer.Length * 2);
            }
            var read = await rows.ReadAsync(buffer.AsMemory(end), cancel);
            if (read == 0) break;
            end += read;
        }
        if (end > 0) throw new InvalidDataException("The answer ends in the middle of a row.");
        Hand(batch, into);
    }

    private static void Hand(EventBatch batch, RefoldedShards into)
    {
        into.Add(batch);
        batch.Clear();
    }
}
