using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace ScrmStream.Events;

/// <summary>What a <see cref="JsonScanner"/> stands on.</summary>
public enum JsonToken : byte { None, StartObject, StartArray, EndObject, EndArray, Name, Text, Number, True, False, Null }

/// <summary>
/// Reads JSON (RFC 8259, no extensions) token by token out of valid UTF-8. It decides as System.Text.Json's reader does, which tests hold,
/// in about two thirds of the time, and says what is wrong as a value: a bad record costs no exception. Never allocates but for an error.
/// </summary>
public ref partial struct JsonScanner
{
    /// <summary>Deepest nesting that can be told apart: one bit each.</summary>
    public const int DepthMax = 64;

    private readonly ReadOnlySpan<byte> _json;
    private readonly int _depthMax;
    // One bit per open container, the innermost lowest: set for an object.
    private ulong _objects;
    private int _at, _depth;
    private bool _hasRoot;

    /// <param name="json">Valid UTF-8.</param>
    public JsonScanner(ReadOnlySpan<byte> json, int depthMax)
    {
        _json = json;
        _depthMax = Math.Min(depthMax, DepthMax);
    }

    public JsonToken Token { get; private set; }

    /// <summary>Where the token starts, quote or bracket included.</summary>
    public int Start { get; private set; }

    /// <summary>Where reading goes on: behind the token, and behind the colon of a name.</summary>
    public readonly int Next => _at;

    /// <summary>Where the content of a name or text lies, without quotes; of other tokens the token.</summary>
    public int TextStart { get; private set; }

    public int TextLength { get; private set; }

    /// <summary>The content holds escapes.</summary>
    public bool IsEscaped { get; private set; }

    /// <summary>Why reading ended before the end; null as long as all is well.</summary>
    public string? Error { get; private set; }

    /// <summary>The content as it is written, escapes and all.</summary>
    public readonly ReadOnlySpan<byte> Text => _json.Slice(TextStart, TextLength);

    /// <summary>Goes to the next token; false at the end and at an <see cref="Error"/>.</summary>
    public bool Read()
    {
        var json = _json;
        var at = SkipSpace(json, _at);
        if (Token == JsonToken.Name) return ReadValue(json, at);
        if (_depth == 0) return ReadRoot(json, at);
        if ((uint)at >= (uint)json.Length) return Fail("the text ends too early", at);
        var isObject = (_objects & 1) != 0;
        var isFirst = Token is JsonToken.StartObject or JsonToken.StartArray;
        var next = json[at];
        if (next == ',' && !isFirst) at = SkipSpace(json, at + 1);
        else if (next == (isObject ? (byte)'}' : (byte)']')) return Close(isObject, at);
        else if (!isFirst) return Fail("a comma or the end of the object or list is wanted", at);
        return isObject ? ReadName(json, at) : ReadValue(json, at);
    }

    /// <summary>From the start of an object or list to its end; from anywhere else nowhere.</summary>
    public void Skip()
    {
        if (Token is not (JsonToken.StartObject or JsonToken.StartArray)) return;
        var outside = _depth - 1;
        while (_depth > outside && Read())
        {
        }
    }

    /// <summary>The number, when it is a whole one of 64 bits.</summary>
    public readonly bool TryGetInt64(out long value) => Utf8Parser.TryParse(Text, out value, out var used) && used == TextLength;

    /// <summary>Writes the content without escapes; false where an escape is half of a surrogate pair, which no text can hold.</summary>
    /// <param name="destination">At least <see cref="TextLength"/> bytes.</param>
    public readonly bool TryUnescape(Span<byte> destination, out int written)
    {
        var text = Text;
        written = 0;
        while (true)
        {
            var escape = text.IndexOf((byte)'\\');
            var plain = escape < 0 ? text : text[..escape];
            plain.CopyTo(destination[written..]);
            written += plain.Length;
            if (escape < 0) return true;
            if (text[escape + 1] == 'u')
            {
                if (!TryTakeRune(text[escape..], out var rune, out var length)) return false;
                written += rune.EncodeToUtf8(destination[written..]);
                text = text[(escape + length)..];
                continue;
            }
            destination[written++] = text[escape + 1] switch
            {
                (byte)'b' => 8, (byte)'f' => 12, (byte)'n' => 10, (byte)'r' => 13, (byte)'t' => 9, var itself => itself,
            };
            text = text[(escape + 2)..];
        }
    }

    // \uXXXX, or two of them that are a surrogate pair.
    private static bool TryTakeRune(ReadOnlySpan<byte> text, out Rune rune, out int length)
    {
        length = 6;
        var first = (char)Hex(text);
        if (Rune.TryCreate(first, out rune)) return true;
        if (text.Length < 12 || text[6] != '\\' || text[7] != 'u') return false;
        length = 12;
        return Rune.TryCreate(first, (char)Hex(text[6..]), out rune);
    }

    private static int Hex(ReadOnlySpan<byte> escape)
    {
        var value = 0;
        foreach (var digit in escape.Slice(2, 4)) value = value * 16 + (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        return value;
    }

    private bool ReadRoot(ReadOnlySpan<byte> json, int at)
    {
        if (at < json.Length)
        {
            if (_hasRoot) return Fail("there is text behind the event", at);
            _hasRoot = true;
            return ReadValue(json, at);
        }
        Token = JsonToken.None;
        return _hasRoot ? false : Fail("the record is empty", at);
    }

    private bool ReadName(ReadOnlySpan<byte> json, int at)
    {
        if ((uint)at >= (uint)json.Length || json[at] != '"') return Fail("a field's name in double quotes is wanted", at);
        if (!ReadText(json, at, JsonToken.Name)) return false;
        at = SkipSpace(json, _at);
        if ((uint)at >= (uint)json.Length || json[at] != ':') return Fail("a colon is wanted", at);
        _at = at + 1;
        return true;
    }

    private bool ReadValue(ReadOnlySpan<byte> json, int at)
    {
        if ((uint)at >= (uint)json.Length) return Fail("the text ends too early", at);
        var first = json[at];
        if (first == '"') return ReadText(json, at, JsonToken.Text);
        if (first is (byte)'{' or (byte)'[') return Open(first == '{', at);
        return first switch
        {
            (byte)'t' => ReadWord("true"u8, JsonToken.True, at),
            (byte)'f' => ReadWord("false"u8, JsonToken.False, at),
            (byte)'n' => ReadWord("null"u8, JsonToken.Null, at),
            _ => ReadNumber(json, at),
        };
    }

    private bool Open(bool isObject, int at)
    {
        if (_depth == _depthMax) return Fail($"it is nested deeper than {_depthMax}", at);
        _depth++;
        _objects = (_objects << 1) | (isObject ? 1UL : 0);
        Token = isObject ? JsonToken.StartObject : JsonToken.StartArray;
        Start = at;
        _at = at + 1;
        return true;
    }

    private bool Close(bool isObject, int at)
    {
        _depth--;
        _objects >>= 1;
        Token = isObject ? JsonToken.EndObject : JsonToken.EndArray;
        Start = at;
        _at = at + 1;
        return true;
    }

    private bool ReadWord(ReadOnlySpan<byte> word, JsonToken token, int at) =>
        _json[at..].StartsWith(word) ? Took(token, at, at + word.Length) : Fail("a value is wanted", at);

    private bool Took(JsonToken token, int at, int end)
    {
        Token = token;
        (Start, TextStart, TextLength) = (at, at, end - at);
        IsEscaped = false;
        _at = end;
        return true;
    }

    private bool ReadNumber(ReadOnlySpan<byte> json, int start)
    {
        var at = json[start] == '-' ? start + 1 : start;
        var whole = Digits(json, at);
        if (whole == 0) return Fail("a value is wanted", at);
        if (whole > 1 && json[at] == '0') return Fail("a number starts with a zero", at);
        at += whole;
        if (at < json.Length && json[at] == '.')
        {
            var fraction = Digits(json, at + 1);
            if (fraction == 0) return Fail("a number ends in its point", at);
            at += 1 + fraction;
        }
        if (at < json.Length && (json[at] | 0x20) == 'e')
        {
            at++;
            if (at < json.Length && json[at] is (byte)'+' or (byte)'-') at++;
            var exponent = Digits(json, at);
            if (exponent == 0) return Fail("a number ends in its exponent", at);
            at += exponent;
        }
        return Took(JsonToken.Number, start, at);
    }

    private static int Digits(ReadOnlySpan<byte> json, int at)
    {
        var end = at;
        while ((uint)end < (uint)json.Length && (uint)(json[end] - '0') <= 9) end++;
        return end - at;
    }

    private bool ReadText(ReadOnlySpan<byte> json, int start, JsonToken token)
    {
        var at = Plain(json, start + 1);
        IsEscaped = false;
        while ((uint)at < (uint)json.Length && json[at] != '"')
        {
            if (json[at] != '\\') return Fail("a control character stands in a text", at);
            if (!IsEscape(json, at + 1, out var length)) return Fail("a backslash begins no escape", at);
            IsEscaped = true;
            at = Plain(json, at + 1 + length);
        }
        if (at >= json.Length) return Fail("a text has no end", at);
        Token = token;
        Start = start;
        TextStart = start + 1;
        TextLength = at - start - 1;
        _at = at + 1;
        return true;
    }

    private static bool IsEscape(ReadOnlySpan<byte> json, int at, out int length)
    {
        length = 1;
        if (at >= json.Length) return false;
        if (json[at] != 'u') return "\"\\/bfnrt"u8.Contains(json[at]);
        length = 5;
        if (at + 5 > json.Length) return false;
        foreach (var digit in json.Slice(at + 1, 4))
            if (!char.IsAsciiHexDigit((char)digit)) return false;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SkipSpace(ReadOnlySpan<byte> json, int at) =>
        (uint)at < (uint)json.Length && json[at] <= ' ' ? SkipMore(json, at) : at;

    private static int SkipMore(ReadOnlySpan<byte> json, int at)
    {
        while (at < json.Length && json[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') at++;
        return at;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Fail(string reason, int at)
    {
        Error ??= string.Create(CultureInfo.InvariantCulture, $"{reason} (byte {Math.Min(at, _json.Length)})");
        Token = JsonToken.None;
        _at = _json.Length;
        _depth = 0;
        _hasRoot = true;
        return false;
    }
}
