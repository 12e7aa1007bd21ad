using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>What the process knows of one identifier's identity. -1 means "none" in every index field.</summary>
public struct IdentifierNode
{
    public UInt128 Id;
    /// <summary>Earliest event that named it; <see cref="long.MaxValue"/> before any.</summary>
    public long FirstSeenMs;
    /// <summary>Latest <c>identity_unbind</c> of this identifier alone; <see cref="long.MinValue"/> when there is none.</summary>
    public long UnboundMs;
    public int TextPage, TextStart;
    public ushort TextLength;
    public IdentifierKind Kind;
    /// <summary>At least one event is attributed to it.</summary>
    public bool HasEvents;
    /// <summary>Rule 4: too many identifiers were met with it; its edges are kept and not used.</summary>
    public bool IsParked;
    /// <summary>A decision of people took it out of quarantine.</summary>
    public bool IsReleased;
    /// <summary>Quarantine took it or let it go, and not all whom that concerns are published; kept in its cell.</summary>
    public bool IsUnsettled;
    /// <summary>The same, and the flush under way publishes them.</summary>
    public bool IsSettling;
    /// <summary>What its values are limited by: its kind and scope, or its kind alone; -1 when unlimited.</summary>
    public int LimitGroup;
    public int FirstEdge, EdgeCount;
    /// <summary>Union-find over all evidence: the parent, or at the top minus the number of members.</summary>
    public int IslandParent;
    /// <summary>The next member of the island; a ring.</summary>
    public int IslandNext;
    /// <summary>Root identifier of its customer; -1: nobody's.</summary>
    public int Root;
    /// <summary>The next identifier of the customer; a ring.</summary>
    public int CustomerNext;
    /// <summary>The resolver's index of the node while it works on the node's island.</summary>
    internal int Local;
}

/// <summary>
/// All identifiers the process has in memory: an index per stored text, found by fingerprint and verified against the bytes.
/// Owned by the deciding thread.
/// </summary>
public sealed class IdentifierTable
{
    private const int TextPageBytes = 1 << 20;

    private readonly PagedArray<IdentifierNode> _nodes = new();
    private readonly List<byte[]> _textPages = [];
    private readonly Dictionary<ulong, List<(byte[] Prefix, int Group)>> _limitGroups = [];
    private ulong[] _fingerprints = new ulong[1 << 10];
    private int[] _slots = new int[1 << 10];
    private int _textUsed = TextPageBytes;

    public int Count => _nodes.Count;

    /// <summary>Number of distinct limit groups given out.</summary>
    public int LimitGroups { get; private set; }

    public ref IdentifierNode this[int node] => ref _nodes[node];

    public ReadOnlySpan<byte> Text(int node)
    {
        ref var n = ref _nodes[node];
        return _textPages[n.TextPage].AsSpan(n.TextStart, n.TextLength);
    }

    /// <summary>The same, to be kept: the bytes never move or change.</summary>
    public ReadOnlyMemory<byte> TextMemory(int node)
    {
        ref var n = ref this[node];
        return _textPages[n.TextPage].AsMemory(n.TextStart, n.TextLength);
    }

    public string TextOf(int node) => Encoding.UTF8.GetString(Text(node));

    /// <summary>The index of an identifier; <paramref name="created"/> when it was not known.</summary>
    public int Intern(IdentifierKind kind, ReadOnlySpan<byte> text, ulong fingerprint, out bool created)
    {
        var mask = _slots.Length - 1;
        var at = (int)fingerprint & mask;
        for (; _slots[at] != 0; at = (at + 1) & mask)
        {
            if (_fingerprints[at] != fingerprint || !Text(_slots[at] - 1).SequenceEqual(text)) continue;
            created = false;
            return _slots[at] - 1;
        }
        created = true;
        var node = AddNode(kind, text);
        (_fingerprints[at], _slots[at]) = (fingerprint, node + 1);
        if (_nodes.Count * 2 > _slots.Length) Grow();
        return node;
    }

    /// <summary>The index of an identifier, or -1.</summary>
    public int Find(ReadOnlySpan<byte> text)
    {
        var fingerprint = Fingerprint.Of(text);
        var mask = _slots.Length - 1;
        for (var at = (int)fingerprint & mask; _slots[at] != 0; at = (at + 1) & mask)
            if (_fingerprints[at] == fingerprint && Text(_slots[at] - 1).SequenceEqual(text)) return _slots[at] - 1;
        return -1;
    }

    public void Clear()
    {
        _nodes.Clear();
        _textPages.Clear();
        _limitGroups.Clear();
        LimitGroups = 0;
        _textUsed = TextPageBytes;
        _fingerprints = new ulong[1 << 10];
        _slots = new int[1 << 10];
    }

    private int AddNode(IdentifierKind kind, ReadOnlySpan<byte> text)
    {
        var node = _nodes.Add();
        ref var n = ref _nodes[node];
        (n.TextPage, n.TextStart, n.TextLength) = StoreText(text);
        n.Id = IdentifierId.Of(text).Value;
        n.Kind = kind;
        n.FirstSeenMs = long.MaxValue;
        n.UnboundMs = long.MinValue;
        n.FirstEdge = -1;
        n.IslandParent = -1;
        n.IslandNext = n.CustomerNext = node;
        n.Root = n.Local = -1;
        n.LimitGroup = LimitGroupOf(kind, text);
        return node;
    }

    private (int Page, int Start, ushort Length) StoreText(ReadOnlySpan<byte> text)
    {
        if (_textUsed + text.Length > TextPageBytes)
        {
            _textPages.Add(new byte[TextPageBytes]);
            _textUsed = 0;
        }
        text.CopyTo(_textPages[^1].AsSpan(_textUsed));
        _textUsed += text.Length;
        return (_textPages.Count - 1, _textUsed - text.Length, checked((ushort)text.Length));
    }

    // Account and app values are limited per kind and scope, contacts per kind, the rest not at all.
    private int LimitGroupOf(IdentifierKind kind, ReadOnlySpan<byte> text)
    {
        if (kind.Class() > IdentifierClass.Contact) return -1;
        var prefix = kind.Class() == IdentifierClass.Contact ? kind.WordUtf8() : text[..^IdentifierText.Value(text, kind).Length];
        var fingerprint = Fingerprint.Of(prefix);
        if (!_limitGroups.TryGetValue(fingerprint, out var groups)) _limitGroups[fingerprint] = groups = [];
        foreach (var (known, group) in groups)
            if (prefix.SequenceEqual(known)) return group;
        groups.Add((prefix.ToArray(), LimitGroups));
        return LimitGroups++;
    }

    private void Grow()
    {
        var (oldFingerprints, oldSlots) = (_fingerprints, _slots);
        _fingerprints = new ulong[oldSlots.Length * 2];
        _slots = new int[oldSlots.Length * 2];
        var mask = _slots.Length - 1;
        for (var i = 0; i < oldSlots.Length; i++)
        {
            if (oldSlots[i] == 0) continue;
            var at = (int)oldFingerprints[i] & mask;
            while (_slots[at] != 0) at = (at + 1) & mask;
            (_fingerprints[at], _slots[at]) = (oldFingerprints[i], oldSlots[i]);
        }
    }
}
