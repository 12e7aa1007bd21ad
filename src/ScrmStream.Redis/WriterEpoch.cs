using System.Globalization;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Who writes a namespace: one process alone, or several. Kept in <c>scrm:meta:writer</c> as <c>N:sole:STAMP</c> or <c>N:shared</c>; N
/// grows with each change, and every write checks the value in the script that writes. While the value says that this process is
/// alone, nothing it read can be stale, so cells need no comparison and an unchanged view no repetition. A process that starts claims
/// to be alone; one that works meanwhile finds the value changed, makes it shared, and both go on from freshly read cells under the
/// full protocol. Whoever is alone and writes rows ahead of their cells notes its number in <c>scrm:meta:ahead</c> first. On a cluster,
/// where one script cannot see these keys, writing is always shared. Calls may come from any thread.
/// </summary>
public sealed class WriterEpoch(RedisConnection connection, ulong stamp)
{
    // The number grows beyond the one given too: a wiped Redis counts from nothing, and rows that were judged before are there still.
    // Claims; or, when another process is alone or nothing is there, makes it shared; answers the value then, the number of the rules, and
    // that of the last epoch in which rows went ahead: where nobody has noted it, any may have until now.
    private const string Turn = """
        local value = redis.call('GET', KEYS[1]) or '0:none'
        local number = math.max(tonumber(string.match(value, '^%d+')), tonumber(ARGV[3])) + 1
        local mine = string.match(value, ':sole:(.*)$') == ARGV[2]
        if ARGV[1] == 'claim' or ARGV[1] == 'renew' and mine then
          value = string.format('%d:sole:%s', number, ARGV[2])
        elseif not mine and not string.match(value, ':shared$') then
          value = string.format('%d:shared', number)
        else
          number = nil
        end
        if number then redis.call('SET', KEYS[1], value) end
        return {value, redis.call('HGET', KEYS[2], 'number') or '0', redis.call('GET', KEYS[3]) or ARGV[3]}
        """;

    private const string Ahead = """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[3], ARGV[2])
        return 1
        """;

    /// <param name="AheadBefore">The last number before that of the value in which rows went ahead.</param>
    private sealed record Known(string Value, ulong AheadBefore);

    // No stored value is ever equal to it.
    private const string Over = "over";

    private readonly string _stamp = stamp.ToString("x16", CultureInfo.InvariantCulture);
    private volatile Known _known = new("", 0);
    // In which rows go ahead.
    private volatile string _aheadIn = "";
    private long _rules;

    /// <summary>True: no other process writes this namespace.</summary>
    public bool IsSole => IsSoleValue(_known.Value);

    /// <summary>N; 0 on a cluster, and before the first turn.</summary>
    public ulong Number => NumberOf(_known.Value);

    /// <summary>The last number before this one in which rows went ahead of their cells.</summary>
    public ulong AheadBefore => _known.AheadBefore;

    internal static ulong NumberOf(string value) =>
        ulong.TryParse(value.AsSpan(0, Math.Max(value.IndexOf(':'), 0)), out var number) ? number : 0;

    internal static bool IsSoleValue(string value) => value.Contains(":sole:", StringComparison.Ordinal);

    /// <summary>Other rules are in force than those that this process has taken: it writes nothing.</summary>
    internal bool AreRulesOver => _known.Value == Over;

    /// <summary>This process works by the rules of this number.</summary>
    internal Task TakeRulesAsync(long number, CancellationToken cancel)
    {
        Volatile.Write(ref _rules, number);
        return AdoptAsync(cancel);
    }

    internal RedisKey Key => connection.Keys.Meta("writer");

    internal byte[] KeyUtf8 { get; } = System.Text.Encoding.UTF8.GetBytes((string)connection.Keys.Meta("writer")!);

    /// <summary>What the stored value must be for this process to write; empty on a cluster, where nothing is checked.</summary>
    internal string Expected => _known.Value;

    /// <summary>Says that this process is alone until another one objects.</summary>
    /// <param name="above">The number will be greater: the greatest one that any store remembers.</param>
    public Task ClaimAsync(CancellationToken cancel, ulong above = 0) => TurnAsync("claim", cancel, above);

    /// <summary>The stored value is not the expected one: takes over what holds now. What was cached is void.</summary>
    internal Task AdoptAsync(CancellationToken cancel) => TurnAsync("adopt", cancel);

    /// <summary>A call got no answer and may still run: changes the value, so that it cannot run later.</summary>
    internal async Task RenewAsync(IDatabase database)
    {
        if (connection.IsCluster) return;
        RedisValue least = Number.ToString(CultureInfo.InvariantCulture);
        Take((RedisValue[])await database.ScriptEvaluateAsync(Turn, Keys, ["renew", _stamp, least]));
    }

    private async Task TurnAsync(string how, CancellationToken cancel, ulong above = 0)
    {
        if (connection.IsCluster) return;
        RedisValue least = Math.Max(above, Number).ToString(CultureInfo.InvariantCulture);
        Take((RedisValue[])await connection.CallAsync(db => db.ScriptEvaluateAsync(Turn, Keys, [how, _stamp, least]), cancel));
    }

    private RedisKey[] Keys => [Key, connection.Keys.Meta("rules"), connection.Keys.Meta("ahead")];

    /// <summary>Notes that rows go ahead of their cells in this epoch. False: this process does not write alone.</summary>
    internal async Task<bool> GoAheadAsync(CancellationToken cancel)
    {
        while (Expected is var value && IsSoleValue(value))
        {
            if (_aheadIn == value) return true;
            RedisValue number = NumberOf(value).ToString(CultureInfo.InvariantCulture);
            var isNoted = (int)await connection.CallAsync(db => db.ScriptEvaluateAsync(Ahead, Keys, [value, number]), cancel) == 1;
            if (isNoted) _aheadIn = value;
            else await AdoptAsync(cancel);
        }
        return false;
    }

    private void Take(RedisValue[] answer)
    {
        var value = (long)answer[1] == Volatile.Read(ref _rules) ? (string)answer[0]! : Over;
        // Of the same epoch the answer may be its own number.
        if (value != _known.Value) _known = new Known(value, (ulong)answer[2]);
    }
}
