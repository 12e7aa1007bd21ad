using System.Threading.Channels;
using ScrmStream.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Identity;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Pipeline.Timers;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline;

/// <summary>The parts of the world a pipeline stands between.</summary>
/// <param name="IdentityChanges">Null: changes of customers are not announced.</param>
/// <param name="Timers">Null: what changes by itself is seen at the customer's next event.</param>
/// <param name="Schemas">Null: of Avro records only the canonical schema is known.</param>
/// <param name="Rules">Null: the rules of the start stay to the end.</param>
/// <param name="History">Where stored events are read from for rules that are new; null: what those keep begins when they do.</param>
/// <param name="Turns">Null: processes that meet try again at random moments.</param>
/// <param name="StoredRows">Null: rows of records that are read again are inserted again.</param>
public sealed record PipelinePorts(
    IEventSource Source, ICellStore Cells, IViewStore Views, IAnalyticsSink Analytics, IDeadLetterSink DeadLetters,
    IIdentityChangeSink? IdentityChanges = null, SchemaCatalog? Schemas = null, ITimerStore? Timers = null,
    IRuleStore? Rules = null, ReadHistory? History = null, ITurnStore? Turns = null,
    FindStoredRows? StoredRows = null);

/// <summary>
/// Poll → Decode → Prefetch → Decide → Write → Commit. Stages are joined by bounded channels of batches; one thread decides.
/// Run once; the ports are the caller's to dispose.
/// </summary>
public sealed class StreamPipeline
{
    private readonly PipelineOptions _options;
    private readonly PipelinePorts _ports;
    private readonly TimeProvider _time;
    private readonly TaskFactory _tasks;
    private readonly ulong _writerStamp;
    private readonly PastJudgement? _judged;
    private readonly RowRefusals _refusals;
    private readonly IdentifierScreen _screen;
    private readonly SchemaCatalog _schemas;
    private readonly bool _endsWhenIdle;
    private RulesInForce? _inForce;
    private volatile RuleSet _rules;
    private CustomerTimers? _timers;
    private CustomerPublisher _publisher;
    private volatile RuleFollower? _follower;
    private volatile bool _endsAtMaximum;
    private volatile PollStage _poll;
    private DecodeStage[] _decode;
    private DecideStage _decide;

    /// <param name="writerStamp">A number no other process uses, never 0: cells and views carry it.</param>
    /// <param name="endsWhenIdle">The run ends when nothing is left to be read: then time does not pass in silence, and the end is as of
    /// the greatest time met.</param>
    /// <param name="scheduler">Where stages and writes run; null: on the threads of the pool. A simulation runs them one at a time, in an
    /// order that a seed draws: so no stage may go on anywhere else.</param>
    /// <param name="inForce">The rules as the store has them, where there is one and they have been taken there; else null.</param>
    /// <param name="judged">The events were judged before, and state is made of them again.</param>
    public StreamPipeline(
        PipelineOptions options, RuleSet rules, PipelinePorts ports, ulong writerStamp, TimeProvider time, bool endsWhenIdle = false,
        TaskScheduler? scheduler = null, RulesInForce? inForce = null, PastJudgement? judged = null)
    {
        options.Validate();
        _tasks = new TaskFactory(
            CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskContinuationOptions.None, scheduler ?? TaskScheduler.Default);
        (_options, _ports, _writerStamp, _time, _endsWhenIdle, _judged) = (options, ports, writerStamp, time, endsWhenIdle, judged);
        State = new CustomerState(options.Identity);
        (_rules, _inForce) = (rules, inForce);
        _publisher = PublisherFor(rules, writerStamp);
        _screen = new IdentifierScreen(options.Identity);
        _schemas = ports.Schemas ?? new SchemaCatalog(options.Limits);
        Flood = new FloodBreaker(options, time);
        _refusals = new RowRefusals(time);
        (_poll, _decode, _decide) = Join();
    }

    public PipelineCounters Counters { get; } = new();

    /// <summary>Whether nearly everything that comes is bad.</summary>
    public FloodBreaker Flood { get; }

    /// <summary>The customers in memory. To be read when <see cref="RunAsync"/> has ended.</summary>
    public CustomerState State { get; }

