using System.Runtime.CompilerServices;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Settings;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Auditing;

/// <summary>
/// Compares what Redis publishes of every customer with what SQL says of the events in ClickHouse, as of the watermark: range after
/// range of buckets, so that memory does not grow with the number of customers.
/// </summary>
/// <remarks>
/// While the stream goes on, the two are not read at one moment. What differs is therefore asked again and again, and differs only if it
/// does three times in a row without another event on either side.
/// </remarks>
internal sealed class RuleAudit(ClickHouseClient clickHouse, RedisConnection redis, RuleSet rules, TimeProvider time)
{
    private const int CustomersPerRead = 256, ReadsAtOnce = 8;
    private const int AskedAgainMax = 100_000, NamedMax = 1_000, RoundsMax = 5, LooksToDiffer = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    // How many events both sides knew of a customer that differs, and at how many looks in a row.
    private readonly record struct Standing(long Events, long Published, int Looks);

    private readonly RedisPublished _published = new(redis);
    private readonly CustomerAudit _audit = new(rules);

    /// <exception cref="SettingsException">Nothing has ever run in this namespace.</exception>
    /// <exception cref="ClickHouseException">The server refused a query.</exception>
    public async Task<AuditResult> RunAsync(CancellationToken cancel)
    {
        var asOfMs = await WatermarkAsync(cancel);
        var result = _audit.NewResult(asOfMs);
        var differing = new List<AuditRow>();
        foreach (var part in await CustomerParts.OfAsync(clickHouse, cancel))
        {
            var rows = await part.ReadAsync(clickHouse, rules, asOfMs, cancel);
            foreach (var some in rows.Chunk(CustomersPerRead * ReadsAtOnce)) await CompareAsync(some, asOfMs, result, differing, cancel);
        }
        result.CustomersInRedis = (await new RedisViewStore(redis).CountAsync(cancel)).Customers;
        result.IsStill = await WatermarkAsync(cancel) == asOfMs;
        await SettleAsync(result, differing, cancel);
        return result;
    }

    private async Task<long> WatermarkAsync(CancellationToken cancel) => await _published.WatermarkAsync(cancel)
        ?? throw new SettingsException($"Redis knows no watermark of this namespace: \"run\" has not run in it yet ({redis.Keys.Prefix}).");

    private async Task CompareAsync(
        AuditRow[] rows, long asOfMs, AuditResult result, List<AuditRow> differing, CancellationToken cancel)
    {
        var reads = rows.Chunk(CustomersPerRead).Select(async part => (part, await _published.ReadAsync(
            Array.ConvertAll(part, r => r.Id), _audit.Fields, cancel)));
        foreach (var (part, views) in await Task.WhenAll(reads))
        {
            for (var i = 0; i < part.Length; i++)
            {
                if (_audit.Compare(part[i], views[i], asOfMs, result)) continue;
                // So many are not on their way; they would only fill the memory.
                if (differing.Count == AskedAgainMax) _audit.Count(part[i], result);
                else differing.Add(part[i]);
            }
        }
    }

    // What was on its way is the same at a later look. What differs for good does so look after look, with the same events on both sides.
    private async Task SettleAsync(AuditResult result, List<AuditRow> differing, CancellationToken cancel)
    {
        var left = differing.ToDictionary(row => row.Customer, row => new Standing(row.Events, row.PublishedEvents, Looks: 1));
        for (var round = 0; round < RoundsMax && left.Count > 0; round++)
        {
            await Task.Delay(Pause, time, cancel);
            var asOfMs = await WatermarkAsync(cancel);
            var gone = left.Count;
            differing.Clear();
            await foreach (var again in SomeAsync([.. left.Keys], asOfMs, cancel))
            {
                gone -= again.Length;
                await CompareAsync(again, asOfMs, result, differing, cancel);
            }
            // Who is no customer any more has been merged meanwhile.
            result.InMotion += gone;
            left = Next(left, differing, result);
        }
        // They get events all the time.
        result.InMotion += left.Count;
    }

    private Dictionary<string, Standing> Next(Dictionary<string, Standing> before, List<AuditRow> differing, AuditResult result)
    {
        var next = new Dictionary<string, Standing>();
        foreach (var row in differing)
        {
            var (events, published, looks) = before[row.Customer];
            looks = events == row.Events && published == row.PublishedEvents ? looks + 1 : 1;
            if (looks == LooksToDiffer) _audit.Count(row, result);
            else next.Add(row.Customer, new Standing(row.Events, row.PublishedEvents, looks));
        }
        return next;
    }

    // A few by name; many by looking at all once more.
    private async IAsyncEnumerable<AuditRow[]> SomeAsync(
        HashSet<string> customers, long asOfMs, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (customers.Count <= NamedMax)
        {
            yield return [.. await CustomerParts.All.ReadAsync(clickHouse, rules, asOfMs, cancel, [.. customers])];
            yield break;
        }
        foreach (var part in await CustomerParts.OfAsync(clickHouse, cancel))
        {
            foreach (var some in (await part.ReadAsync(clickHouse, rules, asOfMs, cancel)).Where(r => customers.Contains(r.Customer))
                .Chunk(CustomersPerRead * ReadsAtOnce))
                yield return some;
        }
    }
}
