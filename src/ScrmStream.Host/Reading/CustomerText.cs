using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ScrmStream.Host.Reading;

/// <summary>A customer for people: a small card.</summary>
public static class CustomerText
{
    private const int IdentifiersShown = 12;

    public static void Write(CustomerCard customer)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn();
        AddRow(grid, "seen", new Markup(Markup.Escape(
            $"{TimeText.Show(customer.FirstSeen)} to {TimeText.Show(customer.LastSeen)}, "
                + $"{customer.Events.ToString("N0", CultureInfo.InvariantCulture)} events")));
        if (customer.Channels.Count > 0) AddRow(grid, "channels", new Markup(Markup.Escape(string.Join(", ", customer.Channels))));
        AddRow(grid, "scores", Scores(customer));
        AddRow(grid, "tags", Tags(customer));
        foreach (var (pipeline, lead) in customer.Leads)
            AddRow(grid, pipeline, new Markup(Markup.Escape(
                $"{lead.Stage} since {TimeText.Show(lead.Since)}{(lead.Reminder is null ? "" : $", reminder {lead.Reminder}")}")));
        foreach (var (name, value) in customer.Attributes) AddRow(grid, name, new Markup(Markup.Escape(value)));
        if (customer.Actions.Count > 0) AddRow(grid, "actions", Actions(customer));
        AddRow(grid, "identifiers", Identifiers(customer));
        AnsiConsole.Write(new Panel(grid) { Header = new PanelHeader($" [bold]{customer.Customer}[/] "), Border = BoxBorder.Rounded });
    }

    private static void AddRow(Grid grid, string name, IRenderable content) =>
        grid.AddRow(new Markup($"[grey]{Markup.Escape(name)}[/]"), content);

    private static Markup Scores(CustomerCard customer)
    {
        if (customer.Scores.Count == 0) return new Markup("[grey]none[/]");
        return new Markup(string.Join('\n', customer.Scores.Select(s =>
        {
            var grade = s.Value.Grade is { } g ? $"  grade [bold green]{Markup.Escape(g)}[/]" : "";
            return $"{Markup.Escape(s.Key)} [bold]{s.Value.Value.ToString("0.##", CultureInfo.InvariantCulture)}[/]{grade}";
        })));
    }

    private static Markup Tags(CustomerCard customer)
    {
        if (customer.Tags.Count == 0) return new Markup("[grey]none[/]");
        return new Markup(string.Join("  ", customer.Tags.Select(t =>
            customer.JustHolds(t.Key) ? $"[aqua]{Markup.Escape(t.Key)}[/]" : $"[aqua]{Markup.Escape(t.Key)}[/]={Markup.Escape(t.Value)}")));
    }

    private static Markup Actions(CustomerCard customer) => new(Markup.Escape(string.Join('\n', customer.Actions.Select(a =>
    {
        var outcome = a.Value.Outcome == "sent" ? "sent" : $"suppressed: {a.Value.Outcome}";
        return $"{a.Key} {outcome}, {TimeText.Show(a.Value.DecidedMs)}";
    }))));

    private static Markup Identifiers(CustomerCard customer)
    {
        var shown = customer.Identifiers.Take(IdentifiersShown).Select(i => Markup.Escape(i.ToString()));
        var more = customer.Identifiers.Count > IdentifiersShown
            ? $"\n[grey]and {customer.Identifiers.Count - IdentifiersShown} more (--format json lists all)[/]" : "";
        return new Markup(string.Join('\n', shown) + more);
    }
}
