using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// All identifiers the process has in memory: an index per stored text, found by fingerprint and verified against the bytes.
/// Owned by the deciding thread.
/// </summary>
public sealed class IdentifierTable(KindTable kinds)
{
    private const int TextPageBytes = 1 << 20;

    private readonly PagedArray<IdentifierNode> _nodes = new();
    private readonly List<byte[]> _textPages = [];
    private readonly Dictionary<ulong, List<(byte[] Prefix, int Group)>> _limitGroups = [];
    // Few identifiers are ever unbound.
    private readonly Dictionary<int, long> _unboundMs = [];
    private Slot[] _slots = new Slot[1 << 10];
    private int _textUsed = TextPageBytes;

    /// <summary>A node's number plus one, 0 for none; and half of its text's fingerprint: where it belongs, a first comparison.</summary>
    private struct Slot
    {
        public int Node;
        public uint Tag;
    }

    public int Count => _nodes.Count;

    /// <summary>Classes, limits and strength of the kinds.</summary>
    public KindTable Kinds => kinds;

    /// <summary>Number of distinct limit groups given out.</summary>
    public int LimitGroups { get; private set; }

    public ref IdentifierNode this[int node] => ref _nodes[node];

    public ReadOnlySpan<byte> Text(int node)
    {
        ref var n = ref _nodes[node];
        return _textPages[(int)(n.TextAt / TextPageBytes)].AsSpan((int)(n.TextAt % TextPageBytes), n.TextLength);
    }

    /// <summary>The same, to be kept: the bytes never move or change.</summary>
    public ReadOnlyMemory<byte> TextMemory(int node)
    {
        ref var n = ref this[node];
        return _textPages[(int)(n.TextAt / TextPageBytes)].AsMemory((int)(n.TextAt % TextPageBytes), n.TextLength);
    }

    public string TextOf(int node) => Encoding.UTF8.GetString(Text(node));

    /// <summary>The index of an identifier; <paramref name="created"/> when it was not known.</summary>
    public int Intern(IdentifierKind kind, ReadOnlySpan<byte> text, ulong fingerprint, out bool created)
    {
        var at = Locate(text, fingerprint);
        created = _slots[at].Node == 0;
        if (!created) return _slots[at].Node - 1;
        var node = AddNode(kind, text);
        _slots[at] = new Slot { Node = node + 1, Tag = Tag(fingerprint) };
        if (_nodes.Count > _slots.Length / 4 * 3) Grow();
        return node;
    }

    /// <summary>
    /// Three hints that together hide the cost of <see cref="Intern"/>: for many identifiers first the slot, then the node, then the text.
    /// </summary>
    public void PrefetchSlot(ulong fingerprint) => CacheHint.Prefetch(ref _slots[(int)Tag(fingerprint) & (_slots.Length - 1)]);

    /// <inheritdoc cref="PrefetchSlot"/>
    /// <returns>Where the identifier probably is, for the next step; -1 when it is new.</returns>
    public int PrefetchNode(ulong fingerprint)
    {
        var mask = _slots.Length - 1;
        var tag = Tag(fingerprint);
        for (var at = (int)tag & mask; _slots[at].Node != 0; at = (at + 1) & mask)
        {
            if (_slots[at].Tag != tag) continue;
            _nodes.Prefetch(_slots[at].Node - 1);
            return _slots[at].Node - 1;
        }
        return -1;
    }

    /// <inheritdoc cref="PrefetchSlot"/>
    public void PrefetchText(int node)
    {
        ref var n = ref _nodes[node];
        CacheHint.Prefetch(ref _textPages[(int)(n.TextAt / TextPageBytes)][n.TextAt % TextPageBytes], n.TextLength);
    }

    /// <inheritdoc cref="CacheHint"/>
    public void Prefetch(int node) => _nodes.Prefetch(node);

    /// <summary>The index of an identifier, or -1.</summary>
    public int Find(ReadOnlySpan<byte> text) => _slots[Locate(text, Fingerprint.Of(text))].Node - 1;

    /// <summary>Latest <c>identity_unbind</c> of this identifier alone; <see cref="long.MinValue"/> when there is none.</summary>
    public long UnboundMs(int node) => _nodes[node].IsUnbound ? _unboundMs[node] : long.MinValue;

    /// <summary>Notes an unbind of the identifier; true when it is later than any known one.</summary>
    public bool Unbind(int node, long timeMs)
    {
        if (UnboundMs(node) >= timeMs) return false;
        _nodes[node].IsUnbound = true;
        _unboundMs[node] = timeMs;
        return true;
    }

    public void Clear()
    {
        _nodes.Clear();
        _textPages.Clear();
        _limitGroups.Clear();
        LimitGroups = 0;
        _textUsed = TextPageBytes;
        _unboundMs.Clear();
        _slots = new Slot[1 << 10];
    }

    // The slot that holds the text, or the free one where it belongs.
    private int Locate(ReadOnlySpan<byte> text, ulong fingerprint)
    {
        var mask = _slots.Length - 1;
        var tag = Tag(fingerprint);
        for (var at = (int)tag & mask; ; at = (at + 1) & mask)
        {
            ref var slot = ref _slots[at];
            if (slot.Node == 0 || slot.Tag == tag && Text(slot.Node - 1).SequenceEqual(text)) return at;
        }
    }

    private static uint Tag(ulong fingerprint) => (uint)fingerprint;

    private int AddNode(IdentifierKind kind, ReadOnlySpan<byte> text)
    {
        var node = _nodes.Add();
        ref var n = ref _nodes[node];
        (n.TextAt, n.TextLength) = (StoreText(text), checked((ushort)text.Length));
        n.Id = IdentifierId.Of(text).Value;
        n.Kind = kind;
        n.FirstSeenMs = long.MaxValue;
        n.FirstEdge = -1;
        n.IslandParent = -1;
        n.IslandNext = n.CustomerNext = node;
        n.Root = n.Local = -1;
        n.LimitGroup = LimitGroupOf(kind, text);
        return node;
    }

    // At most 4 GiB of text: some ninety million identifiers.
    private uint StoreText(ReadOnlySpan<byte> text)
    {
        if (_textUsed + text.Length > TextPageBytes)
        {
            _textPages.Add(new byte[TextPageBytes]);
            _textUsed = 0;
        }
        text.CopyTo(_textPages[^1].AsSpan(_textUsed));
        _textUsed += text.Length;
        return checked((uint)((_textPages.Count - 1L) * TextPageBytes + _textUsed - text.Length));
    }

    private int LimitGroupOf(IdentifierKind kind, ReadOnlySpan<byte> text)
    {
        if (kinds.ValuesMaxOf(kind) == KindTable.NoLimit) return -1;
        var prefix = kinds.IsPerScope(kind) ? text[..^IdentifierText.Value(text, kind).Length] : kind.WordUtf8();
        var fingerprint = Fingerprint.Of(prefix);
        if (!_limitGroups.TryGetValue(fingerprint, out var groups)) _limitGroups[fingerprint] = groups = [];
        foreach (var (known, group) in groups)
            if (prefix.SequenceEqual(known)) return group;
        groups.Add((prefix.ToArray(), LimitGroups));
        return LimitGroups++;
    }

    private void Grow()
    {
        var old = _slots;
        _slots = new Slot[old.Length * 2];
        var mask = _slots.Length - 1;
        foreach (var slot in old)
        {
            if (slot.Node == 0) continue;
            var at = (int)slot.Tag & mask;
            while (_slots[at].Node != 0) at = (at + 1) & mask;
            _slots[at] = slot;
        }
    }
}
