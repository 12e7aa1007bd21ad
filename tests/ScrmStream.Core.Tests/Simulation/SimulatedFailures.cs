using ScrmStream.Diagnostics;
using ScrmStream.TestKit.Simulation;

namespace ScrmStream.Tests.Simulation;

/// <summary>What a process of a simulated world does at a failpoint.</summary>
internal enum FailureKind
{
    Kill,
    /// <summary>The run ends with an error, as after an outage that lasts too long; another process is started.</summary>
    Throw,
    Delay,
}

/// <summary>One failure of a world, at whatever process comes to it.</summary>
/// <param name="At">The how-manieth passing of the point fails, over all processes.</param>
internal sealed record SimulatedFailure(Failpoint Point, FailureKind Kind, int At)
{
    /// <summary>No point fails.</summary>
    public static SimulatedFailure None => new(default, default, At: 0);

    /// <summary>How often the point was passed.</summary>
    public int Passed { get; set; }

    public bool HasFailed => At > 0 && Passed >= At;
}

/// <summary>The failpoints of one simulated process.</summary>
internal sealed class SimulatedFailures(SimulatedWorld world, SimulatedProcess process, SimulatedFailure failure, Action kill)
    : FailpointPlan
{
    public override ValueTask PassAsync(Failpoint point)
    {
        if (failure.At == 0 || point != failure.Point || process.IsDead || ++failure.Passed != failure.At) return ValueTask.CompletedTask;
        switch (failure.Kind)
        {
            case FailureKind.Kill:
                kill();
                return new ValueTask(new TaskCompletionSource().Task);
            case FailureKind.Throw:
                return ValueTask.FromException(Failpoints.FailureAt(point));
            default:
                return new ValueTask(world.DelayAsync(world.Between(100, 8_000), CancellationToken.None));
        }
    }

    public override void Pass(Failpoint point) => throw new NotSupportedException("The points of a simulation may wait.");
}
