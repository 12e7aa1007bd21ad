using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>The coordinates of an event that showed an edge.</summary>
public readonly record struct EvidenceSource(ulong Partition, long Offset, int Index);

/// <summary>Evidence that two identifiers were met together. Times are Unix milliseconds.</summary>
public struct EvidenceEdge
{
    public int A, B;
    internal int NextOfA, NextOfB;
    /// <summary>Earliest and latest event that named both; MaxValue and MinValue where only an unbind is known.</summary>
    public long FirstMs, LastMs;
    /// <summary>
    /// Latest unbind of this pair; <see cref="long.MinValue"/> when there is none. Where a stored half was read, unbinds of either
    /// end are in it too.
    /// </summary>
    public long UnboundMs;
    /// <summary>The event behind <see cref="FirstMs"/>.</summary>
    public EvidenceSource Source;

    /// <summary>How many of its two stored halves were read into memory.</summary>
    public byte Halves;
    /// <summary>The halves read differed in what membership depends on: a writer had stopped between them.</summary>
    public bool HalvesDiffer;
    /// <summary>It counts, by rules 2 and 3, as judged last (<see cref="EvidenceGraph.Judge"/>).</summary>
    public bool Counts { get; internal set; }

    public readonly int Other(int node) => node == A ? B : A;
}
