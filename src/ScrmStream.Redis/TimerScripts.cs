namespace ScrmStream.Redis;

/// <summary>The Lua of timers and of the watermark.</summary>
internal static class TimerScripts
{
    /// <summary>
    /// Takes in what a process says of the time, and answers the common watermark, '' while nobody knows it. The hash has the fields
    /// <c>mark</c> and <c>greatest</c>, the greatest time ever met; and one for each process: state, time, and when it said so by the
    /// clock of Redis; after 30 s it is gone. KEYS[1] the hash; KEYS[2] only of a process that writes alone: the writer epoch. ARGV:
    /// process; state h, a, i, f or ''; time; the value that the epoch has if the process is alone; the greatest time that the process
    /// has met, or ''.
    /// </summary>
    public const string Advance = """
        local call, key = redis.call, KEYS[1]
        local clock = call('TIME')
        local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
        local alone = KEYS[2] and call('GET', KEYS[2]) == ARGV[4]
        local said = call('HGETALL', key)
        local mark, met, least, latest, holds
        local function take(state, time)
          if state == 'h' then holds = true
          elseif state == 'a' then least = math.min(least or time, time)
          elseif state == 'i' then latest = math.max(latest or time, time) end
        end
        for i = 1, #said, 2 do
          local field, value = said[i], said[i + 1]
          if field == 'mark' then mark = tonumber(value)
          elseif field == 'greatest' then met = tonumber(value)
          elseif field ~= ARGV[1] then
            local state, time, at = string.match(value, '^(%a):(%-?%d+):(%d+)$')
            if alone or not state or now - at > 30000 then call('HDEL', key, field) else take(state, tonumber(time)) end
          end
        end
        local time = tonumber(ARGV[3])
        if ARGV[2] == '' or ARGV[2] == 'f' then call('HDEL', key, ARGV[1])
        else
          call('HSET', key, ARGV[1], string.format('%s:%.0f:%.0f', ARGV[2], time, now))
          take(ARGV[2], time)
        end
        local now_met = tonumber(ARGV[5])
        if now_met and (not met or now_met > met) then
          met = now_met
          call('HSET', key, 'greatest', string.format('%.0f', met))
        end
        local common
        if ARGV[2] == 'f' then common = met
        elseif not holds then common = least or latest end
        if common and (not mark or common > mark) then
          mark = common
          call('HSET', key, 'mark', string.format('%.0f', mark))
        end
        return mark and string.format('%.0f', mark) or ''
        """;

    /// <summary>
    /// Answers for each bucket: the time of the first timer that is not given, or ''; then customers and times of those that are due.
    /// KEYS buckets; ARGV: until when, how many of a bucket.
    /// </summary>
    public const string Due = """
        local call, most, answer = redis.call, tonumber(ARGV[2]), {}
        for i = 1, #KEYS do
          local due = call('ZRANGEBYSCORE', KEYS[i], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, most + 1)
          local after = ''
          if #due > 2 * most then
            after = table.remove(due)
            table.remove(due)
          else
            after = call('ZRANGEBYSCORE', KEYS[i], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or ''
          end
          table.insert(due, 1, after)
          answer[i] = due
        end
        return answer
        """;
}
