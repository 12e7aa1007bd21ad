using System.Text;
using ScrmStream.Profiles;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Rules.Stages;

/// <summary>Reads the pipelines of leads of a rule file into syntax; <see cref="StageChecks"/> says whether they make sense.</summary>
internal sealed class StageReader(YamlAccess yaml, CalendarZone zone)
{
    private const int StatesMax = 64;
    private const int RulesMax = 128;
    private const int NameCharactersMax = 64;
    private const int DescriptionBytesMax = 128;

    private static readonly string[] Keys =
        ["pipeline", "description", "type", "states", "final", "activity", "create", "transitions", "reminders", "funnel"];
    private static readonly string[] CreateKeys = ["to", "on", "when"];
    private static readonly string[] TransitionKeys = ["from", "to", "on", "when", "after", "idle", "not_before"];
    private static readonly string[] ReminderKeys = ["reminder", "from", "after", "idle"];

    public PipelineSyntax Pipeline(YamlNode node)
    {
        var keys = yaml.Map(node, "a pipeline", Keys, ["owner", "assign"]);
        var name = yaml.Name(node, keys, "pipeline");
        var type = yaml.Text(keys, "type");
        if (type is not ("sales" or "service"))
            throw yaml.Error(keys.GetValueOrDefault("type", node), $"pipeline '{name}' needs 'type: sales' or 'type: service'");
        var states = States(node, keys);
        var pipeline = new PipelineSyntax(name, yaml.PlaceOf(node), yaml.Text(keys, "description"), type, states)
        {
            Final = keys.TryGetValue("final", out var final) ? StateNames(final, states) : [],
            Activity = keys.TryGetValue("activity", out var a) ? yaml.Expression(a, ExpressionParser.ParseFilter).Syntax : EventFilter.Any,
            Creates = yaml.List(keys, "create", RulesMax).ConvertAll(n => Create(n, states)),
            Transitions = yaml.List(keys, "transitions", RulesMax).ConvertAll(n => Transition(n, states)),
            Reminders = yaml.List(keys, "reminders", RulesMax).ConvertAll(n => Reminder(n, states)),
            Funnel = keys.TryGetValue("funnel", out var funnel) ? StateNames(funnel, states) : [],
        };
        if (pipeline.Creates.Count == 0) throw yaml.Error(node, $"pipeline '{name}' needs 'create': what makes a lead");
        if (funnel is not null && pipeline.Funnel.Count < 2) throw yaml.Error(funnel, "'funnel' lists at least two states, in order");
        StageChecks.Check(pipeline);
        return pipeline;
    }

