namespace ScrmStream.TestKit.Simulation;

/// <summary>How often a message to a server goes wrong, and how long it takes.</summary>
/// <param name="Lost">The share of calls that never arrive.</param>
/// <param name="Cut">The share of calls that are carried out, and whose answer does not come.</param>
/// <param name="Late">The share of calls that arrive long after the caller has given them up.</param>
/// <param name="MostMs">The longest way of a message, in one direction.</param>
public sealed record NetworkFaults(double Lost, double Cut, double Late, double MostMs)
{
    public static NetworkFaults Of(Random random) => new(
        random.Next(2) * random.NextDouble() * 0.08, random.Next(2) * random.NextDouble() * 0.08,
        random.Next(2) * random.NextDouble() * 0.08, random.Next(3) == 0 ? 200 : 5);
}

/// <summary>
/// A server and the network to it. A call is carried out at one moment; it may be lost, lose its answer, or arrive late, and while the
/// server is down nothing arrives. What was carried out is kept.
/// </summary>
public sealed class SimulatedServer(SimulatedWorld world, string name, NetworkFaults faults)
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromMilliseconds(300);

    public string Name => name;

    public bool IsUp { get; set; } = true;

    /// <summary>The one process whose calls do not arrive, while those of others do.</summary>
    public SimulatedProcess? CutOff { get; set; }

    /// <summary>Told of each call when it is sent: it may kill who sends it.</summary>
    public Action<SimulatedProcess>? OnSend { get; set; }

    /// <summary>Calls without an answer so far.</summary>
    public int Unanswered { get; private set; }

    /// <summary>Calls until there is an answer, as a client does that tries again.</summary>
    /// <param name="attempt">Gives what an attempt does when it arrives, at the moment at which it is sent.</param>
    /// <param name="beforeAgain">Done before each further attempt; it has its answer when it returns.</param>
    public async Task<T> CallAsync<T>(
        SimulatedProcess process, Func<Func<T>> attempt, CancellationToken cancel, Func<Task>? beforeAgain = null, bool mayComeLate = true)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            if (!isFirst && beforeAgain is not null) await beforeAgain();
            var (came, answer) = await AskAsync(process, attempt(), mayComeLate, cancel);
            if (came) return answer!;
            Unanswered++;
            await world.DelayAsync(world.Between(1, 50), cancel);
        }
    }

    /// <summary>One attempt.</summary>
    /// <returns>Came is false: no answer in time; whether it was or will be carried out is not known.</returns>
    public Task<(bool Came, T? Answer)> AskAsync<T>(SimulatedProcess process, Func<T> effect, bool mayComeLate, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var done = new TaskCompletionSource<(bool, T?)>();
        if (process.IsDead) return done.Task;
        OnSend?.Invoke(process);
        // Killed here: this call may have left already.
        if (process.IsDead && world.Chance(0.5)) return done.Task;
        cancel.Register(() => done.TrySetCanceled(cancel));
        world.After(Way(), () => Arrive(process, effect, mayComeLate, done));
        return done.Task;
    }

    private void Arrive<T>(SimulatedProcess process, Func<T> effect, bool mayComeLate, TaskCompletionSource<(bool, T?)> done)
    {
        var fate = world.IsCalm ? 1 : world.Random.NextDouble();
        var isLate = mayComeLate && fate >= faults.Lost + faults.Cut && fate < faults.Lost + faults.Cut + faults.Late;
        if (!IsUp || process == CutOff || fate < faults.Lost || isLate)
        {
            if (isLate && IsUp) world.After(AnswerWithin + world.Between(0, 3_000), () => CarryOut(process, effect));
            world.After(AnswerWithin, () => done.TrySetResult((false, default)));
            return;
        }
        var answer = CarryOut(process, effect);
        if (fate < faults.Lost + faults.Cut) world.After(AnswerWithin, () => done.TrySetResult((false, default)));
        else world.After(Way(), () => done.TrySetResult((true, answer)));
    }

    private T CarryOut<T>(SimulatedProcess process, Func<T> effect)
    {
        world.Note((ulong)name.Length << 32 ^ (ulong)process.Number << 48 ^ (ulong)world.Now.Ticks);
        return effect();
    }

    private TimeSpan Way() => world.Between(0.05, world.IsCalm ? 1 : faults.MostMs);
}
