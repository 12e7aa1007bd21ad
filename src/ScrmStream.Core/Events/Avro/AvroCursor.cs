using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ScrmStream.Events.Avro;

/// <summary>A place in the bytes of one datum. Every read is checked against what is left; false means that the bytes are wrong.</summary>
internal ref struct AvroCursor
{
    private readonly ref readonly byte _first;
    private readonly int _length, _end;

    private int _at;

    /// <param name="buffer">What lies around the datum is looked at together with it, and never taken.</param>
    /// <param name="datum">Where the datum lies in the buffer.</param>
    public AvroCursor(ReadOnlySpan<byte> buffer, TextRange datum)
    {
        // The one check that all others stand on: the place is never before the first byte, nor behind the end.
        _ = buffer.Slice(datum.Start, datum.Length);
        _first = ref MemoryMarshal.GetReference(buffer);
        (_length, _at, _end) = (buffer.Length, datum.Start, datum.Start + datum.Length);
    }

    /// <summary>
    /// Where the next value begins, counted from the start of the buffer. Set it to where a cursor over the same datum stands.
    /// </summary>
    public int At
    {
        readonly get => _at;
        set => _at = value;
    }

    public readonly int Left => _end - _at;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryByte(out byte value)
    {
        value = 0;
        if (_at >= _end) return false;
        value = Unsafe.Add(ref Unsafe.AsRef(in _first), _at++);
        return true;
    }

    /// <summary>Passes the next byte when it is this one; false, and nothing is read, when it is another or there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPassByte(int value)
    {
        if (_at >= _end || Unsafe.Add(ref Unsafe.AsRef(in _first), _at) != value) return false;
        _at++;
        return true;
    }

    /// <summary>A zig-zag number of up to ten bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryLong(out long value)
    {
        if (_at < _end)
        {
            int first = Unsafe.Add(ref Unsafe.AsRef(in _first), _at);
            if (first < 0x80)
            {
                _at++;
                value = (first >> 1) ^ -(first & 1);
                return true;
            }
        }
        // Not the cursor itself, nor the caller's variable: what a call is shown by reference cannot stay in a register.
        var isNumber = TryLongSlow(Rest, out var length, out var number);
        _at += length;
        value = number;
        return isNumber;
    }

    public bool TryInt(out long value) => TryLong(out value) && value == (int)value;

    /// <summary>A length that what is left can hold, and as many bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(out TextRange taken)
    {
        var isLength = TryLong(out var length);
        taken = new TextRange(_at, (int)length);
        if (!isLength || (ulong)length > (ulong)(_end - _at)) return false;
        _at += (int)length;
        return true;
    }

    /// <summary>Whether bytes that were taken are UTF-8: 32 of them at once, of which those behind the text do not count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsUtf8(TextRange taken)
    {
        if (taken.Length <= Vector256<byte>.Count && taken.Start <= _length - Vector256<byte>.Count)
        {
            var notAscii = Vector256.LoadUnsafe(in _first, (nuint)taken.Start).ExtractMostSignificantBits();
            if ((notAscii & (uint)((1ul << taken.Length) - 1)) == 0) return true;
        }
        return IsOtherUtf8(in _first, taken);
    }

    public bool TryPass(long bytes)
    {
        if ((ulong)bytes > (ulong)Left) return false;
        _at += (int)bytes;
        return true;
    }

    public bool TryFloat(out double value)
    {
        var has = Left >= 4;
        value = has ? BinaryPrimitives.ReadSingleLittleEndian(Rest) : 0;
        _at += has ? 4 : 0;
        return has;
    }

    public bool TryDouble(out double value)
    {
        var has = Left >= 8;
        value = has ? BinaryPrimitives.ReadDoubleLittleEndian(Rest) : 0;
        _at += has ? 8 : 0;
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

    private readonly ReadOnlySpan<byte> Rest
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateReadOnlySpan(in Unsafe.Add(ref Unsafe.AsRef(in _first), _at), _end - _at);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsOtherUtf8(ref readonly byte first, TextRange taken) =>
        Utf8Text.IsValid(MemoryMarshal.CreateReadOnlySpan(in Unsafe.Add(ref Unsafe.AsRef(in first), taken.Start), taken.Length));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryLongSlow(ReadOnlySpan<byte> rest, out int length, out long value)
    {
        if (rest.Length >= 8 && TryLongAtOnce(rest, out length, out value)) return true;
        ulong zigzag = 0;
        length = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (length >= rest.Length) break;
            var b = rest[length++];
            zigzag |= (ulong)(b & 0x7f) << shift;
            if (b >= 0x80) continue;
            value = (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
            // Of the tenth byte one bit is left.
            return shift < 63 || b <= 1;
        }
        value = 0;
        return false;
    }

    // A number of up to eight bytes: the first byte without its high bit is the last, then sevens are joined to 14, 28 and 56 bits.
    private static bool TryLongAtOnce(ReadOnlySpan<byte> bytes, out int length, out long value)
    {
        var eight = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
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
