using System.Runtime.CompilerServices;
using System.Text.Json;
using ScrmStream.Pipeline;

namespace ScrmStream.Diagnostics;

/// <summary>What a process does when it passes a failpoint. Calls may come from any thread.</summary>
public abstract class FailpointPlan
{
    /// <summary>Passes a point where code may wait.</summary>
    /// <exception cref="Exception">The point fails (<see cref="Failpoints.FailureAt"/>).</exception>
    public abstract ValueTask PassAsync(Failpoint point);

    /// <summary>Passes a point where code may not wait.</summary>
    /// <inheritdoc cref="PassAsync" path="/exception"/>
    public abstract void Pass(Failpoint point);
}

/// <summary>
/// Failures on order, for tests: of a process that was started with the environment variable <see cref="Variable"/>, and of no other.
/// Without it a point is a test of a constant that the compiler takes out, and none is passed once per event.
/// </summary>
public static class Failpoints
{
    public const string Variable = "SCRMSTREAM_FAILPOINTS";

    /// <summary>Known when the process starts, so that code behind it vanishes where it is false.</summary>
    public static readonly bool AreOn = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 };

    private static readonly AsyncLocal<FailpointPlan?> Local = new();

    /// <summary>The plan of the code that runs here and of all that it starts; null: every point is passed.</summary>
    public static FailpointPlan? Plan
    {
        get => Local.Value;
        set => Local.Value = value;
    }

    /// <summary>The name of a point in a plan.</summary>
    public static string NameOf(Failpoint point) => JsonNamingPolicy.KebabCaseLower.ConvertName(point.ToString());

    /// <summary>What a point that fails throws: an outage that its adapter tries again after, or one that ends the run.</summary>
    public static Exception FailureAt(Failpoint point) => point is >= Failpoint.RedisBefore and <= Failpoint.ProduceAfter
        ? new IOException($"failpoint {NameOf(point)}")
        : new StoreUnavailableException($"failpoint {NameOf(point)}");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ValueTask PassAsync(Failpoint point) => AreOn ? HitAsync(point) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pass(Failpoint point)
    {
        if (AreOn) Plan?.Pass(point);
    }

    /// <summary>Lets a task pass a point before it begins and another one when it has ended.</summary>
    public static Task<T> Around<T>(Failpoint before, Func<Task<T>> work, Failpoint after)
    {
        return AreOn ? Between() : work();

        async Task<T> Between()
        {
            await HitAsync(before);
            var result = await work();
            await HitAsync(after);
            return result;
        }
    }

    private static ValueTask HitAsync(Failpoint point) => Plan?.PassAsync(point) ?? default;
}
