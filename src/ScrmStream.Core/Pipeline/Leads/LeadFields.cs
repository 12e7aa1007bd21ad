using System.Buffers.Text;
using System.Text;
using ScrmStream.Rules;

namespace ScrmStream.Pipeline.Leads;

/// <summary>Writes the fields of a customer's leads into its view (schemas/redis/keys.md).</summary>
internal sealed class LeadFields(RuleSet rules)
{
    private readonly Names[] _pipelines = [.. rules.Pipelines.Select(p => new Names(
        Utf8(p.Name), Utf8($"stage.{p.Name}"), Utf8($"stage.{p.Name}.since"), Utf8($"lead.{p.Name}"), Utf8($"lead.{p.Name}.count"),
        Utf8($"reminder.{p.Name}")))];
    private readonly byte[] _number = new byte[32];

    private sealed record Names(byte[] Pipeline, byte[] Stage, byte[] Since, byte[] Lead, byte[] Count, byte[] Reminder);

    public void Write(ByteArena arena, Conclusion conclusion)
    {
        if (conclusion.LeadCount == 0) return;
        foreach (var names in _pipelines)
        {
            if (!conclusion.TryGetLead(names.Pipeline, out var lead)) continue;
            arena.AddField(names.Stage, lead.Stage);
            Add(arena, names.Since, lead.SinceMs);
            arena.AddField(names.Lead, Utf8(lead.Id));
            Add(arena, names.Count, lead.Leads);
            if (!lead.Reminder.IsEmpty) arena.AddField(names.Reminder, lead.Reminder);
        }
    }

    private void Add(ByteArena arena, ReadOnlySpan<byte> name, long value)
    {
        Utf8Formatter.TryFormat(value, _number, out var length);
        arena.AddField(name, _number.AsSpan(0, length));
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
