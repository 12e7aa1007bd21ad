using ScrmStream.Profiles;

namespace ScrmStream.Rules.Stages;

/// <summary>Turns the syntax of one pipeline into a <see cref="LeadPipeline"/>, and finds what it keeps of the events.</summary>
internal sealed class StageCompiler
{
    private readonly RuleBinder _binder;
    private readonly PipelineSyntax _pipeline;
    private readonly string[] _triggers;
    private readonly string[] _reminders;
    private readonly List<ActivityRuns> _runs = [];

    public StageCompiler(RuleBinder binder, PipelineSyntax pipeline)
    {
        (_binder, _pipeline) = (binder, pipeline);
        _triggers = [.. pipeline.Rules.Where(r => r.On is not null).Select(r => r.On!.Text).Distinct()];
        _reminders = [.. pipeline.Reminders.Select(r => r.Reminder).Distinct()];
    }

    /// <exception cref="RuleFileException">With the place.</exception>
    public LeadPipeline Compile()
    {
        try
        {
            _binder.StartGuards();
            var creates = _pipeline.Creates.Select(Move).ToArray();
            var stages = _pipeline.States.Select(Stage).ToArray();
            return new LeadPipeline(_pipeline, creates, stages, _reminders, new StageState(Moments(), [.. _runs], _binder.EarlierLists));
        }
        catch (ExpressionException e)
        {
            throw _pipeline.Place.Error(e.Message);
        }
    }

    private StageMoments Moments()
    {
        if (_triggers.Length > StageMoments.TriggersMax)
            throw new ExpressionException(0, $"pipeline '{_pipeline.Name}' has more than {StageMoments.TriggersMax} different triggers");
        var making = _pipeline.Creates.Aggregate(0u, (bits, c) => bits | BitOf(c));
        var filters = _triggers.Select(text => _pipeline.Rules.First(r => r.On?.Text == text).On!);
        return _binder.Use(new StageMoments(string.Join("; ", _triggers), making), [.. filters.Select((f, i) => (f, (long)i))]);
    }

    private Stage Stage(StateSyntax state)
    {
        var moves = _pipeline.Transitions.Where(t => t.From.Contains(state.Name)).Select(t => (t.Cause, Move: Move(t))).ToList();
        return new Stage(
            _pipeline.Final.Contains(state.Name), [.. moves.Where(m => m.Cause == StageCause.Event).Select(m => m.Move)],
            moves.Find(m => m.Cause == StageCause.After).Move, moves.Find(m => m.Cause == StageCause.Idle).Move,
            [.. _pipeline.Reminders.Where(r => r.From.Contains(state.Name)).Select(r => new StageReminder(
                Array.IndexOf(_reminders, r.Reminder), r.Cause, r.WaitMs, RunsOf(r)))]);
    }

    private StageMove Move(StageRuleSyntax rule) => new(
        _pipeline.States.ToList().FindIndex(s => s.Name == rule.To), rule.Cause, BitOf(rule), Guard(rule), rule.WaitMs, rule.NotBeforeMs,
        RunsOf(rule));

    private uint BitOf(StageRuleSyntax rule) => rule.On is null ? 0 : 1u << Array.IndexOf(_triggers, rule.On.Text);

    private Condition? Guard(StageRuleSyntax rule)
    {
        if (rule.When is null) return null;
        try
        {
            return rule.When.Syntax.Bind(_binder);
        }
        catch (ExpressionException e)
        {
            throw rule.When.Error(e);
        }
    }

    private int RunsOf(StageRuleSyntax rule)
    {
        if (rule.Cause != StageCause.Idle) return -1;
        var at = _runs.FindIndex(r => r.IdleMs == rule.WaitMs);
        if (at >= 0) return at;
        _runs.Add(_binder.Use(new ActivityRuns(_pipeline.Activity.Text, rule.WaitMs), _pipeline.Activity));
        return _runs.Count - 1;
    }
}
