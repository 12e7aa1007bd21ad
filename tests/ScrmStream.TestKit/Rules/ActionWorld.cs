using System.Globalization;
using System.Text;

namespace ScrmStream.TestKit.Rules;

/// <summary>A random rule file with actions, and what it means by the slow model.</summary>
public sealed class ActionWorld
{
    private readonly Random _random;

    public ActionWorld(int seed)
    {
        _random = new Random(seed + 77);
        Rules = new RuleWorld(seed);
        var yaml = new StringBuilder(Rules.Yaml).Append("actions:\n");
        List<SlowAction> actions = [];
        for (var i = _random.Next(1, 5); i > 0; i--) actions.Add(Action($"a{i}", yaml));
        Model = Contact(actions, yaml);
        Yaml = yaml.ToString();
    }

    public RuleWorld Rules { get; }
    public string Yaml { get; }
    public SlowActions Model { get; }

    private SlowAction Action(string name, StringBuilder yaml)
    {
        var (when, isLost) = (Rules.ActionCondition(), _random.Next(3) == 0);
        yaml.Append($"  - action: {name}\n    when: '{(isLost ? "lost" : "gained")}({when.Text})'\n");
        var also = _random.Next(3) == 0 ? Rules.ActionCondition() : null;
        if (also is not null) yaml.Append($"    if: '{also.Text}'\n");
        var onceMs = 0L;
        if (_random.Next(4) == 0)
        {
            onceMs = long.MaxValue;
            yaml.Append("    once: true\n");
        }
        else if (_random.Next(3) == 0) yaml.Append($"    once_per: {Rules.AnyDuration(out onceMs)}\n");
        var isForStaff = _random.Next(4) == 0;
        if (isForStaff) yaml.Append("    to: staff\n");
        return new SlowAction(name, when, isLost, also, onceMs, isForStaff);
    }

    private SlowActions Contact(List<SlowAction> actions, StringBuilder yaml)
    {
        if (_random.Next(3) == 0) return new SlowActions(Rules, actions);
        yaml.Append("contact:\n");
        List<(int, long)> caps = [];
        List<string> texts = [];
        for (var i = _random.Next(1, 3); i > 0; i--)
        {
            var (most, time) = (_random.Next(1, 4), Rules.AnyDuration(out var ms));
            caps.Add((most, ms));
            texts.Add($"{most} per {time}");
        }
        yaml.Append($"  cap: [{string.Join(", ", texts)}]\n");
        var also = _random.Next(2) == 0 ? Rules.AnyFilter() : null;
        if (also is not null) yaml.Append($"  also: '{also.Text}'\n");
        (int, int)? quiet = null;
        if (_random.Next(4) > 0)
        {
            var (from, to) = (_random.Next(0, 1440), _random.Next(0, 1440));
            if (from != to) quiet = (from, to);
        }
        if (quiet is var (start, end)) yaml.Append($"  quiet: '{Clock(start)} to {Clock(end)}'\n");
        List<(string, SlowCondition)> never = _random.Next(2) == 0 ? [("barred", Rules.ActionCondition())] : [];
        if (never.Count > 0) yaml.Append($"  never:\n    barred: '{never[0].Item2.Text}'\n");
        return new SlowActions(Rules, actions) { Caps = caps, Also = also, Quiet = quiet, Never = never };
    }

    private static string Clock(int minute) => string.Create(CultureInfo.InvariantCulture, $"{minute / 60:00}:{minute % 60:00}");
}
