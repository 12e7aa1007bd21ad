using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Encodes views for the scripts. Fast: all views expect a stamp or all expect none, boards of one bucket share a command. Settling:
/// each view with all its keys. One thread; reused for every call.
/// </summary>
internal sealed class ViewCall(RedisKeys keys) : IDisposable
{
    /// <summary>The private field <c>_s</c>: the stamp, then one byte of what the view owns besides its hash.</summary>
    private const int HeadBytes = 9;
    private const byte HasTags = 1;
    private const byte HasTagExpiry = 2;

    private readonly HashPayload _payload = new();
    private readonly PackWriter _views = new();
    private readonly PackWriter _tags = new();
    private readonly PackWriter _boards = new();
    private readonly List<RedisKey> _viewKeys = [];
    private readonly List<RedisKey> _tagKeys = [];
    private readonly List<RedisKey> _boardKeys = [];
    private readonly List<(string Score, List<(int View, byte[] Rank)> Places)> _bucketBoards = [];
    private int _bucket = -1;

    public int Count => _viewKeys.Count;
    public int Bytes => _views.Length + _tags.Length;

    public void Clear()
    {
        _views.Clear();
        _tags.Clear();
        _boards.Clear();
        _viewKeys.Clear();
        _tagKeys.Clear();
        _boardKeys.Clear();
        _bucketBoards.Clear();
        _bucket = -1;
    }

    public void Dispose()
    {
        _views.Dispose();
        _tags.Dispose();
        _boards.Dispose();
    }

    /// <summary>Adds a view for <see cref="Scripts.PublishViews"/>; views come in order of bucket.</summary>
    public void AddFast(in ViewWrite view, ByteArena arena)
    {
        if (view.Id.Bucket != _bucket) CloseBucket(view.Id.Bucket);
        _viewKeys.Add(keys.View(view.Id));
        Span<byte> head = stackalloc byte[HeadBytes];
        WriteHead(view, arena, head);
        Span<byte> expected = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(expected, view.ExpectedStamp);
        _views.Add(view.ExpectedStamp == 0 ? default : expected);
        _views.Add(head);
        _views.Add(view.ExpectedStamp == 0 ? default : arena[view.Vector]);
        _views.Add(Encode(view, arena, _payload));
        if (view.Form != ViewForm.Customer) return;

        if (view.TagsChanged || view.ExpectedStamp == 0)
        {
            AddTags(keys.Tags(view.Id), arena[view.Tags]);
            AddTags(keys.TagExpiry(view.Id), arena[view.TagExpiry]);
        }
        var ranks = new FieldReader(arena[view.Ranks]);
        while (ranks.Read())
            if (!IsOff(ranks.Value)) Places(ranks.Name).Add((Count, Rank(ranks.Value)));
    }

    public (RedisKey[] Keys, RedisValue[] Values) FinishFast()
    {
        CloseBucket(-1);
        return ([.. _viewKeys, .. _tagKeys, .. _boardKeys], [_views.ToArray(), _tags.ToArray(), _boards.ToArray()]);
    }

    /// <summary>Adds a view for <see cref="Scripts.SettleViews"/>.</summary>
    public void AddSettling(in ViewWrite view, ByteArena arena)
    {
        _viewKeys.Add(keys.View(view.Id));
        _tagKeys.AddRange([keys.View(view.Id), keys.Tags(view.Id), keys.TagExpiry(view.Id)]);
        Span<byte> head = stackalloc byte[HeadBytes];
        WriteHead(view, arena, head);
        _views.Add(head);
        _views.Add(arena[view.Vector]);
        _views.Add(Encode(view, arena, _payload));
        var isCustomer = view.Form == ViewForm.Customer;
        _views.Add(isCustomer ? EncodeList(arena[view.Tags], _payload) : default);
        _views.Add(isCustomer ? EncodeList(arena[view.TagExpiry], _payload) : default);

        var boards = 0;
        var boardsAt = _views.Length;
        _views.Add(0);
        var ranks = new FieldReader(arena[view.Ranks]);
        while (ranks.Read())
        {
            boards++;
            _tagKeys.Add(keys.Board(ranks.Name, view.Id.Bucket));
            _views.Add(isCustomer && !IsOff(ranks.Value) ? Rank(ranks.Value) : "-"u8);
        }
        _views.Set(boardsAt, boards);
    }

