using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using Snappier;
using ZstdSharp;

namespace ScrmStream.Pipeline.Files;

/// <summary>
/// Reads the records of an Avro object container file, each with the frame of single-object encoding in front, so that it is a record like
/// one from a topic. The file's schema goes into the catalog. Codecs: null, deflate, snappy, zstandard. Used by one thread.
/// </summary>
internal sealed class AvroContainer : IDisposable
{
    private const int FrameBytes = 10, SyncBytes = 16;
    // A block is in memory as a whole, packed and unpacked.
    private const int BlockBytesMax = 64 * 1024 * 1024;
    private const int DepthMax = 64;
    private readonly string _path;
    private readonly BufferedStream _stream;
    private readonly AvroSkipper _skipper = new(DepthMax);
    private readonly AvroPlan _plan;
    private readonly string _codec;
    private readonly byte[] _sync = new byte[SyncBytes];
    private byte[] _packed = [];
    // The frame of a datum is written over the end of the one before it, which nobody needs any more; the block starts behind room
    // for one.
    private byte[] _block = new byte[FrameBytes];
    private int _at = FrameBytes, _end = FrameBytes;
    private long _left;

    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="InvalidDataException">It is damaged, its codec is not known, or its records are no events.</exception>
    public AvroContainer(string path, SchemaCatalog schemas)
    {
        _path = path;
        _stream = new BufferedStream(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0), 64 * 1024);
        try
        {
            var header = ReadHeader();
            _codec = header.TryGetValue("avro.codec", out var codec) ? Encoding.UTF8.GetString(codec) : "null";
            if (_codec is not ("null" or "deflate" or "snappy" or "zstandard")) throw Damaged($"its codec {_codec} is not read here");
            if (!header.TryGetValue("avro.schema", out var schema)) throw Damaged("it has no schema");
            SchemaText = Encoding.UTF8.GetString(schema);
            _plan = PlanOf(schemas);
        }
        catch
        {
            _stream.Dispose();
            throw;
        }
    }

    /// <summary>True when a file starts like one.</summary>
    public static bool IsOne(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        Span<byte> magic = stackalloc byte[4];
        return file.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("Obj\u0001"u8);
    }

    /// <summary>The writer's schema.</summary>
    public string SchemaText { get; }

    /// <summary>Place of the last record in the file; the first is 0.</summary>
    public long Number { get; private set; } = -1;

    /// <summary>
    /// Gives the next record with its frame, which lasts until the next call; false at the end of the file. Where a record cannot be told
    /// from the next one, the rest of its block is given as one record, and the decoder says what is wrong with it.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is damaged; the message names it and the record.</exception>
    public bool TryRead(out ReadOnlySpan<byte> record)
    {
        record = default;
        while (_left == 0)
        {
            if (!NextBlock()) return false;
        }
        Number++;
        var cursor = new AvroCursor(_block, new TextRange(_at, _end - _at));
        var isWhole = _skipper.TrySkip(_plan, _plan.SkipRoot, ref cursor);
        var length = (isWhole ? cursor.At : _end) - _at;
        // The last one takes what is left, so that bytes too many are not passed over in silence.
        if (!isWhole || --_left == 0) (length, _left) = (_end - _at, 0);
        SchemaRef.WriteSingleObject(_block.AsSpan(_at - FrameBytes), _plan.Fingerprint);
        record = _block.AsSpan(_at - FrameBytes, FrameBytes + length);
        _at += length;
        return true;
    }

    public void Dispose() => _stream.Dispose();

    private AvroPlan PlanOf(SchemaCatalog schemas)
    {
        try
        {
            schemas.TryGet(SchemaRef.OfFingerprint(schemas.Add(SchemaText)), out var entry);
            return entry.Plan ?? throw Damaged($"its records are no events: {entry.Refusal}");
        }
        catch (AvroSchemaException e)
        {
            throw Damaged(e.Message);
        }
    }

    private Dictionary<string, byte[]> ReadHeader()
    {
        if (!Encoding.ASCII.GetString(ReadBytes(4)).Equals("Obj\u0001", StringComparison.Ordinal)) throw Damaged("it is no Avro file");
        var header = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        for (var count = ReadLong(); count != 0; count = ReadLong())
        {
            if (count < 0) ReadLong();
            for (var i = Math.Abs(Math.Max(count, -1024)); i > 0; i--)
            {
                var name = Encoding.UTF8.GetString(ReadBytes(ReadLong()));
                header[name] = ReadBytes(ReadLong());
                if (header.Count > 1024) throw Damaged("its header has more than 1024 entries");
            }
        }
        ReadBytes(SyncBytes).CopyTo(_sync, 0);
        return header;
    }

    // False at the end of the file.
    private bool NextBlock()
    {
        var first = _stream.ReadByte();
        if (first < 0) return false;
        _left = ReadLong(first);
        var packedBytes = ReadLong();
        if (_left < 0) throw Damaged("a block has a negative number of records");
        if (packedBytes is < 0 or > BlockBytesMax) throw Damaged($"a block says it has {packedBytes} bytes, limit {BlockBytesMax}");
        if (_codec == "null")
        {
            Room((int)packedBytes);
            Fill(_block.AsSpan(FrameBytes, (int)packedBytes));
            _end = FrameBytes + (int)packedBytes;
        }
        else
        {
            if (_packed.Length < packedBytes) _packed = new byte[packedBytes];
            Fill(_packed.AsSpan(0, (int)packedBytes));
            _end = FrameBytes + Unpack((int)packedBytes);
        }
        _at = FrameBytes;
        if (!ReadBytes(SyncBytes).AsSpan().SequenceEqual(_sync)) throw Damaged("a block does not end with the file's mark");
        if (_left > 0 && _left > Math.Max(1, _end - _at)) throw Damaged($"a block of {_end - _at} bytes says it has {_left} records");
        return true;
    }

    private int Unpack(int packedBytes)
    {
        var packed = _packed.AsSpan(0, packedBytes);
        try
        {
            return _codec switch
            {
                "deflate" => Inflate(packedBytes),
                "snappy" => Unsnap(packed),
                _ => Unzstd(packed),
            };
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or ArgumentException)
        {
            throw Damaged(e.Message);
        }
    }

    private int Inflate(int packedBytes)
    {
        using var inflate = new DeflateStream(new MemoryStream(_packed, 0, packedBytes, writable: false), CompressionMode.Decompress);
        for (var length = 0; ;)
        {
            if (FrameBytes + length == _block.Length) Room(Math.Max(64 * 1024, length * 2));
            var read = inflate.Read(_block.AsSpan(FrameBytes + length));
            if (read == 0) return length;
            length += read;
        }
    }

    // Four bytes of CRC-32 stand behind the block.
    private int Unsnap(ReadOnlySpan<byte> packed)
    {
        if (packed.Length < 4) throw new InvalidDataException("a snappy block is cut off");
        var length = Snappy.GetUncompressedLength(packed[..^4]);
        Room(length);
        var written = Snappy.Decompress(packed[..^4], _block.AsSpan(FrameBytes, length));
        if (Crc32.Of(_block.AsSpan(FrameBytes, written)) != BinaryPrimitives.ReadUInt32BigEndian(packed[^4..]))
            throw new InvalidDataException("the checksum of a snappy block is wrong");
        return written;
    }

    private int Unzstd(ReadOnlySpan<byte> packed)
    {
        using var decompressor = new Decompressor();
        var length = Decompressor.GetDecompressedSize(packed);
        Room((int)Math.Min(length, int.MaxValue));
        return decompressor.Unwrap(packed, _block.AsSpan(FrameBytes));
    }

    private void Room(int bytes)
    {
        if (bytes is < 0 or > BlockBytesMax) throw new InvalidDataException($"a block takes more than {BlockBytesMax} bytes unpacked");
        if (_block.Length < FrameBytes + bytes) Array.Resize(ref _block, FrameBytes + bytes);
    }

    private byte[] ReadBytes(long length)
    {
        if (length is < 0 or > AvroSchemaReader.TextBytesMax) throw Damaged($"a part of its header says it has {length} bytes");
        var bytes = new byte[length];
        Fill(bytes);
        return bytes;
    }

    private void Fill(Span<byte> target)
    {
        if (_stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false) < target.Length) throw Damaged("it is cut off");
    }

    private long ReadLong() => ReadLong(_stream.ReadByte());

    private long ReadLong(int first)
    {
        ulong zigzag = 0;
        var next = first;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (next < 0) throw Damaged("it is cut off");
            zigzag |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
            next = _stream.ReadByte();
        }
        throw Damaged("a number has more than ten bytes");
    }

    private InvalidDataException Damaged(string why) => new($"{_path} cannot be read behind record {Number + 1}: {why}");
}
