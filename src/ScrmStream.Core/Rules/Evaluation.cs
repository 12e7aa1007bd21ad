using ScrmStream.Profiles;
using ScrmStream.Rules.Stages;

namespace ScrmStream.Rules;

/// <summary>What was decided of one tag.</summary>
internal struct TagOutcome
{
    public bool Holds;
    public int ValueStart;
    public int ValueLength;
    public long ExpiresMs;
}

/// <summary>
/// The scratch of one evaluation: the customer looked at, the tags decided so far, and the next moment at which one may change. One thread;
/// reused.
/// </summary>
internal sealed class Evaluation(RuleSet owner, int tags, int timelines)
{
    private byte[] _values = new byte[256];
    private int _valuesLength;
    private readonly byte[] _text = new byte[Micro.TextBytesMax];

    public RuleSet Owner => owner;
    public ShardSet Shards { get; private set; } = new();
    public long AsOfMs { get; private set; }
    public TagOutcome[] Tags { get; } = new TagOutcome[tags];
    public Timeline[] Timelines { get; } = [.. Enumerable.Range(0, timelines).Select(_ => new Timeline())];
    public PeriodLedger Ledger { get; } = new();
    public GroupLedger GroupLedger { get; } = new();
    /// <summary>What became of the leads of each pipeline.</summary>
    public LeadHistory[] Leads { get; } = [.. owner.Pipelines.Select(_ => new LeadHistory())];
    public PointLine Points { get; } = new();
    public PointTally Tally { get; } = new();

    /// <summary>For whoever needs a timeline no longer than one answer.</summary>
    public Timeline Scratch { get; } = new();
    /// <inheritdoc cref="Scratch"/>
    public StepLine Steps { get; } = new();

    /// <summary>The earliest moment after <see cref="AsOfMs"/> at which a tag can change without a new event; else
    /// <see cref="long.MaxValue"/>.</summary>
    public long NextMs { get; private set; }

    /// <summary>Set while conditions are asked about earlier times, whose changes are past.</summary>
    public bool LooksBack { get; set; }

    /// <summary>A number's text, valid until the next one's.</summary>
    public ReadOnlySpan<byte> Text(Int128 micro) => _text.AsSpan(0, Micro.Format(micro, _text));

    public void Start(ShardSet shards, long asOfMs)
    {
        Shards = shards;
        AsOfMs = asOfMs;
        NextMs = long.MaxValue;
        LooksBack = false;
        _valuesLength = 0;
        Array.Clear(Tags);
    }

    /// <summary>From this moment on an answer just given may be another; moments that are past do not matter.</summary>
    public void MayChangeAt(long timeMs)
    {
        if (timeMs > AsOfMs && timeMs < NextMs && !LooksBack) NextMs = timeMs;
    }

    public ReadOnlySpan<byte> ValueOf(int tag) => _values.AsSpan(Tags[tag].ValueStart, Tags[tag].ValueLength);

    public void Hold(int tag, ReadOnlySpan<byte> value, long expiresMs = 0)
    {
        Tags[tag] = new TagOutcome { Holds = true, ValueStart = _valuesLength, ExpiresMs = expiresMs };
        Append(tag, value);
    }

    /// <summary>Lengthens the value of the tag held last.</summary>
    public void Append(int tag, ReadOnlySpan<byte> more)
    {
        if (_valuesLength + more.Length > _values.Length)
        {
            Array.Resize(ref _values, Math.Max(_valuesLength + more.Length, _values.Length * 2));
        }
        more.CopyTo(_values.AsSpan(_valuesLength));
        Tags[tag].ValueLength += more.Length;
        _valuesLength += more.Length;
    }
}
