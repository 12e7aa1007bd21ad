using System.Buffers.Binary;
using System.Text;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Actions;

/// <summary>What became of one occurrence of an action.</summary>
/// <param name="Key">Of the action (<see cref="ActionRule.Key"/>).</param>
/// <param name="AtMs">The moment it waited for, Unix milliseconds.</param>
/// <param name="DecidedMs">The moment it was decided for: that one, or the end of the quiet hours.</param>
/// <param name="Reason">Why it was not sent; empty: it was.</param>
public readonly record struct ActionEntry(uint Key, long AtMs, long DecidedMs, bool IsForStaff, string Reason)
{
    public bool IsSent => Reason.Length == 0;
}

/// <summary>
/// What was decided for the customer rooted at an identifier, kept with that identifier's view; a customer's log is those of its
/// identifiers together, so a merge and an unmerge move nothing. One thread; reused.
/// <code>
/// i64 decided up to
/// entry       u32 key | time (6) | time (6) decided | u8 1 = for staff | u8 reason bytes | reason, in order of decision
/// </code>
/// </summary>
public sealed class ActionLog
{
    private const int EntryHeadBytes = 18;

    /// <summary>So many, each with the longest reason, are less than 64 KiB.</summary>
    private const int EntriesMax = 720;

    private byte[] _bytes = new byte[64];

    /// <summary>In the order in which they were decided.</summary>
    public List<ActionEntry> Entries { get; } = [];

    /// <summary>Every moment up to this one is decided; <see cref="long.MinValue"/>: none is.</summary>
    public long DecidedUpToMs { get; set; } = long.MinValue;

    public void Clear()
    {
        Entries.Clear();
        DecidedUpToMs = long.MinValue;
    }

    /// <summary>Takes over another log in its stored form.</summary>
    /// <exception cref="InvalidDataException">It is cut short.</exception>
    public void Add(ReadOnlySpan<byte> stored)
    {
        if (stored.IsEmpty) return;
        if (stored.Length < sizeof(long)) throw new InvalidDataException("A stored log of actions is cut short.");
        DecidedUpToMs = Math.Max(DecidedUpToMs, BinaryPrimitives.ReadInt64LittleEndian(stored));
        for (var at = sizeof(long); at < stored.Length;)
        {
            if (at + EntryHeadBytes > stored.Length || at + EntryHeadBytes + stored[at + 17] > stored.Length)
                throw new InvalidDataException("A stored log of actions is cut short.");
            var entry = stored[at..];
            Entries.Add(new ActionEntry(
                BinaryPrimitives.ReadUInt32LittleEndian(entry), StoredTime.Read(entry[4..]), StoredTime.Read(entry[10..]), entry[16] == 1,
                Encoding.UTF8.GetString(entry.Slice(EntryHeadBytes, entry[17]))));
            at += EntryHeadBytes + entry[17];
        }
    }

    /// <summary>
    /// Forgets what matters no longer: all but what may come up again, counts against a cap, or is the last of its action.
    /// </summary>
    /// <param name="againMs">Occurrences of this moment and later may come up again.</param>
    /// <param name="countsMs">What was sent at this moment or later counts against caps.</param>
    public void Trim(long againMs, long countsMs)
    {
        for (var i = Entries.Count - 1; i >= 0; i--)
        {
            var entry = Entries[i];
            if (entry.AtMs >= againMs || (entry.IsSent && !entry.IsForStaff && entry.DecidedMs >= countsMs) || IsLast(i)) continue;
            Entries.RemoveAt(i);
        }
        // Rather the oldest of what may come up again than what was sent last.
        for (var i = 0; i < Entries.Count && Entries.Count > EntriesMax;)
        {
            if (IsLast(i)) i++;
            else Entries.RemoveAt(i);
        }
    }

    /// <summary>The stored form, valid until the next call.</summary>
    public ReadOnlySpan<byte> Store()
    {
        var length = sizeof(long);
        BinaryPrimitives.WriteInt64LittleEndian(_bytes, DecidedUpToMs);
        foreach (var entry in Entries)
        {
            var needed = length + EntryHeadBytes + Encoding.UTF8.GetByteCount(entry.Reason);
            if (needed > _bytes.Length) Array.Resize(ref _bytes, needed * 2);
            var to = _bytes.AsSpan(length);
            BinaryPrimitives.WriteUInt32LittleEndian(to, entry.Key);
            StoredTime.Write(to[4..], entry.AtMs);
            StoredTime.Write(to[10..], entry.DecidedMs);
            to[16] = (byte)(entry.IsForStaff ? 1 : 0);
            to[17] = (byte)Encoding.UTF8.GetBytes(entry.Reason, to[EntryHeadBytes..]);
            length = needed;
        }
        return _bytes.AsSpan(0, length);
    }

    // The last one sent, for "once", and the last one of all, for readers.
    private bool IsLast(int i)
    {
        for (var later = i + 1; later < Entries.Count; later++)
            if (Entries[later].Key == Entries[i].Key && (Entries[later].IsSent || !Entries[i].IsSent)) return false;
        return true;
    }
}
