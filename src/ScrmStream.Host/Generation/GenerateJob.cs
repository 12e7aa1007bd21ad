using System.Globalization;
using System.IO.Compression;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Generation;

/// <summary>What a generation made.</summary>
public sealed record GenerateResult(long Records, long Events, TimeSpan Elapsed)
{
    public string ToText(string target)
    {
        var seconds = Math.Max(Elapsed.TotalSeconds, 0.001);
        return string.Create(CultureInfo.InvariantCulture,
            $"{Events:N0} events in {Records:N0} records to {target} in {seconds:N1} s ({Events / seconds:N0} events/s)");
    }
}

/// <summary>Sends what a generator makes to a topic or into a file.</summary>
public sealed class GenerateJob(PetShopGenerator generator, TimeProvider time)
{
    private const int RecordsPerTurn = 512;
    private readonly ProgressLine _progress = new(time);
    private long _records, _events;

    /// <summary>Returns when every record is acknowledged.</summary>
    /// <param name="recordsPerSecond">0: as fast as it goes.</param>
    /// <exception cref="StoreUnavailableException">Kafka did not take a record.</exception>
    public async Task<GenerateResult> PublishAsync(KafkaPublisher publisher, string topic, int recordsPerSecond, CancellationToken cancel)
    {
        var pace = new Pace(recordsPerSecond, time);
        await publisher.CreateMissingAsync(topic);
        try
        {
            foreach (var record in generator.Records())
            {
                publisher.Publish(topic, record.Key.ToArray(), record.Value.ToArray());
                Count(in record);
                if (recordsPerSecond > 0 || _records % RecordsPerTurn == 0) await pace.WaitAsync(_records, cancel);
                if (_records % RecordsPerTurn == 0) _progress.Tick(() => Result(pace.Elapsed).ToText(topic));
            }
            publisher.Flush(cancel);
        }
        finally
        {
            _progress.Close();
        }
        return Result(pace.Elapsed);
    }

    /// <summary>Writes NDJSON, packed when the name ends in .gz. The file is made anew.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public async Task<GenerateResult> WriteAsync(string path, CancellationToken cancel)
    {
        var pace = new Pace(0, time);
        var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 256 * 1024);
        var isPacked = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        await using (var stream = isPacked ? new GZipStream(file, CompressionLevel.Fastest) : (Stream)file)
        {
            foreach (var record in generator.Records())
            {
                stream.Write(record.Value.Span);
                stream.Write("\n"u8);
                Count(in record);
                if (_records % RecordsPerTurn != 0) continue;
                cancel.ThrowIfCancellationRequested();
                _progress.Tick(() => Result(pace.Elapsed).ToText(path));
            }
        }
        _progress.Close();
        return Result(pace.Elapsed);
    }

    private void Count(in GeneratedRecord record)
    {
        _records++;
        _events += record.Events;
    }

    private GenerateResult Result(TimeSpan elapsed) => new(_records, _events, elapsed);
}
