using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Reading;

/// <summary>What a snapshot of one score's ledger came to.</summary>
/// <param name="WorthMicro">The sum of all lines, millionths of a point.</param>
/// <param name="Equal">Customers whose lines add up to the value in Redis, to the millionth.</param>
/// <param name="InMotion">Customers with events that Redis does not know yet, or without a view: not compared.</param>
internal sealed record LedgerTotal(string Score)
{
    public long Customers { get; set; }
    public long Lines { get; set; }
    public long WorthMicro { get; set; }
    public long Equal { get; set; }
    public long Different { get; set; }
    public long InMotion { get; set; }
}

/// <summary>
/// Writes the ledgers of all customers, part by part: what each event gives, by the engine's own code over the events in ClickHouse.
/// </summary>
/// <param name="redis">Null: nothing is compared, and a time has to be given.</param>
/// <param name="asOfMs">Null: each customer as of the time for which Redis holds its score.</param>
internal sealed class LedgerSnapshot(
    ClickHouseClient clickHouse, RedisReader? redis, RuleSet rules, IReadOnlyList<ScoreRule> scores, long? asOfMs, long snapshotMs)
{
    private const int EventsPerPart = 100_000;
    private const int EventsMax = 20_000_000;
    private const int ReadsAtOnce = 64;

    private readonly LedgerTable[] _tables = [.. scores.Select(s => new LedgerTable(clickHouse, s.Name, snapshotMs))];
    private readonly List<LedgerRow>[] _rows = [.. scores.Select(_ => new List<LedgerRow>())];

    public IReadOnlyList<LedgerTotal> Totals { get; } = [.. scores.Select(s => new LedgerTotal(s.Name))];

    /// <exception cref="ClickHouseException">The server refused a query.</exception>
    public async Task WriteAsync(CancellationToken cancel)
    {
        var counted = await ResultRows.ReadAsync(clickHouse, "SELECT count() FROM events", cancel);
        var parts = (int)(ResultRows.Long(counted[0][0]) / EventsPerPart) + 1;
        for (var part = 0; part < parts; part++)
        {
            var sql = CustomerEventsSql.OfPart(part, parts, asOfMs ?? long.MaxValue / 1_000_000, EventsMax);
            var customers = await CustomerEvents.ReadManyAsync(clickHouse, sql, cancel);
            var batch = CustomerEvents.BatchFor(customers);
            foreach (var some in customers.Chunk(ReadsAtOnce)) await AddAsync(some, batch, cancel);
            for (var i = 0; i < scores.Count; i++)
            {
                await _tables[i].WriteAsync(_rows[i], cancel);
                _rows[i].Clear();
            }
        }
        for (var i = 0; i < scores.Count; i++) await _tables[i].CompleteAsync(rules.Fingerprint, Fades(scores[i]), cancel);
    }

    private async Task AddAsync(CustomerRows[] customers, EventBatch batch, CancellationToken cancel)
    {
        var ids = Array.ConvertAll(customers, c => IdentifierId.TryParse(c.Customer, out var id) ? id : default);
        var stored = redis is null ? null : await Task.WhenAll(ids.Select(id => redis.ReadViewAsync(id, cancel)));
        for (var i = 0; i < customers.Length; i++)
        {
            var events = CustomerEvents.Decode(customers[i].Rows, batch);
            // A customer that has been merged away meanwhile is in motion.
            var view = stored?[i]?.Customer == ids[i] ? stored[i] : null;
            for (var score = 0; score < scores.Count; score++) Add(score, ids[i], events, view);
        }
    }

    private void Add(int score, IdentifierId customer, EventBatch events, StoredCustomer? stored)
    {
        var (total, lastMs) = (Totals[score], events.Events[events.Count - 1].EventTimeMs);
        var held = StoredScore.Find(stored, scores[score].Name);
        var atMs = asOfMs ?? Math.Max(held?.AtMs ?? lastMs, lastMs);
        var ledger = ScoreLedger.Of(rules, scores[score].Name, events, atMs);
        if (asOfMs is null)
        {
            if (held is null || held.AtMs < lastMs) total.InMotion++;
            else if (held.Micro == ledger.MicroPoints) total.Equal++;
            else total.Different++;
        }
        if (ledger.Lines.Count == 0 && ledger.LimitMicro == 0) return;
        total.Customers++;
        total.Lines += ledger.Lines.Count;
        total.WorthMicro += ledger.MicroPoints;
        for (var i = 0; i < ledger.Lines.Count; i++) _rows[score].Add(Row(score, customer, events, ledger.Lines[i], atMs, i + 1));
        if (ledger.LimitMicro != 0)
            _rows[score].Add(new LedgerRow(
                customer, 0, atMs, atMs, "", "", scores[score].Line, "limits of the score", 0, 1, 1, ledger.LimitMicro));
    }

    private LedgerRow Row(int score, IdentifierId customer, EventBatch events, LedgerLine line, long atMs, int number)
    {
        ref var e = ref events.Events[line.Event];
        var entry = scores[score].Points[line.Points];
        return new LedgerRow(
            customer, number, atMs, e.EventTimeMs, Encoding.UTF8.GetString(events.Text(e.Name)),
            Encoding.UTF8.GetString(events.Text(e.EventId)), entry.Line, entry.Text, line.AddMicro, line.Kept, line.Left, line.MicroPoints);
    }

    private static string Fades(ScoreRule score) => score.HalfLifeMs > 0 ? $"half_life {TimeSpan.FromMilliseconds(score.HalfLifeMs)}"
        : score.Fades ? "by age, see the rule file" : "never";
}
