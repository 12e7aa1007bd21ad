using System.Buffers.Binary;
using System.Buffers.Text;
using ScrmStream.Pipeline;

namespace ScrmStream.Redis;

/// <summary>
/// Builds a whole hash in the form that <c>RESTORE</c> takes (RDB version 10, type "hash as listpack"), so that Redis takes over a
/// view with one copy instead of inserting a dozen fields. Redis 7.0 and later read it. One thread; reused for every view.
/// </summary>
internal sealed class HashPayload
{
    private const byte HashAsListpack = 16;
    private const ushort RdbVersion = 10;
    private const int ListpackAt = 6;              // type byte and a five-byte length
    private const int ListpackHeaderBytes = 6;     // u32 total bytes, u16 entries
    private const int LongestHeadBytes = 5;
    private const int LongestBackLengthBytes = 5;

    private byte[] _bytes = new byte[4096];
    private int[] _names = new int[64];            // where each name is: start and length
    private int _length;
    private int _entries;
    private ulong _namesSeen;

    public void Begin()
    {
        _length = ListpackAt + ListpackHeaderBytes;
        _entries = 0;
        _namesSeen = 0;
    }

    public bool IsEmpty => _entries == 0;

    /// <exception cref="ArgumentException">A name is there twice; Redis would not survive that.</exception>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        RefuseRepeatedName(name);
        AddText(name);
        AddEntry(value);
    }

    public void AddAll(ReadOnlySpan<byte> fieldList)
    {
        var fields = new FieldReader(fieldList);
        while (fields.Read()) Add(fields.Name, fields.Value);
    }

    /// <summary>The finished payload; valid until the next <see cref="Begin"/>.</summary>
    public ReadOnlySpan<byte> End()
    {
        Reserve(16);
        _bytes[_length++] = 0xFF;
        var listpack = _bytes.AsSpan(ListpackAt, _length - ListpackAt);
        BinaryPrimitives.WriteInt32LittleEndian(listpack, listpack.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(listpack[4..], (ushort)Math.Min(_entries, ushort.MaxValue));

        // Redis also takes short lengths in one or two bytes; the payload then starts later in the buffer.
        int start;
        if (listpack.Length < 64)
        {
            start = 4;
            _bytes[5] = (byte)listpack.Length;
        }
        else if (listpack.Length < 16_384)
        {
            start = 3;
            BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(4), (ushort)(0x4000 | listpack.Length));
        }
        else
        {
            start = 0;
            _bytes[1] = 0x80;
            BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(2), (uint)listpack.Length);
        }
        _bytes[start] = HashAsListpack;
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(_length), RdbVersion);
        _length += 2;
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(_length), Crc64.Of(_bytes.AsSpan(start, _length - start)));
        _length += 8;
        return _bytes.AsSpan(start, _length - start);
    }

    // A number is stored as a number, as Redis itself would: a Unix time takes 10 bytes instead of 15.
    private void AddEntry(ReadOnlySpan<byte> value)
    {
        if (!IsCanonicalNumber(value, out var number))
        {
            AddText(value);
            return;
        }
        Reserve(16);
        var room = _bytes.AsSpan(_length);
        int size;
        if (number is >= 0 and <= 127) { room[0] = (byte)number; size = 1; }
        else if (number is >= -4096 and <= 4095)
        {
            BinaryPrimitives.WriteUInt16BigEndian(room, (ushort)(0xC000 | (number & 0x1FFF)));
            size = 2;
        }
        else
        {
            // The low bytes of the number, as many as it needs.
            (room[0], size) = number switch
            {
                >= short.MinValue and <= short.MaxValue => ((byte)0xF1, 3),
                >= int.MinValue and <= int.MaxValue => ((byte)0xF3, 5),
                _ => ((byte)0xF4, 9),
            };
            BinaryPrimitives.WriteInt64LittleEndian(room[1..], number);
        }
        room[size] = (byte)size;
        _length += size + 1;
        _entries++;
    }

    private void AddText(ReadOnlySpan<byte> text)
    {
        Reserve(LongestHeadBytes + text.Length + LongestBackLengthBytes + 16);
        var room = _bytes.AsSpan(_length);
        int head;
        if (text.Length < 64) { room[0] = (byte)(0x80 | text.Length); head = 1; }
        else if (text.Length < 4096) { BinaryPrimitives.WriteUInt16BigEndian(room, (ushort)(0xE000 | text.Length)); head = 2; }
        else { room[0] = 0xF0; BinaryPrimitives.WriteInt32LittleEndian(room[1..], text.Length); head = 5; }
        text.CopyTo(room[head..]);
        var size = head + text.Length;
        _length += size + WriteBackLength(room[size..], size);
        _entries++;
    }

    // Read from its last byte backwards, seven bits a byte; all but the first byte in memory say that more follow. The limits are
    // Redis's own, one lower than they need to be: it finds the next entry by computing this size again.
    private static int WriteBackLength(Span<byte> room, int size)
    {
        var bytes = size <= 127 ? 1 : size < 16_383 ? 2 : size < 2_097_151 ? 3 : size < 268_435_455 ? 4 : 5;
        for (var i = bytes - 1; i >= 0; i--)
        {
            room[i] = (byte)((size & 0x7F) | (i == 0 ? 0 : 0x80));
            size >>= 7;
        }
        return bytes;
    }

    private static bool IsCanonicalNumber(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        if (text.Length is 0 or > 20 || text[0] > '9' || !Utf8Parser.TryParse(text, out number, out var used) || used != text.Length)
            return false;
        Span<byte> back = stackalloc byte[20];
        return Utf8Formatter.TryFormat(number, back, out var written) && back[..written].SequenceEqual(text);
    }

    private void RefuseRepeatedName(ReadOnlySpan<byte> name)
    {
        var fields = _entries / 2;
        if (fields * 2 + 2 > _names.Length) Array.Resize(ref _names, _names.Length * 2);
        var mark = 1UL << ((name.Length * 7 + (name.IsEmpty ? 0 : name[^1] * 5 + name[name.Length / 2])) & 63);
        if ((_namesSeen & mark) != 0)
        {
            for (var i = 0; i < fields; i++)
                if (_bytes.AsSpan(_names[2 * i], _names[2 * i + 1]).SequenceEqual(name))
                    throw new ArgumentException($"The field '{System.Text.Encoding.UTF8.GetString(name)}' is in one view twice.");
        }
        _namesSeen |= mark;
        _names[2 * fields] = _length + (name.Length < 64 ? 1 : name.Length < 4096 ? 2 : 5);
        _names[2 * fields + 1] = name.Length;
    }

    private void Reserve(int more)
    {
        if (_length + more > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_length + more, _bytes.Length * 2));
    }
}
