namespace ScrmStream.Redis;

/// <summary>The Lua that reads the best of many boards inside the server, so that a million customers cost one answer.</summary>
internal static class BoardScript
{
    /// <summary>More places than that are merged by the reader.</summary>
    public const int PlacesMax = 1_000;

    /// <summary>
    /// Answers the best customers of all boards and their ranks, in any order, at least as many as asked for where there are so many. A
    /// board is read on only while its last place is among the best. KEYS boards; ARGV: how many places.
    /// </summary>
    public const string Best = """
        local call, most = redis.call, tonumber(ARGV[1])
        local best, count, threshold, places = {}, 0, -math.huge, {}
        local function trim()
          table.sort(best, function(a, b) return a > b end)
          for i = count, most + 1, -1 do best[i] = nil end
          count = math.min(count, most)
          if count == most then threshold = best[most] end
        end
        for i = 1, #KEYS do
          local from, size = 0, 1
          while true do
            local found = call('ZREVRANGE', KEYS[i], from, from + size - 1, 'WITHSCORES')
            local last = -math.huge
            for j = 1, #found, 2 do
              last = tonumber(found[j + 1])
              if last >= threshold then
                count = count + 1
                best[count] = last
                places[#places + 1] = { found[j], found[j + 1], last }
              end
            end
            if count >= 2 * most then trim() end
            if #found < 2 * size or last < threshold then break end
            from, size = from + size, size * 4
            if from >= most then break end
          end
        end
        trim()
        local answer = {}
        for i = 1, #places do
          if places[i][3] >= threshold then
            answer[#answer + 1] = places[i][1]
            answer[#answer + 1] = places[i][2]
          end
        end
        return answer
        """;
}
