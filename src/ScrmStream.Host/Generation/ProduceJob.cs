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

/// <summary>What was published. Refused rows could not be mapped or are too long; skipped ones the mapping leaves out.</summary>
public sealed record ProduceResult(long Records, long Refused, long Skipped, double Seconds, double RecordsPerSecond)
{
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public string ToJson() => JsonSerializer.Serialize(this, Snake);

    public string ToText(string topic) => string.Create(CultureInfo.InvariantCulture,
        $"{Records:N0} records to topic {topic} in {Seconds:N1} s ({RecordsPerSecond:N0}/s)"
        + $"; {Refused:N0} rows refused, {Skipped:N0} skipped");
}

/// <summary>Publishes the records of files, in order, as they are or as Avro. Rows that cannot become a record are set aside and counted.</summary>
/// <param name="rejects">Takes the refused rows; null: they are only counted and shown.</param>
/// <param name="warn">Is told of the first refused rows, with file and line.</param>
public sealed class ProduceJob(
    ProduceRequest request, KafkaPublisher publisher, IDeadLetterSink? rejects, TimeProvider time, Action<string> warn)
{
    private const int RecordsPerTurn = 512;
    private const int RefusalsShown = 5;
    private readonly byte[]? _keyKind = request.KeyKind is { } kind ? Encoding.UTF8.GetBytes(kind.Word()) : null;
    private readonly AvroProduction _avro = request.Avro ?? AvroProduction.OfFiles(new EventLimits());
    private readonly List<DeadLetter> _letters = [];
    private readonly ProgressLine _progress = new(time);
    private long _records, _refused, _skipped;

    /// <summary>So far; may be asked after a stop.</summary>
    public ProduceResult Result(TimeSpan elapsed)
    {
        var seconds = Math.Round(elapsed.TotalSeconds, 3);
        return new ProduceResult(_records, _refused, _skipped, seconds, seconds > 0 ? Math.Round(_records / seconds) : 0);
    }

    /// <summary>Returns when every record is acknowledged.</summary>
    /// <exception cref="StoreUnavailableException">Kafka did not take a record.</exception>
    /// <exception cref="InvalidDataException">A file cannot be read or unpacked.</exception>
    public async Task<ProduceResult> RunAsync(CancellationToken cancel)
    {
        var pace = new Pace(request.RecordsPerSecond, time);
        try
        {
            await publisher.CreateMissingAsync(request.Topic);
            foreach (var path in request.Inputs) await PublishFileAsync(path, pace, cancel);
            publisher.Flush(cancel);
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
        var more = true;
        while (more)
        {
            await pace.WaitAsync(_records, cancel);
            more = PublishTurn(records, path, partition, Math.Min(RecordsPerTurn, pace.Allowed - _records));
            if (_letters.Count > 0) await WriteLettersAsync(cancel);
            _progress.Tick(() => Result(pace.Elapsed).ToText(request.Topic));
        }
        _skipped += records.Skipped;
    }

    private bool PublishTurn(FileRecords records, string path, SourcePartition partition, long count)
    {
        for (var i = 0; i < count; i++)
        {
            if (!records.TryRead(out var record)) return false;
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
            publisher.Publish(request.Topic, RecordKey.Of(record.Value, _keyKind), record.Value.ToArray());
            _records++;
        }
        return true;
    }

    private void PublishAvro(in FileRecord record, string path, SourcePartition partition)
    {
        _avro.Read(record.Value);
        foreach (var reject in _avro.Events.Rejects) Refuse(in record, reject.Detail, path, partition);
        foreach (ref readonly var e in _avro.Events.Events)
        {
            publisher.Publish(request.Topic, _avro.KeyOf(in e, request.KeyKind), _avro.ValueOf(in e));
            _records++;
        }
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
