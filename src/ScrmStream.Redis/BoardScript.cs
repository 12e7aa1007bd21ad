namespace ScrmStream.Redis;

/// <summary>The Lua that reads the best of many boards inside the server, so that a million customers cost one answer.</summary>
internal static class BoardScript
{
    /// <summary>More places than that are merged by the reader.</summary>
    public const int PlacesMax = 1_000;

    /// <summary>
    /// Answers the best customers of all boards and their ranks, in any order, at least as many as asked for where there are so many, none
    /// below a floor. What lies below the best so far is not read, so most boards answer nothing. KEYS boards; ARGV: how many places; the
    /// floor, a rank as text or -inf.
    /// </summary>
    public const string Best = """
        local call, most, floor = redis.call, tonumber(ARGV[1]), ARGV[2]
        local best, isFull = {}, false
        for i = 1, #KEYS do
          local found = call('ZREVRANGEBYSCORE', KEYS[i], '+inf', floor, 'WITHSCORES', 'LIMIT', 0, most)
          if #found > 0 then
            for j = 1, #found, 2 do best[#best + 1] = { found[j], found[j + 1], tonumber(found[j + 1]) } end
            if #best >= 2 * most or not isFull and #best >= most then
              table.sort(best, function(a, b) return a[3] > b[3] end)
              floor, isFull = best[most][2], true
              local kept = most
              while best[kept + 1] and best[kept + 1][3] == best[most][3] do kept = kept + 1 end
              for j = #best, kept + 1, -1 do best[j] = nil end
            end
          end
        end
        local answer = {}
        for i = 1, #best do
          answer[2 * i - 1] = best[i][1]
          answer[2 * i] = best[i][2]
        end
        return answer
        """;
}