    private List<StateSyntax> States(YamlNode owner, Dictionary<string, YamlNode> keys)
    {
        if (!keys.TryGetValue("states", out var node)) throw yaml.Error(owner, "the key 'states' is missing");
        if (node is not YamlMappingNode map || map.Children.Count is < 2 or > StatesMax)
            throw yaml.Error(node, $"'states' is a map of 2 to {StatesMax} entries: state, then what it is called");
        List<StateSyntax> states = [];
        foreach (var (key, description) in map.Children)
        {
            var name = yaml.Scalar(key, "a state");
            if (name.Length is 0 or > NameCharactersMax || !name.All(c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.'))
                throw yaml.Error(key, $"a state has 1 to {NameCharactersMax} letters, digits, '_', '-' or '.'");
            var text = yaml.Scalar(description, "what the state is called");
            if (Encoding.UTF8.GetByteCount(text) > DescriptionBytesMax)
                throw yaml.Error(description, $"what a state is called has at most {DescriptionBytesMax} bytes");
            states.Add(new StateSyntax(name, text, yaml.PlaceOf(key)));
        }
        return states;
    }

    private List<string> StateNames(YamlNode node, List<StateSyntax> states)
    {
        if (node is YamlScalarNode) return [State(node, states)];
        if (node is not YamlSequenceNode list) throw yaml.Error(node, "expected a state, or a list of states");
        var names = list.Children.Select(n => State(n, states)).ToList();
        var repeated = names.GroupBy(n => n).FirstOrDefault(g => g.Count() > 1);
        return repeated is null ? names : throw yaml.Error(node, $"'{repeated.Key}' stands there twice");
    }

    private string State(YamlNode node, List<StateSyntax> states)
    {
        var name = yaml.Scalar(node, "a state");
        return states.Exists(s => s.Name == name)
            ? name : throw yaml.Error(node, $"there is no state '{name}'{Suggestion.Of(name, states.Select(s => s.Name))}");
    }

    private StageRuleSyntax Create(YamlNode node, List<StateSyntax> states)
    {
        var keys = yaml.Map(node, "an entry of 'create'", CreateKeys, []);
        return ByEvent(node, keys, [], Target(node, keys, states));
    }

    private StageRuleSyntax Transition(YamlNode node, List<StateSyntax> states)
    {
        var keys = yaml.Map(node, "a transition", TransitionKeys, ["owner"]);
        var (from, to) = (Sources(node, keys, states), Target(node, keys, states));
        var isTimer = keys.ContainsKey("after") || keys.ContainsKey("idle");
        if (!isTimer) return ByEvent(node, keys, from, to);
        foreach (var key in (string[])["on", "when", "not_before"])
            if (keys.TryGetValue(key, out var extra)) throw yaml.Error(extra, $"a transition by time has no '{key}'");
        return ByTime(node, keys, from, to, "");
    }

    private StageRuleSyntax Reminder(YamlNode node, List<StateSyntax> states)
    {
        var keys = yaml.Map(node, "a reminder", ReminderKeys, ["on", "when"]);
        return ByTime(node, keys, Sources(node, keys, states), "", yaml.Name(node, keys, "reminder"));
    }

    private List<string> Sources(YamlNode owner, Dictionary<string, YamlNode> keys, List<StateSyntax> states) =>
        keys.TryGetValue("from", out var node) ? StateNames(node, states) : throw yaml.Error(owner, "the key 'from' is missing");

    private string Target(YamlNode owner, Dictionary<string, YamlNode> keys, List<StateSyntax> states) =>
        keys.TryGetValue("to", out var node) ? State(node, states) : throw yaml.Error(owner, "the key 'to' is missing");

    private StageRuleSyntax ByEvent(YamlNode node, Dictionary<string, YamlNode> keys, List<string> from, string to)
    {
        var on = keys.TryGetValue("on", out var o) ? yaml.Expression(o, ExpressionParser.ParseFilter).Syntax : null;
        var when = keys.TryGetValue("when", out var w)
            ? yaml.Expression(w, text => ExpressionParser.ParseCondition(text, zone)) : null;
        if (on is null && when is null)
            throw yaml.Error(node, "it needs 'on' (an event), 'when' (a condition), 'after' or 'idle' (a time)");
        // Without 'on', the events that can make the condition true.
        var filters = when is null ? null : FiltersOf(when);
        return new StageRuleSyntax(yaml.PlaceOf(node), from, to, "", StageCause.Event)
        {
            On = on ?? filters, When = when,
            NotBeforeMs = keys.TryGetValue("not_before", out var wait) ? yaml.Duration(wait) : 0,
        };
    }

    private StageRuleSyntax ByTime(YamlNode node, Dictionary<string, YamlNode> keys, List<string> from, string to, string reminder)
    {
        var (after, idle) = (keys.GetValueOrDefault("after"), keys.GetValueOrDefault("idle"));
        if ((after is null) == (idle is null)) throw yaml.Error(node, "it needs either 'after' or 'idle', and a time");
        var waitMs = yaml.Duration(after ?? idle!);
        if (idle is not null && waitMs < 60_000) throw yaml.Error(idle, "'idle' is at least 1m");
        return new StageRuleSyntax(yaml.PlaceOf(node), from, to, reminder, after is null ? StageCause.Idle : StageCause.After)
        {
            WaitMs = waitMs,
        };
    }

    private static EventFilter FiltersOf(Located<ConditionSyntax> when)
    {
        List<EventFilter> filters = [];
        Collect(when.Syntax);
        return EventFilter.OneOf(filters);

        void Collect(ConditionSyntax syntax)
        {
            switch (syntax)
            {
                case JoinSyntax join:
                    foreach (var part in join.Parts) Collect(part);
                    break;
                case NotSyntax not:
                    Collect(not.Inner);
                    break;
                case CountSyntax count:
                    filters.Add(count.Filter);
                    break;
                case SumSyntax sum:
                    filters.Add(sum.Filter);
                    break;
                default:
                    throw when.Error(new ExpressionException(
                        syntax.Position,
                        "a condition of a pipeline is made of seen, count and sum; other things go into the filter of 'on'"));
            }
        }
    }
}
