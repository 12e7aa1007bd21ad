using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace ScrmStream.Events.Avro;

/// <summary>A place in the bytes of one datum. Every read is checked against what is left; false means that the bytes are wrong.</summary>
internal ref struct AvroCursor(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    public int At;

    public readonly int Left => _bytes.Length - At;

    public readonly ReadOnlySpan<byte> Last(int length) => _bytes.Slice(At - length, length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryByte(out byte value)
    {
        if ((uint)At >= (uint)_bytes.Length)
        {
            value = 0;
            return false;
        }
        value = _bytes[At++];
        return true;
    }

    /// <summary>A zig-zag number of up to ten bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryLong(out long value)
    {
        var at = At;
        if ((uint)at < (uint)_bytes.Length && _bytes[at] < 0x80)
        {
            At = at + 1;
            value = (_bytes[at] >> 1) ^ -(_bytes[at] & 1);
            return true;
        }
        return TryLong(_bytes, at, out At, out value);
    }

    public bool TryInt(out long value) => TryLong(out value) && value == (int)value;

    /// <summary>A length that what is left can hold; the cursor is set behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(out int start, out int length)
    {
        var isLength = TryLong(out var value);
        start = At;
        length = (int)value;
        if (!isLength || (ulong)value > (ulong)(_bytes.Length - At)) return false;
        At += length;
        return true;
    }

    public bool TryPass(long bytes)
    {
        if ((ulong)bytes > (ulong)Left) return false;
        At += (int)bytes;
        return true;
    }

    public bool TryFloat(out double value)
    {
        var has = Left >= 4;
        value = has ? BinaryPrimitives.ReadSingleLittleEndian(_bytes[At..]) : 0;
        At += has ? 4 : 0;
        return has;
    }

    public bool TryDouble(out double value)
    {
        var has = Left >= 8;
        value = has ? BinaryPrimitives.ReadDoubleLittleEndian(_bytes[At..]) : 0;
        At += has ? 8 : 0;
        return has;
    }

    /// <summary>
    /// The number of items of the next block, 0 at the end. Items of no bytes may be as many as they like, so the caller bounds them.
    /// </summary>
    /// <param name="bytesMin">No item is shorter.</param>
    /// <param name="bytes">What the block says it takes; -1: it does not say.</param>
    public bool TryBlock(int bytesMin, out long count, out long bytes)
    {
        bytes = -1;
        if (!TryLong(out count)) return false;
        if (count < 0)
        {
            // The negative of the least number is itself.
            count = -count;
            if (count < 0 || !TryLong(out bytes) || (ulong)bytes > (ulong)Left) return false;
        }
        return bytesMin == 0 || count <= Left / bytesMin;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryLong(ReadOnlySpan<byte> bytes, int at, out int end, out long value)
    {
        // Not the cursor itself: what a call is shown by reference cannot stay in a register.
        var isNumber = TryLongSlow(bytes, at, out var behind, out var number);
        (end, value) = (behind, number);
        return isNumber;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryLongSlow(ReadOnlySpan<byte> bytes, int at, out int end, out long value)
    {
        if (at <= bytes.Length - 8 && TryLongAtOnce(bytes, at, out var length, out value))
        {
            end = at + length;
            return true;
        }
        ulong zigzag = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if ((uint)at >= (uint)bytes.Length) break;
            var b = bytes[at++];
            zigzag |= (ulong)(b & 0x7f) << shift;
            if (b >= 0x80) continue;
            (end, value) = (at, (long)(zigzag >> 1) ^ -(long)(zigzag & 1));
            // Of the tenth byte one bit is left.
            return shift < 63 || b <= 1;
        }
        (end, value) = (at, 0);
        return false;
    }

    // A number of up to eight bytes: the first byte without its high bit is the last, then sevens are joined to 14, 28 and 56 bits.
    private static bool TryLongAtOnce(ReadOnlySpan<byte> bytes, int at, out int length, out long value)
    {
        var eight = BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
        var ends = ~eight & 0x8080_8080_8080_8080;
        eight &= ends ^ (ends - 1);
        eight = (eight & 0x007f_007f_007f_007f) | ((eight & 0x7f00_7f00_7f00_7f00) >> 1);
        eight = (eight & 0x0000_3fff_0000_3fff) | ((eight & 0x3fff_0000_3fff_0000) >> 2);
        eight = (eight & 0x0000_0000_0fff_ffff) | ((eight & 0x0fff_ffff_0000_0000) >> 4);
        length = (BitOperations.TrailingZeroCount(ends) >> 3) + 1;
        value = (long)(eight >> 1) ^ -(long)(eight & 1);
        return ends != 0;
    }
}
