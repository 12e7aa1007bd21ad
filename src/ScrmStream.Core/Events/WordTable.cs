using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace ScrmStream.Events;

/// <summary>A few words that every event is asked for: by length and two letters to the one word it can be. Immutable.</summary>
internal sealed class WordTable
{
    private const int Places = 256, LettersMax = 16;

    private readonly byte[][] _words;
    private readonly Letters[] _letters;
    // One more than the number of the first word at its place; 0: none.
    private readonly byte[] _first = new byte[Places];
    // Of each word, one more than the number of the next at the same place.
    private readonly byte[] _next;

    /// <param name="words">At most 255, each of at most 16 bytes; an empty one is never found.</param>
    public WordTable(IReadOnlyList<string> words)
    {
        _words = [.. words.Select(Encoding.UTF8.GetBytes)];
        _letters = Array.ConvertAll(_words, word => LettersOf(word));
        _next = new byte[_words.Length];
        for (var i = _words.Length - 1; i >= 0; i--)
        {
            if (_words[i].Length == 0) continue;
            ref var first = ref _first[Place(_words[i])];
            _next[i] = first;
            first = (byte)(i + 1);
        }
    }

    public ReadOnlySpan<byte> this[int number] => _words[number];

    /// <summary>The word's number, -1 when it is none of them.</summary>
    public int Find(ReadOnlySpan<byte> word)
    {
        if (word.IsEmpty || word.Length > LettersMax) return -1;
        var letters = LettersOf(word);
        for (int found = _first[Place(word)]; found != 0; found = _next[found - 1])
            if (letters == _letters[found - 1]) return found - 1;
        return -1;
    }

    private static int Place(ReadOnlySpan<byte> word) => (word.Length * 37 + word[0] * 5 + word[^1]) & (Places - 1);

    // All letters of a word in two numbers: its first and its last ones, which overlap and together are all of it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Letters LettersOf(ReadOnlySpan<byte> word)
    {
        if (word.Length >= 8) return new Letters(word.Length, MemoryMarshal.Read<ulong>(word), MemoryMarshal.Read<ulong>(word[^8..]));
        if (word.Length >= 4) return new Letters(word.Length, MemoryMarshal.Read<uint>(word), MemoryMarshal.Read<uint>(word[^4..]));
        return word.IsEmpty ? default : new Letters(word.Length, word[0], (ulong)word[word.Length / 2] << 8 | word[^1]);
    }

    private readonly record struct Letters(int Count, ulong First, ulong Last);
}
