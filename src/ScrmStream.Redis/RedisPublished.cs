using ScrmStream.Identity;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>Some fields of a customer's view, null where it has none, and its tags.</summary>
public sealed record PublishedFields(string?[] Fields, IReadOnlyDictionary<string, string> Tags);

/// <summary>Reads what is published of many customers at once. Calls may come from any thread.</summary>
public sealed class RedisPublished(RedisConnection connection)
{
    /// <summary>The views of some customers in the same order, as they are: no <c>merged_into</c> is followed.</summary>
    /// <param name="customers">Up to some hundreds: they are asked for in one go.</param>
    public async Task<PublishedFields[]> ReadAsync(
        IReadOnlyList<IdentifierId> customers, IReadOnlyList<string> fields, CancellationToken cancel)
    {
        RedisValue[] names = [.. fields.Select(f => (RedisValue)f)];
        var answers = await connection.CallAsync(db => Task.WhenAll(customers.Select(async id =>
        {
            var (view, tags) = (db.HashGetAsync(connection.Keys.View(id), names), db.HashGetAllAsync(connection.Keys.Tags(id)));
            return (View: await view, Tags: await tags);
        })), cancel);
        return Array.ConvertAll(answers, a => new PublishedFields(
            Array.ConvertAll(a.View, v => (string?)v), a.Tags.ToDictionary(t => (string)t.Name!, t => (string)t.Value!)));
    }

    /// <summary>The common watermark (Unix milliseconds); null while nobody knows it.</summary>
    public async Task<long?> WatermarkAsync(CancellationToken cancel)
    {
        var mark = (string?)await connection.CallAsync(db => db.HashGetAsync(connection.Keys.Meta("watermark"), "mark"), cancel);
        return string.IsNullOrEmpty(mark) ? null : long.Parse(mark, System.Globalization.CultureInfo.InvariantCulture);
    }
}
