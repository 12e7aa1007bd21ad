using ScrmStream.Profiles;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Rules.Actions;

/// <summary>Reads <c>actions</c> and <c>contact</c> of a rule file into syntax.</summary>
internal sealed class ActionReader(YamlAccess yaml, CalendarZone zone)
{
    private const int CapsMax = 8, CapMost = 100, BarsMax = 32;

    /// <summary>What a log of decisions has room for.</summary>
    private const int ReasonBytesMax = 64;

    private static readonly string[] Keys = ["action", "description", "when", "if", "once", "once_per", "to"];
    // Reasons that the engine gives itself.
    private static readonly string[] OwnReasons = ["over", "once", "cap"];

    public ActionSyntax Action(YamlNode node)
    {
        var keys = yaml.Map(node, "an action", Keys, ["channel", "with", "approval"]);
        var name = yaml.Name(node, keys, "action");
        // The view's field action.NAME.at is the time of action.NAME.
        if (name.EndsWith(".at", StringComparison.Ordinal))
            throw yaml.Error(keys["action"], "the name of an action does not end with '.at'");
        if (!keys.TryGetValue("when", out var when))
            throw yaml.Error(node, $"action '{name}' needs 'when', such as gained(tag = \"buyer\")");
        if (keys.TryGetValue("once_per", out var per) && keys.ContainsKey("once"))
            throw yaml.Error(per, "an action has 'once' or 'once_per', not both");
        return new ActionSyntax(
            name, yaml.PlaceOf(node), yaml.Text(keys, "description"),
            yaml.Expression(when, text => ExpressionParser.ParseTrigger(text, zone)),
            keys.TryGetValue("if", out var also) ? Condition(also) : null,
            per is not null ? yaml.Duration(per) : IsOnce(keys) ? long.MaxValue : 0, IsForStaff(keys));
    }

    public ContactSyntax Contact(YamlNode node)
    {
        var keys = yaml.Map(node, "contact", ["cap", "also", "quiet", "never"], []);
        if (keys.TryGetValue("also", out var also) && !keys.ContainsKey("cap"))
            throw yaml.Error(also, "'also' says which events count against 'cap'; there is none");
        return new ContactSyntax(
            keys.TryGetValue("cap", out var cap) ? Caps(cap) : [],
            also is null ? null : yaml.Expression(also, ExpressionParser.ParseFilter),
            keys.TryGetValue("quiet", out var quiet) ? Quiet(quiet) : null,
            keys.TryGetValue("never", out var never) ? Never(never) : []);
    }

    private Located<ConditionSyntax> Condition(YamlNode node) =>
        yaml.Expression(node, text => ExpressionParser.ParseCondition(text, zone));

    private bool IsOnce(Dictionary<string, YamlNode> keys) => keys.TryGetValue("once", out var once)
        && (yaml.Scalar(once, "true") == "true" ? true : throw yaml.Error(once, "'once' is true or absent"));

    private bool IsForStaff(Dictionary<string, YamlNode> keys)
    {
        if (!keys.TryGetValue("to", out var to)) return false;
        var word = yaml.Scalar(to, "customer or staff");
        string[] known = ["customer", "staff"];
        return known.Contains(word) ? word == "staff" : throw yaml.Error(to, $"'to' is customer or staff{Suggestion.Of(word, known)}");
    }

    // One cap, or a list of them.
    private List<ContactCap> Caps(YamlNode node)
    {
        if (node is not YamlSequenceNode list) return [Cap(node)];
        if (list.Children.Count > CapsMax) throw yaml.Error(node, $"'cap' has at most {CapsMax} entries");
        return [.. list.Children.Select(Cap)];
    }

    private ContactCap Cap(YamlNode node)
    {
        var words = yaml.Scalar(node, "a cap").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not [var number, "per", var time] || !int.TryParse(number, out var most) || most is < 1 or > CapMost)
            throw yaml.Error(node, $"a cap of contacts reads '3 per 7d'; at most {CapMost}");
        return RuleDuration.TryParse(time, out var ms) is { } reason ? throw yaml.Error(node, reason) : new ContactCap(most, ms);
    }

    private QuietHours Quiet(YamlNode node)
    {
        var words = yaml.Scalar(node, "quiet hours").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not [var from, "to", var to] || !TryParse(from, out var fromMs) || !TryParse(to, out var toMs) || fromMs == toMs)
            throw yaml.Error(node, "quiet hours read '22:00 to 08:00', by the clock of the file's time zone");
        return new QuietHours(fromMs, toMs, zone);
    }

    private static bool TryParse(string text, out long ms)
    {
        var isTime = TimeOnly.TryParseExact(text, "HH:mm", System.Globalization.CultureInfo.InvariantCulture,
            System.Globalization.DateTimeStyles.None, out var time);
        ms = (long)time.ToTimeSpan().TotalMilliseconds;
        return isTime;
    }

    private List<ContactBar> Never(YamlNode node)
    {
        if (node is not YamlMappingNode map || map.Children.Count is 0 or > BarsMax)
            throw yaml.Error(node, $"'never' is a map of 1 to {BarsMax} entries: a reason, then its condition");
        List<ContactBar> bars = [];
        foreach (var (key, when) in map.Children)
        {
            var reason = yaml.Scalar(key, "a reason");
            if (reason.Length == 0 || System.Text.Encoding.UTF8.GetByteCount(reason) > ReasonBytesMax
                || !reason.All(c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.'))
                throw yaml.Error(key, $"a reason has letters, digits, '_', '-' or '.', of 1 to {ReasonBytesMax} bytes");
            if (OwnReasons.Contains(reason))
                throw yaml.Error(key, $"'{reason}' is a reason that the engine gives itself; use another word");
            bars.Add(new ContactBar(reason, Condition(when)));
        }
        return bars;
    }
}
