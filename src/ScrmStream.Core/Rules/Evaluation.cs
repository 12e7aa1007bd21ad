using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>What was decided of one tag.</summary>
internal struct TagOutcome
{
    public bool Holds;
    public int ValueStart;
    public int ValueLength;
    public long ExpiresMs;
}

/// <summary>The scratch of one evaluation: the customer looked at, and the tags decided so far. One thread; reused.</summary>
internal sealed class Evaluation(RuleSet owner, int tags, int timelines)
{
    private byte[] _values = new byte[256];
    private int _valuesLength;

    public RuleSet Owner => owner;
    public ShardSet Shards { get; private set; } = new();
    public long AsOfMs { get; private set; }
    public TagOutcome[] Tags { get; } = new TagOutcome[tags];
    public Timeline[] Timelines { get; } = [.. Enumerable.Range(0, timelines).Select(_ => new Timeline())];
    public PeriodLedger Ledger { get; } = new();

    public void Start(ShardSet shards, long asOfMs)
    {
        Shards = shards;
        AsOfMs = asOfMs;
        _valuesLength = 0;
        Array.Clear(Tags);
    }

    public ReadOnlySpan<byte> ValueOf(int tag) => _values.AsSpan(Tags[tag].ValueStart, Tags[tag].ValueLength);

    public void Hold(int tag, ReadOnlySpan<byte> value, long expiresMs = 0)
    {
        if (_valuesLength + value.Length > _values.Length)
        {
            Array.Resize(ref _values, Math.Max(_valuesLength + value.Length, _values.Length * 2));
        }
        value.CopyTo(_values.AsSpan(_valuesLength));
        Tags[tag] = new TagOutcome { Holds = true, ValueStart = _valuesLength, ValueLength = value.Length, ExpiresMs = expiresMs };
        _valuesLength += value.Length;
    }
}
