using System.Buffers.Text;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Pipeline.Leads;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline;

/// <summary>Writes the public fields of a customer's view (schemas/redis/keys.md) as UTF-8, without a string per field.</summary>
internal sealed class ViewFields
{
    private readonly ScoreNames[] _names;
    private readonly (AttributeRule Rule, byte[] Field)[] _attributes;
    private readonly byte[] _text = new byte[512];

    private sealed record ScoreNames(byte[] Name, byte[] Value, byte[] At, byte[] HalfLife, byte[] Grade, byte[] Max, ScoreRule Rule);

    private readonly LeadFields? _leads;
    private readonly bool _isTimed;

    /// <param name="isTimed">Views carry their timers, as the rank of the score with an empty name.</param>
    public ViewFields(RuleSet rules, bool isTimed)
    {
        _isTimed = isTimed;
        _leads = rules.Pipelines.Count > 0 ? new LeadFields(rules) : null;
        _names = [.. rules.Scores.Select(s => new ScoreNames(
            Utf8(s.Name), Utf8($"score.{s.Name}"), Utf8($"score.{s.Name}.at"), Utf8($"score.{s.Name}.half_life"),
            Utf8($"grade.{s.Name}"), Utf8($"score.{s.Name}.max"), s))];
        _attributes = [.. rules.Attributes.Select(a => (a, Utf8($"attribute.{a.Name}")))];
    }

    /// <param name="previous">What was concluded before, perhaps by other rules.</param>
    /// <param name="actions">Null: there are none.</param>
    public void Write(
        ref ViewWrite view, ByteArena arena, ShardSet shards, Conclusion conclusion, Conclusion previous, CustomerActions? actions)
    {
        view.Fields = WriteFields(arena, shards, conclusion, actions);
        (view.Tags, view.TagExpiry) = WriteTags(arena, conclusion);
        view.Ranks = WriteRanks(arena, conclusion, previous);
        view.Conclusion = arena.Add(conclusion.Bytes);
    }

    /// <summary>The ranks of someone who is on no board; one list serves all of a flush.</summary>
    public ArenaRange OffEveryBoard(FlushSlice slice)
    {
        if (slice.OffEveryBoard is { } written) return written;
        var start = slice.Arena.Length;
        foreach (var score in _names) slice.Arena.AddField(score.Name, "-"u8);
        if (_isTimed) slice.Arena.AddField(default, "-"u8);
        slice.OffEveryBoard = slice.Arena.Since(start);
        return slice.OffEveryBoard.Value;
    }

    private ArenaRange WriteFields(ByteArena arena, ShardSet shards, Conclusion conclusion, CustomerActions? actions)
    {
        var start = arena.Length;
        AddNumber(arena, "first_seen"u8, shards.FirstSeenMs);
        AddNumber(arena, "last_seen"u8, shards.LastSeenMs);
        AddNumber(arena, "events"u8, shards.Events);
        AddChannels(arena, shards.ChannelBits);
        for (var i = 0; i < conclusion.ScoreCount; i++)
        {
            var score = conclusion.Score(i);
            var names = NamesOf(score.Name);
            AddPoints(arena, names.Value, score.MicroPoints);
            AddNumber(arena, names.At, names.Rule.FadesFrom(score.Rank, conclusion.ScoresAsOfMs));
            if (names.Rule.HalfLifeMs > 0) AddNumber(arena, names.HalfLife, names.Rule.HalfLifeMs);
            if (names.Rule.MaxMicro > 0) AddPoints(arena, names.Max, names.Rule.MaxMicro);
            if (!score.Grade.IsEmpty) arena.AddField(names.Grade, score.Grade);
        }
        foreach (var (rule, field) in _attributes)
            if (rule.TryGet(conclusion, out var value)) arena.AddField(field, value);
        _leads?.Write(arena, conclusion);
        actions?.WriteFields(arena);
        return arena.Since(start);
    }

