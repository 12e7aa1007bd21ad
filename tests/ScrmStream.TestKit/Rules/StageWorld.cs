using System.Text;

namespace ScrmStream.TestKit.Rules;

/// <summary>A way from one stage to another, or a reminder, in plain terms.</summary>
/// <param name="From">Empty: it makes a lead.</param>
/// <param name="To">-1: it is a reminder.</param>
public sealed record SlowMove(int[] From, int To, string Cause)
{
    public string[] Events { get; init; } = [];
    /// <summary>Null: no guard; else so many events of a name, within some time (0: ever).</summary>
    public (string Event, int Number, long WithinMs)? Guard { get; init; }
    public long WaitMs { get; init; }
    public long NotBeforeMs { get; init; }
    public string Reminder { get; init; } = "";
}

/// <summary>One step of a lead, as the model tells it.</summary>
public sealed record SlowStep(int Lead, int State, int Previous, long AtMs, string Step, string Reminder);

/// <summary>
/// A random pipeline of leads, what it means by a slow and obvious model that walks from tick to tick of a clock, and a random customer.
/// Times are whole ticks, so that events, timers and ends of guards meet.
/// </summary>
public sealed class StageWorld
{
    public const long StartMs = 1_760_000_000_000;
    private const string Names = "abcdef";

    private readonly Random _random;
    private readonly List<SlowMove> _creates = [], _moves = [], _reminders = [];
    private readonly HashSet<int> _final = [];
    private readonly string? _activity;

    public StageWorld(int seed)
    {
        _random = new Random(seed);
        TickMs = _random.Next(2) == 0 ? 60_000 : 3_600_000;
        States = _random.Next(2, 7);
        _activity = _random.Next(3) == 0 ? Names[_random.Next(Names.Length)].ToString() : null;
        if (_random.Next(2) == 0) _final.Add(States - 1);
        MakeRules();
        Events = [.. Enumerable.Range(0, _random.Next(1, 40)).Select(i => new SlowEvent(
            Names[_random.Next(Names.Length)].ToString(), StartMs + _random.Next(120) * TickMs, $"e{i}", _random.Next(4)))];
    }

    public long TickMs { get; }
    public int States { get; }
    public IReadOnlyList<SlowEvent> Events { get; }

    public string Yaml
    {
        get
        {
            var yaml = new StringBuilder("stages:\n  - pipeline: p\n    type: sales\n    states:\n");
            for (var i = 0; i < States; i++) yaml.Append($"      s{i}: state {i}\n");
            if (_final.Count > 0) yaml.Append($"    final: [{string.Join(", ", _final.Select(f => $"s{f}"))}]\n");
            if (_activity is not null) yaml.Append($"    activity: event = \"{_activity}\"\n");
            yaml.Append("    create:\n");
            foreach (var create in _creates) yaml.Append($"      - {{ to: s{create.To}{Trigger(create)} }}\n");
            yaml.Append("    transitions:\n");
            foreach (var move in _moves) yaml.Append($"      - {{ from: {From(move)}, to: s{move.To}{Trigger(move)} }}\n");
            if (_reminders.Count > 0) yaml.Append("    reminders:\n");
            foreach (var r in _reminders) yaml.Append($"      - {{ reminder: {r.Reminder}, from: {From(r)}{Trigger(r)} }}\n");
            return yaml.ToString();
        }
    }

