using System.Globalization;
using System.Text;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Host.Generation;

/// <summary>What to publish.</summary>
/// <param name="Mapping">Null: rows are published unchanged.</param>
/// <param name="RecordsPerSecond">0: as fast as it goes.</param>
/// <param name="KeyKind">The kind of identifier whose value is the key; null: the first one named.</param>
/// <param name="RecordBytesMax">A longer row is refused.</param>
/// <param name="Avro">How records become Avro; null: those of Avro files by single-object encoding, rows not at all.</param>
public sealed record ProduceRequest(
    string Topic, IReadOnlyList<string> Inputs, RowMapping? Mapping, int RecordsPerSecond, IdentifierKind? KeyKind, int RecordBytesMax,
    AvroProduction? Avro = null);

/// <summary>
/// What was published, by earlier runs of the same production too. Refused rows could not be mapped or are too long; skipped ones the
/// mapping leaves out. Seconds and rate are of this run.
/// </summary>
public sealed record ProduceResult(long Records, long Refused, long Skipped, double Seconds, double RecordsPerSecond)
{
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public string ToJson() => JsonSerializer.Serialize(this, Snake);

    public string ToText(string topic) => string.Create(CultureInfo.InvariantCulture,
        $"{Records:N0} records to topic {topic} in {Seconds:N1} s ({RecordsPerSecond:N0}/s)"
        + $"; {Refused:N0} rows refused, {Skipped:N0} skipped");
}

