using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ScrmStream.Events;

/// <content>
/// What a reader who knows where it stands asks for: a name, a plain text, a whole number, each in one step and as machines write them.
/// What is written otherwise is left to <see cref="Read"/>, so there is one judge of what is JSON.
/// </content>
public ref partial struct JsonScanner
{
    private const ulong Low = 0x0101_0101_0101_0101, HighHalves = 0xF0F0_F0F0_F0F0_F0F0;
    private const int DigitsMax = 18;

    /// <summary>Inside an object, not behind a name: on to the next field's name; false at the object's end and at an error.</summary>
    public bool ReadName()
    {
        var json = _json;
        var at = _at;
        if (Token != JsonToken.StartObject)
        {
            if ((uint)at >= (uint)json.Length || json[at] is not ((byte)',' or (byte)'}')) return ReadAnyName();
            if (json[at] == '}') return !Close(isObject: true, at);
            at++;
        }
        if ((uint)at < (uint)json.Length && json[at] == ' ') at++;
        if ((uint)at >= (uint)json.Length || json[at] != '"') return ReadAnyName();
        var end = Plain(json, at + 1);
        if (end >= json.Length - 1 || json[end] != '"' || json[end + 1] != ':') return ReadAnyName();
        TookText(JsonToken.Name, at, end);
        _at = end + 2;
        return true;
    }

    /// <summary>Behind a name: takes a text without escapes; false, and nothing is read, when the value is anything else.</summary>
    public bool TryReadPlain()
    {
        var json = _json;
        var at = _at;
        if ((uint)at < (uint)json.Length && json[at] == ' ') at++;
        if ((uint)at >= (uint)json.Length || json[at] != '"') return false;
        var end = Plain(json, at + 1);
        if ((uint)end >= (uint)json.Length || json[end] != '"') return false;
        TookText(JsonToken.Text, at, end);
        _at = end + 1;
        return true;
    }

    /// <summary>
    /// Behind a name: takes a whole number of at most 18 digits; false, and nothing is read, when the value is anything else.
    /// </summary>
    public bool TryReadWhole(out long value)
    {
        var json = _json;
        value = 0;
        var start = _at;
        if ((uint)start < (uint)json.Length && json[start] == ' ') start++;
        var at = start;
        // A zero in front is left out: it may be the whole number, or none.
        if ((uint)at >= (uint)json.Length || (uint)(json[at] - '1') > 8) return false;
        if (at <= json.Length - 8 && TryEightDigits(json, at, out value)) at += 8;
        for (; (uint)at < (uint)json.Length && (uint)(json[at] - '0') <= 9; at++)
        {
            if (at - start == DigitsMax) return false;
            value = value * 10 + (json[at] - '0');
        }
        if ((uint)at < (uint)json.Length && (json[at] == '.' || (json[at] | 0x20) == 'e')) return false;
        return Took(JsonToken.Number, start, at);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool ReadAnyName() => Read() && Token == JsonToken.Name;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void TookText(JsonToken token, int start, int end)
    {
        Token = token;
        Start = start;
        TextStart = start + 1;
        TextLength = end - start - 1;
        IsEscaped = false;
    }

    // Three multiplications join pairs, then fours, then all.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryEightDigits(ReadOnlySpan<byte> json, int at, out long value)
    {
        var eight = Eight(json, at);
        value = 0;
        if (((eight & HighHalves) | ((eight + Low * 6) & HighHalves) >> 4) != Low * 0x33) return false;
        eight -= Low * '0';
        eight = eight * 10 + (eight >> 8);
        value = (long)((((eight & 0x0000_00FF_0000_00FF) * 0x000F_4240_0000_0064)
            + ((eight >> 16 & 0x0000_00FF_0000_00FF) * 0x0000_2710_0000_0001)) >> 32);
        return true;
    }

    // On to a quote, a backslash or a control character: mostly within 32 bytes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Plain(ReadOnlySpan<byte> json, int at)
    {
        if (at <= json.Length - Vector256<byte>.Count)
        {
            var ends = Ends(json, at);
            if (ends != 0) return at + BitOperations.TrailingZeroCount(ends);
        }
        return PlainMore(json, at);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int PlainMore(ReadOnlySpan<byte> json, int at)
    {
        for (; at <= json.Length - Vector256<byte>.Count; at += Vector256<byte>.Count)
        {
            var ends = Ends(json, at);
            if (ends != 0) return at + BitOperations.TrailingZeroCount(ends);
        }
        if (at < json.Length && json.Length >= Vector256<byte>.Count)
        {
            // The last bytes are looked at together with those before them, which are shifted out.
            var ends = Ends(json, json.Length - Vector256<byte>.Count) >> (Vector256<byte>.Count - (json.Length - at));
            return ends != 0 ? at + BitOperations.TrailingZeroCount(ends) : json.Length;
        }
        while ((uint)at < (uint)json.Length && json[at] is not ((byte)'"' or (byte)'\\') and >= 0x20) at++;
        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Ends(ReadOnlySpan<byte> json, int at)
    {
        var bytes = Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(json), (nuint)at);
        var control = Vector256.Equals(Vector256.Min(bytes, Vector256.Create((byte)0x1f)), bytes);
        var ends = Vector256.Equals(bytes, Vector256.Create((byte)'"')) | Vector256.Equals(bytes, Vector256.Create((byte)'\\')) | control;
        return ends.ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Eight(ReadOnlySpan<byte> json, int at)
    {
        var eight = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(json), at));
        return BitConverter.IsLittleEndian ? eight : BinaryPrimitives.ReverseEndianness(eight);
    }
}
