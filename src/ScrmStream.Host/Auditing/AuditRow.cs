using System.Text.Json;
using ScrmStream.Host.Reading;
using ScrmStream.Identity;

namespace ScrmStream.Host.Auditing;

/// <summary>What SQL says of one customer (<see cref="ScrmStream.Rules.Sql.RuleQuery.OfAll"/>), and then in what Redis differs.</summary>
internal sealed class AuditRow(JsonElement[] row)
{
    private const int FirstTag = 3;

    public string Customer { get; } = row[0].GetString()!;
    public IdentifierId Id { get; } = IdentifierId.TryParse(row[0].GetString()!, out var id) ? id : default;
    public long LastEventMs { get; } = ResultRows.Long(row[1]);
    public long Events { get; } = ResultRows.Long(row[2]);

    /// <summary>Events that the view said it was made of when the two were compared.</summary>
    public long PublishedEvents { get; set; }

    /// <summary>By rule, what SQL and what Redis says; empty while nothing differs.</summary>
    public List<(int Rule, string? Sql, string? Redis)> Differences { get; } = [];

    /// <summary>Null: the tag does not hold.</summary>
    public string? Tag(int i) => row[FirstTag + i].GetString();

    /// <param name="tags">How many tags stand before the scores.</param>
    public long Points(int i, int tags) => ResultRows.Long(row[FirstTag + tags + 2 * i]);

    public string? Grade(int i, int tags) => row[FirstTag + tags + 2 * i + 1].GetString();
}
