namespace ScrmStream.TestKit.Simulation;

/// <summary>
/// One process of a simulated world: the scheduler of its tasks, and its clock. It can be killed, which it does not notice, and frozen, as
/// by SIGSTOP: its timers and answers then wait until it wakes. Which of its tasks that are ready runs next is drawn from the seed, as
/// threads would run in any order.
/// </summary>
public sealed class SimulatedProcess : TaskScheduler
{
    private readonly SimulatedWorld _world;
    private readonly List<Action> _ready = [];
    private TimeSpan _pause;

    public SimulatedProcess(SimulatedWorld world, int number)
    {
        (_world, Number) = (world, number);
        Time = new Clock(this);
        world.Add(this);
    }

    public int Number { get; }

    public TimeProvider Time { get; }

    public bool IsDead { get; private set; }

    public bool IsFrozen { get; private set; }

    /// <summary>It is there, and runs.</summary>
    public bool IsAwake => !IsDead && !IsFrozen;

    internal bool IsReady => _ready.Count > 0 && IsAwake;

    /// <summary>Starts something in it; what that awaits goes on in it.</summary>
    public Task Start(Func<Task> main) =>
        Task.Factory.StartNew(main, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this).Unwrap();

    /// <summary>kill -9: nothing of it runs any more.</summary>
    public void Kill()
    {
        IsDead = true;
        _ready.Clear();
        _world.Remove(this);
    }

    public void Freeze() => IsFrozen = true;

    public void Wake() => IsFrozen = false;

    /// <summary>
    /// The code that runs now is about to block its thread for so long, and then yields: what it queues next comes after that.
    /// </summary>
    internal void BlockNext(TimeSpan time) => _pause = time;

    internal void RunOne()
    {
        var at = _world.Random.Next(_ready.Count);
        var next = _ready[at];
        _ready.RemoveAt(at);
        next();
    }

    protected override void QueueTask(Task task)
    {
        _world.CheckThread($"process {Number}");
        if (IsDead) return;
        var pause = _pause;
        _pause = TimeSpan.Zero;
        if (pause > TimeSpan.Zero) _world.After(pause, () => Add(task));
        else Add(task);
    }

    // Never inside the step that completes what it waits for: each goes on by itself, in any order.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];

    private void Add(Task task)
    {
        if (!IsDead) _ready.Add(() => TryExecuteTask(task));
    }

    private sealed class Clock(SimulatedProcess process) : TimeProvider
    {
        private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        // Never 0, which code takes for "not yet".
        public override long GetTimestamp() => process._world.Now.Ticks + 1;

        public override DateTimeOffset GetUtcNow() => Start + process._world.Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new Timer(process, () => callback(state));
            timer.Change(dueTime, period);
            return timer;
        }
    }

    private sealed class Timer(SimulatedProcess process, Action fires) : ITimer
    {
        private int _setting;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (period != Timeout.InfiniteTimeSpan && period != TimeSpan.Zero)
                throw new NotSupportedException("A simulated timer fires once.");
            var setting = ++_setting;
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            process._world.After(dueTime, () =>
            {
                if (setting == _setting) new Task(fires).Start(process);
            });
            return true;
        }

        public void Dispose() => _setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
