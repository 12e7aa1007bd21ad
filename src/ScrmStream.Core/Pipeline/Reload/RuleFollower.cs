using ScrmStream.Rules;

namespace ScrmStream.Pipeline.Reload;

/// <summary>
/// Keeps a process to the rules in force: sees when others come into force, and lets customers follow those that are
/// (<see cref="RuleSweep"/>). Owned by the deciding thread, but for <see cref="IsSweeping"/>.
/// </summary>
public sealed class RuleFollower(IRuleStore store, RulesInForce inForce, RuleSweep? sweep, TimeProvider time)
{
    /// <summary>How often the store is asked.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StepInterval = TimeSpan.FromMilliseconds(1);

    private RuleSweep? _sweep = sweep;
    private long _lookedAt = time.GetTimestamp();
    private volatile bool _isSweeping = sweep is not null;

    /// <summary>Customers have not all followed the rules in force. May be asked from any thread.</summary>
    public bool IsSweeping => _isSweeping;

    /// <summary>A write was refused because other rules are in force.</summary>
    public bool AreOver => store.AreOver;

    /// <summary>Null: all customers have followed.</summary>
    public RuleSweep? Sweep => _sweep;

    /// <summary>The longest that the deciding thread may wait for something else.</summary>
    public TimeSpan WaitMax => _sweep is null ? LookInterval : StepInterval;

    public bool IsLookDue => time.GetElapsedTime(_lookedAt) >= LookInterval;

    /// <summary>True: other rules are in force.</summary>
    public async ValueTask<bool> LookAsync(CancellationToken cancel)
    {
        _lookedAt = time.GetTimestamp();
        var (number, isSwept) = await store.LookAsync(cancel);
        if (number != inForce.Number) return true;
        if (_sweep is null) return false;
        await _sweep.HoldAsync(cancel);
        if (isSwept || _sweep.IsOver) EndSweep();
        return false;
    }

    /// <summary>Ends what runs beside.</summary>
    public void Abandon() => _sweep?.Abandon();

    private void EndSweep()
    {
        Abandon();
        _sweep = null;
        _isSweeping = false;
    }
}
