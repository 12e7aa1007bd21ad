using System.Buffers.Binary;
using System.Text;
using ScrmStream.Rules.Stages;

namespace ScrmStream.Rules;

/// <summary>The last lead of a customer in one pipeline. Spans are valid until the conclusion is reused.</summary>
public readonly ref struct LeadStage(ReadOnlySpan<byte> entry)
{
    internal const int HeadBytes = 40;

    private readonly ReadOnlySpan<byte> _entry = entry;

    public ReadOnlySpan<byte> Pipeline => _entry.Slice(HeadBytes, _entry[0]);
    public ReadOnlySpan<byte> Stage => _entry.Slice(HeadBytes + _entry[0], _entry[1]);
    /// <summary>The reminder that came last in this stage; empty: none.</summary>
    public ReadOnlySpan<byte> Reminder => _entry.Slice(HeadBytes + _entry[0] + _entry[1], _entry[2]);
    /// <summary>The stage is none that closes the lead.</summary>
    public bool IsOpen => _entry[3] != 0;
    /// <summary>How many leads the customer ever had in the pipeline.</summary>
    public int Leads => BinaryPrimitives.ReadInt32LittleEndian(_entry[4..]);
    /// <summary>When the lead was made, Unix milliseconds.</summary>
    public long CreatedMs => BinaryPrimitives.ReadInt64LittleEndian(_entry[8..]);
    /// <summary>First half of the id of the identifier that the making event is attributed to.</summary>
    public ulong Anchor => BinaryPrimitives.ReadUInt64LittleEndian(_entry[16..]);
    /// <summary>Since when it is in this stage, Unix milliseconds.</summary>
    public long SinceMs => BinaryPrimitives.ReadInt64LittleEndian(_entry[24..]);
    /// <summary>Of the whole history, all leads of the pipeline: equal where it is the same.</summary>
    public ulong HistoryHash => BinaryPrimitives.ReadUInt64LittleEndian(_entry[32..]);

    /// <summary>
    /// The lead's id, <c>pipeline-created-anchor</c>: it stays what it is when customers merge and part. Of two leads of one pipeline, one
    /// identifier and one millisecond there is only one.
    /// </summary>
    public string Id => IdOf(Encoding.UTF8.GetString(Pipeline), CreatedMs, Anchor);

    public static string IdOf(string pipeline, long createdMs, ulong anchor) => $"{pipeline}-{createdMs}-{anchor:x16}";
}

/// <summary>The leads in a conclusion: of each pipeline in which the customer has one, the last.</summary>
public sealed partial class Conclusion
{
    /// <summary>In order of the pipelines' names.</summary>
    public int LeadCount { get; private set; }

    /// <summary>The last lead of the <paramref name="i"/>th pipeline in which there is one.</summary>
    public LeadStage Lead(int i)
    {
        var at = _starts[TagCount + ScoreCount + i];
        return new LeadStage(_bytes.AsSpan(at, LeadBytesAt(_bytes, at)));
    }

    /// <summary>The same by name; false when there is no lead in that pipeline.</summary>
    public bool TryGetLead(ReadOnlySpan<byte> pipeline, out LeadStage lead)
    {
        for (var i = 0; i < LeadCount; i++)
        {
            lead = Lead(i);
            if (lead.Pipeline.SequenceEqual(pipeline)) return true;
        }
        lead = default;
        return false;
    }

    /// <summary>
    /// The whole history of a pipeline; null when this was no evaluation, or of a customer without events. Valid until the next evaluation,
    /// and only while the shards concluded from are unchanged.
    /// </summary>
    /// <param name="pipeline">Its place in <see cref="RuleSet.Pipelines"/>.</param>
    public LeadHistory? HistoryOf(int pipeline) => Concluded?.Leads[pipeline];

    internal void AddLead(LeadPipeline pipeline, LeadHistory history)
    {
        var (name, stage) = (pipeline.NameUtf8, pipeline.StatesUtf8[history.State]);
        var reminder = history.Reminder < 0 ? [] : pipeline.RemindersUtf8[history.Reminder];
        var last = history.LeadCount - 1;
        var entry = AddEntry(TagCount + ScoreCount + LeadCount++, LeadStage.HeadBytes + name.Length + stage.Length + reminder.Length);
        (entry[0], entry[1], entry[2]) = ((byte)name.Length, (byte)stage.Length, (byte)reminder.Length);
        entry[3] = pipeline.IsFinal(history.State) ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteInt32LittleEndian(entry[4..], history.LeadCount);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], history.CreatedMs(last));
        BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], history.Origin(last).Anchor);
        BinaryPrimitives.WriteInt64LittleEndian(entry[24..], history.SinceMs);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[32..], history.Hash());
        name.CopyTo(entry[LeadStage.HeadBytes..]);
        stage.CopyTo(entry[(LeadStage.HeadBytes + name.Length)..]);
        reminder.CopyTo(entry[(LeadStage.HeadBytes + name.Length + stage.Length)..]);
    }

    // Whatever lies behind the scores.
    private int FindLeads(ReadOnlySpan<byte> stored, int at)
    {
        for (LeadCount = 0; at < stored.Length && Has(stored, Parts.Leads); LeadCount++)
        {
            if (at + LeadStage.HeadBytes > stored.Length) throw new InvalidDataException("A stored conclusion is cut short.");
            var entry = TagCount + ScoreCount + LeadCount;
            if (entry == _starts.Length) Array.Resize(ref _starts, Math.Max(16, entry * 2));
            _starts[entry] = at;
            at += LeadBytesAt(stored, at);
        }
        if (LeadCount == 0 && Has(stored, Parts.Leads)) throw new InvalidDataException("A stored conclusion is cut short.");
        return at;
    }

    private static int LeadBytesAt(ReadOnlySpan<byte> bytes, int at) =>
        LeadStage.HeadBytes + bytes[at] + bytes[at + 1] + bytes[at + 2];
}
