namespace ScrmStream.Rules;

/// <summary>Finds what somebody may have meant by a word that nobody knows.</summary>
internal static class Suggestion
{
    private const int WordMax = 64;

    /// <summary><c>; did you mean 'seen'?</c> behind a message, or nothing when no known word is near.</summary>
    public static string Of(string word, IEnumerable<string> known)
    {
        var nearest = known.Select(k => (Word: k, Distance: Distance(word, k))).OrderBy(k => k.Distance)
            .ThenBy(k => k.Word, StringComparer.Ordinal).FirstOrDefault();
        var allowed = Math.Max(1, word.Length / 3);
        return nearest.Word is not null && nearest.Distance <= allowed ? $"; did you mean '{nearest.Word}'?" : "";
    }

    // The number of letters to insert, delete or replace.
    private static int Distance(string a, string b)
    {
        if (a.Length > WordMax || b.Length > WordMax) return int.MaxValue;
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var corner = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = corner + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                corner = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
