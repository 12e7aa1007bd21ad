using System.Text;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline.Reload;

/// <summary>
/// Tells, by what is stored of an identifier, whether a change of rules concerns it: whether its shard is to be renewed, or its customer
/// to be concluded anew. What is stored was read while the new rules were in force, so it has every event that was folded by the old ones;
/// where the stored rows are of just these events and none of them counts for what is new, there is nothing to bring. One thread.
/// </summary>
/// <param name="isRefolded">Shards are compared with stored rows.</param>
internal sealed class ConcernedCells(RulesInForce inForce, ShardRenewal renewal, bool isRefolded)
{
    private readonly uint[] _keys = [.. inForce.Incomplete.Union(inForce.Change.Aggregates)];
    private readonly byte[][] _tags = [.. inForce.Change.Tags.Select(Encoding.UTF8.GetBytes)];
    private readonly Conclusion _conclusion = new();

    /// <summary>Everybody is, and need not be looked at for it.</summary>
    public bool AreAll => inForce.Change.ConcernsAll;

    /// <summary>It is to be known what was concluded of each; else its cell says all.</summary>
    public bool NeedConclusions => _tags.Length > 0;

    /// <param name="refolded">Its shard as the stored rows give it.</param>
    public bool IsConcerned(StoredCell stored, ReadOnlySpan<byte> refolded)
    {
        if (stored.Cell is null) return false;
        var shard = new CellEvidence(stored.Cell).Shard;
        return IsToBeRenewed(shard, refolded) || HasAny(shard) || HasTag(stored.Conclusion);
    }

    // A shard that has nothing to be replaced needs no mark: only actions ask for that, and where there are any, everybody is concerned.
    private bool IsToBeRenewed(ReadOnlySpan<byte> shard, ReadOnlySpan<byte> refolded)
    {
        if (shard.IsEmpty || !isRefolded) return false;
        if (new Shard(shard).CompleteFrom >= inForce.CompleteFrom) return false;
        return !ShardRenewal.AreOfTheSame(shard, refolded) || !renewal.HasNothingNew(shard, refolded);
    }

    private bool HasAny(ReadOnlySpan<byte> shard)
    {
        var read = new Shard(shard);
        foreach (var key in _keys)
            if (!read.Aggregate(key).IsEmpty) return true;
        return false;
    }

    private bool HasTag(byte[] conclusion)
    {
        if (conclusion.Length == 0 || _tags.Length == 0) return false;
        _conclusion.ReadFrom(conclusion);
        foreach (var tag in _tags)
            if (_conclusion.HasTag(tag)) return true;
        return false;
    }
}
