using System.Diagnostics;
using System.Globalization;

namespace ScrmStream.Diagnostics;

/// <summary>
/// The plan of the environment variable: <c>point=action@n;...</c>, the n-th time (1 without it) a point is passed. Actions are
/// <c>throw</c> (a transient error; behind an effect: its answer is cut), <c>delay:MS</c> and <c>kill</c>, which is SIGKILL of itself.
/// <c>none</c> is a plan without failures.
/// </summary>
public sealed class OrderedFailures : FailpointPlan
{
    private readonly record struct Order(Failpoint Point, string Action, int DelayMs, int At);

    private readonly List<Order> _orders = [];
    private readonly long[] _passed = new long[Enum.GetValues<Failpoint>().Length];

    /// <exception cref="ArgumentException">The text is no plan; the message says where.</exception>
    public static OrderedFailures Parse(string text)
    {
        var plan = new OrderedFailures();
        foreach (var part in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            if (part != "none") plan._orders.Add(OrderOf(part));
        return plan;
    }

    /// <summary>How often each point was passed, by name.</summary>
    public string Coverage() => string.Join(
        ", ", Enum.GetValues<Failpoint>().Select(p => $"{Failpoints.NameOf(p)} {Volatile.Read(ref _passed[(int)p])}"));

    public override async ValueTask PassAsync(Failpoint point)
    {
        var order = Next(point);
        if (order.DelayMs > 0) await Task.Delay(order.DelayMs);
        else Fail(order);
    }

    public override void Pass(Failpoint point)
    {
        var order = Next(point);
        if (order.DelayMs > 0) Task.Delay(order.DelayMs).GetAwaiter().GetResult();
        else Fail(order);
    }

    private Order Next(Failpoint point)
    {
        var passed = Interlocked.Increment(ref _passed[(int)point]);
        foreach (var order in _orders)
            if (order.Point == point && order.At == passed) return order;
        return default;
    }

    private static void Fail(Order order)
    {
        if (order.Action == "throw") throw Failpoints.FailureAt(order.Point);
        if (order.Action != "kill") return;
        using var self = Process.GetCurrentProcess();
        self.Kill();
        // Nothing may happen any more; the signal is on its way.
        Task.Delay(Timeout.Infinite).GetAwaiter().GetResult();
    }

    private static Order OrderOf(string part)
    {
        string[] sides = part.Split('='), at = sides[^1].Split('@'), action = at[0].Split(':');
        var name = sides[0].Replace("-", "", StringComparison.Ordinal);
        var delayMs = 0;
        var count = 1;
        var isRight = sides.Length == 2 && at.Length <= 2 && Enum.TryParse<Failpoint>(name, ignoreCase: true, out _)
            && action is ["throw"] or ["kill"] or ["delay", _]
            && (action.Length == 1 || IsCount(action[1], out delayMs)) && (at.Length == 1 || IsCount(at[1], out count));
        if (!isRight || !Enum.TryParse<Failpoint>(name, ignoreCase: true, out var point))
            throw new ArgumentException(
                $"{Failpoints.Variable}: '{part}' is no order; write POINT=throw|kill|delay:MS[@N]. The points are "
                + $"{string.Join(", ", Enum.GetValues<Failpoint>().Select(Failpoints.NameOf))}.");
        return new Order(point, action[0], delayMs, count);
    }

    private static bool IsCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0;
}