    /// <summary>Every step of the customer's leads up to a time, by a walk over the clock.</summary>
    public List<SlowStep> StepsAt(IReadOnlyList<SlowEvent> all, long untilMs)
    {
        List<SlowStep> steps = [];
        var (lead, state, sinceMs) = (-1, -1, 0L);
        for (var t = StartMs; t <= untilMs; t += TickMs)
        {
            if (state >= 0 && !_final.Contains(state)) Tick(t);
            var names = all.Where(e => e.TimeMs == t).Select(e => e.Name).ToHashSet();
            if (names.Count > 0) Happen(t, names);
        }
        return steps;

        void Tick(long t)
        {
            foreach (var cause in (string[])["after", "idle"])
            {
                var due = _moves.Find(m => m.Cause == cause && m.From.Contains(state) && IsDue(m, t));
                if (due is null) continue;
                Enter(due.To, t, cause);
                return;
            }
            foreach (var reminder in _reminders.Where(r => r.From.Contains(state) && IsDue(r, t)))
                steps.Add(new SlowStep(lead, state, state, t, "reminder", reminder.Reminder));
        }

        bool IsDue(SlowMove timer, long t)
        {
            var fromMs = sinceMs;
            // Events of this very moment come after it.
            if (timer.Cause == "idle")
                fromMs = all.Where(e => e.TimeMs < t && (_activity is null || e.Name == _activity)).Select(e => e.TimeMs).Append(sinceMs).Max();
            return t == fromMs + timer.WaitMs;
        }

        void Happen(long t, HashSet<string> names)
        {
            var isOpen = state >= 0 && !_final.Contains(state);
            foreach (var move in isOpen ? _moves.Where(m => m.Cause == "event" && m.From.Contains(state)) : _creates)
            {
                if (!move.Events.Any(names.Contains) || (isOpen && t - sinceMs < move.NotBeforeMs)) continue;
                if (move.Guard is { } guard && Count(guard, t) < guard.Number) continue;
                if (!isOpen) lead++;
                Enter(move.To, t, isOpen ? "event" : "created");
                return;
            }
        }

        int Count((string Event, int Number, long WithinMs) guard, long t) => all.Count(
            e => e.Name == guard.Event && e.TimeMs <= t && (guard.WithinMs == 0 || e.TimeMs > t - guard.WithinMs));

        void Enter(int to, long t, string step)
        {
            steps.Add(new SlowStep(lead, to, step == "created" ? -1 : state, t, step, ""));
            (state, sinceMs) = (to, t);
        }
    }

    private void MakeRules()
    {
        _creates.Add(OnEvent([], 0));
        if (_random.Next(3) == 0) _creates.Add(OnEvent([], _random.Next(States)));
        // A chain through all states, so that each can be reached, and shortcuts and ways back.
        for (var to = 1; to < States; to++) _moves.Add(OnEvent([to - 1], to));
        for (var more = _random.Next(4); more > 0; more--) _moves.Add(OnEvent(Some(), _random.Next(States)));
        if (_random.Next(2) == 0) _moves.Add(ByTime("after", _random.Next(States)));
        if (_random.Next(2) == 0) _moves.Add(ByTime("idle", _random.Next(States)));
        for (var more = _random.Next(3); more > 0; more--)
            _reminders.Add(ByTime(_random.Next(2) == 0 ? "after" : "idle", -1) with { Reminder = $"r{more}" });
    }

    private SlowMove OnEvent(int[] from, int to) => new(from, to, "event")
    {
        Events = [.. Enumerable.Range(0, _random.Next(1, 3)).Select(_ => Names[_random.Next(Names.Length)].ToString()).Distinct()],
        NotBeforeMs = from.Length > 0 && _random.Next(4) == 0 ? _random.Next(1, 30) * TickMs : 0,
        Guard = _random.Next(3) == 0
            ? (Names[_random.Next(Names.Length)].ToString(), _random.Next(1, 4), _random.Next(2) == 0 ? 0 : _random.Next(1, 60) * TickMs)
            : null,
    };

    private SlowMove ByTime(string cause, int to) => new(Some(), to, cause) { WaitMs = _random.Next(1, 25) * TickMs };

    // Some states, none of them final.
    private int[] Some()
    {
        int[] open = [.. Enumerable.Range(0, States).Where(s => !_final.Contains(s))];
        var some = open.Where(_ => _random.Next(3) == 0).ToArray();
        return some.Length > 0 ? some : [open[_random.Next(open.Length)]];
    }

    private static string From(SlowMove move) => $"[{string.Join(", ", move.From.Select(f => $"s{f}"))}]";

    private static string Trigger(SlowMove move)
    {
        if (move.Cause != "event") return $", {move.Cause}: {move.WaitMs / 60_000}m";
        var guard = move.Guard is { } g
            ? $", when: count(event = \"{g.Event}\"{(g.WithinMs == 0 ? "" : $", within: {g.WithinMs / 60_000}m")}) >= {g.Number}" : "";
        return $", on: event in ({string.Join(", ", move.Events.Select(e => $"\"{e}\""))}){guard}"
            + (move.NotBeforeMs == 0 ? "" : $", not_before: {move.NotBeforeMs / 60_000}m");
    }
}
