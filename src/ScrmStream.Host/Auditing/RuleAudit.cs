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
/// While the stream goes on, the two are not read at one moment. What differs is therefore asked again at the next watermark, and
/// differs only if it still does.
/// </remarks>
internal sealed class RuleAudit(ClickHouseClient clickHouse, RedisConnection redis, RuleSet rules, TimeProvider time)
{
    private const int CustomersPerRead = 256, ReadsAtOnce = 8;
    private const int AskedAgainMax = 100_000, NamedMax = 1_000, RoundsMax = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

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

    // What was on its way is the same at a later look; what differs for good is counted then.
    private async Task SettleAsync(AuditResult result, List<AuditRow> differing, CancellationToken cancel)
    {
        var lastMs = result.AsOfMs;
        for (var round = 0; round < RoundsMax && differing.Count > 0; round++)
        {
            await Task.Delay(Pause, time, cancel);
            var asOfMs = await WatermarkAsync(cancel);
            if (asOfMs == lastMs) break;
            lastMs = asOfMs;
            var left = differing.Select(d => d.Customer).ToHashSet();
            var before = left.Count;
            differing.Clear();
            await foreach (var again in SomeAsync(left, asOfMs, cancel))
            {
                before -= again.Length;
                await CompareAsync(again, asOfMs, result, differing, cancel);
            }
            // Who is no customer any more has been merged meanwhile.
            result.InMotion += before;
        }
        foreach (var row in differing) _audit.Count(row, result);
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
