namespace ScrmStream.LoadTest.Price;

/// <summary>What the pipeline does only so that nothing is lost, doubled or wrong when something fails.</summary>
[Flags]
internal enum Guarantees
{
    None = 0,
    /// <summary>Redis logs every write and has it on disk before it answers.</summary>
    Log = 1,
    /// <summary>Cells and views are written in transactions that hold only under the writer epoch.</summary>
    Epoch = 2,
    /// <summary>Everything waits for what must be durable before it: views for cells and change records, offsets for all.</summary>
    Order = 4,
    /// <summary>Inserts are acknowledged when stored, a block that comes again is known, rows that are there twice are replaced.</summary>
    Blocks = 8,
    /// <summary>Anchors keep the event_ids they have seen.</summary>
    Repeats = 16,
    All = Log | Epoch | Order | Blocks | Repeats,
}

/// <summary>Their names on the command line, and what is done instead of them.</summary>
internal static class GuaranteeWords
{
    public static IReadOnlyList<(Guarantees Guarantee, string Word, string Instead)> All { get; } =
    [
        (Guarantees.Log, "log", "Redis keeps nothing on disk (appendonly no)"),
        (Guarantees.Epoch, "epoch", "cells and views are plain commands, without transactions and looks at the writer epoch"),
        (Guarantees.Order, "order", "no write waits for another and no offset for any, up to a limit; in Redis only with epoch"),
        (Guarantees.Blocks, "blocks", "inserts have no token, are answered before they are done, and replace nothing; no FINAL in views"),
        (Guarantees.Repeats, "repeats", "the events have no event_id, so no anchor keeps any; they are some 20 bytes shorter"),
    ];

    /// <summary>Reads names with commas between.</summary>
    /// <exception cref="ArgumentException">There is no such guarantee.</exception>
    public static Guarantees Parse(string words)
    {
        var found = Guarantees.None;
        foreach (var word in words.Split(','))
        {
            var known = All.FirstOrDefault(g => g.Word == word);
            if (known.Word is null) throw new ArgumentException($"--off {word}: give some of {string.Join(',', All.Select(g => g.Word))}");
            found |= known.Guarantee;
        }
        return found;
    }
}