/// <summary>
/// Publishes the records of files, in order, as they are or as Avro. Rows that cannot become a record are set aside and counted.
/// </summary>
/// <param name="publisher">Takes the records; null where <paramref name="notes"/> does.</param>
/// <param name="notes">Records go with notes of how far it has come, from where an earlier run was; null: from the start, without.</param>
/// <param name="rejects">Takes the refused rows; null: they are only counted and shown.</param>
/// <param name="warn">Is told of the first refused rows, with file and line.</param>
public sealed class ProduceJob(
    ProduceRequest request, KafkaPublisher? publisher, IDeadLetterSink? rejects, TimeProvider time, Action<string> warn,
    ProduceNotes? notes = null)
{
    private const int RecordsPerTurn = 512, RecordsPerNote = 20_000;
    private static readonly TimeSpan NoteInterval = TimeSpan.FromSeconds(1);
    private const int RefusalsShown = 5;
    private readonly byte[]? _keyKind = request.KeyKind is { } kind ? Encoding.UTF8.GetBytes(kind.Word()) : null;
    private readonly AvroProduction _avro = request.Avro ?? AvroProduction.OfFiles(new EventLimits());
    private readonly List<DeadLetter> _letters = [];
    private readonly ProgressLine _progress = new(time);
    private long _records, _refused, _skipped, _rows, _notedRows, _before;
    private long _notedAt = time.GetTimestamp();
    private int _file;

    /// <summary>So far; may be asked after a stop.</summary>
    public ProduceResult Result(TimeSpan elapsed)
    {
        var seconds = Math.Round(elapsed.TotalSeconds, 3);
        var rate = seconds > 0 ? Math.Round((_records - _before) / seconds) : 0;
        return new ProduceResult(_records, _refused, _skipped, seconds, rate);
    }

    /// <summary>Returns when every record is acknowledged.</summary>
    /// <exception cref="StoreUnavailableException">Kafka did not take a record.</exception>
    /// <exception cref="InvalidDataException">A file cannot be read or unpacked.</exception>
    public async Task<ProduceResult> RunAsync(CancellationToken cancel)
    {
        if (notes?.Last is { } last) (_file, _records, _refused, _skipped) = (last.File, last.Records, last.Refused, last.Skipped);
        _before = _records;
        var pace = new Pace(request.RecordsPerSecond, time);
        try
        {
            await (notes?.CreateMissingAsync(request.Topic) ?? publisher!.CreateMissingAsync(request.Topic));
            for (; _file < request.Inputs.Count; _file++) await PublishFileAsync(request.Inputs[_file], pace, cancel);
            publisher?.Flush(cancel);
            if (notes is { Last.IsDone: false }) Note(isDone: true);
        }
        finally
        {
            _progress.Close();
        }
        return Result(pace.Elapsed);
    }

    private async Task PublishFileAsync(string path, Pace pace, CancellationToken cancel)
    {
        var partition = new SourcePartition(Guid.Empty, Path.GetFileName(path), 0);
        using var records = new FileRecords(path, request.RecordBytesMax, request.Mapping, _avro.Schemas);
        _rows = 0;
        if (notes is not null && notes.Last.File == _file) PassOver(records, notes.Last.Rows, cancel);
        var more = true;
        while (more)
        {
            await pace.WaitAsync(_records - _before, cancel);
            more = PublishTurn(records, path, partition, Math.Min(RecordsPerTurn, pace.Allowed - (_records - _before)));
            if (_letters.Count > 0) await WriteLettersAsync(cancel);
            if (more && notes is not null && IsNoteDue()) Note(isDone: false);
            _progress.Tick(() => Result(pace.Elapsed).ToText(request.Topic));
        }
        _skipped += records.Skipped;
    }

    // What an earlier run has published is read and passed over.
    private void PassOver(FileRecords records, long rows, CancellationToken cancel)
    {
        for (; _rows < rows && records.TryRead(out _); _rows++)
            if (_rows % RecordsPerNote == 0) cancel.ThrowIfCancellationRequested();
    }

    private bool IsNoteDue() => _rows - _notedRows >= RecordsPerNote || time.GetElapsedTime(_notedAt) >= NoteInterval;

    private void Note(bool isDone)
    {
        notes!.Commit(new ProduceNote(notes.Last.Inputs, _file, isDone ? 0 : _rows, _records, _refused, _skipped, isDone));
        (_notedRows, _notedAt) = (_rows, time.GetTimestamp());
    }

    private bool PublishTurn(FileRecords records, string path, SourcePartition partition, long count)
    {
        for (var i = 0; i < count; i++)
        {
            if (!records.TryRead(out var record)) return false;
            _rows++;
            var refusal = record.Refusal ?? (record.IsCut ? $"the row is longer than {request.RecordBytesMax} bytes" : null);
            if (refusal is not null)
            {
                Refuse(in record, refusal, path, partition);
                continue;
            }
            if (_avro.RowsToo || records.SchemaText is not null)
            {
                PublishAvro(in record, path, partition);
                continue;
            }
            Publish(RecordKey.Of(record.Value, _keyKind), record.Value.ToArray());
        }
        return true;
    }

    private void Publish(byte[]? key, byte[] value)
    {
        if (notes is null) publisher!.Publish(request.Topic, key, value);
        else notes.Publish(request.Topic, key, value);
        _records++;
    }

    private void PublishAvro(in FileRecord record, string path, SourcePartition partition)
    {
        _avro.Read(record.Value);
        foreach (var reject in _avro.Events.Rejects) Refuse(in record, reject.Detail, path, partition);
        foreach (ref readonly var e in _avro.Events.Events) Publish(_avro.KeyOf(in e, request.KeyKind), _avro.ValueOf(in e));
    }

    private void Refuse(in FileRecord record, string reason, string path, SourcePartition partition)
    {
        if (_refused++ < RefusalsShown)
        {
            _progress.Close();
            warn($"{path}:{record.Line + 1}: {reason}");
        }
        if (rejects is null) return;
        var position = new SourcePosition(partition, record.Line, -1);
        var why = record.IsCut ? RejectReason.TooLarge : RejectReason.NotDecodable;
        _letters.Add(new DeadLetter(position, -1, why, reason, record.Row.ToArray()));
    }

    private async Task WriteLettersAsync(CancellationToken cancel)
    {
        await rejects!.WriteAsync(_letters, cancel);
        _letters.Clear();
    }
}
