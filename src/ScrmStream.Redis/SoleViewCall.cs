using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.Redis;

/// <summary>
/// Views as the plain commands of a process that writes alone: there is nothing to compare, so they carry no version vector. Views come
/// in order of bucket, so that a board is written by one command. One thread; reused.
/// </summary>
internal sealed class SoleViewCall(RedisKeys keys)
{
    private readonly HashPayload _payload = new();
    private readonly List<BoardPlaces> _boards = [];
    private int _bucket = -1;

    /// <summary>The commands; complete after <see cref="Finish"/>.</summary>
    public RespWriter Commands { get; } = new();

    public void Clear()
    {
        Commands.Clear();
        foreach (var board in _boards) board.Clear();
        _bucket = -1;
    }

    public void Add(in ViewWrite view, ByteArena arena)
    {
        if (view.Id.Bucket != _bucket) CloseBucket(view.Id.Bucket);
        Restore(view.Id, default, ViewCall.Encode(view, arena, _payload));
        var isCustomer = view.Form == ViewForm.Customer;
        // A view that never was published has no tags and no place on a board.
        var isNew = view.ExpectedStamp == 0;
        if (view.TagsChanged || isNew) Put(view.Id, RedisKeys.TagsSuffix, isCustomer ? arena[view.Tags] : default, isNew);
        if (view.TagExpiryChanged || isNew) Put(view.Id, RedisKeys.TagExpirySuffix, isCustomer ? arena[view.TagExpiry] : default, isNew);
        var ranks = new FieldReader(arena[view.Ranks]);
        while (ranks.Read())
        {
            if (isCustomer && !ViewCall.IsOff(ranks.Value)) BoardOf(ranks.Name).Put(view.Id, ranks.Value);
            else if (!isNew) BoardOf(ranks.Name).Leave(view.Id);
        }
    }

    public void Finish() => CloseBucket(-1);

    private void Put(IdentifierId id, ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> fields, bool isNew)
    {
        if (!fields.IsEmpty)
        {
            Restore(id, suffix, ViewCall.EncodeList(fields, _payload));
            return;
        }
        if (isNew) return;
        Commands.Command("DEL"u8, 2);
        keys.WriteView(Commands, id, suffix);
    }

    private void Restore(IdentifierId id, ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> hash)
    {
        Commands.Command("RESTORE"u8, 5);
        keys.WriteView(Commands, id, suffix);
        Commands.Argument("0"u8);
        Commands.Argument(hash);
        Commands.Argument("REPLACE"u8);
    }

    private BoardPlaces BoardOf(ReadOnlySpan<byte> score)
    {
        foreach (var board in _boards)
            if (score.SequenceEqual(board.Score)) return board;
        var added = new BoardPlaces(score.ToArray());
        _boards.Add(added);
        return added;
    }

    private void CloseBucket(int next)
    {
        foreach (var board in _boards) board.WriteTo(Commands, keys, _bucket);
        _bucket = next;
    }

    /// <summary>Who enters and who leaves the board of one score in the bucket at hand.</summary>
    private sealed class BoardPlaces(byte[] score)
    {
        private const int IdDigits = 32;
        private readonly List<(IdentifierId Id, ArenaRange Rank)> _on = [];
        private readonly List<IdentifierId> _off = [];
        private readonly ByteArena _ranks = new();

        public byte[] Score => score;

        public void Put(IdentifierId id, ReadOnlySpan<byte> rank) => _on.Add((id, _ranks.Add(rank)));

        public void Leave(IdentifierId id) => _off.Add(id);

        public void WriteTo(RespWriter commands, RedisKeys keys, int bucket)
        {
            if (_on.Count == 0 && _off.Count == 0) return;
            var key = Encoding.UTF8.GetBytes(keys.BoardName(score, bucket));
            if (_on.Count > 0)
            {
                commands.Command("ZADD"u8, 2 + 2 * _on.Count);
                commands.Argument(key);
                foreach (var (id, rank) in _on)
                {
                    commands.Argument(_ranks[rank]);
                    id.WriteHex(commands.Argument(IdDigits));
                }
            }
            if (_off.Count > 0)
            {
                commands.Command("ZREM"u8, 2 + _off.Count);
                commands.Argument(key);
                foreach (var id in _off) id.WriteHex(commands.Argument(IdDigits));
            }
            Clear();
        }

        public void Clear()
        {
            _on.Clear();
            _off.Clear();
            _ranks.Clear();
        }
    }
}
