using System.Threading.Channels;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Identity;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline;

/// <summary>The parts of the world a pipeline stands between.</summary>
/// <param name="IdentityChanges">Null: changes of customers are not announced.</param>
/// <param name="Schemas">Null: of Avro records only the canonical schema is known.</param>
public sealed record PipelinePorts(
    IEventSource Source, ICellStore Cells, IViewStore Views, IAnalyticsSink Analytics, IDeadLetterSink DeadLetters,
    IIdentityChangeSink? IdentityChanges = null, SchemaCatalog? Schemas = null);

/// <summary>
/// Poll → Decode → Prefetch → Decide → Write → Commit. Stages are joined by bounded channels of batches; one thread decides.
/// Run once; the ports are the caller's to dispose.
/// </summary>
public sealed class StreamPipeline
{
    private readonly PollStage _poll;
    private readonly DecodeStage[] _decode;
    private readonly DecideStage _decide;
    private readonly PipelineOptions _options;
    private readonly IEventSource _source;

    /// <param name="writerStamp">A number no other process uses, never 0: cells and views carry it.</param>
    public StreamPipeline(PipelineOptions options, RuleSet rules, PipelinePorts ports, ulong writerStamp, TimeProvider time)
    {
        options.Validate();
        _options = options;
        _source = ports.Source;
        State = new CustomerState(options.Identity);
        var pool = new BatchPool(options);
        var raw = Lanes(options);
        var decoded = Lanes(options);
        var screen = new IdentifierScreen(options.Identity);
        var history = new ShardHistory(options.EventIdRing);
        Flood = new FloodBreaker(options, time);
        _poll = new PollStage(ports.Source, pool, raw, Counters, Flood, options, time);
        _decode = new DecodeStage[options.DecodeLanes];
        var schemas = ports.Schemas ?? new SchemaCatalog(options.Limits);
        for (var i = 0; i < _decode.Length; i++)
            _decode[i] = new DecodeStage(raw[i].Reader, decoded[i].Writer, options.Limits, schemas, screen, Flood);
        var publisher = new CustomerPublisher(State, rules, ports.Views, writerStamp, time);
        _decide = new DecideStage(
            Array.ConvertAll(decoded, lane => lane.Reader), State, new CellPrefetch(State, ports.Cells),
            new EventFolder(State, rules, history), history,
            new FlushWriter(new FlushBuilder(State, publisher, writerStamp), ports), pool, Counters, new ConflictBackOff(writerStamp),
            options, time);
    }

    public PipelineCounters Counters { get; } = new();

    /// <summary>Whether nearly everything that comes is bad.</summary>
    public FloodBreaker Flood { get; }

    /// <summary>The customers in memory. To be read when <see cref="RunAsync"/> has ended.</summary>
    public CustomerState State { get; }

    /// <summary>How long the source has been at its end.</summary>
    public TimeSpan IdleFor => _poll.IdleFor;

    public long Lag => _source.Lag;

    /// <summary>
    /// Runs until the source ends or <paramref name="stop"/> is asked for; then what was read is flushed and committed, within
    /// <see cref="PipelineOptions.StopTimeout"/>. What is not flushed by then is read again by the next process.
    /// </summary>
    /// <exception cref="StoreUnavailableException">A port gave up.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var hard = new CancellationTokenSource();
        // Polling ends when it is asked to, and when another stage has failed: no batch would ever come back for it then.
        using var noMore = CancellationTokenSource.CreateLinkedTokenSource(stop, hard.Token);
        using var onStop = stop.Register(() => hard.CancelAfter(_options.StopTimeout));
        Task[] stages =
        [
            Task.Factory.StartNew(() => _poll.RunAsync(noMore.Token, hard.Token), TaskCreationOptions.LongRunning).Unwrap(),
            .. _decode.Select(lane => Task.Run(() => lane.RunAsync(hard.Token))),
            Task.Run(() => _decide.RunAsync(hard.Token)),
        ];
        // The first stage that fails ends the others; its own exception is the one to report.
        var failed = await Task.WhenAny(Task.WhenAll(stages), FirstFailure(stages));
        if (failed.IsFaulted) await hard.CancelAsync();
        await Task.WhenAll(stages).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stages.FirstOrDefault(s => s.IsFaulted) is { } fault) await fault;
        if (hard.IsCancellationRequested)
            throw new TimeoutException(
                $"The stop took longer than {_options.StopTimeout.TotalSeconds:0} s; what was not flushed is read again.");
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
