namespace ScrmStream.Redis;

/// <summary>
/// The Lua that runs in Redis. A script is atomic: a cell or view is written with all that belongs to it, or not at all. Every key
/// is in KEYS, and all keys of one call are in one bucket on a cluster.
/// </summary>
internal static class Scripts
{
    /// <summary>
    /// Comes before every script that writes: the last argument is the value that <see cref="WriterEpoch"/> expects, the last key where it
    /// is. Answers {0}, having written nothing, when another value is there. An empty expectation (a cluster) comes without a key.
    /// </summary>
    private const string Fence = """
        local epoch = table.remove(ARGV)
        if epoch ~= '' and redis.call('GET', table.remove(KEYS)) ~= epoch then return {0} end

        """;

    /// <summary>
    /// Sets the cells whose first 16 bytes are the expected ones; answers the indexes (from 1) of the others. A cell that is already
    /// what it was to become is a write whose answer was lost, and no conflict.
    /// KEYS the buckets' hashes; ARGV[1] how many cells each has, a number each, with commas; ARGV[2] the ids, 16 bytes each; ARGV[3] the
    /// expected versions, 16 bytes each, zeros for none; ARGV[i+3] content i.
    /// </summary>
    public const string StoreCells = Fence + """
        local ids, expected, sub, none = ARGV[2], ARGV[3], string.sub, string.rep('\0', 16)
        local conflicts, k, last = {}, 0, 0
        for count in string.gmatch(ARGV[1], '%d+') do
          k = k + 1
          local first, fields = last + 1, {}
          last = last + tonumber(count)
          for i = first, last do fields[#fields + 1] = sub(ids, i * 16 - 15, i * 16) end
          local current, set, n = redis.call('HMGET', KEYS[k], unpack(fields)), {}, 0
          for i = first, last do
            local cell, content = current[i - first + 1], ARGV[i + 3]
            if (cell and sub(cell, 1, 16) or none) == sub(expected, i * 16 - 15, i * 16) then
              set[n + 1] = fields[i - first + 1]
              set[n + 2] = content
              n = n + 2
            elseif cell ~= content then
              conflicts[#conflicts + 1] = i
            end
          end
          if n > 0 then redis.call('HSET', KEYS[k], unpack(set)) end
        end
        return conflicts
        """;

    /// <summary>
    /// Answers the cells, nil where there is none. KEYS the buckets' hashes; ARGV[k] the ids of bucket k, 16 bytes each.
    /// </summary>
    public const string LoadCells = """
        local call, sub, cells, n = redis.call, string.sub, {}, 0
        for k = 1, #KEYS do
          local ids = ARGV[k]
          for at = 1, #ids, 16 do
            n = n + 1
            cells[n] = call('HGET', KEYS[k], sub(ids, at, at + 15))
          end
        end
        return cells
        """;

    /// <summary>Answers stamp and conclusion of each view, '' where there is none. KEYS views.</summary>
    public const string ReadHeads = """
        local call, sub, heads = redis.call, string.sub, {}
        for i = 1, #KEYS do
          local view = call('HMGET', KEYS[i], '_s', '_c')
          heads[2 * i - 1] = view[1] and sub(view[1], 1, 8) or ''
          heads[2 * i] = view[2] or ''
        end
        return heads
        """;

    // Vectors: 24 bytes an entry, id and version, in order of id. Only cells that both derivations read are compared: what the new one did
    // not read, a newer version of some other cell told it to leave out (docs/decisions/0011).
    // None at all is from a process that believed to be alone.
    private const string Higher = """
        local sub, byte, unpack64 = string.sub, string.byte, struct.unpack
        local function higher(old, new)
          if old == new then return false end
          if new == '' then return old ~= '' end
          local from, size = 1, #new
          for i = 1, #old, 24 do
            local id, version = sub(old, i, i + 15), sub(old, i + 16, i + 23)
            for j = from, size, 24 do
              if sub(new, j, j + 15) == id then
                local other = sub(new, j + 16, j + 23)
                if version ~= other and unpack64('>L', version) > unpack64('>L', other) then return true end
                from = j + 24
                break
              end
            end
          end
          return false
        end

        """;

