using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.ClickHouse;

/// <summary>A table of rows that are derived from state.</summary>
/// <param name="Name">As readers know it.</param>
/// <param name="Tell">Writes a row as the topics of changes have it.</param>
internal sealed record DerivedTable<T>(string Name, Func<IReadOnlyList<T>, NativeBlock> BlockOf, Action<ChangeJson, T> Tell);

/// <summary>The tables of rows that are derived from state.</summary>
internal static class DerivedTables
{
    public static readonly DerivedTable<IdentityMapping> IdentityMap = new("identity_map", ChangeBlocks.Of,
        static (json, mapping) => json.Write(new IdentityChange(mapping, HasPrevious: false, null)));

    public static readonly DerivedTable<TagChange> Tags = new("tag_changes", ChangeBlocks.Of,
        static (json, change) => json.Write(change));

    public static readonly DerivedTable<ScoreChange> Scores = new("score_changes", ChangeBlocks.Of,
        static (json, change) => json.Write(change));

    public static readonly DerivedTable<CustomerAction> Actions = new("actions", ActionBlock.Of,
        static (json, action) => json.Write(action));

    public static readonly DerivedTable<CustomerLeads> Leads = new("leads", LeadBlock.Of,
        static (json, leads) => json.Write(LastStepOf(leads)));

    private static StageChange LastStepOf(CustomerLeads of)
    {
        var change = new StageChange(of.Customer, of.Pipeline, of.Type, "", null, null, "rewritten", null, 0) { Rules = of.Rules };
        if (of.Steps.Count == 0) return change;
        var step = of.Steps[^1];
        return change with
        {
            Lead = of.Leads[step.Lead].Id, Stage = step.Stage, Previous = step.Previous, Step = step.Step, Reminder = step.Reminder,
            SinceMs = step.AtMs,
        };
    }
}

/// <summary>
/// Writes rows that are derived from state. A block that the tables refuse for what is in it is halved until the bad rows stand alone; each
/// is a dead letter, and all others are stored (docs/decisions/0032). Calls may come from any thread.
/// </summary>
/// <param name="letters">Null: a refused block is an error.</param>
internal sealed class DerivedRows(ClickHouseClient client, IDeadLetterSink? letters, ILogger log)
{
    /// <summary>Of one call. More than these are no odd rows: then something is wrong with the table, and that is an error.</summary>
    public const int RefusedMax = 100;

    private const int DetailCharsMax = 500;

    /// <exception cref="ClickHouseException">The server refused a block for good: access or schema; or too many of its rows.</exception>
    public async Task WriteAsync<T>(DerivedTable<T> table, IReadOnlyList<T> rows, CancellationToken cancel)
    {
        var refused = new List<(T Row, ClickHouseException Why)>();
        await InsertAsync(table, rows, refused, cancel);
        if (refused.Count == 0) return;
        var set = refused.ConvertAll(r => LetterOf(table, r.Row, r.Why));
        await letters!.WriteAsync(set, cancel);
        using (var block = ChangeBlocks.Of(set)) await client.InsertAsync(block, token: null, cancel);
        ClickHouseLog.DerivedRowsRefused(log, refused.Count, rows.Count, table.Name, Cut(refused[0].Why.Message));
    }

    // Without a token the server compares content: the same rows again are dropped there, or else by the views.
    private async Task InsertAsync<T>(
        DerivedTable<T> table, IReadOnlyList<T> rows, List<(T, ClickHouseException)> refused, CancellationToken cancel)
    {
        if (rows.Count == 0) return;
        ClickHouseException why;
        using (var block = table.BlockOf(rows))
        {
            try
            {
                await client.InsertAsync(block, token: null, cancel);
                return;
            }
            catch (ClickHouseException e)
                when (e.Kind == ClickHouseErrorKind.Data && letters is not null && refused.Count < RefusedMax)
            {
                why = e;
            }
        }
        if (rows.Count == 1)
        {
            refused.Add((rows[0], why));
            return;
        }
        var half = rows.Count / 2;
        await InsertAsync(table, [.. rows.Take(half)], refused, cancel);
        await InsertAsync(table, [.. rows.Skip(half)], refused, cancel);
    }

    // It has no place in a topic. That of the letter is the table and a number made of the change's own id, so a repeat has the same place.
    private static DeadLetter LetterOf<T>(DerivedTable<T> table, T row, ClickHouseException why)
    {
        var raw = new ArrayBufferWriter<byte>();
        using (var json = new ChangeJson(raw)) table.Tell(json, row);
        using var told = JsonDocument.Parse(raw.WrittenMemory);
        var id = Fingerprint.Of(Encoding.UTF8.GetBytes(told.RootElement.GetProperty("id").GetString()!));
        var position = new SourcePosition(new SourcePartition(Guid.Empty, table.Name, 0), (long)(id & long.MaxValue), -1);
        return new DeadLetter(position, TimestampMs: -1, RejectReason.RefusedByTables, Cut(why.Message), raw.WrittenMemory);
    }

    private static string Cut(string message) => message.Length > DetailCharsMax ? message[..DetailCharsMax] : message;
}
