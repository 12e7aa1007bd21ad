using System.IO.Compression;

namespace ScrmStream.Pipeline.Files;

/// <summary>
/// Reads a file row by row: lines, or with <c>quotedLineBreaks</c> rows whose quoted fields may hold line breaks. A name that ends
/// in <c>.gz</c> is unpacked. Empty lines are passed over, a byte order mark and the carriage return before a line feed dropped.
/// Memory is bounded by the longest row allowed. Used by one thread.
/// </summary>
public sealed class RowReader : IDisposable
{
    private const int ReadBytes = 64 * 1024;
    private readonly Stream _stream;
    private readonly bool _isPacked;
    private readonly string _path;
    private readonly int _rowBytesMax;
    private readonly bool _quotedLineBreaks;
    private byte[] _buffer = new byte[ReadBytes];
    private int _start, _end, _scanned;
    private long _nextLine, _unpackedBytes;
    private bool _inQuotes, _atEnd, _begun;

    /// <param name="rowBytesMax">A longer row is cut, see <see cref="IsCut"/>.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public RowReader(string path, int rowBytesMax, bool quotedLineBreaks)
    {
        _path = path;
        _rowBytesMax = rowBytesMax;
        _quotedLineBreaks = quotedLineBreaks;
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
        _isPacked = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        _stream = _isPacked ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    /// <summary>Number of the line on which the last row starts; the file's first line is 0.</summary>
    public long Line { get; private set; }

    /// <summary>The last row is longer than allowed: only its first bytes, one more than allowed, were given.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Gives the next row, which lasts until the next call; false at the end of the file.</summary>
    /// <exception cref="InvalidDataException">The file cannot be read or unpacked; the message names it and the line.</exception>
    public bool TryRead(out ReadOnlySpan<byte> row)
    {
        while (TryReadLine(out row))
        {
            if (!row.IsEmpty) return true;
        }
        return false;
    }

    public void Dispose() => _stream.Dispose();

    private bool TryReadLine(out ReadOnlySpan<byte> row)
    {
        Line = _nextLine;
        IsCut = false;
        _inQuotes = false;
        _scanned = _start;
        while (true)
        {
            var lineBreak = FindBreak();
            if (lineBreak >= 0) return Take(lineBreak, lineBreak + 1, out row);
            if (_end - _start > _rowBytesMax) return TakeCut(out row);
            if (_atEnd) return Take(_end, _end, out row);
            Fill();
        }
    }

    // Position of the line feed that ends the row, or -1 when it is not in the buffer.
    private int FindBreak()
    {
        while (_scanned < _end)
        {
            var rest = _buffer.AsSpan(_scanned, _end - _scanned);
            var at = _quotedLineBreaks ? rest.IndexOfAny((byte)'\n', (byte)'"') : rest.IndexOf((byte)'\n');
            if (at < 0) break;
            _scanned += at + 1;
            // Inside quotes a doubled quote toggles twice, so an odd count so far means that a line feed is part of a field.
            if (rest[at] == (byte)'"') _inQuotes = !_inQuotes;
            else if (_inQuotes) _nextLine++;
            else return _scanned - 1;
        }
        _scanned = _end;
        return -1;
    }

    private bool Take(int end, int next, out ReadOnlySpan<byte> row)
    {
        row = _buffer.AsSpan(_start, end - _start);
        var found = next > _start;
        _start = next;
        if (!found) return false;
        _nextLine++;
        if (!row.IsEmpty && row[^1] == (byte)'\r') row = row[..^1];
        if (row.Length <= _rowBytesMax) return true;
        row = row[..(_rowBytesMax + 1)];
        IsCut = true;
        return true;
    }

    // The row's kept bytes stay at the front of the buffer while the rest of it is read over. Quotes no longer count there:
    // one that nobody closed would take the remaining file with it.
    private bool TakeCut(out ReadOnlySpan<byte> row)
    {
        Compact();
        var kept = _rowBytesMax + 1;
        var from = kept;
        // The search for the end has looked further than the row is taken to go.
        _nextLine = Line + _buffer.AsSpan(0, kept).Count((byte)'\n');
        while (true)
        {
            var at = _buffer.AsSpan(from, _end - from).IndexOf((byte)'\n');
            if (at >= 0)
            {
                _start = from + at + 1;
                break;
            }
            _start = _end = from = kept;
            if (_atEnd) break;
            if (_buffer.Length < kept + ReadBytes) Array.Resize(ref _buffer, kept + ReadBytes);
            ReadMore();
        }
        row = _buffer.AsSpan(0, kept);
        _nextLine++;
        return IsCut = true;
    }

    private void Fill()
    {
        Compact();
        if (_end == _buffer.Length) Array.Resize(ref _buffer, (int)Math.Min(_buffer.Length * 2L, (long)_rowBytesMax + 1 + ReadBytes));
        ReadMore();
        if (_begun) return;
        if (_end < 3 && !_atEnd)
        {
            Fill();
            return;
        }
        _begun = true;
        if (_buffer.AsSpan(0, _end).StartsWith("\uFEFF"u8)) _start = _scanned = 3;
    }

    private void Compact()
    {
        if (_start == 0) return;
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _scanned -= _start;
        _start = 0;
    }

    private void ReadMore()
    {
        try
        {
            var read = _stream.Read(_buffer.AsSpan(_end));
            _end += read;
            _unpackedBytes += read;
            _atEnd = read == 0;
            if (_atEnd && _isPacked && !GzipEnd.IsWhole(_path, _unpackedBytes))
                throw new InvalidDataException("the packed file ends too early");
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new InvalidDataException($"{_path} cannot be read behind line {_nextLine + 1}: {e.Message}", e);
        }
    }
}
