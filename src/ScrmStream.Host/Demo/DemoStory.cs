using System.Globalization;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Reading;
using Spectre.Console;

namespace ScrmStream.Host.Demo;

/// <summary>
/// Tells the pet shop's campaign: one visitor step by step until her identifiers join, then everybody, the board of leads, a funnel
/// that crosses the login, and the checks.
/// </summary>
public sealed class DemoStory(DemoStage stage, PetShopGenerator generator, TimeProvider time)
{
    private const string Funnel = "product_view > add_to_cart > order_paid";

    /// <summary>How many of the heroine's records belong to each chapter; they are the first of the stream.</summary>
    private static readonly (int Records, string Caption)[] Chapters =
    [
        (3, "Lin Xiaoman reads about cats in the official account, likes and follows. Nobody knows her: one openId."),
        (7, "She opens the mini-program, looks at a cat tower and takes a coupon. The unionId ties both openIds together."),
        (10, "Next day she is on the web shop, not logged in. A cookie like any other: another customer."),
        (12, "In the app she is not logged in either: a third one."),
        (13, "She fills in a form in the app: member number, phone and device in one event."),
        (15, "She logs in on the web and buys cat food. The cookie's history is hers now."),
        (18, "Back in the mini-program she buys the tower and gives the same phone: phone and unionId meet. One customer."),
    ];

    /// <returns>True when every check holds.</returns>
    public async Task<bool> TellAsync(CancellationToken cancel)
    {
        var start = time.GetTimestamp();
        using var records = generator.Records().GetEnumerator();
        await TellChaptersAsync(records, cancel);
        await TellEverybodyAsync(records, cancel);
        await ShowBoardAsync(cancel);
        await ShowFunnelAsync(cancel);
        await ShowStagesAsync(cancel);
        var holds = await ShowChecksAsync(cancel);
        var seconds = time.GetElapsedTime(start).TotalSeconds;
        AnsiConsole.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[grey]told in {seconds:0.0} s[/]"));
        return holds;
    }

    private async Task TellChaptersAsync(IEnumerator<GeneratedRecord> records, CancellationToken cancel)
    {
        Heading("One visitor, four channels");
        var told = 0;
        foreach (var (until, caption) in Chapters)
        {
            for (; told < until && records.MoveNext(); told++) await stage.PublishAsync(records.Current, cancel);
            await stage.DrainAsync(cancel);
            AnsiConsole.MarkupLine($"[bold]{Markup.Escape(caption)}[/]");
            foreach (var card in await HeroineAsync(cancel)) AnsiConsole.MarkupLine($"   {Line(card)}");
        }
        AnsiConsole.WriteLine();
        foreach (var card in await HeroineAsync(cancel)) CustomerText.Write(card);
    }

    // The customers that her identifiers belong to right now.
    private async Task<List<CustomerCard>> HeroineAsync(CancellationToken cancel)
    {
        var cards = new List<CustomerCard>();
        foreach (var text in PetShopGenerator.HeroineIdentifiers)
        {
            var ids = CustomerReader.IdsOf(text, stage.Settings.Pipeline.Identity);
            var card = await stage.Customers.ReadFirstAsync(ids, long.MaxValue, cancel);
            if (card is null || cards.Any(c => c.Customer == card.Customer)) continue;
            cards.Add(await stage.Customers.ReadFirstAsync(ids, card.LastSeen, cancel) ?? card);
        }
        return cards;
    }

    private static string Line(CustomerCard card)
    {
        var tags = string.Join(' ', card.Tags.Select(t => card.JustHolds(t.Key) ? t.Key : $"{t.Key}={t.Value}"));
        var intent = card.Scores.GetValueOrDefault("intent");
        var score = (intent?.Value ?? 0).ToString("0.0", CultureInfo.InvariantCulture);
        return $"[grey]{card.Customer[..8]}[/] {card.Identifiers.Count} identifier(s), {card.Events} events, "
            + $"intent [green]{score}[/] {Markup.Escape(intent?.Grade ?? "-")}  [aqua]{Markup.Escape(tags)}[/]";
    }

    private async Task TellEverybodyAsync(IEnumerator<GeneratedRecord> records, CancellationToken cancel)
    {
        Heading("Everybody");
        var start = time.GetTimestamp();
        var before = stage.Pipeline.Counters.DurableEvents;
        while (records.MoveNext()) await stage.PublishAsync(records.Current, cancel);
        await stage.DrainAsync(cancel);
        await stage.EndAsync();
        var counters = stage.Pipeline.Counters;
        var seconds = time.GetElapsedTime(start).TotalSeconds;
        AnsiConsole.MarkupLine(string.Create(CultureInfo.InvariantCulture,
            $"{counters.DurableEvents - before:N0} events made, sent through Kafka, decided and stored in {seconds:0.0} s; "
            + $"{counters.Rejected:N0} bad or repeated ones set aside."));
    }

