using System.Buffers.Binary;
using System.Text;

namespace ScrmStream.Rules;

/// <summary>A tag that holds. Spans are valid until the conclusion is reused.</summary>
public readonly ref struct HeldTag(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long expiresMs)
{
    public ReadOnlySpan<byte> Name { get; } = name;
    /// <summary>"1" for a boolean tag.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
    /// <summary>Event time (Unix milliseconds) from which it no longer holds; 0: it does not expire.</summary>
    public long ExpiresMs { get; } = expiresMs;
}

/// <summary>A score's value. Spans are valid until the conclusion is reused.</summary>
public readonly ref struct ScoreValue(ReadOnlySpan<byte> name, long microPoints, ReadOnlySpan<byte> grade, double rank)
{
    public ReadOnlySpan<byte> Name { get; } = name;
    /// <summary>Points x 10^6, as of <see cref="Conclusion.ScoresAsOfMs"/>.</summary>
    public long MicroPoints { get; } = microPoints;
    /// <summary>Empty below the lowest grade.</summary>
    public ReadOnlySpan<byte> Grade { get; } = grade;
    /// <summary>log2(points) x half-life + time, in whole milliseconds; NaN when there is none.</summary>
    public double Rank { get; } = rank;
    public bool HasRank => !double.IsNaN(Rank);
}

/// <summary>A tag that came, went or changed its value; null where it does or did not hold.</summary>
public readonly record struct TagDifference(string Tag, string? Value, string? Previous);

/// <summary>A grade crossing; null below the lowest grade or where there was or is no such score.</summary>
public readonly record struct GradeDifference(string Score, string? Grade, string? Previous, long MicroPoints);

/// <summary>
/// What rules concluded about one customer, in a canonical form that does not depend on the order or number of rules: names, in order
/// of their bytes. Reused for many customers; one thread.
/// <code>
/// u8 form | i64 scores as of | u16 tags | u16 scores                                                  13 B, little endian
/// tag         u8 name length | u16 value length | i64 expires | name | value
/// score       u8 name length | u8 grade length | i64 micro points | f64 rank | name | grade
/// lead        u8 name length | u8 stage length | u8 reminder length | u8 open | i32 leads | i64 created | u64 anchor | i64 since
///             | u64 history | name | stage | reminder                                    of forms with leads: at least one
/// log of actions | u16 its bytes                                                         of forms with a log
/// i64 next change                                                                        of forms with one; else never
/// </code>
/// </summary>
public sealed partial class Conclusion
{
    // What may stand behind tags and scores, in this order. The form is one more than what there is of them.
    [Flags]
    private enum Parts : byte
    {
        None = 0,
        NextChange = 1,
        Log = 2,
        Leads = 4,
        All = NextChange | Log | Leads,
    }

    private const int HeaderBytes = 13;
    private const int NextChangeBytes = 8;
    private const int TagBytes = 11;
    private const int ScoreBytes = 18;

    private byte[] _bytes = new byte[512];
    private int _length;
    private int[] _starts = new int[32];
    private int _scoresStart;
    private Evaluation? _evaluation;

    public Conclusion()
    {
        Start(0);
        StartScores();
        Finish();
    }

