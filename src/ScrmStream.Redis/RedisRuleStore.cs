using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using ScrmStream.Identity;
using ScrmStream.Pipeline.Reload;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Rules in force as a hash beside the writer epoch, which every write compares: so one step ends all writes by the rules before. Not on a
/// cluster, where one script cannot see both. An outage blocks; the calls return only when Redis answered or when they are cancelled.
/// </summary>
public sealed class RedisRuleStore(RedisConnection connection) : IRuleStore
{
    // Asked for in one round trip.
    private const int BucketsTogether = 32;

    private readonly RedisKey _rules = connection.Keys.Meta("rules"), _parts = connection.Keys.Meta("sweep");

    public bool AreOver => connection.Epoch.AreRulesOver;

    public async Task<RulesInForce?> ReadAsync(CancellationToken cancel)
    {
        RedisValue[] fields = ["number", "body", "swept", "left"];
        var found = await connection.CallAsync(db => db.HashGetAsync(_rules, fields), cancel);
        if (found[0].IsNull) return null;
        var rules = JsonSerializer.Deserialize<RulesInForce>((string)found[1]!)!;
        if (rules.Parts > 0 && (string?)found[2] != (string?)found[0]) return rules;
        var left = rules.Parts > 0 ? (long)found[3] : 0;
        return rules with { IsSwept = true, Left = left, Incomplete = left == 0 ? [] : rules.Incomplete };
    }

    public async Task<(long Number, bool IsSwept)> LookAsync(CancellationToken cancel)
    {
        RedisValue[] fields = ["number", "swept"];
        var found = await connection.CallAsync(db => db.HashGetAsync(_rules, fields), cancel);
        return found[0].IsNull ? (0, true) : ((long)found[0], (string?)found[1] == (string?)found[0]);
    }

    public async Task<bool> PublishAsync(RulesInForce rules, CancellationToken cancel)
    {
        RedisKey[] keys = [_rules, _parts, connection.Epoch.Key];
        RedisValue[] values = [Text(rules.Number), JsonSerializer.Serialize(rules)];
        return (int)await connection.CallAsync(db => db.ScriptEvaluateAsync(RuleScripts.Publish, keys, values), cancel) == 1;
    }

    public Task TakeAsync(long number, CancellationToken cancel) => connection.Epoch.TakeRulesAsync(number, cancel);

    public async Task<SweepPart> ClaimAsync(RulesInForce rules, ulong writer, bool isAlone, CancellationToken cancel)
    {
        if (rules.Parts == 0) return new SweepPart(-1, IsOver: true);
        RedisKey[] keys = [_rules, _parts];
        RedisValue[] values =
        [
            Text(rules.Number), Text(rules.Parts), writer.ToString("x16", CultureInfo.InvariantCulture), isAlone ? "1" : "0",
        ];
        var part = (int)await connection.CallAsync(db => db.ScriptEvaluateAsync(RuleScripts.Claim, keys, values), cancel);
        return new SweepPart(Math.Max(part, -1), IsOver: part == -2);
    }

    public Task DoneAsync(RulesInForce rules, int part, long left, CancellationToken cancel)
    {
        RedisKey[] keys = [_rules, _parts];
        RedisValue[] values = [Text(rules.Number), Text(rules.Parts), Text(part), Text(left)];
        return connection.CallAsync(db => db.ScriptEvaluateAsync(RuleScripts.Done, keys, values), cancel);
    }

    public async Task<int> PartsDoneAsync(RulesInForce rules, CancellationToken cancel)
    {
        if ((await LookAsync(cancel)).Number != rules.Number) return 0;
        var fields = await connection.CallAsync(db => db.HashKeysAsync(_parts), cancel);
        return fields.Count(f => ((string)f!).StartsWith("done:", StringComparison.Ordinal));
    }

    public Task<IReadOnlyList<IdentifierId>> IdentifiersAsync(int firstBucket, int buckets, CancellationToken cancel) =>
        OfBucketsAsync(firstBucket, buckets, (db, key) => db.HashKeysAsync(key), Id, cancel);

    public Task<IReadOnlyList<IdentifierCell>> CellsAsync(int firstBucket, int buckets, CancellationToken cancel) =>
        OfBucketsAsync(
            firstBucket, buckets, (db, key) => db.HashGetAllAsync(key), entry => new IdentifierCell(Id(entry.Name), entry.Value!), cancel);

    // A bucket's hash of some thousand fields is read at once; between two buckets Redis serves others.
    private async Task<IReadOnlyList<TItem>> OfBucketsAsync<TField, TItem>(
        int firstBucket, int buckets, Func<IDatabase, RedisKey, Task<TField[]>> read, Func<TField, TItem> item, CancellationToken cancel)
    {
        var items = new List<TItem>();
        foreach (var some in Enumerable.Range(firstBucket, buckets).Chunk(BucketsTogether))
        {
            var answers = await connection.CallAsync(
                db => Task.WhenAll(some.Select(bucket => read(db, connection.Keys.Cells(bucket)))), cancel);
            foreach (var field in answers.SelectMany(fields => fields)) items.Add(item(field));
        }
        return items;
    }

    private static IdentifierId Id(RedisValue field) => new(BinaryPrimitives.ReadUInt128BigEndian((byte[])field!));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
