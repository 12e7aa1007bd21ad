namespace ScrmStream.Rules.Stages;

/// <summary>
/// What is wrong with a pipeline though every word of it is known: states that no lead can reach, transitions that nothing can cause, two
/// that one event or one time would cause.
/// </summary>
internal static class StageChecks
{
    /// <exception cref="RuleFileException">With file, line, column and reason.</exception>
    public static void Check(PipelineSyntax pipeline)
    {
        foreach (var rule in pipeline.Transitions.Concat(pipeline.Reminders))
            if (rule.From.FirstOrDefault(pipeline.Final.Contains) is { } final)
                throw rule.Place.Error($"a lead in the final state '{final}' is closed; nothing leads out of it or reminds of it");
        RefuseUnreachable(pipeline);
        RefuseCircleOfTimers(pipeline);
        foreach (var state in pipeline.States)
        {
            RefuseTwoOwners([.. pipeline.Transitions.Where(t => t.From.Contains(state.Name))], $"state '{state.Name}'");
            RefuseTwoReminders([.. pipeline.Reminders.Where(t => t.From.Contains(state.Name))]);
        }
        RefuseTwoOwners(pipeline.Creates, "what makes leads");
        RefuseDeadFunnel(pipeline);
    }

    private static void RefuseUnreachable(PipelineSyntax pipeline)
    {
        var reached = Reach(pipeline, pipeline.Creates.Select(c => c.To));
        if (pipeline.States.FirstOrDefault(s => !reached.Contains(s.Name)) is { } lost)
            throw lost.Place.Error(
                $"no lead can reach the state '{lost.Name}': no 'create' and no transition from a reachable state leads to it");
    }

    private static HashSet<string> Reach(PipelineSyntax pipeline, IEnumerable<string> starts)
    {
        HashSet<string> reached = [.. starts];
        for (var before = 0; before < reached.Count;)
        {
            before = reached.Count;
            foreach (var transition in pipeline.Transitions)
                if (transition.From.Any(reached.Contains)) reached.Add(transition.To);
        }
        return reached;
    }

    // Timers that lead back to where they began would move a lead for ever, with nothing happening.
    private static void RefuseCircleOfTimers(PipelineSyntax pipeline)
    {
        foreach (var timer in pipeline.Transitions.Where(t => t.IsTimer))
        {
            HashSet<string> met = [timer.To];
            for (var before = 0; before < met.Count;)
            {
                before = met.Count;
                foreach (var next in pipeline.Transitions.Where(t => t.IsTimer && t.From.Any(met.Contains))) met.Add(next.To);
            }
            if (timer.From.FirstOrDefault(met.Contains) is { } again)
                throw timer.Place.Error($"transitions by time alone lead from '{again}' back to it; one of them has to wait for an event");
        }
    }

    private static void RefuseTwoOwners(IReadOnlyList<StageRuleSyntax> rules, string owner)
    {
        for (var later = 1; later < rules.Count; later++)
        {
            for (var earlier = 0; earlier < later; earlier++)
            {
                if (Shared(rules[earlier], rules[later]) is not { } trigger) continue;
                throw rules[later].Place.Error($"{trigger} has two owners in {owner}: line {rules[earlier].Place.Line} takes it already");
            }
        }
    }

    // What both would act on, so that the later never could; null: each has its own.
    private static string? Shared(StageRuleSyntax earlier, StageRuleSyntax later)
    {
        if (earlier.Cause != later.Cause) return null;
        // The shorter of two times always comes first, and then the state is left.
        if (earlier.IsTimer) return $"'{earlier.Cause.ToString().ToLowerInvariant()}'";
        var leavesSome = earlier.NotBeforeMs > later.NotBeforeMs
            || (earlier.When is not null && earlier.When.Syntax.Text != later.When?.Syntax.Text);
        if (leavesSome) return null;
        var names = new SortedSet<string>(StringComparer.Ordinal);
        earlier.On!.CollectEventNames(names);
        later.On!.CollectEventNames(names);
        foreach (var name in names.Cast<string?>().Append(null))
        {
            var (first, second) = (earlier.On.Given(name), later.On.Given(name));
            if (second == EventFilter.None) continue;
            if (first == EventFilter.Any || first.Text == second.Text) return name is null ? "any other event" : $"event \"{name}\"";
        }
        return null;
    }

    private static void RefuseTwoReminders(List<StageRuleSyntax> reminders)
    {
        var twice = reminders.GroupBy(r => (r.Reminder, r.Cause)).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null)
            throw twice.Last().Place.Error(
                $"the reminder '{twice.Key.Reminder}' has two owners: line {twice.First().Place.Line} has it already");
    }

    private static void RefuseDeadFunnel(PipelineSyntax pipeline)
    {
        for (var i = 1; i < pipeline.Funnel.Count; i++)
        {
            var (from, to) = (pipeline.Funnel[i - 1], pipeline.Funnel[i]);
            var starts = pipeline.Transitions.Where(t => t.From.Contains(from)).Select(t => t.To);
            if (!Reach(pipeline, starts).Contains(to))
                throw pipeline.Place.Error($"in 'funnel' no lead can come from '{from}' to '{to}'");
        }
    }
}