    /// <summary>How long the source has been at its end.</summary>
    public TimeSpan IdleFor => _poll.IdleFor;

    /// <summary>The rules at work.</summary>
    public RuleSet Rules => _rules;

    /// <summary>Rules have changed, and not all customers have followed yet.</summary>
    public bool IsSweeping => _follower is { IsSweeping: true };

    /// <summary>Parts of all customers that this process has let follow the rules in force; of how many.</summary>
    public int SweptParts => _follower?.Sweep?.PartsDone ?? 0;

    /// <inheritdoc cref="SweptParts"/>
    public int SweepParts => _inForce?.Parts ?? 0;

    /// <summary>Customers concluded anew because time passed.</summary>
    public long Woken => _timers?.Woken ?? 0;

    /// <summary>The next stop is the end of everything there is to read: all is concluded as of the greatest time met.</summary>
    public void EndAtMaximum()
    {
        _endsAtMaximum = true;
        _timers?.EndAtMaximum();
    }

    public long Lag => _ports.Source.Lag;

    /// <summary>
    /// Runs until the source ends or <paramref name="stop"/> is asked for; then what was read is flushed and committed, within
    /// <see cref="PipelineOptions.StopTimeout"/>. What is not flushed by then is read again by the next process.
    /// </summary>
    /// <exception cref="StoreUnavailableException">A port gave up.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        // Not disposed: the limit may pass at the very end.
        var hard = new CancellationTokenSource();
        ITimer? limit = null;
        using var onStop = stop.Register(() => limit = _time.CreateTimer(
            static hard => ((CancellationTokenSource)hard!).Cancel(), hard, _options.StopTimeout, Timeout.InfiniteTimeSpan));
        try
        {
            // Whoever is asked to end at once does so; who is at the end of everything has to come there again.
            while (!await RunOnceAsync(toTheEnd: stop.IsCancellationRequested && _endsAtMaximum, stop, hard.Token))
            {
                await Failpoints.PassAsync(Failpoint.StartOverBefore);
                await StartOverAsync(hard.Token);
            }
        }
        finally
        {
            limit?.Dispose();
        }
        if (hard.IsCancellationRequested)
            throw new TimeoutException(
                $"The stop took longer than {_options.StopTimeout.TotalSeconds:0} s; what was not flushed is read again.");
    }

    // False: another process appeared while rows were ahead of their cells, other rules are in force, or rows that were ahead are refused.
    private async Task<bool> RunOnceAsync(bool toTheEnd, CancellationToken stop, CancellationToken hard)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(hard);
        // Polling ends when it is asked to, and when another stage has failed: no batch would ever come back for it then.
        using var noMore = CancellationTokenSource.CreateLinkedTokenSource(stop, end.Token);
        Task[] stages =
        [
            _tasks.StartNew(() => _poll.RunAsync(toTheEnd, noMore.Token, end.Token), TaskCreationOptions.LongRunning).Unwrap(),
            .. _decode.Select(lane => _tasks.StartNew(() => lane.RunAsync(end.Token)).Unwrap()),
            _tasks.StartNew(() => _decide.RunAsync(end.Token)).Unwrap(),
        ];
        // The first stage that fails ends the others; its own exception is the one to report.
        var failed = await Task.WhenAny(Task.WhenAll(stages), FirstFailure(stages));
        if (failed.IsFaulted) end.Cancel();
        await Task.WhenAll(stages).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        var fault = stages.FirstOrDefault(s => s.IsFaulted);
        var startsOver = fault?.Exception?.InnerException is StartOverException;
        await _decide.EndAsync(startsOver ? hard : new CancellationToken(canceled: true));
        if (startsOver) return false;
        if (fault is not null) await fault;
        return true;
    }

    // As after a crash, but for what is counted and published: fences skip what was stored, and all concerned is published again.
    private async Task StartOverAsync(CancellationToken cancel)
    {
        State.Clear();
        Counters.StartOver();
        if (_ports.Rules is not null) await FollowRulesAsync(_ports.Rules, cancel);
        _ports.Source.Rewind();
        (_poll, _decode, _decide) = Join();
    }

    // All that depends on the rules is made anew with them, so that nothing asks for the rules at each event.
    private async Task FollowRulesAsync(IRuleStore store, CancellationToken cancel)
    {
        if (await store.ReadAsync(cancel) is not { } inForce) return;
        await store.TakeAsync(inForce.Number, cancel);
        if (inForce.Number != _inForce?.Number)
        {
            _rules = RuleSet.Parse(inForce.Text, inForce.File);
            if (_timers is not null && !_rules.NeedsTimers) await _timers.LeaveAsync(cancel);
            _inForce = inForce;
            _publisher = PublisherFor(_rules, _publisher.LastStamp);
        }
        _inForce = inForce;
    }

    private CustomerPublisher PublisherFor(RuleSet rules, ulong stampsAfter) =>
        new(State, rules, _ports.Views, stampsAfter, _time, TimersFor(rules), _inForce);

    // Rules that only events change need none, and cost nothing.
    private CustomerTimers? TimersFor(RuleSet rules)
    {
        if (_ports.Timers is not { } timers || !rules.NeedsTimers) return null;
        _timers ??= new CustomerTimers(
            State, timers, _ports.Source, _ports.Views, _writerStamp, growsInSilence: !_endsWhenIdle, _time);
        if (_endsAtMaximum) _timers.EndAtMaximum();
        return _timers;
    }

    private RuleFollower? FollowerFor(CellPrefetch prefetch)
    {
        if (_ports.Rules is not { } store || _inForce is not { } inForce) return null;
        var sweep = inForce.IsSwept || inForce.Parts == 0 ? null
            : new RuleSweep(State, prefetch, _ports.Views, store, inForce, _rules, _ports.History, _writerStamp, _time, _tasks);
        return new RuleFollower(store, inForce, sweep, _time);
    }

    // The stages hold what is under way between them, so they are made anew whenever reading starts over.
    private (PollStage, DecodeStage[], DecideStage) Join()
    {
        var pool = new BatchPool(_options);
        var raw = Lanes(_options);
        var decoded = Lanes(_options);
        var history = new ShardHistory(_options.EventIdRing, _judged?.Verdicts);
        var builder = new FlushBuilder(State, _publisher, _writerStamp, _judged?.CellsAfter ?? 0);
        var poll = new PollStage(_ports.Source, pool, raw, Counters, Flood, _options, _time);
        var decode = new DecodeStage[_options.DecodeLanes];
        for (var i = 0; i < decode.Length; i++)
            decode[i] = new DecodeStage(
                raw[i].Reader, decoded[i].Writer, _options.Limits, _schemas, _screen, Flood, Counters.Books);
        var rows = new RowWriter(
            _ports.Analytics, new RepeatedRows(_ports.StoredRows), _ports.DeadLetters, Counters.Books, Flood, _refusals,
            _options.InsertBatches);
        var prefetch = new CellPrefetch(State, _ports.Cells);
        _follower = FollowerFor(prefetch);
        var decide = new DecideStage(
            Array.ConvertAll(decoded, lane => lane.Reader), poll, State, prefetch,
            new EventFolder(State, _rules, history, _inForce?.CompleteFrom ?? 0), history,
            new FlushWriter(builder, _ports, rows, _tasks), _publisher, pool,
            Counters, new WriteTurn(_ports.Turns, _writerStamp, _time, _tasks), new ConflictBackOff(_writerStamp), _options, _time,
            TimersFor(_rules), _follower);
        return (poll, decode, decide);
    }

    private static async Task FirstFailure(Task[] stages)
    {
        var running = stages.ToList();
        while (running.Count > 0)
        {
            var done = await Task.WhenAny(running);
            running.Remove(done);
            if (done.IsFaulted) await done;
        }
    }

    private static Channel<EventBatch>[] Lanes(PipelineOptions options)
    {
        var lanes = new Channel<EventBatch>[options.DecodeLanes];
        var bounds = new BoundedChannelOptions(4) { SingleReader = true, SingleWriter = true };
        for (var i = 0; i < lanes.Length; i++) lanes[i] = System.Threading.Channels.Channel.CreateBounded<EventBatch>(bounds);
        return lanes;
    }
}
