using System.Globalization;
using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using ScrmStream.Host.Commands;
using ScrmStream.Host.Settings;
using ScrmStream.Rules;

namespace ScrmStream.Host.Reading;

/// <summary>What one kind of event gives to a score, all such events together.</summary>
public sealed record LeadPoints(string Event, decimal Points);

/// <summary>Why a customer is where it is on the board.</summary>
/// <param name="LastTouch">The last event, with its channel.</param>
/// <param name="Points">What gave most, by event name; the sum of all is the score.</param>
public sealed record LeadReason(string LastTouch, IReadOnlyList<LeadPoints> Points)
{
    public string ToText() => string.Join(", ", Points.Select(
        p => $"{p.Event} {p.Points.ToString("+0.#;-0.#;0", CultureInfo.InvariantCulture)}"));
}

/// <summary>Reads the reasons of some customers off their events in ClickHouse, by one query.</summary>
internal static class LeadReasons
{
    private const int LeadsMax = 100;
    private const int EventsMax = 1_000_000;
    private const int PointsShown = 3;

    /// <summary>By customer.</summary>
    /// <exception cref="SettingsException">There is no rule file or score, or there are too many leads.</exception>
    public static async Task<IReadOnlyDictionary<string, LeadReason>> ReadAsync(
        HostSettings settings, RuleSet? rules, string score, IReadOnlyList<CustomerCard> leads, long asOfMs, CancellationToken cancel)
    {
        if (rules is null) throw new SettingsException("--why needs --rules: the rules of \"run\".");
        if (rules.Scores.All(s => s.Name != score)) throw new SettingsException($"--why: the rules have no score {score}.");
        if (leads.Count > LeadsMax) throw new SettingsException($"--why takes at most {LeadsMax} leads; give --top.");
        if (!settings.HasClickHouse) throw Exits.NoAddress("ClickHouse", "--clickhouse http://");
        if (leads.Count == 0) return new Dictionary<string, LeadReason>();
        using var client = new ClickHouseClient(settings.ClickHouse);
        var sql = CustomerEventsSql.UpTo([.. leads.Select(l => l.Customer)], asOfMs, EventsMax);
        var customers = await CustomerEvents.ReadManyAsync(client, sql, cancel);
        var batch = CustomerEvents.BatchFor(customers);
        return customers.ToDictionary(c => c.Customer, c => Reason(rules, score, CustomerEvents.Decode(c.Rows, batch), asOfMs));
    }

    private static LeadReason Reason(RuleSet rules, string score, EventBatch events, long asOfMs)
    {
        var ledger = ScoreLedger.Of(rules, score, events, asOfMs);
        var points = ledger.Lines.GroupBy(l => Name(events, l.Event))
            .Select(g => new LeadPoints(g.Key, g.Sum(l => l.MicroPoints) / 1_000_000m))
            .OrderByDescending(p => Math.Abs(p.Points)).ThenBy(p => p.Event, StringComparer.Ordinal).Take(PointsShown);
        ref var last = ref events.Events[events.Count - 1];
        return new LeadReason($"{Name(events, events.Count - 1)} {last.Channel.Word()}".TrimEnd(), [.. points]);
    }

    private static string Name(EventBatch events, int i) => Encoding.UTF8.GetString(events.Text(events.Events[i].Name));
}