    /// <summary>
    /// Publishes views whose stored stamp is the expected one; all views of a call expect a stamp, or all expect none. Answers -i
    /// for a view that is refused and i for one that <see cref="SettleViews"/> has to decide: another stamp is stored, or the stored
    /// view has tags or board places that the new one lacks.
    /// ARGV[1] views: expected stamp, head, vector, payload. KEYS the views, then the tag hashes, then the boards.
    /// ARGV[2] tag hashes: view, payload. ARGV[3] boards: count, then view and rank for each.
    /// </summary>
    public const string PublishViews = Fence + Higher + """
        local call, band, bnot = redis.call, bit.band, bit.bnot
        local views = cmsgpack.unpack(ARGV[1])
        local n = #views / 4
        local written, answer = {}, {}
        if views[1] == '' and call('EXISTS', unpack(KEYS, 1, n)) == 0 then
          for i = 1, n do
            call('RESTORE', KEYS[i], 0, views[4 * i])
            written[i] = true
          end
        else
          for i = 1, n do
            local p = 4 * i - 3
            local head = views[p + 1]
            local stored = call('HMGET', KEYS[i], '_s', '_v')
            local was = stored[1]
            if was ~= head then
              if (was and sub(was, 1, 8) or '') ~= views[p] or was and band(byte(was, 9), bnot(byte(head, 9))) ~= 0 then
                answer[#answer + 1] = i
              elseif was and higher(stored[2] or '', views[p + 2]) then
                answer[#answer + 1] = -i
              else
                call('RESTORE', KEYS[i], 0, views[p + 3], 'REPLACE')
                written[i] = true
              end
            end
          end
        end
        local tags = cmsgpack.unpack(ARGV[2])
        for p = 1, #tags, 2 do
          n = n + 1
          if written[tags[p]] then call('RESTORE', KEYS[n], 0, tags[p + 1], 'REPLACE') end
        end
        local boards = cmsgpack.unpack(ARGV[3])
        local p = 1
        while p <= #boards do
          n = n + 1
          local add, m = {}, 0
          for q = p + 1, p + 2 * boards[p], 2 do
            local i = boards[q]
            if written[i] then
              add[m + 1] = boards[q + 1]
              add[m + 2] = sub(KEYS[i], -32)
              m = m + 2
            end
          end
          if m > 0 then call('ZADD', KEYS[n], unpack(add)) end
          p = p + 1 + 2 * boards[p]
        end
        return answer
        """;

    /// <summary>
    /// Publishes views whatever stamp is stored, unless the stored vector is higher somewhere; answers the indexes of those refused.
    /// KEYS per view: view, tags, tag_expiry, its boards. ARGV[1] per view: head, vector, payload, tags, tag_expiry ('' for none),
    /// number of boards, ranks ('-' for leave).
    /// </summary>
    public const string SettleViews = Fence + Higher + """
        local call = redis.call
        local views = cmsgpack.unpack(ARGV[1])
        local p, k, i, refused = 1, 1, 0, {}
        while p <= #views do
          i = i + 1
          local boards = views[p + 5]
          local stored = call('HMGET', KEYS[k], '_s', '_v')
          if stored[1] ~= views[p] then
            if stored[1] and higher(stored[2] or '', views[p + 1]) then
              refused[#refused + 1] = i
            else
              call('RESTORE', KEYS[k], 0, views[p + 2], 'REPLACE')
              for x = 1, 2 do
                if views[p + 2 + x] == '' then call('DEL', KEYS[k + x])
                else call('RESTORE', KEYS[k + x], 0, views[p + 2 + x], 'REPLACE') end
              end
              local id = sub(KEYS[k], -32)
              for x = 1, boards do
                local rank = views[p + 5 + x]
                if rank == '-' then call('ZREM', KEYS[k + 2 + x], id) else call('ZADD', KEYS[k + 2 + x], rank, id) end
              end
            end
          end
          p = p + 6 + boards
          k = k + 3 + boards
        end
        return refused
        """;

    /// <summary>
    /// Counts one page of keys: answers the next cursor, customers, tags. ARGV: cursor, keys a page, prefix of the namespace.
    /// KEYS[1] only says which primary is to run it: it looks for keys instead of knowing them, and only reads.
    /// </summary>
    public const string CountPage = """
        local call, sub = redis.call, string.sub
        local prefix = ARGV[3]
        local page = call('SCAN', ARGV[1], 'COUNT', ARGV[2])
        local view = prefix .. '{'
        local v = #view
        local customers, tags = 0, 0
        for _, key in ipairs(page[2]) do
          if sub(key, 1, v) == view then
            local length = #key - v
            if length == 37 then
              customers = customers + call('HEXISTS', key, 'events')
            elseif length == 42 and sub(key, -5) == ':tags' then
              tags = tags + call('HLEN', key)
            end
          end
        end
        return {page[1], customers, tags}
        """;
}