    private async Task ShowBoardAsync(CancellationToken cancel)
    {
        Heading("The sales team's board: intent, now in the story");
        var atMs = await LatestEventMsAsync(cancel);
        var leaders = await stage.Leads.LeadersAsync("intent", 5, atMs, cancel);
        var cards = await stage.Customers.ReadManyAsync([.. leaders.Select(l => l.Customer)], atMs, cancel);
        var table = new ResultTable(["customer", "intent", "grade", "tags"]) { Numbers = ["intent"] };
        foreach (var card in cards.OfType<CustomerCard>())
        {
            var (value, grade) = card.Scores["intent"];
            var tags = string.Join(' ', card.Tags.Keys.Order());
            table.Add([card.Customer, value.ToString("0.0", CultureInfo.InvariantCulture), grade ?? "", tags]);
        }
        table.Write();
    }

    private async Task ShowFunnelAsync(CancellationToken cancel)
    {
        Heading("A funnel that crosses the login");
        var options = new FunnelOptions { Steps = FunnelOptions.ParseSteps(Funnel), Window = FunnelOptions.ParseWindow("7d") };
        var steps = (await FunnelQuery.RunAsync(stage.ClickHouse, options, cancel))[0].Steps;
        var alone = await PerIdentifierAsync(cancel);
        const string Alone = "identifiers taken one by one";
        var table = new ResultTable(["step", "customers", Alone]) { Numbers = ["customers", Alone] };
        for (var i = 0; i < steps.Count; i++) table.Add([steps[i].Step, Grouped(steps[i].Customers), Grouped(alone[i])]);
        table.Write();
        AnsiConsole.MarkupLine(
            "[grey]On the right the same events without knowing who is who: carts that were filled before a login look abandoned.[/]");
    }

    private async Task ShowStagesAsync(CancellationToken cancel)
    {
        Heading("Leads by stage: 名单 → 下发 → 互动 → 意向 → 成交 → 复购");
        var pipeline = stage.Rules.Pipelines[0];
        var options = new StageFunnelOptions { Pipeline = pipeline.Name, Stages = pipeline.Funnel };
        var steps = (await StageFunnelQuery.RunAsync(stage.ClickHouse, options, cancel))[0].Steps;
        var table = new ResultTable(["stage", "", "leads", "direct"]) { Numbers = ["leads", "direct"] };
        foreach (var step in steps)
        {
            var title = pipeline.StateDescriptions[pipeline.States.ToList().IndexOf(step.Stage)];
            table.Add([step.Stage, title, Grouped(step.Leads), Grouped(step.Direct)]);
        }
        table.Write();
        AnsiConsole.MarkupLine(
            "[grey]Each lead counts once, behind the stages before; on the right those that came there without them.[/]");
    }

    private async Task<long[]> PerIdentifierAsync(CancellationToken cancel)
    {
        const string Sql = """
            SELECT countIf(level >= 1), countIf(level >= 2), countIf(level >= 3) FROM (
              SELECT windowFunnel(604800000)(
                toUInt64(toUnixTimestamp64Milli(event_time)),
                event = 'product_view', event = 'add_to_cart', event = 'order_paid') AS level
              FROM events GROUP BY anchor)
            """;
        var answer = System.Text.Encoding.UTF8.GetString(await stage.ClickHouse.QueryAsync(Sql, "TabSeparated", cancel));
        return [.. answer.Trim().Split('\t').Select(n => long.Parse(n, CultureInfo.InvariantCulture))];
    }

    private async Task<long> LatestEventMsAsync(CancellationToken cancel)
    {
        const string Sql = "SELECT toUnixTimestamp64Milli(max(event_time)) FROM events";
        var answer = await stage.ClickHouse.QueryAsync(Sql, "TabSeparated", cancel);
        return long.Parse(System.Text.Encoding.UTF8.GetString(answer).Trim(), CultureInfo.InvariantCulture);
    }

    private async Task<bool> ShowChecksAsync(CancellationToken cancel)
    {
        Heading("Checked against what the generator knows");
        var checks = await DemoChecks.RunAsync(stage, generator.Truth(), cancel);
        var table = new ResultTable(["", "what", "generator", "found"]) { Numbers = ["generator", "found"] };
        foreach (var check in checks) table.Add([check.Holds ? "ok" : "WRONG", check.What, check.Expected, check.Found]);
        table.Write();
        var wrong = checks.Count(c => !c.Holds);
        AnsiConsole.MarkupLine(wrong == 0
            ? $"[green]{checks.Count} of {checks.Count} checks hold.[/]"
            : $"[red]{wrong} of {checks.Count} checks do not hold.[/]");
        return wrong == 0;
    }

    private static string Grouped(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static void Heading(string text)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.Write(new Rule($"[bold]{Markup.Escape(text)}[/]") { Justification = Justify.Left });
    }
}
