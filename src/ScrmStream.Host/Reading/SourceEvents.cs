using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Host.Reading;

/// <summary>The event behind an edge, as ClickHouse has it.</summary>
internal sealed record SourceEvent(string Event, string Topic, int Partition);

/// <summary>Finds events by the coordinates that edges keep: a hash of the partition, the offset, the place in the record.</summary>
internal static class SourceEvents
{
    /// <exception cref="ClickHouseException">The server refused the query.</exception>
    /// <exception cref="Pipeline.StoreUnavailableException">The server was not reached in time.</exception>
    public static async Task<Dictionary<EvidenceSource, SourceEvent>> FindAsync(
        ClickHouseClient client, IReadOnlyCollection<(long TimeMs, EvidenceSource Source)> evidence, CancellationToken cancel)
    {
        var found = new Dictionary<EvidenceSource, SourceEvent>();
        if (evidence.Count == 0) return found;
        var sql = EvidenceSql.EventsAt(evidence.Select(e => e.TimeMs), evidence.Select(e => e.Source.Offset));
        foreach (var row in await ResultRows.ReadAsync(client, sql, cancel))
        {
            var partition = new SourcePartition(Guid.Parse(row[1].GetString()!), row[2].GetString()!, row[3].GetInt32());
            found[new EvidenceSource(partition.Id, ResultRows.Long(row[4]), row[5].GetInt32())] =
                new SourceEvent(row[0].GetString()!, partition.Topic, partition.Partition);
        }
        return found;
    }

    /// <summary>How many events name an identifier as unverified (<see cref="EvidenceSql.CountUnverified"/>).</summary>
    /// <inheritdoc cref="FindAsync" path="/exception"/>
    public static async Task<long> CountUnverifiedAsync(ClickHouseClient client, string text, string? with, CancellationToken cancel) =>
        ResultRows.Long((await ResultRows.ReadAsync(client, EvidenceSql.CountUnverified(text, with), cancel))[0][0]);
}
