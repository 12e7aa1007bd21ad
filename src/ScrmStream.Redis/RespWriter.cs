using System.Buffers.Text;

namespace ScrmStream.Redis;

/// <summary>
/// Commands in Redis's protocol (RESP2), one behind the other in one buffer that grows and is reused: a command costs its bytes and no
/// object. One thread.
/// </summary>
internal sealed class RespWriter
{
    private const int LongestHeadBytes = 16;   // '*' or '$', a number, \r\n
    private byte[] _bytes = new byte[64 * 1024];

    /// <summary>Commands begun since the last <see cref="Clear"/>; each gets one answer.</summary>
    public int Commands { get; private set; }

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    public void Clear() => (Commands, Length) = (0, 0);

    /// <summary>Begins a command of so many arguments, its name included; exactly these must follow.</summary>
    public void Command(ReadOnlySpan<byte> name, int arguments)
    {
        Commands++;
        Head((byte)'*', arguments);
        Argument(name);
    }

    public void Argument(ReadOnlySpan<byte> value) => value.CopyTo(Argument(value.Length));

    /// <summary>Room for an argument, to be filled before the next write.</summary>
    public Span<byte> Argument(int length)
    {
        Head((byte)'$', length);
        Reserve(length + 2);
        var room = _bytes.AsSpan(Length, length + 2);
        room[length] = (byte)'\r';
        room[length + 1] = (byte)'\n';
        Length += length + 2;
        return room[..length];
    }

    private void Head(byte kind, int number)
    {
        Reserve(LongestHeadBytes);
        var room = _bytes.AsSpan(Length);
        room[0] = kind;
        Utf8Formatter.TryFormat(number, room[1..], out var digits);
        room[1 + digits] = (byte)'\r';
        room[2 + digits] = (byte)'\n';
        Length += digits + 3;
    }

    private void Reserve(int more)
    {
        if (Length + more > _bytes.Length) Array.Resize(ref _bytes, Math.Max(Length + more, _bytes.Length * 2));
    }
}
