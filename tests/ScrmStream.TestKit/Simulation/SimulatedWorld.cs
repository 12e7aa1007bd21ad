namespace ScrmStream.TestKit.Simulation;

/// <summary>
/// A world of processes and servers on one thread, in virtual time. What happens next is drawn from a seed alone: which process runs, which
/// of its steps, how long a message takes and whether it comes. So a seed is a run that can be seen again, and
/// <see cref="Trace"/> tells whether it is the same. Time passes with each step, and in leaps when everybody waits.
/// </summary>
/// <remarks>
/// A step is the code of a process between two awaits. Nothing of a process may run anywhere else: a continuation that comes from another
/// thread ends the run, for it would come at another moment each time.
/// </remarks>
public sealed class SimulatedWorld(int seed)
{
    private const long StepTicksMax = 2_000; // of 100 ns: a step takes up to 0.2 ms

    private readonly PriorityQueue<Action, (long At, long Order)> _later = new();
    private readonly List<SimulatedProcess> _processes = [], _ready = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private long _order;
    private string? _strayed;

    public int Seed { get; } = seed;

    /// <summary>Everything that is left to chance is drawn from it.</summary>
    public Random Random { get; } = new(seed);

    /// <summary>Since the start of the world.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>A hash over what happened, in order.</summary>
    public ulong Trace { get; private set; } = 14_695_981_039_346_656_037;

    /// <summary>Steps run so far, of all processes.</summary>
    public long Steps { get; private set; }

    /// <summary>False: whatever can go wrong may go wrong. True: messages arrive.</summary>
    public bool IsCalm { get; set; }

    public bool Chance(double share) => Random.NextDouble() < share;

    public TimeSpan Between(double leastMs, double mostMs) =>
        TimeSpan.FromMilliseconds(leastMs + Random.NextDouble() * (mostMs - leastMs));

    /// <summary>Lets something happen once so much time has passed.</summary>
    public void After(TimeSpan wait, Action happens) => _later.Enqueue(happens, (Now.Ticks + Math.Max(1, wait.Ticks), ++_order));

    /// <summary>
    /// Waits. Cancelled it ends at once; <see cref="Task.Delay(TimeSpan, CancellationToken)"/> would end on a thread of the pool then.
    /// </summary>
    public Task DelayAsync(TimeSpan wait, CancellationToken cancel)
    {
        var done = new TaskCompletionSource();
        cancel.Register(() => done.TrySetCanceled(cancel));
        After(wait, () => done.TrySetResult());
        return done.Task;
    }

    /// <summary>Adds what happened to the trace.</summary>
    public void Note(ulong what) => Trace = (Trace ^ what) * 1_099_511_628_211;

    /// <summary>Runs until something is so.</summary>
    /// <exception cref="SimulationException">It does not come to that within the time, or cannot any more.</exception>
    public void Run(Func<bool> until, TimeSpan within, Func<string> what)
    {
        var end = Now + within;
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            while (!until())
            {
                if (!Step()) throw new SimulationException($"seed {Seed}: nothing can happen any more, and never: {what()}");
                if (Now > end) throw new SimulationException($"seed {Seed}: not within {within.TotalSeconds:0} s: {what()}");
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    internal void Add(SimulatedProcess process) => _processes.Add(process);

    internal void Remove(SimulatedProcess process) => _processes.Remove(process);

    internal void CheckThread(string who)
    {
        if (Environment.CurrentManagedThreadId != _thread)
            Interlocked.CompareExchange(ref _strayed, $"seed {Seed}: {who} went on in another thread\n{Environment.StackTrace}", null);
    }

    private bool Step()
    {
        if (_strayed is not null) throw new SimulationException(_strayed);
        while (_later.TryPeek(out _, out var due) && due.At <= Now.Ticks) _later.Dequeue()();
        _ready.Clear();
        foreach (var process in _processes)
            if (process.IsReady) _ready.Add(process);
        if (_ready.Count == 0)
        {
            if (!_later.TryPeek(out _, out var next)) return false;
            Now = TimeSpan.FromTicks(Math.Max(Now.Ticks, next.At));
            return true;
        }
        var chosen = _ready[Random.Next(_ready.Count)];
        Note((ulong)Now.Ticks ^ ((ulong)chosen.Number << 56));
        Steps++;
        Now += TimeSpan.FromTicks(Random.NextInt64(StepTicksMax));
        chosen.RunOne();
        return true;
    }
}

/// <summary>A world did not do what it has to.</summary>
public sealed class SimulationException(string message) : Exception(message);
