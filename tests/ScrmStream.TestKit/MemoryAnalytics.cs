using System.Collections.Concurrent;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.TestKit;

/// <summary>A row of an event.</summary>
/// <param name="Name">The event's name; null: it is a duplicate, and hidden.</param>
public readonly record struct EventRow(ulong Partition, long Offset, int Index, ulong Epoch, string? Name);

/// <summary>The tables of analysts as readers see them: rows by their keys, a later version in place of an earlier.</summary>
public sealed class MemoryAnalytics : IAnalyticsSink, IDeadLetterSink
{
    // Duplicates too, hidden: of two verdicts that of the higher epoch holds, of two of one epoch the later.
    private readonly ConcurrentDictionary<(ulong Partition, long Offset, int Index), (ulong Epoch, string? Name, int Stored, bool Differ)>
        _events = new();

    public IReadOnlyDictionary<(ulong Partition, long Offset, int Index), string> Events =>
        _events.Where(e => e.Value.Name is not null).ToDictionary(e => e.Key, e => e.Value.Name!);

    private readonly ConcurrentDictionary<string, bool> _tokens = new();

    /// <summary>Rows of events, hidden ones too.</summary>
    public int Rows => _events.Count;

    /// <summary>Events with a row, and rows beyond one for each: what a table has before any merge.</summary>
    public (int Events, int Repeats) StoredEvents => (_events.Count, _events.Values.Sum(e => e.Stored - 1));

    public ConcurrentDictionary<IdentifierId, IdentityMapping> Map { get; } = new();
    public ConcurrentDictionary<(IdentifierId, string, string?, long), TagChange> Tags { get; } = new();
    /// <summary>By id, as a reader keeps them.</summary>
    public ConcurrentDictionary<(IdentifierId Customer, long AtMs, string Action), CustomerAction> Actions { get; } = new();
    public ConcurrentDictionary<(ulong, long, int), DeadLetter> DeadLetters { get; } = new();

    public Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel)
    {
        Write(RowsOf(batches), token);
        return Task.CompletedTask;
    }

    /// <summary>The rows of a block, of which nothing lies in the batches any more.</summary>
    public static List<EventRow> RowsOf(IReadOnlyList<EventBatch> batches)
    {
        var rows = new List<EventRow>();
        foreach (var batch in batches)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                ref var e = ref batch.Events[i];
                if (e.IsStored) continue;
                var at = batch.PositionOf(in e);
                var name = e.Verdict != Verdict.Duplicate ? Encoding.UTF8.GetString(batch.Text(e.Name)) : null;
                rows.Add(new EventRow(at.Partition.Id, at.Offset, at.Index, batch.EpochOf(in e), name));
            }
        }
        return rows;
    }

    /// <param name="token">A block whose token came before is not stored again.</param>
    public void Write(IReadOnlyList<EventRow> rows, string token)
    {
        if (!_tokens.TryAdd(token, true)) return;
        foreach (var row in rows)
        {
            _events.AddOrUpdate((row.Partition, row.Offset, row.Index), (row.Epoch, row.Name, 1, false), (_, old) =>
            {
                var (stored, differ) = (old.Stored + 1, old.Differ || old.Name is null != row.Name is null);
                return row.Epoch >= old.Epoch ? (row.Epoch, row.Name, stored, differ) : (old.Epoch, old.Name, stored, differ);
            });
        }
    }

    /// <inheritdoc cref="FindStoredRows"/>
    public Task<StoredRows> FindAsync(IReadOnlyList<OffsetRange> ranges, CancellationToken cancel)
    {
        var (rows, hasMore) = (new List<StoredRow>(), new bool[ranges.Count]);
        foreach (var (at, row) in _events)
        {
            for (var i = 0; i < ranges.Count; i++)
            {
                if (ranges[i].Partition.Id != at.Partition || at.Offset < ranges[i].First) continue;
                if (at.Offset > ranges[i].Last) hasMore[i] = true;
                else
                    rows.Add(new StoredRow(
                        new SourcePosition(ranges[i].Partition, at.Offset, at.Index), row.Epoch, row.Differ ? null : row.Name is null));
            }
        }
        return Task.FromResult(new StoredRows(rows, hasMore));
    }

    /// <summary>There is a row of a record, seen or hidden, or a letter.</summary>
    public bool Has(ulong partition, long offset) =>
        _events.ContainsKey((partition, offset, 0)) || DeadLetters.Keys.Any(l => l.Item1 == partition && l.Item2 == offset);

    public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel)
    {
        foreach (var change in changes) Tags[(change.Customer, change.Tag, change.Value, change.SinceMs)] = change;
        return Task.CompletedTask;
    }

    public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>As a reader sees them: of each customer and pipeline the highest version.</summary>
    public ConcurrentDictionary<(IdentifierId, string), CustomerLeads> Leads { get; } = new();
    public ConcurrentQueue<StageChange> Stages { get; } = new();

    public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel)
    {
        foreach (var one in leads)
        {
            Leads.AddOrUpdate((one.Customer, one.Pipeline), one, (_, old) => one.Version >= old.Version ? one : old);
            foreach (var change in one.Changes) Stages.Enqueue(change);
        }
        return Task.CompletedTask;
    }

    public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel)
    {
        // Who keeps ids passes over a repeat.
        foreach (var action in actions) Actions.TryAdd((action.Customer, action.AtMs, action.Action), action);
        return Task.CompletedTask;
    }

    public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel)
    {
        foreach (var mapping in mappings)
            Map.AddOrUpdate(mapping.Identifier, mapping, (_, old) => mapping.Version >= old.Version ? mapping : old);
        return Task.CompletedTask;
    }

    public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) => WriteAsync(letters, cancel);

    public Task WriteAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
    {
        foreach (var letter in letters) DeadLetters[(letter.Position.Partition.Id, letter.Position.Offset, letter.Position.Index)] = letter;
        return Task.CompletedTask;
    }
}
