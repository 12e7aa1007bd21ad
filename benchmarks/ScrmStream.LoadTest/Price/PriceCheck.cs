using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ScrmStream.Identity;
using ScrmStream.Redis;

namespace ScrmStream.LoadTest.Price;

/// <summary>What a run stored, against what the generator knows.</summary>
internal sealed class PriceCheck
{
    private const int SampleMax = 1_000;
    private readonly List<string> _wrong = [];

    /// <summary>What is not as it should be, in words.</summary>
    public IReadOnlyList<string> Wrong => _wrong;

    /// <summary>A digest of what some customers look like to a reader; the same for all runs over the same events.</summary>
    public string Sample { get; private set; } = "";

    public static async Task<PriceCheck> OfAsync(PricedJob job, ReferenceTruth truth, int people, CancellationToken cancel)
    {
        var check = new PriceCheck();
        var totals = await new RedisViewStore(job.Connected.Redis).CountAsync(cancel);
        check.Same("events accepted", truth.Events, job.Pipeline.Counters.Accepted);
        check.Same("identifiers in memory", truth.Identifiers, job.Pipeline.State.Count);
        check.Same("identifiers in Redis", truth.Identifiers, totals.Identifiers);
        check.Same("customers in Redis", truth.Customers, totals.Customers);
        check.Same("tags in Redis", truth.Tags, totals.Tags);
        await AskAsync("rows in ClickHouse", truth.Events, "SELECT count() FROM events");
        await AskAsync("distinct coordinates", truth.Events, "SELECT uniqExact(topic_id, partition, offset, `index`) FROM events");
        await AskAsync("fen paid", truth.PaidFen, "SELECT sumIf(amount_fen, event = 'order_paid') FROM events");
        await AskAsync("customers in ClickHouse", truth.Customers, "SELECT uniqExact(customer) FROM events_resolved");
        check.Sample = await SampleAsync(new RedisReader(job.Connected.Redis), people, cancel);
        return check;

        async Task AskAsync(string what, long expected, string sql) => check.Same(what, expected, long.Parse(
            Encoding.UTF8.GetString(await job.Connected.ClickHouse.QueryAsync(sql, "TabSeparated", cancel)), CultureInfo.InvariantCulture));
    }

    private void Same(string what, long expected, long found)
    {
        if (found != expected) _wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {found}, not {expected}"));
    }

    private static async Task<string> SampleAsync(RedisReader reader, int people, CancellationToken cancel)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var person = 0; person < Math.Min(people, SampleMax); person++)
        {
            var id = IdentifierId.Of(Encoding.UTF8.GetBytes($"unionid:open-platform-1:u-{person}"));
            if (await reader.ReadViewAsync(id, cancel) is not { } view) continue;
            var fields = view.Fields.Concat(view.Tags).Concat(view.TagExpiry.Select(e => KeyValuePair.Create(e.Key, $"{e.Value}")));
            var text = string.Join(' ', fields.Select(f => $"{f.Key}={f.Value}").Order(StringComparer.Ordinal));
            digest.AppendData(Encoding.UTF8.GetBytes($"{view.Customer} {text}\n"));
        }
        return Convert.ToHexStringLower(digest.GetHashAndReset())[..16];
    }
}
