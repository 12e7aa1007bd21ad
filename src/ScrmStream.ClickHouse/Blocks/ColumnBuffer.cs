using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace ScrmStream.ClickHouse.Blocks;

/// <summary>Values of one column, one behind the other, in a pooled array that grows. One thread; dispose gives it back.</summary>
internal sealed class ColumnBuffer : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private int _length;

    public int Length => _length;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Byte(byte value) => Room(1)[0] = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Room(2), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Room(4), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Room(8), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void UInt128(UInt128 value) => BinaryPrimitives.WriteUInt128LittleEndian(Room(16), value);

    /// <summary>A UUID is two little-endian halves, the higher one first.</summary>
    public void Uuid(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        Int64(BinaryPrimitives.ReadInt64BigEndian(bytes));
        Int64(BinaryPrimitives.ReadInt64BigEndian(bytes[8..]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Text(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length < 0x80)
        {
            var room = Room(1 + utf8.Length);
            room[0] = (byte)utf8.Length;
            utf8.CopyTo(room[1..]);
            return;
        }
        LongText(utf8);
    }

    public void Text(string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        Count(length);
        Encoding.UTF8.GetBytes(value, Room(length));
    }

    /// <summary>A length or count: seven bits a byte, the lowest first.</summary>
    public void Count(int value)
    {
        var rest = (uint)value;
        for (; rest >= 0x80; rest >>= 7) Byte((byte)(rest | 0x80));
        Byte((byte)rest);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _length = 0;
    }

    private void LongText(ReadOnlySpan<byte> utf8)
    {
        Count(utf8.Length);
        utf8.CopyTo(Room(utf8.Length));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes) Grow(bytes);
        var room = _bytes.AsSpan(_length, bytes);
        _length += bytes;
        return room;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int bytes)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + bytes, _bytes.Length * 2));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
