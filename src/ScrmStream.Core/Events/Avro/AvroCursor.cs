using System.Buffers.Binary;
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
        return TryLongSlow(out value);
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

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryLongSlow(out long value)
    {
        ulong zigzag = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if ((uint)At >= (uint)_bytes.Length) break;
            var b = _bytes[At++];
            zigzag |= (ulong)(b & 0x7f) << shift;
            if (b >= 0x80) continue;
            value = (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
            // Of the tenth byte one bit is left.
            return shift < 63 || b <= 1;
        }
        value = 0;
        return false;
    }
}
