using System.Globalization;
using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// One transaction of views for a process that writes alone: plain commands, because there is nothing to compare, under the condition
/// that the writer epoch still holds. Views come in order of bucket, so that a board is written by one command. One thread; reused.
/// </summary>
internal sealed class SoleViewCall(RedisKeys keys)
{
    private readonly HashPayload _payload = new();
    private readonly List<(RedisKey Key, byte[]? Hash)> _hashes = [];
    private readonly Dictionary<string, List<SortedSetEntry>> _onBoard = [];
    private readonly Dictionary<string, List<RedisValue>> _offBoard = [];
    private readonly List<(RedisKey Board, SortedSetEntry[] On, RedisValue[] Off)> _boards = [];
    private int _bucket = -1;

    /// <summary>Views in this call.</summary>
    public int Count { get; private set; }
    public int Bytes { get; private set; }

    public void Add(in ViewWrite view, ByteArena arena)
    {
        if (view.Id.Bucket != _bucket) CloseBucket(view.Id.Bucket);
        Count++;
        Put(keys.View(view.Id), ViewCall.Encode(view, arena, _payload));
        var isCustomer = view.Form == ViewForm.Customer;
        // A view that never was published has no tags and no place on a board.
        var isNew = view.ExpectedStamp == 0;
        if (view.TagsChanged || isNew)
        {
            PutList(keys.Tags(view.Id), isCustomer ? arena[view.Tags] : default, isNew);
            PutList(keys.TagExpiry(view.Id), isCustomer ? arena[view.TagExpiry] : default, isNew);
        }
        RedisValue member = view.Id.ToString();
        var ranks = new FieldReader(arena[view.Ranks]);
        while (ranks.Read())
        {
            var isOff = !isCustomer || ViewCall.IsOff(ranks.Value);
            if (isOff)
            {
                if (!isNew) ListOf(_offBoard, ranks.Name).Add(member);
                continue;
            }
            var rank = double.Parse(ranks.Value, CultureInfo.InvariantCulture);
            ListOf(_onBoard, ranks.Name).Add(new SortedSetEntry(member, rank));
        }
    }

    /// <summary>Puts everything added into a transaction; the answers come with its own.</summary>
    public void FillInto(ITransaction transaction)
    {
        CloseBucket(-1);
        foreach (var (key, hash) in _hashes)
        {
            if (hash is null) _ = transaction.KeyDeleteAsync(key);
            else _ = transaction.ExecuteAsync("RESTORE", key, 0, hash, "REPLACE");
        }
        foreach (var (board, on, off) in _boards)
        {
            if (on.Length > 0) _ = transaction.SortedSetAddAsync(board, on);
            if (off.Length > 0) _ = transaction.SortedSetRemoveAsync(board, off);
        }
    }

    private void Put(RedisKey key, ReadOnlySpan<byte> hash)
    {
        _hashes.Add((key, hash.ToArray()));
        Bytes += hash.Length;
    }

    private void PutList(RedisKey key, ReadOnlySpan<byte> fields, bool isNew)
    {
        if (!fields.IsEmpty) Put(key, ViewCall.EncodeList(fields, _payload));
        else if (!isNew) _hashes.Add((key, null));
    }

    private static List<T> ListOf<T>(Dictionary<string, List<T>> lists, ReadOnlySpan<byte> score)
    {
        var name = Encoding.UTF8.GetString(score);
        if (!lists.TryGetValue(name, out var list)) lists[name] = list = [];
        return list;
    }

    private void CloseBucket(int next)
    {
        foreach (var score in _onBoard.Keys.Union(_offBoard.Keys))
        {
            var on = _onBoard.GetValueOrDefault(score);
            var off = _offBoard.GetValueOrDefault(score);
            if (on is { Count: > 0 } || off is { Count: > 0 })
                _boards.Add((keys.Board(Encoding.UTF8.GetBytes(score), _bucket), on?.ToArray() ?? [], off?.ToArray() ?? []));
            on?.Clear();
            off?.Clear();
        }
        _bucket = next;
    }
}
