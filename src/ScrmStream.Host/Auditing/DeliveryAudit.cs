using System.Globalization;
using ScrmStream.ClickHouse;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;
using ScrmStream.Identity;
using ScrmStream.Kafka;

namespace ScrmStream.Host.Auditing;

/// <summary>
/// Reads again what a group has committed, decodes it as the service does, and compares it with ClickHouse: of every accepted event below
/// the committed offset the view shows one row, or it is the hidden duplicate of one that is shown; every rejected one is a dead
/// letter; and there is nothing else. Part after part, so that memory does not grow with the topics.
/// </summary>
/// <remarks>A service may run meanwhile: what is committed is stored, whatever comes after it.</remarks>
internal sealed class DeliveryAudit(
    CommittedRecords kafka, ClickHouseClient clickHouse, HostSettings settings, SchemaCatalog schemas, TimeProvider time)
{
    private const int EventsPerPart = 200_000;
    private static readonly TimeSpan TellInterval = TimeSpan.FromSeconds(3);

    private readonly EventBatch _batch = new(new RecordBatch(4096, settings.Pipeline.BatchBytesMax));
    private readonly IdentifierScreen _screen = new(settings.Pipeline.Identity);
    // By coordinates: whether the event is good. And the offsets of records, of which some hold no event.
    private readonly Dictionary<(long Offset, int Index), bool> _expected = [];
    private readonly HashSet<long> _offsets = [];
    private long _toldAt = time.GetTimestamp(), _records;

    /// <exception cref="Pipeline.StoreUnavailableException">A server does not answer.</exception>
    /// <exception cref="ClickHouseException">The server refused a query.</exception>
    public async Task<DeliveryResult> RunAsync(CancellationToken cancel)
    {
        var recreated = new List<string>();
        var ranges = await kafka.RangesAsync(recreated);
        var result = new DeliveryResult(
            [.. ranges.Select(r => new DeliveryCount(r.Partition.Topic, r.Partition.Partition, r.First, r.End))],
            [.. recreated.Distinct()]);
        for (var i = 0; i < ranges.Count; i++) await CompareAsync(ranges[i], result.Partitions[i], result, cancel);
        return result;
    }

    private async Task CompareAsync(CommittedRange range, DeliveryCount count, DeliveryResult result, CancellationToken cancel)
    {
        using var decoder = new RecordDecoder(settings.Pipeline.Limits, schemas);
        var from = range.First;
        if (range.First < range.End) kafka.Begin(range);
        for (var more = range.First < range.End; more;)
        {
            _batch.Clear();
            more = kafka.Read(_batch.Records, cancel);
            await ExpectAsync(decoder, count, cancel);
            var to = more ? _batch.Records.Count > 0 ? _batch.Records.Records[_batch.Records.Count - 1].Offset + 1 : from : range.End;
            if (more && _expected.Count < EventsPerPart && _offsets.Count < EventsPerPart) continue;
            await ComparePartAsync(range.Partition, from, to, count, result, cancel);
            count.Gaps += to - from - _offsets.Count;
            _expected.Clear();
            _offsets.Clear();
            from = to;
        }
        await FindOrphansAsync(range, count, result, cancel);
    }

    private async Task ExpectAsync(RecordDecoder decoder, DeliveryCount count, CancellationToken cancel)
    {
        for (var next = decoder.Decode(_batch); next < _batch.Records.Count; next = decoder.Decode(_batch, next))
            await schemas.FetchAsync(decoder.Missing, cancel);
        _screen.Apply(_batch);
        foreach (var record in _batch.Records.Records.AsSpan(0, _batch.Records.Count)) _offsets.Add(record.Offset);
        foreach (ref var e in _batch.Events) _expected[(_batch.Records.Records[e.Record].Offset, e.Index)] = true;
        foreach (var reject in _batch.Rejects) _expected[(_batch.Records.Records[reject.Record].Offset, reject.Index)] = false;
        count.Records += _batch.Records.Count;
        _records += _batch.Records.Count;
        if (time.GetElapsedTime(_toldAt) < TellInterval) return;
        _toldAt = time.GetTimestamp();
        Console.Error.WriteLine($"scrmstream: {CellProgress.Grouped(_records)} records compared");
    }

    private async Task ComparePartAsync(
        SourcePartition source, long from, long to, DeliveryCount count, DeliveryResult result, CancellationToken cancel)
    {
        var within = Within(source, from, to);
        var letters = new HashSet<(long, int)>();
        foreach (var row in await ResultRows.ReadAsync(clickHouse, $"SELECT offset, `index` FROM dead_letters WHERE {within}", cancel))
            letters.Add((ResultRows.Long(row[0]), (int)ResultRows.Long(row[1])));
        var rows = await ResultRows.ReadAsync(clickHouse, $"""
            SELECT offset, `index`, sum(stored), sum(shown) FROM
            (
                SELECT offset, `index`, 1 AS stored, 0 AS shown FROM events_rows WHERE {within}
                UNION ALL
                SELECT offset, `index`, 0 AS stored, 1 AS shown FROM events WHERE {within}
            )
            GROUP BY offset, `index` ORDER BY offset, `index`
            """, cancel);
        foreach (var row in rows)
        {
            var at = (Offset: ResultRows.Long(row[0]), Index: (int)ResultRows.Long(row[1]));
            Judge(at, ResultRows.Long(row[2]), ResultRows.Long(row[3]), count, result);
        }
        foreach (var (at, isGood) in _expected.OrderBy(e => e.Key)) JudgeMissing(at, isGood, letters.Contains(at), count, result);
    }

    // A row: of a good event it is taken off what is expected.
    private void Judge((long Offset, int Index) at, long stored, long shown, DeliveryCount count, DeliveryResult result)
    {
        if (!_expected.Remove(at, out var isGood) || !isGood)
        {
            // The broker has dropped the record since; what it held is not known any more.
            if (!_offsets.Contains(at.Offset)) return;
            count.Invented++;
            result.Add(count, "row of no event", at.Offset, at.Index);
            return;
        }
        if (shown == 0) count.Duplicates++;
        else count.Rows++;
        count.Repeats += stored - 1;
        if (shown <= 1) return;
        count.Doubled++;
        result.Add(count, "shown twice", at.Offset, at.Index);
    }

    // No row: it is a letter, or it is lost.
    private static void JudgeMissing(
        (long Offset, int Index) at, bool isGood, bool isLetter, DeliveryCount count, DeliveryResult result)
    {
        if (isLetter)
        {
            count.Letters++;
            return;
        }
        count.Lost++;
        result.Add(count, isGood ? "no row" : "no dead letter", at.Offset, at.Index);
    }

    // A duplicate repeats an event that is shown; two that hide each other would be a loss.
    private async Task FindOrphansAsync(CommittedRange range, DeliveryCount count, DeliveryResult result, CancellationToken cancel)
    {
        if (count.Duplicates == 0) return;
        var within = Within(range.Partition, range.First, range.End);
        var orphans = await ResultRows.ReadAsync(clickHouse, $"""
            SELECT offset, `index` FROM events_rows
            WHERE {within} AND is_deleted = 1
                AND (offset, `index`) NOT IN (SELECT offset, `index` FROM events WHERE {within})
                AND (anchor_id, event_id) NOT IN
                (
                    SELECT anchor_id, event_id FROM events
                    WHERE (anchor_id, event_id) IN (SELECT anchor_id, event_id FROM events_rows WHERE {within} AND is_deleted = 1)
                )
            GROUP BY offset, `index` ORDER BY offset, `index`
            """, cancel);
        count.Orphaned = orphans.Count;
        foreach (var row in orphans) result.Add(count, "hidden, and no other shown", ResultRows.Long(row[0]), (int)ResultRows.Long(row[1]));
    }

    private static string Within(SourcePartition source, long from, long to) => string.Create(CultureInfo.InvariantCulture, $"""
        topic_id = '{source.TopicId}' AND topic = '{Quoted(source.Topic)}' AND partition = {source.Partition}
            AND offset >= {from} AND offset < {to}
        """);

    private static string Quoted(string topic) =>
        topic.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);
}
