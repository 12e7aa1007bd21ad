using System.Threading.Channels;
using ScrmStream.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Identity;
using ScrmStream.Pipeline.Timers;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline;

/// <summary>The parts of the world a pipeline stands between.</summary>
/// <param name="IdentityChanges">Null: changes of customers are not announced.</param>
/// <param name="Timers">Null: what changes by itself is seen at the customer's next event.</param>
/// <param name="Schemas">Null: of Avro records only the canonical schema is known.</param>
public sealed record PipelinePorts(
    IEventSource Source, ICellStore Cells, IViewStore Views, IAnalyticsSink Analytics, IDeadLetterSink DeadLetters,
    IIdentityChangeSink? IdentityChanges = null, SchemaCatalog? Schemas = null, ITimerStore? Timers = null);

/// <summary>
/// Poll → Decode → Prefetch → Decide → Write → Commit. Stages are joined by bounded channels of batches; one thread decides.
/// Run once; the ports are the caller's to dispose.
/// </summary>
public sealed class StreamPipeline
{
    private readonly PipelineOptions _options;
    private readonly RuleSet _rules;
    private readonly PipelinePorts _ports;
    private readonly TimeProvider _time;
    private readonly TaskFactory _tasks;
    private readonly ulong _writerStamp;
    private readonly Refolding? _refolding;
    private readonly CustomerTimers? _timers;
    private readonly CustomerPublisher _publisher;
    private readonly IdentifierScreen _screen;
    private readonly SchemaCatalog _schemas;
    private volatile PollStage _poll;
    private DecodeStage[] _decode;
    private DecideStage _decide;

    /// <param name="writerStamp">A number no other process uses, never 0: cells and views carry it.</param>
    /// <param name="endsWhenIdle">The run ends when nothing is left to be read: then time does not pass in silence, and the end is as of
    /// the greatest time met.</param>
    /// <param name="scheduler">Where stages and writes run; null: on the threads of the pool. A simulation runs them one at a time, in an
    /// order that a seed draws: so no stage may go on anywhere else.</param>
    /// <param name="refolding">The events were judged before, and state is made of them again.</param>
    public StreamPipeline(
        PipelineOptions options, RuleSet rules, PipelinePorts ports, ulong writerStamp, TimeProvider time, bool endsWhenIdle = false,
        TaskScheduler? scheduler = null, Refolding? refolding = null)
    {
        options.Validate();
        _tasks = new TaskFactory(
            CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskContinuationOptions.None, scheduler ?? TaskScheduler.Default);
        (_options, _rules, _ports, _writerStamp, _time, _refolding) = (options, rules, ports, writerStamp, time, refolding);
        State = new CustomerState(options.Identity);
        // Rules that only events change need none, and cost nothing.
        if (ports.Timers is { } timers && rules.NeedsTimers)
            _timers = new CustomerTimers(State, timers, ports.Source, ports.Views, writerStamp, growsInSilence: !endsWhenIdle, time);
        _publisher = new CustomerPublisher(State, rules, ports.Views, writerStamp, time, _timers);
        _screen = new IdentifierScreen(options.Identity);
        _schemas = ports.Schemas ?? new SchemaCatalog(options.Limits);
        Flood = new FloodBreaker(options, time);
        (_poll, _decode, _decide) = Join();
    }

    public PipelineCounters Counters { get; } = new();

    /// <summary>Whether nearly everything that comes is bad.</summary>
    public FloodBreaker Flood { get; }

    /// <summary>The customers in memory. To be read when <see cref="RunAsync"/> has ended.</summary>
    public CustomerState State { get; }

    /// <summary>How long the source has been at its end.</summary>
    public TimeSpan IdleFor => _poll.IdleFor;

    /// <summary>Customers concluded anew because time passed.</summary>
    public long Woken => _timers?.Woken ?? 0;

    /// <summary>The next stop is the end of everything there is to read: all is concluded as of the greatest time met.</summary>
    public void EndAtMaximum() => _timers?.EndAtMaximum();

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
            for (var isFirst = true; !await RunOnceAsync(toTheEnd: !isFirst, stop, hard.Token); isFirst = false)
            {
                await Failpoints.PassAsync(Failpoint.StartOverBefore);
                StartOver();
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

    // False: another process appeared while rows were ahead of their cells.
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
        if (fault?.Exception?.InnerException is NoLongerAloneException) return false;
        if (fault is not null) await fault;
        return true;
    }

    // As after a crash, but for what is counted and published: fences skip what was stored, and all concerned is published again.
    private void StartOver()
    {
        State.Clear();
        Counters.StartOver();
        _ports.Source.Rewind();
        (_poll, _decode, _decide) = Join();
    }

    // The stages hold what is under way between them, so they are made anew whenever reading starts over.
    private (PollStage, DecodeStage[], DecideStage) Join()
    {
        var pool = new BatchPool(_options);
        var raw = Lanes(_options);
        var decoded = Lanes(_options);
        var history = new ShardHistory(_options.EventIdRing, _refolding?.Verdicts);
        var builder = new FlushBuilder(State, _publisher, _writerStamp, _refolding?.CellsAfter ?? 0);
        var poll = new PollStage(_ports.Source, pool, raw, Counters, Flood, _options, _time);
        var decode = new DecodeStage[_options.DecodeLanes];
        for (var i = 0; i < decode.Length; i++)
            decode[i] = new DecodeStage(
                raw[i].Reader, decoded[i].Writer, _options.Limits, _schemas, _screen, Flood, Counters.Books);
        var decide = new DecideStage(
            Array.ConvertAll(decoded, lane => lane.Reader), poll, State, new CellPrefetch(State, _ports.Cells),
            new EventFolder(State, _rules, history), history,
            new FlushWriter(builder, _ports, Counters.Books, _options, _tasks), _publisher, pool, Counters,
            new ConflictBackOff(_writerStamp), _options, _time, _timers);
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
