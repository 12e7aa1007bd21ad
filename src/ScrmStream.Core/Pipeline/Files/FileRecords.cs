using System.Buffers;
using ScrmStream.Events.Avro;

namespace ScrmStream.Pipeline.Files;

/// <summary>One record of a file. Its spans last until the next one is read.</summary>
public readonly ref struct FileRecord
{
    /// <summary>Number of the line on which it starts; the file's first line is 0. Of an Avro file the record's place.</summary>
    public long Line { get; init; }

    /// <summary>The row as it stands in the file.</summary>
    public ReadOnlySpan<byte> Row { get; init; }

    /// <summary>The record's value: the row, or what a mapping made of it; empty when it was refused.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>The row is longer than allowed and only its beginning is here.</summary>
    public bool IsCut { get; init; }

    /// <summary>Why there is no value; null when there is one.</summary>
    public string? Refusal { get; init; }
}

/// <summary>
/// The records of one file: its rows as they are, or what a mapping makes of them; of an Avro file its data, each with the frame of
/// single-object encoding. Used by one thread.
/// </summary>
public sealed class FileRecords : IDisposable
{
    private readonly AvroContainer? _container;
    private readonly RowReader _rows = null!;
    private readonly RowTransform? _transform;
    private readonly ArrayBufferWriter<byte> _value = new(1024);
    private readonly int _recordBytesMax;

    /// <param name="mapping">Null: rows are records.</param>
    /// <param name="schemas">Takes the schema of an Avro file.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="InvalidDataException">It is an Avro file that cannot be read, or whose records are no events.</exception>
    public FileRecords(string path, int recordBytesMax, RowMapping? mapping, SchemaCatalog schemas)
    {
        _recordBytesMax = recordBytesMax;
        if (AvroContainer.IsOne(path))
        {
            if (mapping is not null) throw new InvalidDataException($"{path} is an Avro file; a mapping is for rows of CSV or NDJSON");
            _container = new AvroContainer(path, schemas);
            return;
        }
        _rows = new RowReader(path, recordBytesMax, mapping?.QuotedLineBreaks ?? false);
        _transform = mapping?.Open(path);
    }

    /// <summary>Rows left out on purpose so far.</summary>
    public long Skipped { get; private set; }

    /// <summary>The schema of an Avro file; null: it is none.</summary>
    public string? SchemaText => _container?.SchemaText;

    /// <exception cref="InvalidDataException">The file cannot be read or unpacked.</exception>
    public bool TryRead(out FileRecord record) => _container is null ? TryReadRow(out record) : TryReadDatum(_container, out record);

    private bool TryReadDatum(AvroContainer container, out FileRecord record)
    {
        record = default;
        if (!container.TryRead(out var value)) return false;
        var isCut = value.Length > _recordBytesMax;
        if (isCut) value = value[..(_recordBytesMax + 1)];
        record = new FileRecord { Line = container.Number, Row = value, Value = value, IsCut = isCut };
        return true;
    }

    private bool TryReadRow(out FileRecord record)
    {
        while (_rows.TryRead(out var row))
        {
            if (_transform is null)
            {
                record = new FileRecord { Line = _rows.Line, Row = row, Value = row, IsCut = _rows.IsCut };
                return true;
            }
            _value.ResetWrittenCount();
            string? reason = null;
            var result = _rows.IsCut ? RowResult.Refused : _transform(row, _value, out reason);
            if (result == RowResult.Skipped) Skipped++;
            if (result is RowResult.Skipped or RowResult.Header) continue;
            record = result == RowResult.Mapped
                ? new FileRecord { Line = _rows.Line, Row = row, Value = _value.WrittenSpan }
                : Refuse(row, reason ?? $"the row is longer than {_recordBytesMax} bytes");
            return true;
        }
        record = default;
        return false;
    }

    public void Dispose()
    {
        _container?.Dispose();
        _rows?.Dispose();
    }

    private FileRecord Refuse(ReadOnlySpan<byte> row, string reason) =>
        new() { Line = _rows.Line, Row = row, IsCut = _rows.IsCut, Refusal = reason };
}
