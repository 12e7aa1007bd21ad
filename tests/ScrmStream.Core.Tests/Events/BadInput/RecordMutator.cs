using System.Text;

namespace ScrmStream.Tests.Events.BadInput;

/// <summary>Breaks records at random, the way they break on their way: flipped, cut, glued together, blown up. Same seed, same bytes.</summary>
internal sealed class RecordMutator(int seed)
{
    private const int BytesMax = 16 * 1024;

    // What a reader of JSON or of Avro could stumble over; the last ones are frames, endless, greatest and least numbers, and huge lengths.
    private static readonly byte[][] Grains =
    [
        .. Words, [0xc3, 1], [0, 0, 0, 0, 7], [0x1f, 0x8b, 8, 0], [0x28, 0xb5, 0x2f, 0xfd], [.. Enumerable.Repeat((byte)0x80, 12)],
        [.. Enumerable.Repeat((byte)0xff, 9), 1], [0xfe, 0xff, 0xff, 0xff, 0x0f], [0x80, 0x80, 0x80, 0x80, 0x10], [1], [0xc0, 0x80],
    ];

    private static byte[][] Words => Array.ConvertAll(
        (string[])["{", "}", "[", "]", "\"", ":", ",", "\\", "\\u", "\\ud800", "null", "true", "1e400", "-0", "9223372036854775808",
            "1772334000", "\"2026-03-01T11:00:00Z\"", "\"event\":\"x\",", "\"identifiers\":[],", "{\"a\":", "[[[[[[[[[[", "\uFEFF", "\0", "\n"],
        Encoding.UTF8.GetBytes);

    private readonly Random _random = new(seed);

    /// <summary>One record: a sample with one to four changes, or now and then unchanged.</summary>
    public byte[] Next(byte[][] samples)
    {
        var bytes = samples[_random.Next(samples.Length)];
        for (var changes = _random.Next(5); changes > 0; changes--) bytes = Change(bytes, samples);
        return bytes.Length <= BytesMax ? bytes : bytes[..BytesMax];
    }

    private byte[] Change(byte[] bytes, byte[][] samples)
    {
        if (bytes.Length == 0) return Grain();
        var at = _random.Next(bytes.Length);
        var length = Math.Min(_random.Next(1, 60), bytes.Length - at);
        switch (_random.Next(10))
        {
            case 0: return With(bytes, at, (byte)(bytes[at] ^ (1 << _random.Next(8))));
            case 1: return With(bytes, at, (byte)_random.Next(256));
            case 2: return bytes[..at];
            case 3: return bytes[at..];
            case 4: return [.. bytes[..at], .. bytes[(at + length)..]];
            case 5: return [.. bytes[..(at + length)], .. bytes[at..]];
            case 6: return [.. bytes[..at], .. Grain(), .. bytes[at..]];
            case 7: return [.. bytes[..at], .. Grain(), .. bytes[(at + length)..]];
            case 8: return Spliced(bytes, at, samples[_random.Next(samples.Length)]);
            default: return Deepened(bytes, at, _random.Next(1, 80));
        }
    }

    private byte[] Grain() => Grains[_random.Next(Grains.Length)];

    private byte[] Spliced(byte[] bytes, int at, byte[] other) => [.. bytes[..at], .. other[_random.Next(other.Length)..]];

    private static byte[] With(byte[] bytes, int at, byte value)
    {
        var changed = bytes.AsSpan().ToArray();
        changed[at] = value;
        return changed;
    }

    // Wraps what follows a colon or comma, or anything, in lists.
    private static byte[] Deepened(byte[] bytes, int at, int depth)
    {
        var from = bytes.AsSpan(at).IndexOfAny((byte)':', (byte)',');
        if (from >= 0) at += from + 1;
        return [.. bytes[..at], .. Enumerable.Repeat((byte)'[', depth), (byte)'1', .. Enumerable.Repeat((byte)']', depth), .. bytes[at..]];
    }
}
