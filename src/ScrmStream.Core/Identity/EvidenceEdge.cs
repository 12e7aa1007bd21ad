using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>The coordinates of an event that showed an edge.</summary>
public readonly record struct EvidenceSource(ulong Partition, long Offset, int Index);

/// <summary>
/// Evidence that two identifiers were met together: 48 bytes, for there may be many millions. Times are Unix milliseconds.
/// </summary>
public struct EvidenceEdge
{
    public int A, B;
    internal int NextOfA, NextOfB;
    /// <summary>Earliest and latest event that named both; MaxValue and MinValue where only an unbind is known.</summary>
    public long FirstMs, LastMs;
    // The event behind FirstMs; the partition by its number in the graph.
    internal long SourceOffset;
    internal int SourceIndex;
    internal ushort SourcePartition;
    /// <summary>How many of its two stored halves were read into memory.</summary>
    public byte Halves;
    private EdgeFlags _flags;

    /// <summary>The halves read differed in what membership depends on: a writer had stopped between them.</summary>
    public bool HalvesDiffer { readonly get => Has(EdgeFlags.HalvesDiffer); set => Set(EdgeFlags.HalvesDiffer, value); }
    /// <summary>Both ends being in memory: a writer had stopped between its two cells.</summary>
    public readonly bool IsTorn => Halves == 1 || HalvesDiffer;
    /// <summary>It counts, by rules 2 and 3, as judged last (<see cref="EvidenceGraph.Judge"/>).</summary>
    public bool Counts { readonly get => Has(EdgeFlags.Counts); internal set => Set(EdgeFlags.Counts, value); }
    /// <summary>Its ends are one personal value under two keys: they count as one, and nothing unbinds them.</summary>
    public bool IsAlias { readonly get => Has(EdgeFlags.Alias); internal set => Set(EdgeFlags.Alias, value); }
    /// <summary>The pair was unbound; when, the graph knows.</summary>
    internal bool IsUnbound { readonly get => Has(EdgeFlags.Unbound); set => Set(EdgeFlags.Unbound, value); }

    public readonly int Other(int node) => node == A ? B : A;

    private readonly bool Has(EdgeFlags flag) => (_flags & flag) != 0;

    private void Set(EdgeFlags flag, bool value) => _flags = value ? _flags | flag : _flags & ~flag;

    [Flags]
    private enum EdgeFlags : byte
    {
        HalvesDiffer = 1, Counts = 2, Unbound = 4, Alias = 8,
    }
}
