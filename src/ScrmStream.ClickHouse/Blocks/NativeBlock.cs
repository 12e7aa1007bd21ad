using System.Net;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse.Blocks;

/// <summary>A column as it is sent; the server converts to the table's own type (a LowCardinality text is sent as a text).</summary>
internal sealed record NativeColumn(string Name, string Type)
{
    /// <summary>
    /// Buffers of the column: values; of a Nullable flags and values; of an Array ends and values; of a Map ends, keys and values.
    /// </summary>
    public int Buffers => Type.Split('(')[0] switch { "Nullable" or "Array" => 2, "Map" => 3, _ => 1 };
}

/// <summary>A table's columns in the order of writing.</summary>
internal sealed class NativeTable(string name, params NativeColumn[] columns)
{
    public IReadOnlyList<NativeColumn> Columns => columns;

    /// <summary>Target of the INSERT.</summary>
    public string Into { get; } = $"{name} ({string.Join(", ", columns.Select(c => SqlText.Name(c.Name)))})";

    public int Buffers { get; } = columns.Sum(c => c.Buffers);
}

/// <summary>
/// One block in ClickHouse's Native format: columns one behind the other. Against RowBinary it saves the server 2.5 of 6.5 µs per event
/// (100 000 rows into <c>events_rows</c>): the server reads columns as they are instead of taking rows apart.
/// The same values give the same bytes. One thread; dispose gives the memory back.
/// </summary>
internal sealed class NativeBlock : IDisposable
{
    private readonly NativeTable _table;
    private readonly ColumnBuffer[] _buffers;

    public NativeBlock(NativeTable table)
    {
        _table = table;
        _buffers = new ColumnBuffer[table.Buffers];
        for (var i = 0; i < _buffers.Length; i++) _buffers[i] = new ColumnBuffer();
    }

    public string Into => _table.Into;

    /// <summary>Rows written so far; whoever writes them counts.</summary>
    public int Rows { get; set; }

    /// <summary>The buffers of all columns, in order; see <see cref="NativeColumn.Buffers"/>.</summary>
    public ReadOnlySpan<ColumnBuffer> Buffers => _buffers;

    /// <summary>A content that may be sent any number of times while the block lives.</summary>
    public HttpContent ToContent() => new BlockContent(Parts());

    public byte[] ToArray()
    {
        var bytes = new List<byte>();
        foreach (var part in Parts()) bytes.AddRange(part.Span);
        return [.. bytes];
    }

    public void Dispose()
    {
        foreach (var buffer in _buffers) buffer.Dispose();
    }

    private List<ReadOnlyMemory<byte>> Parts()
    {
        var parts = new List<ReadOnlyMemory<byte>>(_buffers.Length + _table.Columns.Count + 1);
        using var header = new ColumnBuffer();
        header.Count(_table.Columns.Count);
        header.Count(Rows);
        parts.Add(header.Written.ToArray());
        var next = 0;
        foreach (var column in _table.Columns)
        {
            using var title = new ColumnBuffer();
            title.Text(column.Name);
            title.Text(column.Type);
            parts.Add(title.Written.ToArray());
            for (var i = 0; i < column.Buffers; i++) parts.Add(_buffers[next++].Written);
        }
        return parts;
    }

    private sealed class BlockContent(List<ReadOnlyMemory<byte>> parts) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (var part in parts) await stream.WriteAsync(part);
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancel)
        {
            foreach (var part in parts) await stream.WriteAsync(part, cancel);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = parts.Sum(p => (long)p.Length);
            return true;
        }
    }
}