    private (ArenaRange Tags, ArenaRange Expiry) WriteTags(ByteArena arena, Conclusion conclusion)
    {
        var start = arena.Length;
        for (var i = 0; i < conclusion.TagCount; i++) arena.AddField(conclusion.Tag(i).Name, conclusion.Tag(i).Value);
        var tags = arena.Since(start);
        start = arena.Length;
        for (var i = 0; i < conclusion.TagCount; i++)
        {
            var tag = conclusion.Tag(i);
            if (tag.ExpiresMs != 0) AddNumber(arena, tag.Name, tag.ExpiresMs);
        }
        return (tags, arena.Since(start));
    }

    /// <summary>The same of a former customer, who may be on boards of scores that the rules no longer have.</summary>
    public ArenaRange OffBoardsOf(FlushSlice slice, Conclusion previous)
    {
        if (!HasOthers(previous)) return OffEveryBoard(slice);
        var start = slice.Arena.Length;
        foreach (var score in _names) slice.Arena.AddField(score.Name, "-"u8);
        LeaveOthers(slice.Arena, previous);
        slice.Arena.AddField(default, "-"u8);
        return slice.Arena.Since(start);
    }

    private bool HasOthers(Conclusion previous)
    {
        for (var i = 0; i < previous.ScoreCount; i++)
            if (Find(previous.Score(i).Name) is null) return true;
        return !_isTimed && previous.NextChangeMs != long.MaxValue;
    }

    private void LeaveOthers(ByteArena arena, Conclusion previous)
    {
        for (var i = 0; i < previous.ScoreCount; i++)
            if (Find(previous.Score(i).Name) is null) arena.AddField(previous.Score(i).Name, "-"u8);
    }

    private ArenaRange WriteRanks(ByteArena arena, Conclusion conclusion, Conclusion previous)
    {
        var start = arena.Length;
        for (var i = 0; i < conclusion.ScoreCount; i++)
        {
            var score = conclusion.Score(i);
            if (score.HasRank) AddNumber(arena, score.Name, (long)score.Rank);
            else arena.AddField(score.Name, "-"u8);
        }
        if (_isTimed && conclusion.NextChangeMs != long.MaxValue) AddNumber(arena, default, conclusion.NextChangeMs);
        else if (_isTimed || previous.NextChangeMs != long.MaxValue) arena.AddField(default, "-"u8);
        LeaveOthers(arena, previous);
        return arena.Since(start);
    }

    private ScoreNames NamesOf(ReadOnlySpan<byte> score) => Find(score)
        ?? throw new InvalidOperationException($"The conclusion has a score {Encoding.UTF8.GetString(score)} that the rules lack.");

    private ScoreNames? Find(ReadOnlySpan<byte> score)
    {
        foreach (var names in _names)
            if (score.SequenceEqual(names.Name)) return names;
        return null;
    }

    private void AddChannels(ByteArena arena, uint bits)
    {
        var length = 0;
        for (var channel = 1; channel < 32; channel++)
        {
            if ((bits & 1u << channel) == 0) continue;
            if (length > 0) _text[length++] = (byte)',';
            var word = ((Channel)channel).WordUtf8();
            word.CopyTo(_text.AsSpan(length));
            length += word.Length;
        }
        arena.AddField("channels"u8, _text.AsSpan(0, length));
    }

    private void AddNumber(ByteArena arena, ReadOnlySpan<byte> name, long value)
    {
        Utf8Formatter.TryFormat(value, _text, out var length);
        arena.AddField(name, _text.AsSpan(0, length));
    }

    // Millionths of a point as an exact decimal: no float on the way to the reader.
    private void AddPoints(ByteArena arena, ReadOnlySpan<byte> name, long microPoints)
    {
        Utf8Formatter.TryFormat(microPoints / 1_000_000m, _text, out var length);
        arena.AddField(name, _text.AsSpan(0, length));
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
