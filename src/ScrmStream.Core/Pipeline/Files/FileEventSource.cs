using System.Buffers;
using System.Text;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Events.Avro;

namespace ScrmStream.Pipeline.Files;

/// <summary>
/// Reads files as a source of records: each file is a partition (topic = file name, or the path as given where two files share a
/// name; partition 0, no topic id), each row a record (offset = number of its first line, or the place in an Avro file; no
/// timestamp), file after file in the given order. A row that a mapping refuses is a record all the same, a JSON string of place,
/// reason and row, which the decoder rejects like any other bad record.
/// </summary>
public sealed class FileEventSource : IEventSource
{
    private const int RowInRefusalBytes = 4 * 1024;
    private readonly string[] _paths;
    private readonly SourcePartition[] _partitions;
    // Of each file the line that reading goes on with after Rewind.
    private readonly long[] _committed;
    private readonly int _recordBytesMax;
    private readonly RowMapping? _mapping;
    private readonly SchemaCatalog _schemas;
    private FileRecords? _file;
    private int _next;
    private bool _paused;

    /// <param name="paths">Read in this order.</param>
    /// <param name="limits">A longer row gives a record one byte over the limit, which the decoder rejects.</param>
    /// <param name="mapping">Null: rows are records.</param>
    /// <param name="schemas">Takes the schemas of Avro files; the decoder's own. Null: there are none but the canonical one.</param>
    /// <exception cref="ArgumentException">No file, or one is given twice: its second reading would pass for a repeat.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    public FileEventSource(IReadOnlyList<string> paths, EventLimits limits, RowMapping? mapping = null, SchemaCatalog? schemas = null)
    {
        if (paths.Count == 0) throw new ArgumentException("No input file is given.", nameof(paths));
        _paths = [.. paths];
        _recordBytesMax = limits.RecordBytesMax;
        _mapping = mapping;
        _schemas = schemas ?? new SchemaCatalog(limits);
        _partitions = Array.ConvertAll(_paths, path => new SourcePartition(Guid.Empty, TopicOf(path), 0));
        _committed = new long[_paths.Length];
        foreach (var path in _paths)
        {
            if (!File.Exists(path)) throw new FileNotFoundException($"There is no file {path}.", path);
        }
        var twice = _paths.GroupBy(Path.GetFullPath, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null) throw new ArgumentException($"The input file {twice.First()} is given twice.", nameof(paths));
    }

    /// <summary>Rows that the mapping left out on purpose.</summary>
    public long Skipped { get; private set; }

    /// <summary>Rows that the mapping refused.</summary>
    public long Refused { get; private set; }

    /// <summary>The first refused row's file, line and reason; null when there is none.</summary>
    public string? FirstRefusal { get; private set; }

    /// <summary>Unknown (-1) until everything is read.</summary>
    public long Lag => _next == _paths.Length && _file is null ? 0 : -1;

    public SourceState Poll(RecordBatch batch, TimeSpan timeout)
    {
        // Files never make a poll wait, so it needs no look at the clock: a batch is filled in milliseconds.
        while (!_paused && !batch.IsFull)
        {
            if (_file is null && !OpenNext()) return SourceState.Ended;
            if (!ReadOne(batch)) CloseFile();
        }
        return SourceState.Open;
    }

    /// <summary>Kept for <see cref="Rewind"/> only: another process reads the files from their start.</summary>
    public void Commit(IReadOnlyList<NextOffset> next)
    {
        foreach (var (partition, offset) in next)
            if (Array.IndexOf(_partitions, partition) is var file and >= 0) _committed[file] = Math.Max(_committed[file], offset);
    }

    public void Rewind()
    {
        _file?.Dispose();
        _file = null;
        _next = 0;
        // All rows come by again.
        (Skipped, Refused) = (0, 0);
    }

    public void Pause(bool paused) => _paused = paused;

    public ValueTask DisposeAsync()
    {
        _file?.Dispose();
        return ValueTask.CompletedTask;
    }

    private bool OpenNext()
    {
        if (_next == _paths.Length) return false;
        try
        {
            _file = new FileRecords(_paths[_next++], _recordBytesMax, _mapping, _schemas);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new StoreUnavailableException($"{_paths[_next - 1]} cannot be opened: {e.Message}", e);
        }
    }

    private void CloseFile()
    {
        Skipped += _file!.Skipped;
        _file.Dispose();
        _file = null;
    }

    private bool ReadOne(RecordBatch batch)
    {
        try
        {
            if (!_file!.TryRead(out var record)) return false;
            if (record.Line < _committed[_next - 1]) return true;
            var value = record.Refusal is null ? record.Value : RefusalValue(in record);
            batch.Add(_partitions[_next - 1], record.Line, -1, value);
            return true;
        }
        catch (InvalidDataException e)
        {
            throw new StoreUnavailableException(e.Message, e);
        }
    }

    private ReadOnlySpan<byte> RefusalValue(in FileRecord record)
    {
        var text = $"{_paths[_next - 1]}:{record.Line + 1}: {record.Refusal}";
        Refused++;
        FirstRefusal ??= text;
        var row = Encoding.UTF8.GetString(record.Row[..Math.Min(record.Row.Length, RowInRefusalBytes)]);
        var json = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(json);
        writer.WriteStringValue($"{text}; row: {row}");
        writer.Flush();
        return json.WrittenSpan;
    }

    private string TopicOf(string path)
    {
        var name = Path.GetFileName(path);
        return _paths.Count(p => Path.GetFileName(p) == name) == 1 ? name : path;
    }
}
