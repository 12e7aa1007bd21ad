namespace ScrmStream.Rules.Stages;

/// <summary>How a transition or reminder comes about.</summary>
internal enum StageCause : byte
{
    /// <summary>An event.</summary>
    Event,
    /// <summary>So long in the state.</summary>
    After,
    /// <summary>So long in the state without an event that counts as activity.</summary>
    Idle,
}

/// <summary>What makes a lead, moves it on, or reminds of it.</summary>
/// <param name="From">Empty: it makes a lead.</param>
/// <param name="To">Empty: it is a reminder.</param>
internal sealed record StageRuleSyntax(Place Place, IReadOnlyList<string> From, string To, string Reminder, StageCause Cause)
{
    /// <summary>Of an event: which ones.</summary>
    public EventFilter? On { get; init; }
    /// <summary>Of an event: a guard, judged on the events up to that one.</summary>
    public Located<ConditionSyntax>? When { get; init; }
    /// <summary>Of a timer: how long.</summary>
    public long WaitMs { get; init; }
    /// <summary>Of an event: the least time in the state before it counts.</summary>
    public long NotBeforeMs { get; init; }

    public bool IsTimer => Cause != StageCause.Event;

    public string Text =>
        (Reminder.Length > 0 ? $"remind {Reminder}" : From.Count == 0 ? "create" : "move") + $" [{string.Join(",", From)}] {To}"
        + (On is null ? "" : $" on {On.Text}") + (When is null ? "" : $" when {When.Syntax.Text}")
        + (WaitMs == 0 ? "" : $" {Cause.ToString().ToLowerInvariant()} {RuleDuration.Format(WaitMs)}")
        + (NotBeforeMs == 0 ? "" : $" not before {RuleDuration.Format(NotBeforeMs)}");
}

internal sealed record StateSyntax(string Name, string Description, Place Place);

internal sealed record PipelineSyntax(string Name, Place Place, string Description, string Type, IReadOnlyList<StateSyntax> States)
{
    public IReadOnlyList<string> Final { get; init; } = [];
    public EventFilter Activity { get; init; } = EventFilter.Any;
    public IReadOnlyList<StageRuleSyntax> Creates { get; init; } = [];
    public IReadOnlyList<StageRuleSyntax> Transitions { get; init; } = [];
    public IReadOnlyList<StageRuleSyntax> Reminders { get; init; } = [];
    public IReadOnlyList<string> Funnel { get; init; } = [];

    public IEnumerable<StageRuleSyntax> Rules => [.. Creates, .. Transitions, .. Reminders];

    public string Text => $"pipeline {Name} {Type} states {string.Join(",", States.Select(s => s.Name))} final {string.Join(",", Final)} "
        + $"activity {Activity.Text}; {string.Join("; ", Rules.Select(r => r.Text))}";
}
