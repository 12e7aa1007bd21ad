using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Tests.Events;

public sealed class WordTableTests
{
    private static readonly string[] Words = ["", "a", "ab", "aba", "abb", "app", "call", "email", "openid", "unionid", "device_id", "external_userid", "sixteen_letters_"];

    /// <summary>All words with a letter changed, taken away or added: a table that looks at some letters only would find one of them.</summary>
    [Fact]
    public void Find_WordsAndTheirNeighbours_IsAsInAList()
    {
        var table = new WordTable(Words);
        foreach (var word in Words)
        {
            AssertAsInAList(word);
            for (var at = 0; at <= word.Length; at++)
            {
                AssertAsInAList(word.Insert(at, "a"));
                AssertAsInAList(word.Insert(at, "_"));
                if (at == word.Length) continue;
                AssertAsInAList(word.Remove(at, 1));
                AssertAsInAList(word.Remove(at, 1).Insert(at, "b"));
                AssertAsInAList(word.Remove(at, 1).Insert(at, "\0"));
            }
        }

        void AssertAsInAList(string word) =>
            Assert.Equal(word.Length == 0 ? -1 : Array.IndexOf(Words, word), table.Find(Encoding.UTF8.GetBytes(word)));
    }
}
