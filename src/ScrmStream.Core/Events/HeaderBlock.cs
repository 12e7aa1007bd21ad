using System.Buffers;
using System.Buffers.Binary;

namespace ScrmStream.Events;

/// <summary>
/// A record's headers as one run of bytes, in their order: for each the length of its name, the name, the length of its value (-1: it has
/// none), the value. Lengths are 32 bits, little-endian.
/// </summary>
public static class HeaderBlock
{
    public static void Append(IBufferWriter<byte> block, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool hasValue = true)
    {
        WriteLength(block, name.Length);
        block.Write(name);
        WriteLength(block, hasValue ? value.Length : -1);
        block.Write(value);
    }

    /// <summary>Takes the first header off the block; false at its end.</summary>
    /// <param name="value">Null: it has none.</param>
    public static bool TryTake(ref ReadOnlyMemory<byte> block, out ReadOnlyMemory<byte> name, out ReadOnlyMemory<byte>? value)
    {
        (name, value) = (default, null);
        if (block.IsEmpty) return false;
        var length = BinaryPrimitives.ReadInt32LittleEndian(block.Span);
        name = block.Slice(4, length);
        block = block[(4 + length)..];
        length = BinaryPrimitives.ReadInt32LittleEndian(block.Span);
        if (length >= 0) value = block.Slice(4, length);
        block = block[(4 + Math.Max(length, 0))..];
        return true;
    }

    private static void WriteLength(IBufferWriter<byte> block, int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(block.GetSpan(4), length);
        block.Advance(4);
    }
}
