using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>
/// A score's points from sums: those without a cap from one, the others by calendar period. For half-lives and points that never fade.
/// Immutable, any thread.
/// </summary>
internal sealed class SummedPoints(DecayedPoints? uncapped, CappedEntry[] capped, GroupRule[] groups)
{
    /// <summary>The micro points as of a time, not yet rounded.</summary>
    public double Read(ShardSet shards, long atMs, PeriodLedger ledger, GroupLedger groupLedger)
    {
        var total = uncapped?.Read(shards, atMs) ?? 0;
        foreach (var entry in capped)
            if (entry.Rule.Group < 0) total += entry.Weights.Read(shards, atMs, entry.Rule.AddMicro, entry.Rule.CapMicro, ledger);
        for (var group = 0; group < groups.Length; group++)
        {
            groupLedger.Start(groups[group].Unit);
            foreach (var entry in capped)
            {
                if (entry.Rule.Group != group) continue;
                entry.Weights.Read(shards, atMs, entry.Rule.AddMicro, entry.Rule.CapMicro, ledger, groupLedger);
            }
            total += groupLedger.Total(groups[group].CapMicro);
        }
        return total;
    }
}

/// <summary>The events of one entry that a cap holds.</summary>
internal sealed record CappedEntry(CappedWeights Weights, PointRule Rule);
