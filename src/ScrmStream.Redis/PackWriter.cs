using System.Buffers;
using System.Buffers.Binary;

namespace ScrmStream.Redis;

/// <summary>
/// Writes one flat MessagePack array of strings and small numbers, which a script takes apart with <c>cmsgpack.unpack</c>. One thread;
/// the buffer is rented and given back by <see cref="Dispose"/>.
/// </summary>
internal sealed class PackWriter : IDisposable
{
    private const int HeaderBytes = 5;
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(64 * 1024);
    private int _length = HeaderBytes;
    private uint _count;

    public int Length => _length;

    public void Add(ReadOnlySpan<byte> value)
    {
        var room = Open(5 + value.Length);
        int head;
        if (value.Length < 32) { room[0] = (byte)(0xa0 | value.Length); head = 1; }
        else if (value.Length < 256) { room[0] = 0xd9; room[1] = (byte)value.Length; head = 2; }
        else { room[0] = 0xdb; BinaryPrimitives.WriteUInt32BigEndian(room[1..], (uint)value.Length); head = 5; }
        value.CopyTo(room[head..]);
        _length += head + value.Length;
    }

    public void Add(int value)
    {
        var room = Open(5);
        room[0] = 0xd2;
        BinaryPrimitives.WriteInt32BigEndian(room[1..], value);
        _length += 5;
    }

    /// <summary>Sets a number that was added before its value was known.</summary>
    public void Set(int at, int value) => BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(at + 1), value);

    public byte[] ToArray()
    {
        _bytes[0] = 0xdd;
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(1), _count);
        return _bytes.AsSpan(0, _length).ToArray();
    }

    public void Clear()
    {
        _length = HeaderBytes;
        _count = 0;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

    private Span<byte> Open(int most)
    {
        _count++;
        if (_length + most > _bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + most, _bytes.Length * 2));
            _bytes.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
        return _bytes.AsSpan(_length);
    }
}
