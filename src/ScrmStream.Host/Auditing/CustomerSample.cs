using System.Globalization;
using System.Text;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using ScrmStream.Host.Reading;
using ScrmStream.Profiles;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Auditing;

/// <summary>
/// Compares what Redis publishes of some customers, drawn by a seed, with a fold of their own events read from ClickHouse: by the engine's
/// own code, over what analysts see.
/// </summary>
/// <remarks>What differs while the stream goes on is asked again a moment later, and differs only if it still does.</remarks>
internal sealed class CustomerSample(ClickHouseClient clickHouse, RedisConnection redis, RuleSet rules, TimeProvider time)
{
    private const int CustomersPerRead = 64, EventsMax = 2_000_000, RoundsMax = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly RedisPublished _published = new(redis);
    private readonly CustomerAudit _audit = new(rules);
    private readonly ShardBuffer _shard = new();
    private readonly ShardSet _shards = new();
    private readonly Conclusion _conclusion = new();

    /// <exception cref="ClickHouseException">The server refused a query.</exception>
    public async Task<AuditResult> RunAsync(int customers, long seed, CancellationToken cancel)
    {
        var sql = string.Create(CultureInfo.InvariantCulture, $"""
            SELECT customer FROM events_resolved GROUP BY customer ORDER BY sipHash64(customer, {seed}), customer LIMIT {customers}
            """);
        List<string> left = [.. (await ResultRows.ReadAsync(clickHouse, sql, cancel)).Select(row => row[0].GetString()!)];
        var result = _audit.NewResult(await AsOfAsync(cancel));
        for (var round = 1; left.Count > 0; round++)
        {
            var differing = new List<AuditRow>();
            var asOfMs = await AsOfAsync(cancel);
            foreach (var some in left.Chunk(CustomersPerRead)) await CompareAsync(some, asOfMs, result, differing, cancel);
            if (round == RoundsMax || differing.Count == 0)
            {
                foreach (var row in differing) _audit.Count(row, result);
                break;
            }
            left = differing.ConvertAll(row => row.Customer);
            await Task.Delay(Pause, time, cancel);
        }
        return result;
    }

    // Without timers nobody keeps the time; then only events change anything.
    private async Task<long> AsOfAsync(CancellationToken cancel) => await _published.WatermarkAsync(cancel)
        ?? ResultRows.Long((await ResultRows.ReadAsync(
            clickHouse, "SELECT toUnixTimestamp64Milli(max(event_time)) FROM events_rows", cancel))[0][0]);

    private async Task CompareAsync(
        string[] customers, long asOfMs, AuditResult result, List<AuditRow> differing, CancellationToken cancel)
    {
        var known = await CustomerEvents.ReadManyAsync(clickHouse, CustomerEventsSql.UpTo(customers, asOfMs, EventsMax), cancel);
        // Merged into another customer meanwhile, or all of its events are later than time has come.
        result.InMotion += customers.Length - known.Count;
        var batch = CustomerEvents.BatchFor(known);
        var rows = known.Select(one => Fold(one.Customer, CustomerEvents.Decode(one.Rows, batch), asOfMs)).ToArray();
        var views = await _published.ReadAsync(Array.ConvertAll(rows, r => r.Id), _audit.Fields, cancel);
        for (var i = 0; i < rows.Length; i++)
            if (!_audit.Compare(rows[i], views[i], asOfMs, result)) differing.Add(rows[i]);
    }

    private AuditRow Fold(string customer, EventBatch batch, long asOfMs)
    {
        _shard.Load(default);
        foreach (ref var e in batch.Events)
        {
            _shard.Count(e.EventTimeMs, (int)e.Channel);
            rules.Fold(batch, in e, _shard);
        }
        _shards.Clear();
        _shards.Add(_shard.Bytes.ToArray());
        rules.Evaluate(_shards, asOfMs, _conclusion);
        var tags = new Dictionary<string, string>();
        for (var i = 0; i < _conclusion.TagCount; i++) tags[Text(_conclusion.Tag(i).Name)] = Text(_conclusion.Tag(i).Value);
        var scores = new Dictionary<string, (long Points, string? Grade)>();
        for (var i = 0; i < _conclusion.ScoreCount; i++)
        {
            var score = _conclusion.Score(i);
            scores[Text(score.Name)] = (score.MicroPoints, score.Grade.IsEmpty ? null : Text(score.Grade));
        }
        return new AuditRow(
        [
            Json(customer), Json(_shards.LastSeenMs), Json(_shards.Events),
            .. rules.Tags.Select(t => Json(tags.GetValueOrDefault(t.Name))),
            .. rules.Scores.SelectMany(s => Score(scores.GetValueOrDefault(s.Name))),
        ]);
    }

    private static JsonElement[] Score((long Points, string? Grade) score) => [Json(score.Points), Json(score.Grade)];

    private static JsonElement Json<T>(T value) => JsonSerializer.SerializeToElement(value);

    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);
}
