using System.Globalization;
using System.Text;

namespace ScrmStream.Rules.Sql;

/// <summary>
/// A pattern of .NET as RE2 reads it, which ClickHouse uses: the same texts match. What has no equal is refused.
/// </summary>
/// <remarks>
/// Characters beyond U+FFFF count as two in the engine and as one here, which shows in patterns that count any character.
/// </remarks>
internal sealed class PatternSql
{
    private const int RepeatsMax = 1000;
    private const string Digit = @"\p{Nd}", Word = @"\p{L}\p{Mn}\p{Nd}\p{Pc}", Space = @"\t\n\x0b\f\r\x{85}\p{Z}";

    private readonly string _pattern;
    private readonly StringBuilder _re2 = new();
    private int _at;

    private PatternSql(string pattern) => _pattern = pattern;

    /// <exception cref="ArgumentException">It has a part that SQL cannot say.</exception>
    public static string Of(string pattern)
    {
        var translated = new PatternSql(pattern);
        while (translated._at < pattern.Length) translated.TakeOne();
        return translated._re2.ToString();
    }

    private char Next => _at < _pattern.Length ? _pattern[_at] : '\0';

    private void TakeOne()
    {
        var c = _pattern[_at++];
        switch (c)
        {
            case '\\': Escape(); break;
            case '.': _re2.Append(@"[^\n]"); break;
            case '$': End(); break;
            case '[': Class(); break;
            case '(': Group(); break;
            case '{': Repeat(); break;
            case ']' or '}': _re2.Append('\\').Append(c); break;
            default: _re2.Append(c); break;
        }
    }

    // At the end, or before a line end there; so nothing may follow it.
    private void End()
    {
        var rest = _pattern[_at..];
        if (rest.Any(c => c != ')') && !(rest[0] == '|' && Depth() == 0)) throw Refused("$ before something else");
        _re2.Append(@"(?:\n?\z)");
    }

    private int Depth()
    {
        var depth = 0;
        for (var i = 0; i < _at; i++)
        {
            if (_pattern[i] == '\\') i++;
            else if (_pattern[i] == '(') depth++;
            else if (_pattern[i] == ')') depth--;
        }
        return depth;
    }

    private void Group()
    {
        _re2.Append('(');
        if (Next != '?') return;
        if (_pattern.AsSpan(_at).StartsWith("?<"))
        {
            _at = _pattern.IndexOf('>', _at) + 1;
            return;
        }
        var options = _pattern.AsSpan(_at).StartsWith("?:") ? "?:" : _pattern.AsSpan(_at).StartsWith("?i") ? "?i" : throw Refused("(?...)");
        _at += options.Length;
        if (options == "?i" && Next is not (')' or ':')) throw Refused("(?...)");
        _re2.Append(options);
    }

    private void Repeat()
    {
        var end = _pattern.IndexOf('}', _at);
        var inside = end < 0 ? "" : _pattern[_at..end];
        if (inside.Length == 0 || !char.IsAsciiDigit(inside[0]) || inside.Any(c => !char.IsAsciiDigit(c) && c != ','))
        {
            _re2.Append(@"\{");
            return;
        }
        if (inside.Split(',').Any(n => n.Length > 0 && (n.Length > 4 || int.Parse(n, CultureInfo.InvariantCulture) > RepeatsMax)))
            throw Refused($"more than {RepeatsMax} repeats");
        _re2.Append('{').Append(inside).Append('}');
        _at = end + 1;
    }

    private void Escape()
    {
        var c = Next;
        switch (c)
        {
            case 'd' or 'w' or 's': _re2.Append('[').Append(Many(c)).Append(']'); break;
            case 'D' or 'W' or 'S': _re2.Append("[^").Append(Many(char.ToLowerInvariant(c))).Append(']'); break;
            case 'A' or 'z': _re2.Append('\\').Append(c); break;
            case 'Z':
                _at++;
                End();
                return;
            case 'b' or 'B' or 'G': throw Refused($"\\{c}");
            default:
                Character();
                return;
        }
        _at++;
    }

    private static string Many(char word) => word switch { 'd' => Digit, 'w' => Word, _ => Space };

    private void Class()
    {
        _re2.Append('[');
        if (Next == '^') _re2.Append(_pattern[_at++]);
        for (var isFirst = true; isFirst || Next != ']'; isFirst = false)
        {
            var c = _pattern[_at++];
            if (c == '-' && Next == '[') throw Refused("[...-[...]]");
            if (c != '\\') _re2.Append(c is '[' or ']' ? "\\" : "").Append(c);
            else if (Next is 'd' or 'w' or 's') _re2.Append(Many(_pattern[_at++]));
            else if (Next is 'D' or 'W' or 'S') throw Refused($"\\{Next} in [...]");
            else if (Next == 'b')
            {
                _re2.Append(@"\x08");
                _at++;
            }
            else Character();
        }
        _re2.Append(_pattern[_at++]);
    }

    // What stands for one character, or for one Unicode category.
    private void Character()
    {
        var c = _pattern[_at++];
        switch (c)
        {
            case 'n' or 't' or 'r' or 'f' or 'v' or 'a': _re2.Append('\\').Append(c); break;
            case 'e': _re2.Append(@"\x1b"); break;
            case 'x': Code(2); break;
            case 'u': Code(4); break;
            case 'p' or 'P':
                var end = _pattern.IndexOf('}', _at);
                if (end - _at is not (2 or 3)) throw Refused(@"\p{...} that is no category of one or two letters");
                _re2.Append('\\').Append(c).Append(_pattern, _at, end + 1 - _at);
                _at = end + 1;
                break;
            case var mark when char.IsAscii(mark) && !char.IsAsciiLetterOrDigit(mark): _re2.Append('\\').Append(mark); break;
            case > '\x7f': _re2.Append(c); break;
            default: throw Refused($"\\{c}");
        }
    }

    private void Code(int digits)
    {
        _re2.Append(@"\x{").Append(_pattern, _at, digits).Append('}');
        _at += digits;
    }

    private static ArgumentException Refused(string part) => new($"SQL has no {part}");
}
