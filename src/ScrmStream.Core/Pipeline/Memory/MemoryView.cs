using System.Buffers.Text;
using System.Text;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline.Memory;

/// <summary>A published view. Immutable: a new one takes its place.</summary>
public sealed class MemoryView
{
    private readonly byte[] _fields;
    private readonly byte[] _tags;
    private readonly byte[] _tagExpiry;
    private readonly byte[] _ranks;

    internal MemoryView(in ViewWrite write, ByteArena arena, MemoryView? tagsOf)
    {
        var isCustomer = write.Form == ViewForm.Customer;
        Form = write.Form;
        MergedInto = write.MergedInto;
        Stamp = write.Stamp;
        Vector = arena[write.Vector].ToArray();
        Conclusion = arena[write.Conclusion].ToArray();
        _fields = isCustomer ? arena[write.Fields].ToArray() : [];
        _ranks = isCustomer ? arena[write.Ranks].ToArray() : [];
        TimerMs = TimerIn(_ranks);
        _tags = isCustomer ? tagsOf?._tags ?? arena[write.Tags].ToArray() : [];
        _tagExpiry = isCustomer ? tagsOf?._tagExpiry ?? arena[write.TagExpiry].ToArray() : [];
    }

    public ViewForm Form { get; }
    public IdentifierId MergedInto { get; }
    /// <summary>The public fields of a customer; <c>merged_into</c> of a merged identifier.</summary>
    public Dictionary<string, string> Fields => Form == ViewForm.Merged
        ? new() { ["merged_into"] = MergedInto.ToString() }
        : Parse(_fields);
    public Dictionary<string, string> Tags => Parse(_tags);
    public Dictionary<string, string> TagExpiry => Parse(_tagExpiry);
    /// <summary>Score name -> rank, of the boards that the customer is on.</summary>
    public Dictionary<string, string> Ranks => Parse(_ranks).Where(r => r.Value != "-" && r.Key != "").ToDictionary();
    /// <summary>When it next changes without an event, Unix milliseconds; <see cref="long.MaxValue"/>: never.</summary>
    public long TimerMs { get; }

    internal ulong Stamp { get; }
    internal byte[] Vector { get; }
    internal byte[] Conclusion { get; }

    internal int TagCount
    {
        get
        {
            var count = 0;
            for (var tags = new FieldReader(_tags); tags.Read();) count++;
            return count;
        }
    }

    private static long TimerIn(ReadOnlySpan<byte> ranks)
    {
        for (var reader = new FieldReader(ranks); reader.Read();)
            if (reader.Name.IsEmpty && Utf8Parser.TryParse(reader.Value, out long timeMs, out var read) && read > 0) return timeMs;
        return long.MaxValue;
    }

    private static Dictionary<string, string> Parse(ReadOnlySpan<byte> fieldList)
    {
        Dictionary<string, string> fields = [];
        for (var reader = new FieldReader(fieldList); reader.Read();)
            fields.Add(Encoding.UTF8.GetString(reader.Name), Encoding.UTF8.GetString(reader.Value));
        return fields;
    }
}
