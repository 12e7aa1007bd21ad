namespace ScrmStream.Redis;

/// <summary>
/// The Lua of rules in force. They are a hash: <c>number</c>, <c>body</c>, and once all customers have followed <c>swept</c> (the number)
/// and <c>left</c>. Beside it a hash of parts: <c>done:N</c> with the shards that part N left, and <c>claim:N</c> with process and time.
/// </summary>
internal static class RuleScripts
{
    /// <summary>
    /// Puts rules in force, and ends the writer epoch in the same step, so that whoever works by the rules before writes nothing any more.
    /// Answers 1; 0, having changed nothing, when the number in force is not the one before. KEYS rules, parts, writer epoch. ARGV number,
    /// body.
    /// </summary>
    public const string Publish = """
        local call, rules, parts, writer = redis.call, KEYS[1], KEYS[2], KEYS[3]
        local now = tonumber(call('HGET', rules, 'number') or '0')
        if now == tonumber(ARGV[1]) and call('HGET', rules, 'body') == ARGV[2] then return 1 end
        if now ~= tonumber(ARGV[1]) - 1 then return 0 end
        call('DEL', parts)
        call('HSET', rules, 'number', ARGV[1], 'body', ARGV[2])
        local number, rest = string.match(call('GET', writer) or '', '^(%d+)(:.*)$')
        if number then call('SET', writer, string.format('%.0f%s', number + 1, rest)) end
        return 1
        """;

    /// <summary>
    /// Claims a part: answers its number, -1 when none is free, -2 when all are done or other rules are in force. KEYS rules, parts. ARGV
    /// number of the rules, parts, process, 1 when the process writes alone.
    /// </summary>
    public const string Claim = """
        local call, rules, parts = redis.call, KEYS[1], KEYS[2]
        if call('HGET', rules, 'number') ~= ARGV[1] or call('HGET', rules, 'swept') == ARGV[1] then return -2 end
        local clock = call('TIME')
        local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
        local said = {}
        local all = call('HGETALL', parts)
        for i = 1, #all, 2 do said[all[i]] = all[i + 1] end
        local free
        for part = 0, tonumber(ARGV[2]) - 1 do
          if not said['done:' .. part] then
            local who, at = string.match(said['claim:' .. part] or '', '^(%x+):(%d+)$')
            if who == ARGV[3] then
              free = part
              break
            end
            if not free and (not who or ARGV[4] == '1' or now - at > 30000) then free = part end
          end
        end
        if not free then return -1 end
        call('HSET', parts, 'claim:' .. free, string.format('%s:%.0f', ARGV[3], now))
        return free
        """;

    /// <summary>Notes a part as done. KEYS rules, parts. ARGV number of the rules, parts, part, shards left.</summary>
    public const string Done = """
        local call, rules, parts = redis.call, KEYS[1], KEYS[2]
        if call('HGET', rules, 'number') ~= ARGV[1] then return 0 end
        call('HSET', parts, 'done:' .. ARGV[3], ARGV[4])
        call('HDEL', parts, 'claim:' .. ARGV[3])
        local left, done = 0, 0
        local all = call('HGETALL', parts)
        for i = 1, #all, 2 do
          if string.sub(all[i], 1, 5) == 'done:' then
            done = done + 1
            left = left + all[i + 1]
          end
        end
        if done == tonumber(ARGV[2]) then call('HSET', rules, 'swept', ARGV[1], 'left', string.format('%.0f', left)) end
        return done
        """;
}
