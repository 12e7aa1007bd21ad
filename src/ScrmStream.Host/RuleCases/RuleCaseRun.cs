using System.Globalization;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Host.RuleCases;

/// <summary>What a case expected and did not find.</summary>
/// <param name="Line">Of the expectation.</param>
public sealed record CaseFailure(string Case, int Line, long TimeMs, string Reason);

/// <summary>
/// Runs cases: the events up to each expectation's time are decoded and folded as in a run, and concluded as of that time.
/// </summary>
public sealed class RuleCaseRun(RuleSet rules)
{
    private static readonly SourcePartition Source = new(Guid.Empty, "case", 0);

    private readonly JsonEventDecoder _decoder = new(new EventLimits());
    private readonly ShardBuffer _shard = new();
    private readonly ShardSet _shards = new();
    private readonly Conclusion _conclusion = new();
    private readonly ActionWalk? _walk = rules.Actions is null ? null : new ActionWalk(rules.Actions);

    public IEnumerable<CaseFailure> Run(RuleCase one)
    {
        foreach (var expected in one.Expected)
        {
            var rejected = Conclude(one, expected.TimeMs);
            var reasons = rejected is null ? Compare(expected) : [rejected];
            foreach (var reason in reasons) yield return new CaseFailure(one.Name, expected.Line, expected.TimeMs, reason);
        }
    }

    private string? Conclude(RuleCase one, long atMs)
    {
        var batch = new EventBatch(new RecordBatch(one.Events.Count + 1, 1 << 16));
        foreach (var e in one.Events.Where(e => e.TimeMs <= atMs))
            batch.Records.Add(Source, batch.Records.Count, -1, Encoding.UTF8.GetBytes(e.Json));
        _decoder.Decode(batch);
        if (batch.Rejects.Count > 0) return $"an event is not accepted: {batch.Rejects[0].Detail}";
        _shard.Load(default);
        foreach (ref var e in batch.Events)
        {
            _shard.Count(e.EventTimeMs, (int)e.Channel);
            rules.Fold(batch, in e, _shard);
        }
        _shards.Clear();
        if (batch.Count > 0) _shards.Add(_shard.Bytes.ToArray());
        rules.Evaluate(_shards, atMs, _conclusion);
        _walk?.Run(_shards, new ActionLog(), long.MinValue, atMs);
        return null;
    }

    private IEnumerable<string> Compare(CaseExpectation expected)
    {
        var tags = Tags();
        var scores = Scores();
        var held = tags.Count == 0 ? "none" : string.Join(", ", tags.Select(t => t.Value == "1" ? t.Key : $"{t.Key} = {t.Value}"));
        foreach (var (tag, value) in expected.Tags)
        {
            if (!tags.TryGetValue(tag, out var found)) yield return $"tag {tag} does not hold; there are {held}";
            else if (value is not null && value != found) yield return $"tag {tag} is {found}, not {value}";
        }
        foreach (var tag in expected.Absent)
            if (tags.TryGetValue(tag, out var found)) yield return $"tag {tag} holds{(found == "1" ? "" : $" with {found}")}";
        foreach (var (score, points) in expected.Scores)
        {
            // As many decimals as the case gives.
            if (!scores.TryGetValue(score, out var found)) yield return $"there is no score {score}";
            else if (Math.Round(found.Points, points.Scale) != points) yield return $"score {score} is {found.Points}, not {points}";
        }
        foreach (var (score, grade) in expected.Grades)
            if (!scores.TryGetValue(score, out var found) || found.Grade != grade)
                yield return $"the grade of {score} is {(string.IsNullOrEmpty(found.Grade) ? "none" : found.Grade)}, not {grade}";
        foreach (var (attribute, value) in expected.Attributes)
            if (Attribute(attribute) is var found && found != value)
                yield return $"attribute {attribute} is {found ?? "absent"}, not {value}";
        foreach (var reason in CompareLeads(expected)) yield return reason;
        foreach (var reason in CompareActions(expected)) yield return reason;
        if (expected.NextChange is { } next && next != _conclusion.NextChangeMs)
            yield return $"the next change is {Show(_conclusion.NextChangeMs)}, not {Show(next)}";
    }

    private List<string> CompareLeads(CaseExpectation expected)
    {
        List<string> reasons = [];
        foreach (var (pipeline, stage) in expected.Stages)
        {
            var found = _conclusion.TryGetLead(Encoding.UTF8.GetBytes(pipeline), out var lead)
                ? Encoding.UTF8.GetString(lead.Stage) : CaseExpectation.None;
            if (!rules.Pipelines.Any(p => p.Name == pipeline)) reasons.Add($"there is no pipeline {pipeline}");
            else if (found != stage) reasons.Add($"the stage of {pipeline} is {found}, not {stage}");
        }
        foreach (var (pipeline, reminder) in expected.Reminders)
        {
            var found = _conclusion.TryGetLead(Encoding.UTF8.GetBytes(pipeline), out var lead) && !lead.Reminder.IsEmpty
                ? Encoding.UTF8.GetString(lead.Reminder) : CaseExpectation.None;
            if (found != reminder) reasons.Add($"the reminder of {pipeline} is {found}, not {reminder}");
        }
        return reasons;
    }

    private IEnumerable<string> CompareActions(CaseExpectation expected)
    {
        List<ActionDecision> decided = [.. _walk?.Decisions.Where(d => d.Entry.DecidedMs > expected.SinceMs) ?? []];
        var sent = Listed(decided.Where(d => d.Entry.IsSent).Select(d => d.Rule.Name));
        if (expected.Actions is { } actions && Listed(actions) != sent) yield return $"the actions are {sent}, not {Listed(actions)}";
        var suppressed = Listed(decided.Where(d => !d.Entry.IsSent).Select(d => $"{d.Rule.Name}: {d.Entry.Reason}"));
        if (expected.Suppressed is not { } others) yield break;
        var wanted = Listed(others.Select(s => $"{s.Action}: {s.Reason}"));
        if (wanted != suppressed) yield return $"suppressed are {suppressed}, not {wanted}";
    }

    private static string Listed(IEnumerable<string> names) => string.Join(", ", names) is { Length: > 0 } text ? text : "none";

    private string? Attribute(string name) =>
        rules.Attributes.FirstOrDefault(a => a.Name == name) is { } attribute && attribute.TryGet(_conclusion, out var value)
            ? Encoding.UTF8.GetString(value) : null;

    private SortedDictionary<string, string> Tags()
    {
        SortedDictionary<string, string> tags = new(StringComparer.Ordinal);
        for (var i = 0; i < _conclusion.TagCount; i++)
            tags.Add(Encoding.UTF8.GetString(_conclusion.Tag(i).Name), Encoding.UTF8.GetString(_conclusion.Tag(i).Value));
        return tags;
    }

    private Dictionary<string, (decimal Points, string Grade)> Scores()
    {
        Dictionary<string, (decimal, string)> scores = [];
        for (var i = 0; i < _conclusion.ScoreCount; i++)
        {
            var score = _conclusion.Score(i);
            scores.Add(Encoding.UTF8.GetString(score.Name), (score.MicroPoints / 1_000_000m, Encoding.UTF8.GetString(score.Grade)));
        }
        return scores;
    }

    private static string Show(long timeMs) => timeMs == long.MaxValue ? "never"
        : DateTimeOffset.FromUnixTimeMilliseconds(timeMs).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
