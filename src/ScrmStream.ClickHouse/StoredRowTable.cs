using System.Buffers.Binary;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.ClickHouse;

/// <summary>Asks the analysts' table which rows it has, repeated ones and duplicates among them. Calls may come from any thread.</summary>
public sealed class StoredRowTable(ClickHouseClient client)
{
    // Of one query: it has some 300 characters for each.
    private const int RangesMax = 200;

    /// <inheritdoc cref="FindStoredRows"/>
    public async Task<StoredRows> FindAsync(IReadOnlyList<OffsetRange> ranges, CancellationToken cancel)
    {
        var (rows, hasMore) = (new List<StoredRow>(), new bool[ranges.Count]);
        for (var first = 0; first < ranges.Count; first += RangesMax)
        {
            var asked = ranges.Skip(first).Take(RangesMax).ToList();
            var answer = await AskAsync(StoredRowsSql.Of(asked), cancel);
            for (var rest = answer.AsSpan(); !rest.IsEmpty; rest = rest[StoredRowsSql.RowBytes..])
                Read(rest, asked, hasMore.AsSpan(first), rows);
        }
        return new StoredRows(rows, hasMore);
    }

    // Inserts wait for the server as long as it takes, and this comes before them.
    private async Task<byte[]> AskAsync(string sql, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                return await client.QueryAsync(sql, "RowBinary", cancel);
            }
            catch (StoreUnavailableException)
            {
                cancel.ThrowIfCancellationRequested();
            }
        }
    }

    private static void Read(ReadOnlySpan<byte> row, List<OffsetRange> asked, Span<bool> hasMore, List<StoredRow> rows)
    {
        var range = BinaryPrimitives.ReadUInt16LittleEndian(row);
        var offset = BinaryPrimitives.ReadInt64LittleEndian(row[2..]);
        var index = BinaryPrimitives.ReadInt32LittleEndian(row[10..]);
        if (index == StoredRowsSql.MoreIndex)
        {
            hasMore[range] = true;
            return;
        }
        var (least, most) = (row[14] != 0, row[15] != 0);
        rows.Add(new StoredRow(
            new SourcePosition(asked[range].Partition, offset, index), BinaryPrimitives.ReadUInt64LittleEndian(row[16..]),
            least == most ? least : null));
    }
}
