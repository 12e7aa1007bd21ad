using System.Numerics;

namespace ScrmStream.Profiles;

/// <summary>
/// Exponential decay by one half-life in exact arithmetic. Time is cut into epochs of 32 half-lives; a point in time weighs
/// 2^(time since its epoch's start / half-life), an integer with 31 fraction bits taken from an integer table. So adding weighted points
/// is exact and
/// associative, and only reading divides. Relative error of a weight: below 3e-10. Immutable, any thread.
/// </summary>
public sealed class DecayClock
{
    public const int HalfLivesPerEpoch = 32;
    public const long HalfLifeMsMin = 60_000;
    public const long HalfLifeMsMax = 400L * 86_400_000;

    private const int WeightFractionBits = 31;

    private readonly long _epochMs;
    // The half-life's reciprocal: 2^(63 + bits) / half-life, so that one multiplication gives 63 bits of time / half-life.
    private readonly ulong _reciprocal;
    private readonly int _shift;
    // 2^64 / half-life, rounded down.
    private readonly ulong _perHalfLife;

    public DecayClock(long halfLifeMs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(halfLifeMs, HalfLifeMsMin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(halfLifeMs, HalfLifeMsMax);
        HalfLifeMs = halfLifeMs;
        _perHalfLife = (ulong)((UInt128.One << 64) / (ulong)halfLifeMs);
        _epochMs = halfLifeMs * HalfLivesPerEpoch;
        var bits = 64 - BitOperations.LeadingZeroCount((ulong)halfLifeMs);
        _shift = 64 - bits;
        _reciprocal = (ulong)BigInteger.Min((BigInteger.One << (63 + bits)) / halfLifeMs, ulong.MaxValue);
    }

    public long HalfLifeMs { get; }

    /// <summary>The epoch a time lies in; negative before 1970.</summary>
    public int EpochOf(long timeMs) => (int)FloorDivide(timeMs, _epochMs);

    /// <summary>A time lies in an epoch; most times lie in that of the one before.</summary>
    public bool IsIn(int epoch, long timeMs) => (ulong)(timeMs - epoch * _epochMs) < (ulong)_epochMs;

    /// <summary>The weight of a time in its epoch: 2^31 at the epoch's start, below 2^63 at its end.</summary>
    public long Weight(long timeMs) => Weight(timeMs, EpochOf(timeMs));

    /// <summary>The same where the epoch of the time is known; a division is most of what finding it costs.</summary>
    public long Weight(long timeMs, int epoch)
    {
        var since = timeMs - epoch * _epochMs;
        // Times below 2^41 by a rounded reciprocal are never too much, and at most one too little.
        var whole = (long)Math.BigMul((ulong)since, _perHalfLife, out _);
        var rest = since - whole * HalfLifeMs;
        if (rest >= HalfLifeMs) (whole, rest) = (whole + 1, rest - HalfLifeMs);
        var mantissa = PowersOfTwo.Mantissa(Fraction(rest));
        var drop = 63 - WeightFractionBits - (int)whole;
        return (long)((mantissa >> drop) + (mantissa >> (drop - 1) & 1));
    }

    /// <summary>What a sum of (points x <see cref="Weight(long)"/>) of an epoch is worth at a time, in the unit of the points.</summary>
    public double Read(double weighted, int epoch, long atMs)
    {
        var atEpoch = EpochOf(atMs);
        var lost = (long)HalfLivesPerEpoch * (atEpoch - (long)epoch) + WeightFractionBits;
        return lost > 1000 ? 0 : Math.ScaleB(weighted, -(int)lost) / Growth(atMs - atEpoch * _epochMs);
    }

    /// <summary>A value as of one time brought to another: halved for each half-life between (doubled, when it is earlier).</summary>
    public double Decay(double value, long fromMs, long toMs)
    {
        var whole = FloorDivide(toMs - fromMs, HalfLifeMs);
        if (whole > 1000) return 0;
        return Math.ScaleB(value, -(int)Math.Max(whole, -1000)) / Growth(toMs - fromMs - whole * HalfLifeMs);
    }

    // 2^(sinceMs / half-life) as a double, for 0 <= sinceMs < 32 half-lives.
    private double Growth(long sinceMs)
    {
        var whole = sinceMs / HalfLifeMs;
        return Math.ScaleB(PowersOfTwo.Mantissa(Fraction(sinceMs - whole * HalfLifeMs)), (int)whole - 63);
    }

    // ms / half-life with 63 fraction bits, for 0 <= ms < half-life.
    private ulong Fraction(long ms) => Math.BigMul((ulong)ms << _shift, _reciprocal, out _);

    private static long FloorDivide(long value, long by)
    {
        var quotient = value / by;
        return value < quotient * by ? quotient - 1 : quotient;
    }
}
