using System.Globalization;
using System.Text;
using ScrmStream.Identity;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>A customer as a downstream program reads it. Private fields are left out.</summary>
/// <param name="Customer">The id asked for, or the one it was merged into.</param>
/// <param name="TagExpiry">Unix milliseconds at which an expiring tag ends.</param>
public sealed record StoredCustomer(
    IdentifierId Customer, IReadOnlyDictionary<string, string> Fields, IReadOnlyDictionary<string, string> Tags,
    IReadOnlyDictionary<string, long> TagExpiry);

/// <summary>One place of a board.</summary>
/// <param name="Rank">log2(score) x half-life + time, in milliseconds; compares customers whatever the time.</param>
/// <param name="Score">The score at the time asked for; NaN when the view is gone or has no half-life.</param>
public readonly record struct Leader(IdentifierId Customer, double Rank, double Score);

/// <summary>Reads what downstream programs read. Calls may come from any thread.</summary>
public sealed class RedisReader(RedisConnection connection)
{
    private const int BucketsPerCall = 256;

    /// <summary>The customer of an identifier, following at most one <c>merged_into</c>; null when it belongs to nobody.</summary>
    public async Task<StoredCustomer?> ReadViewAsync(IdentifierId id, CancellationToken cancel)
    {
        var fields = await HashAsync(connection.Keys.View(id), cancel);
        if (fields.TryGetValue("merged_into", out var root) && IdentifierId.TryParse(root, out id))
            fields = await HashAsync(connection.Keys.View(id), cancel);
        if (!fields.ContainsKey("events")) return null;
        var tags = await HashAsync(connection.Keys.Tags(id), cancel);
        var expiry = await HashAsync(connection.Keys.TagExpiry(id), cancel);
        return new StoredCustomer(id, fields, tags, expiry.ToDictionary(p => p.Key, p => long.Parse(p.Value)));
    }

    /// <summary>The highest <paramref name="count"/> customers of a board (1 to 100,000), with their scores as of a time.</summary>
    public async Task<IReadOnlyList<Leader>> LeadersAsync(string score, int count, long atMs, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 100_000);
        var name = Encoding.UTF8.GetBytes(score);
        var best = !connection.IsCluster && count <= BoardScript.PlacesMax
            ? await InTheServerAsync(name, count, cancel)
            : await BucketByBucketAsync(name, count, cancel);
        best.Sort((a, b) => a.Rank != b.Rank ? b.Rank.CompareTo(a.Rank) : a.Id.CompareTo(b.Id));
        if (best.Count > count) best.RemoveRange(count, best.Count - count);
        return await WithScoresAsync(score, best, atMs, cancel);
    }

    // Any keys go in one call on a single server, which answers nobody else meanwhile: so in several calls. The first tells the others
    // below which rank nothing is worth reading: customers are spread evenly over the buckets.
    private async Task<List<(IdentifierId Id, double Rank)>> InTheServerAsync(byte[] name, int count, CancellationToken cancel)
    {
        var parts = Enumerable.Range(0, RedisKeys.Buckets).Chunk(BucketsPerCall).ToArray();
        var best = await BestOfAsync(parts[0], "-inf");
        var floor = best.Count < count ? "-inf" : best.OrderByDescending(b => b.Rank).ElementAt(count - 1).Rank
            .ToString("R", CultureInfo.InvariantCulture);
        foreach (var more in await Task.WhenAll(parts.Skip(1).Select(part => BestOfAsync(part, floor)))) best.AddRange(more);
        return best;

        async Task<List<(IdentifierId Id, double Rank)>> BestOfAsync(int[] buckets, string from)
        {
            RedisKey[] keys = Array.ConvertAll(buckets, b => connection.Keys.Board(name, b));
            var places = (RedisValue[])await connection.CallAsync(
                db => db.ScriptEvaluateAsync(BoardScript.Best, keys, [count, from]), cancel);
            var found = new List<(IdentifierId Id, double Rank)>(places.Length / 2);
            for (var i = 0; i < places.Length; i += 2)
                if (IdentifierId.TryParse((string)places[i]!, out var id)) found.Add((id, (double)places[i + 1]));
            return found;
        }
    }

    private async Task<List<(IdentifierId Id, double Rank)>> BucketByBucketAsync(byte[] name, int count, CancellationToken cancel)
    {
        var best = new List<(IdentifierId Id, double Rank)>();
        var open = Enumerable.Range(0, RedisKeys.Buckets).ToList();
        // Customers are spread evenly over the buckets, so a few of each are nearly always enough; a bucket that gave all it was
        // asked for and whose last is still among the best is asked for more.
        for (long from = 0, size = Math.Min(count, 4 + 2 * count / RedisKeys.Buckets); open.Count > 0 && from < count; size *= 4)
        {
            var lastOfBucket = new List<(int Bucket, double Rank)>();
            foreach (var part in open.Chunk(BucketsPerCall))
            {
                var (first, last) = (from, from + size - 1);
                var places = await connection.CallAsync(db => Task.WhenAll(part.Select(
                    b => db.SortedSetRangeByRankWithScoresAsync(connection.Keys.Board(name, b), first, last, Order.Descending))), cancel);
                for (var i = 0; i < part.Length; i++)
                {
                    foreach (var place in places[i])
                        if (IdentifierId.TryParse((string)place.Element!, out var id)) best.Add((id, place.Score));
                    if (places[i].Length == size) lastOfBucket.Add((part[i], places[i][^1].Score));
                }
            }
            best.Sort((a, b) => a.Rank != b.Rank ? b.Rank.CompareTo(a.Rank) : a.Id.CompareTo(b.Id));
            if (best.Count > count) best.RemoveRange(count, best.Count - count);
            var threshold = best.Count < count ? double.NegativeInfinity : best[^1].Rank;
            open = lastOfBucket.Where(l => l.Rank >= threshold).Select(l => l.Bucket).ToList();
            from += size;
        }
        return best;
    }

    private async Task<List<Leader>> WithScoresAsync(
        string score, List<(IdentifierId Id, double Rank)> places, long atMs, CancellationToken cancel)
    {
        var leaders = new List<Leader>(places.Count);
        foreach (var part in places.Chunk(1000))
        {
            RedisValue[] fields = [$"score.{score}.half_life", $"score.{score}.max"];
            var stored = await connection.CallAsync(db => Task.WhenAll(part.Select(
                p => db.HashGetAsync(connection.Keys.View(p.Id), fields))), cancel);
            for (var i = 0; i < part.Length; i++)
            {
                var value = Number(stored[i][0]) is var halfLifeMs && halfLifeMs > 0
                    ? Math.Pow(2, (part[i].Rank - atMs) / halfLifeMs)
                    : double.NaN;
                if (Number(stored[i][1]) is var max && max > 0) value = Math.Min(value, max);
                leaders.Add(new Leader(part[i].Id, part[i].Rank, value));
            }
        }
        return leaders;
    }

    private static double Number(RedisValue text) =>
        double.TryParse((string?)text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    private async Task<Dictionary<string, string>> HashAsync(RedisKey key, CancellationToken cancel)
    {
        var entries = await connection.CallAsync(db => db.HashGetAllAsync(key), cancel);
        var fields = new Dictionary<string, string>(entries.Length);
        foreach (var entry in entries)
            if ((string)entry.Name! is var name && !name.StartsWith('_')) fields[name] = entry.Value!;
        return fields;
    }
}
