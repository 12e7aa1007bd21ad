using System.Buffers.Binary;

namespace ScrmStream.Pipeline;

/// <summary>A range in a <see cref="ByteArena"/>.</summary>
public readonly record struct ArenaRange(int Start, int Length);

/// <summary>One growing buffer for the many small values of a flush; cleared and reused, so that a value costs no object.</summary>
public sealed class ByteArena
{
    private byte[] _bytes = new byte[64 * 1024];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> this[ArenaRange range] => _bytes.AsSpan(range.Start, range.Length);

    public ReadOnlyMemory<byte> Memory(ArenaRange range) => _bytes.AsMemory(range.Start, range.Length);

    public ArenaRange Add(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Append(value.Length));
        return new ArenaRange(Length - value.Length, value.Length);
    }

    /// <summary>Writable room at the end; valid until the next append.</summary>
    public Span<byte> Append(int length)
    {
        if (Length + length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(Length + length, _bytes.Length * 2));
        Length += length;
        return _bytes.AsSpan(Length - length, length);
    }

    /// <summary>Appends one field of a field list: u16 name length, name, u16 value length, value.</summary>
    public void AddField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var room = Append(4 + name.Length + value.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(room, checked((ushort)name.Length));
        name.CopyTo(room[2..]);
        BinaryPrimitives.WriteUInt16LittleEndian(room[(2 + name.Length)..], checked((ushort)value.Length));
        value.CopyTo(room[(4 + name.Length)..]);
    }

    /// <summary>Everything since <paramref name="start"/> (a <see cref="Length"/> noted before).</summary>
    public ArenaRange Since(int start) => new(start, Length - start);

    public void Clear() => Length = 0;
}

/// <summary>Walks a field list written by <see cref="ByteArena.AddField"/>.</summary>
public ref struct FieldReader(ReadOnlySpan<byte> fields)
{
    private ReadOnlySpan<byte> _rest = fields;

    public ReadOnlySpan<byte> Name { get; private set; }
    public ReadOnlySpan<byte> Value { get; private set; }

    public bool Read()
    {
        if (_rest.IsEmpty) return false;
        Name = Take();
        Value = Take();
        return true;
    }

    private ReadOnlySpan<byte> Take()
    {
        int length = BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        var taken = _rest.Slice(2, length);
        _rest = _rest[(2 + length)..];
        return taken;
    }
}
