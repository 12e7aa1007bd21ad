using System.Buffers;

namespace ScrmStream.Host.Generation;

/// <summary>One record to publish. Both memories last until the next record is taken.</summary>
/// <param name="Key">The value of an identifier of its person: one person's events mostly share a partition.</param>
/// <param name="Value">Canonical JSON, or what a flaw made of it.</param>
/// <param name="Events">Events in it; a cut-off record counts as one.</param>
public readonly record struct GeneratedRecord(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, int Events);

/// <summary>
/// Makes a pet shop's campaign by seed: four channels, people who cross logins, passers-by, and at small known rates junk identifiers,
/// repeats, bad records and late ones. Keeps a ledger of what a right engine must find. One thread.
/// </summary>
public sealed class PetShopGenerator
{
    private const long DayMs = 86_400_000;
    // A cut-off record cannot be one of several events.
    private static readonly Flaw[] BadFlaws = [Flaw.CutOff, Flaw.OnlyJunk, Flaw.NoName, Flaw.NoTime, Flaw.InSeconds];
    private readonly PetShopOptions _options;
    private readonly Random _random;
    private readonly PetShopVisits _visits;
    private readonly PetShopEncoder _encoder;
    private readonly PetShopLedger? _ledger;
    private readonly PriorityQueue<PetShopEvent[], (long SentMs, int Order)> _underway = new();
    private readonly ArrayBufferWriter<byte> _value = new(4096);
    private readonly List<PetShopEvent> _visit = [];
    private int _planned, _number, _queued;
    private bool _isDone;

    /// <param name="withTruth">Keep the ledger: 24 bytes per event.</param>
    /// <exception cref="ArgumentException">An option is outside its range.</exception>
    public PetShopGenerator(PetShopOptions options, bool withTruth = true)
    {
        options.Validate();
        _options = options;
        _random = new Random(options.Seed);
        _visits = new PetShopVisits(options, _random);
        _encoder = new PetShopEncoder(options, new PetShopIdentifiers(options.Seed, _visits.Heroine));
        _ledger = withTruth ? new PetShopLedger(_visits.Heroine) : null;
    }

    /// <summary>The stored texts of the heroine's identifiers, whatever the seed.</summary>
    public static IReadOnlyList<string> HeroineIdentifiers { get; } = [.. PetShopIdentifiers.Heroine.Select(h => h.StoredText)];

    /// <summary>The records in the order of the stream; can be taken once.</summary>
    public IEnumerable<GeneratedRecord> Records()
    {
        var startMs = _options.Start.ToUnixTimeMilliseconds();
        var spanMs = _options.Days * DayMs;
        foreach (var e in PetShopStory.Events(_visits.Heroine, startMs)) yield return Emit([Count(e)]);
        _number = PetShopStory.Length;
        while (_planned < _options.Events)
        {
            var nowMs = startMs + (long)(spanMs * ((double)_planned / _options.Events));
            while (_underway.TryPeek(out _, out var next) && next.SentMs <= nowMs) yield return Emit(_underway.Dequeue());
            PlanVisit(nowMs);
        }
        while (_underway.TryDequeue(out var events, out _)) yield return Emit(events);
        _isDone = true;
    }

    /// <summary>What a right engine finds, worked out by plain loops over what was made; after the last record.</summary>
    /// <param name="asOfMs">Tags as of this time; null: as of the last event of all.</param>
    /// <exception cref="InvalidOperationException">There are records left, or no ledger is kept.</exception>
    public PetShopTruth Truth(long? asOfMs = null) =>
        _isDone && _ledger is not null
            ? _ledger.Truth(asOfMs)
            : throw new InvalidOperationException("The truth is known after the last record, when a ledger is kept.");

    private GeneratedRecord Emit(PetShopEvent[] events)
    {
        _value.ResetWrittenCount();
        _encoder.Write(events, _value);
        var value = events[0].Flaw == Flaw.CutOff ? PetShopEncoder.CutOff(_value.WrittenMemory) : _value.WrittenMemory;
        _ledger?.NoteRecord();
        return new GeneratedRecord(_encoder.Key(in events[0]), value, events.Length);
    }

    private PetShopEvent Count(in PetShopEvent e)
    {
        _planned++;
        _ledger?.Note(in e);
        return e;
    }

    private void PlanVisit(long nowMs)
    {
        _visit.Clear();
        _visits.Plan(nowMs, _visit);
        // The app collects a visit's events now and then and sends them as one array.
        var isBatch = _visit[0].Channel == Events.Channel.App && _visit.Count > 1 && _random.Next(20) == 0;
        var lateMs = IsLate() ? 300_000 + _random.Next(36 * 3_600_000) : 0;
        List<PetShopEvent> batch = [];
        foreach (var planned in _visit)
        {
            if (_planned == _options.Events) break;
            var sentMs = planned.TimeMs + lateMs + 200 + _random.Next(2_000);
            var e = Count(planned with { Number = _number++, SentMs = sentMs, Flaw = NextFlaw(isBatch) });
            if (isBatch) batch.Add(e);
            else Send([e], sentMs);
            if (e.Flaw == Flaw.None && _random.Next(200) == 0) Repeat(e, isBatch ? _visit[^1].TimeMs + lateMs : sentMs);
        }
        if (batch.Count > 0) Send([.. batch], _visit[^1].TimeMs + lateMs + 300);
    }

    // Soon after the first copy, well within the number of event ids that are remembered.
    private void Repeat(in PetShopEvent e, long sentMs)
    {
        if (_planned == _options.Events) return;
        Send([Count(e with { Flaw = Flaw.Repeat })], sentMs + 3_000 + _random.Next(15_000));
    }

    private void Send(PetShopEvent[] events, long sentMs) => _underway.Enqueue(events, (sentMs, _queued++));

    private bool IsLate() => _options.LateShare == 0.01 ? _random.Next(100) == 0 : _random.NextDouble() < _options.LateShare;

    private Flaw NextFlaw(bool isBatch)
    {
        if (_options.BadShare == 0 || _random.NextDouble() >= _options.BadShare) return NextOwnFlaw(isBatch);
        return BadFlaws[_random.Next(isBatch ? 1 : 0, BadFlaws.Length)];
    }

    private Flaw NextOwnFlaw(bool isBatch) => _random.Next(10_000) switch
    {
        < 100 => Flaw.JunkBeside,
        < 110 => Flaw.OnlyJunk,
        < 116 => isBatch ? Flaw.None : Flaw.CutOff,
        < 120 => Flaw.NoName,
        < 124 => Flaw.NoTime,
        < 128 => Flaw.InSeconds,
        < 131 => _options.HasFarAheadEvents ? Flaw.FarAhead : Flaw.None,
        _ => Flaw.None,
    };
}
