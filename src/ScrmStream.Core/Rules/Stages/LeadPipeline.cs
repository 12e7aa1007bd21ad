using System.Text;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Stages;

/// <summary>One way out of a stage, or into the first one.</summary>
/// <param name="Trigger">The bit of its trigger; 0 for a timer.</param>
/// <param name="Guard">Null: none.</param>
/// <param name="Runs">Of an idle timer, the place of its runs in the pipeline's list.</param>
internal sealed record StageMove(int To, StageCause Cause, uint Trigger, Condition? Guard, long WaitMs, long NotBeforeMs, int Runs);

/// <summary>A reminder of one stage.</summary>
internal sealed record StageReminder(int Name, StageCause Cause, long WaitMs, int Runs);

/// <summary>One stage with its ways out.</summary>
internal sealed record Stage(bool IsFinal, StageMove[] Moves, StageMove? After, StageMove? Idle, StageReminder[] Reminders);

/// <summary>What a pipeline reads of the shards.</summary>
/// <param name="Guards">The lists that guards look back into, with their timelines.</param>
internal sealed record StageState(StageMoments Moments, ActivityRuns[] Runs, (Aggregate Aggregate, int Timeline)[] Guards);

/// <summary>
/// One pipeline of leads: their stages and what moves them. A customer's leads are a function of its events and a time, whatever the order
/// in which the events came. Immutable, any thread.
/// </summary>
public sealed class LeadPipeline
{
    private readonly StageMove[] _creates;
    private readonly Stage[] _stages;
    private readonly StageState _state;

    internal LeadPipeline(PipelineSyntax syntax, StageMove[] creates, Stage[] stages, string[] reminders, StageState state)
    {
        (_creates, _stages, _state) = (creates, stages, state);
        Name = syntax.Name;
        Type = syntax.Type;
        Description = syntax.Description;
        Line = syntax.Place.Line;
        Text = syntax.Text;
        States = [.. syntax.States.Select(s => s.Name)];
        StateDescriptions = [.. syntax.States.Select(s => s.Description)];
        Reminders = reminders;
        Funnel = syntax.Funnel;
        NameUtf8 = Encoding.UTF8.GetBytes(Name);
        StatesUtf8 = [.. States.Select(Encoding.UTF8.GetBytes)];
        RemindersUtf8 = [.. reminders.Select(Encoding.UTF8.GetBytes)];
        Aggregates = [state.Moments, .. state.Runs, .. state.Guards.Select(g => g.Aggregate)];
    }

    public string Name { get; }
    /// <summary>sales or service.</summary>
    public string Type { get; }
    public string Description { get; }
    /// <summary>Where it stands in the rule file.</summary>
    public int Line { get; }
    /// <summary>The pipeline in canonical form; how its funnel counts is no part of it.</summary>
    public string Text { get; }
    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<string> States { get; }
    /// <summary>What people call them.</summary>
    public IReadOnlyList<string> StateDescriptions { get; }
    public IReadOnlyList<string> Reminders { get; }
    /// <summary>The stages that its funnel counts, in order; empty: it has none.</summary>
    public IReadOnlyList<string> Funnel { get; }
    /// <summary>What it reads of the shards.</summary>
    public IReadOnlyList<Aggregate> Aggregates { get; }

    /// <summary>A lead in this state is closed.</summary>
    public bool IsFinal(int state) => _stages[state].IsFinal;

    /// <summary>Leads may move, or a reminder come, by the mere passing of time.</summary>
    public bool ChangesByItself => Array.Exists(_stages, s => s.After is not null || s.Idle is not null || s.Reminders.Length > 0);

    internal byte[] NameUtf8 { get; }
    internal byte[][] StatesUtf8 { get; }
    internal byte[][] RemindersUtf8 { get; }

    /// <summary>Follows a customer's leads from its first event up to the time of the evaluation.</summary>
    internal void Follow(Evaluation v, LeadHistory history)
    {
        history.Clear();
        _state.Moments.Load(v.Shards, history.Moments);
        if (history.Moments.Count == 0) return;
        Load(v, history);
        v.LooksBack = true;
        for (var i = 0; i < history.Moments.Count; i++)
        {
            // What time does at this very moment comes first.
            Pass(history, history.Moments[i].TimeMs);
            Step(v, history, i);
        }
        v.LooksBack = false;
        v.MayChangeAt(Pass(history, v.AsOfMs));
    }

    private void Load(Evaluation v, LeadHistory history)
    {
        if (history.Runs.Length < _state.Runs.Length) history.Runs = [.. _state.Runs.Select(_ => new RunLine())];
        for (var i = 0; i < _state.Runs.Length; i++) _state.Runs[i].Load(v.Shards, history.Runs[i]);
        foreach (var (aggregate, timeline) in _state.Guards) EarlierTimes.Load(aggregate, v, timeline);
    }

    // One moment makes at most one step.
    private void Step(Evaluation v, LeadHistory history, int moment)
    {
        var (timeMs, triggers) = (history.Moments[moment].TimeMs, history.Moments[moment].Triggers);
        var isOpen = history.State >= 0 && !_stages[history.State].IsFinal;
        foreach (var move in isOpen ? _stages[history.State].Moves : _creates)
        {
            if ((triggers & move.Trigger) == 0) continue;
            if (isOpen && timeMs < history.SinceMs + move.NotBeforeMs) continue;
            if (move.Guard is not null && !move.Guard.Holds(v, timeMs)) continue;
            if (isOpen) history.Enter(move.To, timeMs, StageStep.Event);
            else history.Create(moment, move.To);
            return;
        }
    }

    // Carries out what time alone does up to a moment; returns when the next such thing is due.
    private long Pass(LeadHistory history, long untilMs)
    {
        while (history.State >= 0)
        {
            var stage = _stages[history.State];
            var (moveMs, move) = NextMove(history, stage);
            var (remindMs, place) = NextReminder(history, stage);
            var dueMs = Math.Min(moveMs, remindMs);
            if (dueMs > untilMs || dueMs == long.MaxValue) return dueMs;
            if (moveMs > remindMs) history.Remind(stage.Reminders[place].Name, place, remindMs);
            else history.Enter(move!.To, moveMs, move.Cause == StageCause.After ? StageStep.After : StageStep.Idle);
        }
        return long.MaxValue;
    }

    private static (long AtMs, StageMove? Move) NextMove(LeadHistory history, Stage stage)
    {
        var (atMs, move) = (long.MaxValue, (StageMove?)null);
        if (stage.After is { } after) (atMs, move) = (history.SinceMs + after.WaitMs, after);
        if (stage.Idle is { } idle && history.Runs[idle.Runs].NextIdle(history.SinceMs, history.SinceMs) is var idleMs && idleMs < atMs)
            (atMs, move) = (idleMs, idle);
        return (atMs, move);
    }

    // The first reminder behind the last one; those of one moment come in the order of the file.
    private static (long AtMs, int Place) NextReminder(LeadHistory history, Stage stage)
    {
        var (atMs, first) = (long.MaxValue, -1);
        for (var place = 0; place < stage.Reminders.Length; place++)
        {
            var reminder = stage.Reminders[place];
            var behindMs = history.Reminded.AtMs - (place > history.Reminded.Place ? 1 : 0);
            var dueMs = reminder.Cause == StageCause.After
                ? history.SinceMs + reminder.WaitMs
                : history.Runs[reminder.Runs].NextIdle(history.SinceMs, behindMs);
            if (dueMs > behindMs && dueMs < atMs) (atMs, first) = (dueMs, place);
        }
        return (atMs, first);
    }
}
