using System.Globalization;
using System.Text;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Reading;

/// <summary>"Why 73": a score's ledger for people and programs.</summary>
/// <param name="stored">What Redis holds of the score, and what its events give as of the same time; null: nothing was compared.</param>
internal sealed class ScoreExplained(RuleSet rules, ScoreRule score, ScoreLedger ledger, EventBatch batch, long asOfMs, StoredCheck? stored)
{
    public void Write()
    {
        var table = new ResultTable("time", "event", "adds", "caps leave", "age leaves", "is worth", "rule") { Wraps = ["rule"] };
        foreach (var line in ledger.Lines)
        {
            ref var e = ref batch.Events[line.Event];
            table.Add(
                TimeText.Show(e.EventTimeMs), Text(e.Name), Points(line.AddMicro), Share(line.Kept), Share(line.Left),
                Points(line.MicroPoints),
                $"line {score.Points[line.Points].Line}: {score.Points[line.Points].Text}");
        }
        if (ledger.LimitMicro != 0) table.Add(TimeText.Show(asOfMs), "", "", "", "", Points(ledger.LimitMicro), "limits of the score");
        table.Write();
        var grade = ledger.Grade is null ? "no grade" : $"grade {ledger.Grade}";
        Console.Error.WriteLine($"{score.Name} = {Points(ledger.MicroPoints)} as of {TimeText.Show(asOfMs)}, {grade}: the sum of "
            + $"{ledger.Lines.Count} contributions under rules {rules.Fingerprint}.");
        if (stored is { } s) Console.Error.WriteLine(s.IsEqual
            ? $"Redis holds {Points(s.StoredMicro)} as of {TimeText.Show(s.AtMs)}; the events give the same."
            : $"Redis holds {Points(s.StoredMicro)} as of {TimeText.Show(s.AtMs)}, but the events give {Points(s.LedgerMicro)}: other "
                + "rules, or events that are not yet in both.");
    }

    public void WriteJson() => Console.WriteLine(JsonSerializer.Serialize(new
    {
        score = score.Name, asOf = asOfMs, rules = rules.Fingerprint, value = ledger.MicroPoints / 1_000_000m, ledger.Grade,
        limits = ledger.LimitMicro / 1_000_000m,
        stored = stored is null ? null : new
        {
            value = stored.StoredMicro / 1_000_000m, at = stored.AtMs, fromEvents = stored.LedgerMicro / 1_000_000m, equal = stored.IsEqual,
        },
        ledger = ledger.Lines.Select(l => new
        {
            time = batch.Events[l.Event].EventTimeMs, @event = Text(batch.Events[l.Event].Name),
            eventId = Text(batch.Events[l.Event].EventId),
            adds = l.AddMicro / 1_000_000m, capsLeave = l.Kept, ageLeaves = l.Left, worth = l.MicroPoints / 1_000_000m,
            line = score.Points[l.Points].Line, rule = score.Points[l.Points].Text,
        }),
    }, ResultTable.Json));

    private string Text(TextRange range) => Encoding.UTF8.GetString(batch.Text(range));

    private static string Points(long micro) => (micro / 1_000_000m).ToString("0.######", CultureInfo.InvariantCulture);

    private static string Share(double share) => share.ToString("0.####", CultureInfo.InvariantCulture);
}

/// <summary>A score as Redis holds it, and a time as of which its events give that value.</summary>
internal sealed record StoredScore(long Micro, long AtMs)
{
    /// <summary>Null when the view has no such score.</summary>
    public static StoredScore? Find(StoredCustomer? stored, string score)
    {
        if (stored is null || !stored.Fields.TryGetValue($"score.{score}", out var value)) return null;
        // A value at its greatest stays there until "at"; it was concluded at the last event.
        var at = stored.Fields.GetValueOrDefault($"score.{score}.max") == value ? "last_seen" : $"score.{score}.at";
        return new StoredScore(
            (long)(decimal.Parse(value, CultureInfo.InvariantCulture) * 1_000_000m),
            long.Parse(stored.Fields[at], CultureInfo.InvariantCulture));
    }
}

/// <summary>The value that Redis holds beside the one that the events give as of the same time, in micro points.</summary>
internal sealed record StoredCheck(long StoredMicro, long LedgerMicro, long AtMs)
{
    public bool IsEqual => StoredMicro == LedgerMicro;
}
