using System.Text;

namespace ScrmStream.Events;

/// <summary>A few words that every event is asked for: by length and two letters to the one word it can be. Immutable.</summary>
internal sealed class WordTable
{
    private const int Places = 256;

    private readonly byte[][] _words;
    // One more than the number of the first word at its place; 0: none.
    private readonly byte[] _first = new byte[Places];
    // Of each word, one more than the number of the next at the same place.
    private readonly byte[] _next;

    /// <param name="words">At most 255; an empty one is never found.</param>
    public WordTable(IReadOnlyList<string> words)
    {
        _words = [.. words.Select(Encoding.UTF8.GetBytes)];
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
        if (word.IsEmpty) return -1;
        for (int found = _first[Place(word)]; found != 0; found = _next[found - 1])
            if (word.SequenceEqual(_words[found - 1])) return found - 1;
        return -1;
    }

    private static int Place(ReadOnlySpan<byte> word) => (word.Length * 37 + word[0] * 5 + word[^1]) & (Places - 1);
}
