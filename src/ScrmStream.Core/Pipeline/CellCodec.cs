using System.Buffers.Binary;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>
/// The stored form of a cell, little endian:
/// <code>
/// u64 version | u64 writer stamp | i64 first seen | i64 unbound | u8 flags | u8 kind | u16 text length | text | u32 edges
/// edge     u8 kind | u16 text length | text of the other end | i64 first | i64 last | i64 unbound | u64 partition | i64 offset | i32 index
///          | i64 first seen of the other end, where that is a bridge
/// shard    to the end (ShardBuffer)
/// </code>
/// Flags: bit 0 released from quarantine, bit 1 unsettled (quarantine took it or let it go, and whom that concerns may not be
/// published). An edge's unbound is the latest of the pair and of either end: with it, and with a
/// bridge's first seen, one cell tells which of its edges count, without the cells of its neighbours.
/// Both ends of an edge hold it. The weaker end is not rewritten when only the last evidence moves on: readers join both halves, so
/// the anchor's half is enough (docs/decisions/0004).
/// </summary>
public static class CellCodec
{
    /// <summary>Version of this layout; kept in the store's <c>meta:format</c>.</summary>
    public const int Format = 3;

    internal const int Released = 1, Unsettled = 2;
    internal const int HeadBytes = 33;
    internal const int EdgeTailBytes = 44;
    internal const int BridgeBytes = 8;

    public static ArenaRange Write(CustomerState state, int node, CellVersion version, ByteArena arena)
    {
        var start = arena.Length;
        ref var n = ref state.Graph.Nodes[node];
        var head = arena.Append(HeadBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(head, version.Number);
        BinaryPrimitives.WriteUInt64LittleEndian(head[8..], version.Stamp);
        BinaryPrimitives.WriteInt64LittleEndian(head[16..], n.FirstSeenMs);
        BinaryPrimitives.WriteInt64LittleEndian(head[24..], state.Graph.Nodes.UnboundMs(node));
        head[32] = (byte)((n.IsReleased ? Released : 0) | (n.IsUnsettled || n.IsSettling ? Unsettled : 0));
        WriteText(arena, n.Kind, state.Graph.Nodes.Text(node));
        BinaryPrimitives.WriteUInt32LittleEndian(arena.Append(4), (uint)n.EdgeCount);
        for (var edge = n.FirstEdge; edge >= 0; edge = state.Graph.NextEdge(edge, node)) WriteEdge(state, node, edge, arena);
        var shard = state.Shards[state[node].Shard];
        shard.CopyTo(arena.Append(shard.Length));
        return arena.Since(start);
    }

    /// <summary>
    /// Adds a stored cell to the state. Where the halves of an edge differ in what membership depends on, a writer stopped between
    /// them: both ends are marked, so that whoever touches them publishes the island again.
    /// </summary>
    public static void Read(CustomerState state, int node, ReadOnlySpan<byte> content)
    {
        ref var cell = ref state[node];
        state.SetVersion(node, ReadVersion(content));
        ref var n = ref state.Graph.Nodes[node];
        n.FirstSeenMs = Math.Min(n.FirstSeenMs, BinaryPrimitives.ReadInt64LittleEndian(content[16..]));
        state.Graph.Unbind(node, BinaryPrimitives.ReadInt64LittleEndian(content[24..]));
        if ((content[32] & Released) != 0) state.Graph.Release(node);
        n.IsUnsettled |= (content[32] & Unsettled) != 0;
        var rest = content[HeadBytes..];
        ReadText(ref rest, out _, out _);
        var edges = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        rest = rest[4..];
        for (var i = 0; i < edges; i++) ReadEdge(state, node, ref rest);
        state.Graph.JudgeAll(node);
        if (rest.IsEmpty) return;
        cell.Shard = state.Shards.Store(cell.Shard, rest);
        n.HasEvents = new Profiles.Shard(rest).Events > 0;
    }

    /// <summary>The identifier that a stored cell is of.</summary>
    public static ReadOnlySpan<byte> ReadIdentifier(ReadOnlySpan<byte> content, out IdentifierKind kind)
    {
        var rest = content[HeadBytes..];
        return ReadText(ref rest, out kind, out _);
    }

    public static CellVersion ReadVersion(ReadOnlySpan<byte> content) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(content), BinaryPrimitives.ReadUInt64LittleEndian(content[8..]));

    private static void WriteEdge(CustomerState state, int node, int edge, ByteArena arena)
    {
        ref var e = ref state.Graph.Edge(edge);
        var other = e.Other(node);
        WriteText(arena, state.Graph.Nodes[other].Kind, state.Graph.Nodes.Text(other));
        var tail = arena.Append(EdgeTailBytes);
        BinaryPrimitives.WriteInt64LittleEndian(tail, e.FirstMs);
        BinaryPrimitives.WriteInt64LittleEndian(tail[8..], e.LastMs);
        BinaryPrimitives.WriteInt64LittleEndian(tail[16..], state.Graph.UnboundMs(edge));
        var source = state.Graph.Source(edge);
        BinaryPrimitives.WriteUInt64LittleEndian(tail[24..], source.Partition);
        BinaryPrimitives.WriteInt64LittleEndian(tail[32..], source.Offset);
        BinaryPrimitives.WriteInt32LittleEndian(tail[40..], source.Index);
        ref var o = ref state.Graph.Nodes[other];
        if (o.Kind.IsBridge()) BinaryPrimitives.WriteInt64LittleEndian(arena.Append(BridgeBytes), o.FirstSeenMs);
    }

    private static void ReadEdge(CustomerState state, int node, ref ReadOnlySpan<byte> rest)
    {
        var text = ReadText(ref rest, out var kind, out var fingerprint);
        var other = state.Intern(kind, text, fingerprint);
        var edge = state.Graph.FindOrAdd(node, other, out var added);
        ref var e = ref state.Graph.Edge(edge);
        var source = new EvidenceSource(
            BinaryPrimitives.ReadUInt64LittleEndian(rest[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(rest[32..]),
            BinaryPrimitives.ReadInt32LittleEndian(rest[40..]));
        var (first, last, unbound) = (BinaryPrimitives.ReadInt64LittleEndian(rest), BinaryPrimitives.ReadInt64LittleEndian(rest[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(rest[16..]));
        e.Halves++;
        if (state.Graph.Merge(edge, first, last, unbound, source) && !added) e.HalvesDiffer = true;
        rest = rest[EdgeTailBytes..];
        if (!kind.IsBridge()) return;
        state.Graph.Sight(other, BinaryPrimitives.ReadInt64LittleEndian(rest));
        rest = rest[BridgeBytes..];
    }

    private static void WriteText(ByteArena arena, IdentifierKind kind, ReadOnlySpan<byte> text)
    {
        var room = arena.Append(3 + text.Length);
        room[0] = (byte)kind;
        BinaryPrimitives.WriteUInt16LittleEndian(room[1..], (ushort)text.Length);
        text.CopyTo(room[3..]);
    }

    private static ReadOnlySpan<byte> ReadText(scoped ref ReadOnlySpan<byte> rest, out IdentifierKind kind, out ulong fingerprint)
    {
        kind = (IdentifierKind)rest[0];
        var text = rest.Slice(3, BinaryPrimitives.ReadUInt16LittleEndian(rest[1..]));
        rest = rest[(3 + text.Length)..];
        fingerprint = Fingerprint.Of(text);
        return text;
    }
}