    public (RedisKey[] Keys, RedisValue[] Values) FinishSettling() => (_tagKeys.ToArray(), [_views.ToArray()]);

    /// <summary>
    /// True when the fast script could not see that the view left a board: six bits stand for the scores, and a board left shares
    /// its bit with one kept.
    /// </summary>
    public static bool HidesLeaving(in ViewWrite view, ByteArena arena)
    {
        if (view.Form != ViewForm.Customer || view.ExpectedStamp == 0) return false;
        byte on = 0, off = 0;
        var ranks = new FieldReader(arena[view.Ranks]);
        while (ranks.Read())
        {
            if (IsOff(ranks.Value)) off |= BoardBit(ranks.Name);
            else on |= BoardBit(ranks.Name);
        }
        return (on & off) != 0;
    }

    private static void WriteHead(in ViewWrite view, ByteArena arena, Span<byte> head)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(head, view.Stamp);
        byte owns = 0;
        if (view.Form == ViewForm.Customer)
        {
            if (view.Tags.Length > 0) owns |= HasTags;
            if (view.TagExpiry.Length > 0) owns |= HasTagExpiry;
            var ranks = new FieldReader(arena[view.Ranks]);
            while (ranks.Read())
                if (!IsOff(ranks.Value)) owns |= BoardBit(ranks.Name);
        }
        head[8] = owns;
    }

    internal static bool IsOff(ReadOnlySpan<byte> rank) => rank.SequenceEqual("-"u8);

    private static byte BoardBit(ReadOnlySpan<byte> score)
    {
        var sum = 0;
        foreach (var b in score) sum = sum * 31 + b;
        return (byte)(4 << (int)((uint)sum % 6));
    }

    // Private fields come first, where Redis finds them at once.
    internal static ReadOnlySpan<byte> Encode(in ViewWrite view, ByteArena arena, HashPayload payload)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        WriteHead(view, arena, head);
        payload.Begin();
        payload.Add("_s"u8, head);
        if (view.Vector.Length > 0) payload.Add("_v"u8, arena[view.Vector]);
        if (view.Conclusion.Length > 0) payload.Add("_c"u8, arena[view.Conclusion]);
        if (view.Form == ViewForm.Customer) payload.AddAll(arena[view.Fields]);
        if (view.Form == ViewForm.Merged)
        {
            Span<byte> customer = stackalloc byte[32];
            view.MergedInto.WriteHex(customer);
            payload.Add("merged_into"u8, customer);
        }
        return payload.End();
    }

    internal static ReadOnlySpan<byte> EncodeList(ReadOnlySpan<byte> fieldList, HashPayload payload)
    {
        if (fieldList.IsEmpty) return default;
        payload.Begin();
        payload.AddAll(fieldList);
        return payload.End();
    }

    private void AddTags(RedisKey key, ReadOnlySpan<byte> fieldList)
    {
        if (fieldList.IsEmpty) return;
        _tagKeys.Add(key);
        _tags.Add(Count);
        _tags.Add(EncodeList(fieldList, _payload));
    }

    private List<(int View, byte[] Rank)> Places(ReadOnlySpan<byte> score)
    {
        foreach (var board in _bucketBoards)
            if (System.Text.Ascii.Equals(board.Score, score)) return board.Places;
        List<(int, byte[])> places = [];
        _bucketBoards.Add((Encoding.UTF8.GetString(score), places));
        return places;
    }

    private void CloseBucket(int next)
    {
        foreach (var (score, places) in _bucketBoards)
        {
            if (places.Count == 0) continue;
            _boardKeys.Add(keys.Board(Encoding.UTF8.GetBytes(score), _bucket));
            _boards.Add(places.Count);
            foreach (var (view, rank) in places)
            {
                _boards.Add(view);
                _boards.Add(rank);
            }
            places.Clear();
        }
        _bucket = next;
    }

    // A rank is in milliseconds. Whole ones cost Redis half as much to compare, and one millisecond moves no score that anyone sees.
    private static byte[] Rank(ReadOnlySpan<byte> rank) =>
        rank.IndexOfAny("."u8[0], (byte)'e', (byte)'E') >= 0
        && double.TryParse(rank, NumberStyles.Float, CultureInfo.InvariantCulture, out var exact) && Math.Abs(exact) < 1L << 53
            ? Encoding.ASCII.GetBytes(((long)Math.Round(exact)).ToString(CultureInfo.InvariantCulture))
            : rank.ToArray();
}
