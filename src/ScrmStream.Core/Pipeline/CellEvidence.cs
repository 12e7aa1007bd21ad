using System.Buffers.Binary;
using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>One half of an edge as a cell holds it. Times are Unix milliseconds.</summary>
/// <remarks>The last evidence is up to date in the anchor's half only (docs/decisions/0004).</remarks>
public readonly ref struct CellEdge(ReadOnlySpan<byte> half)
{
    private readonly ReadOnlySpan<byte> _tail = half[TextEnd(half)..];

    public IdentifierKind Kind { get; } = (IdentifierKind)half[0];
    /// <summary>Stored text of the other end.</summary>
    public ReadOnlySpan<byte> Text { get; } = half[3..TextEnd(half)];
    public long FirstMs => BinaryPrimitives.ReadInt64LittleEndian(_tail);
    public long LastMs => BinaryPrimitives.ReadInt64LittleEndian(_tail[8..]);
    /// <summary>Latest unbind of the pair or of either end.</summary>
    public long UnboundMs => BinaryPrimitives.ReadInt64LittleEndian(_tail[16..]);

    private static int TextEnd(ReadOnlySpan<byte> half) => 3 + BinaryPrimitives.ReadUInt16LittleEndian(half[1..]);
}

/// <summary>The evidence in a stored cell, read in place: whose it is, and its halves of edges. <see cref="CellCodec"/> has the
/// layout.</summary>
public readonly ref struct CellEvidence
{
    private readonly ReadOnlySpan<byte> _content;
    private readonly int _firstEdge;

    public CellEvidence(ReadOnlySpan<byte> content)
    {
        _content = content;
        Kind = (IdentifierKind)content[CellCodec.HeadBytes];
        Text = content.Slice(CellCodec.HeadBytes + 3, BinaryPrimitives.ReadUInt16LittleEndian(content[(CellCodec.HeadBytes + 1)..]));
        _firstEdge = CellCodec.HeadBytes + 3 + Text.Length + 4;
        EdgeCount = (int)BinaryPrimitives.ReadUInt32LittleEndian(content[(_firstEdge - 4)..]);
    }

    public IdentifierKind Kind { get; }
    /// <summary>Stored text of the identifier.</summary>
    public ReadOnlySpan<byte> Text { get; }
    /// <summary>Latest unbind of the identifier alone; <see cref="long.MinValue"/> when there is none.</summary>
    public long UnboundMs => BinaryPrimitives.ReadInt64LittleEndian(_content[24..]);
    public int EdgeCount { get; }

    /// <summary>The cell up to its shard: a cell that says the same of identity.</summary>
    public ReadOnlySpan<byte> WithoutShard => _content[..^Shard.Length];

    /// <summary>What the identifier's own events add up to; empty when it has none.</summary>
    public ReadOnlySpan<byte> Shard
    {
        get
        {
            var edges = GetEnumerator();
            while (edges.MoveNext()) { }
            return edges.Rest;
        }
    }

    public Enumerator GetEnumerator() => new(_content[_firstEdge..], EdgeCount);

    /// <summary>Walks the edges.</summary>
    public ref struct Enumerator(ReadOnlySpan<byte> rest, int count)
    {
        private int _left = count;
        private ReadOnlySpan<byte> _half;

        /// <summary>What lies behind the current edge.</summary>
        public ReadOnlySpan<byte> Rest { get; private set; } = rest;

        public readonly CellEdge Current => new(_half);

        public bool MoveNext()
        {
            if (_left-- == 0) return false;
            var length = 3 + BinaryPrimitives.ReadUInt16LittleEndian(Rest[1..]) + CellCodec.EdgeTailBytes
                + (((IdentifierKind)Rest[0]).IsBridge() ? CellCodec.BridgeBytes : 0);
            _half = Rest[..length];
            Rest = Rest[length..];
            return true;
        }
    }
}
