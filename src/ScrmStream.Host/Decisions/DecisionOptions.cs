using System.CommandLine;
using System.Globalization;
using ScrmStream.Events;
using ScrmStream.Host.Commands;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Decisions;

/// <summary>The options every verb that publishes a decision takes: who decided, why, and as of when; one instance per command.</summary>
internal sealed class DecisionOptions(TimeProvider time)
{
    private const int TextMax = 1000;

    private readonly Option<string> _by = new("--by")
        { Description = "Who decides; default the user of this machine.", DefaultValueFactory = _ => Environment.UserName };
    private readonly Option<string> _reason = new("--reason")
        { Description = "Why, for those who read the event later.", DefaultValueFactory = _ => "" };
    private readonly Option<string?> _at = new("--at") { Description = $"As of when, instead of now: {TimeText.Help}; a date is its end." };

    public DecisionOptions AddTo(Command command)
    {
        command.Options.Add(_by);
        command.Options.Add(_reason);
        command.Options.Add(_at);
        return this;
    }

    /// <summary>The decision that the command line asks for.</summary>
    /// <exception cref="SettingsException">An option is wrong; the message names it.</exception>
    public Decision Read(ParseResult parsed, string @event, IReadOnlyList<string> identifiers, EventLimits limits)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var atMs = Times.Parse(parsed.GetValue(_at), "--at", Times.Shanghai) ?? now;
        if (atMs < limits.EventTimeMinMs || atMs - now > limits.EventTimeAheadMax.TotalMilliseconds)
            throw new SettingsException(string.Create(CultureInfo.InvariantCulture,
                $"--at {parsed.GetValue(_at)}: give a time from 1990 on and at most {limits.EventTimeAheadMax.TotalHours:0.#} h ahead."));
        return new Decision(@event, identifiers, atMs, Text(parsed, _by), Text(parsed, _reason));
    }

    private static string Text(ParseResult parsed, Option<string> option)
    {
        var text = parsed.GetValue(option)!;
        return text.Length <= TextMax ? text : throw new SettingsException($"{option.Name}: give at most {TextMax} characters.");
    }
}