    /// <summary>The canonical form, to be stored or compared; valid until the conclusion is reused.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>The time of all score values, Unix milliseconds.</summary>
    public long ScoresAsOfMs => BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(1));

    /// <summary>
    /// The earliest moment (Unix milliseconds) after that of the evaluation at which a tag, its value or a grade can change without a new
    /// event: never later than it does, and at that moment an evaluation may also find everything as it was.
    /// <see cref="long.MaxValue"/>: nothing ever changes by itself.
    /// </summary>
    public long NextChangeMs { get; private set; } = long.MaxValue;

    public int TagCount { get; private set; }
    public int ScoreCount { get; private set; }

    /// <summary>Whether a tag of that name holds.</summary>
    public bool HasTag(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < TagCount; i++)
            if (Tag(i).Name.SequenceEqual(name)) return true;
        return false;
    }

    /// <summary>Tag <paramref name="i"/> in order of name.</summary>
    public HeldTag Tag(int i)
    {
        var entry = _bytes.AsSpan(_starts[i]);
        int name = entry[0], value = BinaryPrimitives.ReadUInt16LittleEndian(entry[1..]);
        return new HeldTag(
            entry.Slice(TagBytes, name), entry.Slice(TagBytes + name, value), BinaryPrimitives.ReadInt64LittleEndian(entry[3..]));
    }

    /// <summary>Score <paramref name="i"/> in order of name.</summary>
    public ScoreValue Score(int i)
    {
        var entry = _bytes.AsSpan(_starts[TagCount + i]);
        return new ScoreValue(
            entry.Slice(ScoreBytes, entry[0]), BinaryPrimitives.ReadInt64LittleEndian(entry[2..]),
            entry.Slice(ScoreBytes + entry[0], entry[1]),
            BinaryPrimitives.ReadDoubleLittleEndian(entry[10..]));
    }

    /// <summary>Both hold the same tags with the same values and ends.</summary>
    public bool HasSameTags(Conclusion other) => _bytes.AsSpan(HeaderBytes, _scoresStart - HeaderBytes)
        .SequenceEqual(other._bytes.AsSpan(HeaderBytes, other._scoresStart - HeaderBytes));

    public bool HasExpiringTag
    {
        get
        {
            for (var i = 0; i < TagCount; i++)
                if (Tag(i).ExpiresMs != 0) return true;
            return false;
        }
    }

    /// <summary>Appends the canonical form.</summary>
    public void WriteTo(System.Buffers.IBufferWriter<byte> destination) => System.Buffers.BuffersExtensions.Write(destination, Bytes);

    /// <summary>Takes over a stored form; an empty one is a conclusion of nothing.</summary>
    /// <exception cref="InvalidDataException">It is not of a form this program knows.</exception>
    public void ReadFrom(ReadOnlySpan<byte> stored)
    {
        if (stored.IsEmpty)
        {
            Start(0);
            StartScores();
            Finish();
            return;
        }
        var last = TailBytes(stored);
        NextChangeMs = NextChangeOf(stored);
        Reserve(stored.Length);
        Concluded = null;
        stored.CopyTo(_bytes);
        _length = stored.Length;
        TagCount = BinaryPrimitives.ReadUInt16LittleEndian(stored[9..]);
        ScoreCount = BinaryPrimitives.ReadUInt16LittleEndian(stored[11..]);
        FindStarts(stored[..^last]);
    }

    /// <summary><see cref="NextChangeMs"/> of a stored form, at a glance; of an empty one <see cref="long.MaxValue"/>.</summary>
    public static long NextChangeOf(ReadOnlySpan<byte> stored) =>
        stored.Length >= HeaderBytes + NextChangeBytes && Has(stored, Parts.NextChange)
            ? BinaryPrimitives.ReadInt64LittleEndian(stored[^NextChangeBytes..])
            : long.MaxValue;

    /// <summary>The log of actions that a stored form carries; empty when it has none.</summary>
    public static ReadOnlySpan<byte> ActionsOf(ReadOnlySpan<byte> stored)
    {
        if (!Has(stored, Parts.Log)) return default;
        var end = stored.Length - (Has(stored, Parts.NextChange) ? NextChangeBytes : 0) - sizeof(ushort);
        int length = BinaryPrimitives.ReadUInt16LittleEndian(stored[end..]);
        return stored.Slice(end - length, length);
    }

    /// <summary>
    /// Adds a log of actions, and a moment at which it is to be looked at again; call it once, when all else is concluded.
    /// </summary>
    /// <param name="log">At most 65,535 bytes.</param>
    public void Carry(ReadOnlySpan<byte> log, long againMs)
    {
        if (NextChangeMs != long.MaxValue) _length -= NextChangeBytes;
        NextChangeMs = Math.Min(NextChangeMs, againMs);
        Reserve(_length + log.Length + sizeof(ushort));
        log.CopyTo(_bytes.AsSpan(_length));
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(_length + log.Length), checked((ushort)log.Length));
        _length += log.Length + sizeof(ushort);
        Close(Parts.Log);
    }

    private static bool Has(ReadOnlySpan<byte> stored, Parts part) => !stored.IsEmpty && ((Parts)(stored[0] - 1) & part) != 0;

    // What stands behind tags, scores and leads.
    private static int TailBytes(ReadOnlySpan<byte> stored)
    {
        if (stored[0] is 0 or > (byte)Parts.All + 1) throw new InvalidDataException("A stored conclusion has an unknown form.");
        var least = (Has(stored, Parts.NextChange) ? NextChangeBytes : 0) + (Has(stored, Parts.Log) ? sizeof(ushort) : 0);
        if (stored.Length < HeaderBytes + least) throw new InvalidDataException("A stored conclusion is cut short.");
        if (!Has(stored, Parts.Log)) return least;
        var bytes = least + BinaryPrimitives.ReadUInt16LittleEndian(stored[^least..]);
        return stored.Length >= HeaderBytes + bytes ? bytes : throw new InvalidDataException("A stored conclusion is cut short.");
    }

    /// <summary>Adds to the lists what is different from an earlier conclusion of the same customer, in order of name.</summary>
    public void CollectDifferences(Conclusion previous, List<TagDifference> tags, List<GradeDifference> grades)
    {
        int i = 0, j = 0;
        while (i < TagCount || j < previous.TagCount)
        {
            var order = i == TagCount ? 1 : j == previous.TagCount ? -1 : Tag(i).Name.SequenceCompareTo(previous.Tag(j).Name);
            var now = order <= 0 ? Tag(i++) : default;
            var before = order >= 0 ? previous.Tag(j++) : default;
            if (order == 0 && now.Value.SequenceEqual(before.Value)) continue;
            tags.Add(new TagDifference(
                TextOf(order <= 0 ? now.Name : before.Name)!, order <= 0 ? Encoding.UTF8.GetString(now.Value) : null,
                order >= 0 ? Encoding.UTF8.GetString(before.Value) : null));
        }
        CollectGrades(previous, grades);
    }

    private void CollectGrades(Conclusion previous, List<GradeDifference> grades)
    {
        int i = 0, j = 0;
        while (i < ScoreCount || j < previous.ScoreCount)
        {
            var order = i == ScoreCount ? 1 : j == previous.ScoreCount ? -1 : Score(i).Name.SequenceCompareTo(previous.Score(j).Name);
            var now = order <= 0 ? Score(i++) : default;
            var before = order >= 0 ? previous.Score(j++) : default;
            if (now.Grade.SequenceEqual(before.Grade)) continue;
            grades.Add(new GradeDifference(
                TextOf(order <= 0 ? now.Name : before.Name)!, TextOf(now.Grade), TextOf(before.Grade), now.MicroPoints));
        }
    }

    /// <summary>The evaluation that gave this; null when it was no evaluation, or of a customer without events.</summary>
    internal Evaluation? Concluded { get; private set; }

    internal Evaluation EvaluationFor(RuleSet rules, int timelines)
    {
        if (_evaluation?.Owner != rules) _evaluation = new Evaluation(rules, rules.Tags.Count, timelines);
        return Concluded = _evaluation;
    }

    internal void MayChangeAt(long timeMs) => NextChangeMs = Math.Min(NextChangeMs, timeMs);

    internal void Start(long scoresAsOfMs)
    {
        NextChangeMs = long.MaxValue;
        Concluded = null;
        _length = HeaderBytes;
        TagCount = ScoreCount = LeadCount = 0;
        BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(1), scoresAsOfMs);
    }

    internal void AddTag(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long expiresMs)
    {
        var entry = AddEntry(TagCount++, TagBytes + name.Length + value.Length);
        entry[0] = (byte)name.Length;
        BinaryPrimitives.WriteUInt16LittleEndian(entry[1..], (ushort)value.Length);
        BinaryPrimitives.WriteInt64LittleEndian(entry[3..], expiresMs);
        name.CopyTo(entry[TagBytes..]);
        value.CopyTo(entry[(TagBytes + name.Length)..]);
    }

    internal void StartScores() => _scoresStart = _length;

    internal void AddScore(ReadOnlySpan<byte> name, long microPoints, ReadOnlySpan<byte> grade, double rank)
    {
        var entry = AddEntry(TagCount + ScoreCount++, ScoreBytes + name.Length + grade.Length);
        entry[0] = (byte)name.Length;
        entry[1] = (byte)grade.Length;
        BinaryPrimitives.WriteInt64LittleEndian(entry[2..], microPoints);
        BinaryPrimitives.WriteDoubleLittleEndian(entry[10..], rank);
        name.CopyTo(entry[ScoreBytes..]);
        grade.CopyTo(entry[(ScoreBytes + name.Length)..]);
    }

    internal void Finish()
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(9), (ushort)TagCount);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(11), (ushort)ScoreCount);
        Close(Parts.None);
    }

    // Says what there is behind tags and scores, and when it is to be looked at again.
    private void Close(Parts log)
    {
        var parts = log | (LeadCount > 0 ? Parts.Leads : Parts.None) | (NextChangeMs < long.MaxValue ? Parts.NextChange : Parts.None);
        _bytes[0] = (byte)(parts + 1);
        if (NextChangeMs == long.MaxValue) return;
        Reserve(_length + NextChangeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(_length), NextChangeMs);
        _length += NextChangeBytes;
    }

    private static string? TextOf(ReadOnlySpan<byte> utf8) => utf8.IsEmpty ? null : Encoding.UTF8.GetString(utf8);

    private Span<byte> AddEntry(int entry, int bytes)
    {
        if (entry == _starts.Length) Array.Resize(ref _starts, entry * 2);
        Reserve(_length + bytes);
        _starts[entry] = _length;
        _length += bytes;
        return _bytes.AsSpan(_length - bytes, bytes);
    }

    private void FindStarts(ReadOnlySpan<byte> stored)
    {
        var entries = TagCount + ScoreCount;
        if (_starts.Length < entries) _starts = new int[entries];
        var at = HeaderBytes;
        for (var i = 0; i < entries; i++)
        {
            if (i == TagCount) _scoresStart = at;
            if (at + (i < TagCount ? TagBytes : ScoreBytes) > stored.Length)
            {
                throw new InvalidDataException("A stored conclusion is cut short.");
            }
            _starts[i] = at;
            at += i < TagCount
                ? TagBytes + stored[at] + BinaryPrimitives.ReadUInt16LittleEndian(stored[(at + 1)..])
                : ScoreBytes + stored[at] + stored[at + 1];
        }
        if (ScoreCount == 0) _scoresStart = at;
        at = FindLeads(stored, at);
        if (at != stored.Length) throw new InvalidDataException("A stored conclusion has a wrong length.");
    }

    private void Reserve(int bytes)
    {
        if (bytes > _bytes.Length) Array.Resize(ref _bytes, Math.Max(bytes, _bytes.Length * 2));
    }
}
