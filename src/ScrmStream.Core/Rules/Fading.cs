using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>From an age on, points are worth this share of what they were.</summary>
internal readonly record struct FadingStep(long AgeMs, long FactorMicro);

/// <summary>
/// How points lose worth with age: by half in each half-life, evenly down to nothing, in steps, or not at all. Immutable, any thread.
/// </summary>
internal sealed class Fading
{
    // Times are 48 bits wide, so that no two are that far apart.
    private const long NeverMs = 1L << 60;

    private readonly long _linearMs;
    private readonly FadingStep[] _steps;

    public Fading(long halfLifeMs, long linearMs, IReadOnlyList<FadingStep> steps)
    {
        Clock = halfLifeMs == 0 ? null : new DecayClock(halfLifeMs);
        _linearMs = linearMs;
        _steps = [.. steps];
    }

    /// <summary>Null but for a half-life.</summary>
    public DecayClock? Clock { get; }
    public bool IsLinear => _linearMs > 0;
    public bool IsStepped => _steps.Length > 0;

    /// <summary>Sums tell no more what single events are worth: each has to be looked at.</summary>
    public bool NeedsEvents => IsLinear || IsStepped;

    /// <summary>The age from which points are worth nothing that could be seen.</summary>
    public long EndsMs
    {
        get
        {
            if (Clock is not null) return Clock.HalfLifeMs * DecayClock.HalfLivesPerEpoch * DecayedPoints.EpochsKept;
            if (IsLinear) return _linearMs;
            return IsStepped && _steps[^1].FactorMicro == 0 ? _steps[^1].AgeMs : NeverMs;
        }
    }

    /// <summary>The share that is left of points earned at a time, at a time not before it.</summary>
    public double Share(long earnedMs, long atMs)
    {
        if (Clock is not null) return Clock.Decay(1, earnedMs, atMs);
        var ageMs = atMs - earnedMs;
        if (IsLinear) return ageMs >= _linearMs ? 0 : (double)(_linearMs - ageMs) / _linearMs;
        var share = 1.0;
        foreach (var step in _steps)
        {
            if (ageMs < step.AgeMs) break;
            share = (double)step.FactorMicro / Micro.One;
        }
        return share;
    }

    /// <summary>The first moment after a time at which points fade in another way than before; <see cref="long.MaxValue"/>: none.</summary>
    public long NextTurn(long earnedMs, long afterMs)
    {
        if (IsLinear) return earnedMs + _linearMs > afterMs ? earnedMs + _linearMs : long.MaxValue;
        foreach (var step in _steps)
            if (earnedMs + step.AgeMs > afterMs) return earnedMs + step.AgeMs;
        return long.MaxValue;
    }

    /// <summary>The last such moment up to a time, being earned among them; <see cref="long.MinValue"/>: none.</summary>
    public long LastTurn(long earnedMs, long upToMs)
    {
        if (earnedMs > upToMs) return long.MinValue;
        var last = earnedMs;
        if (IsLinear && earnedMs + _linearMs <= upToMs) return earnedMs + _linearMs;
        foreach (var step in _steps)
            if (earnedMs + step.AgeMs <= upToMs) last = earnedMs + step.AgeMs;
        return last;
    }
}
