using ScrmStream.Events;

namespace ScrmStream.Pipeline;

/// <summary>
/// Which events were judged to be duplicates, when state is folded again from stored rows: their verdicts stand, whatever the order of the
/// rows. Filled first, then only read; 24 bytes and a little for each duplicate.
/// </summary>
public sealed class StoredVerdicts
{
    private readonly HashSet<(ulong Partition, long Offset, int Index)> _duplicates = [];

    public int Duplicates => _duplicates.Count;

    public void Add(SourcePartition partition, long offset, int index) => _duplicates.Add((partition.Id, offset, index));

    public bool IsDuplicate(in SourcePosition at) => _duplicates.Contains((at.Partition.Id, at.Offset, at.Index));
}

/// <summary>What state that is folded again has to keep of the state before it.</summary>
/// <param name="CellsAfter">Versions of cells are greater: tables compare them with those of before.</param>
public sealed record PastJudgement(StoredVerdicts Verdicts, ulong CellsAfter);
