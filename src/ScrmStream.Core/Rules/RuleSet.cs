using System.Security.Cryptography;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules.Actions;
using ScrmStream.Rules.Stages;

namespace ScrmStream.Rules;

/// <summary>
/// The tags, scores and lead stages of a rule file, compiled. What events add up to lies in shards (<see cref="Fold"/>), what follows
/// from it in a <see cref="Conclusion"/> (<see cref="Evaluate(ShardSet, long, Conclusion)"/>); both are functions of the set of events
/// alone, to the bit, whatever their order and however they are spread over the shards. Immutable, any thread.
/// </summary>
public sealed class RuleSet
{
    private const long FileBytesMax = 1 << 20;

    private readonly TagRule[] _tags;
    private readonly ScoreRule[] _scores;
    private readonly LeadPipeline[] _pipelines;
    private readonly FoldProgram _program;
    private readonly IReadOnlyList<FoldStep> _steps;
    private readonly int[] _tagOrder;
    private readonly int[] _tagsByName;
    private readonly int[] _scoresByName;
    private readonly int[] _pipelinesByName;
    private readonly int _timelines;

    private RuleSet(RuleCompiler compiled, ActionSet? actions)
    {
        Actions = actions;
        Syntax = compiled.Syntax;
        Attributes = compiled.Attributes;
        Zone = compiled.Zone;
        _tags = compiled.Tags;
        _scores = compiled.Scores;
        _pipelines = compiled.Pipelines;
        _steps = actions is null ? compiled.Steps : [.. compiled.Steps, new FoldStep(actions.Memory.Filter, actions.Memory, 0)];
        _program = new FoldProgram(_steps);
        _tagOrder = compiled.TagOrder;
        _timelines = compiled.Timelines;
        _tagsByName = ByName(compiled.Tags.Length, i => compiled.Tags[i].NameUtf8);
        _scoresByName = ByName(compiled.Scores.Length, i => compiled.Scores[i].NameUtf8);
        _pipelinesByName = ByName(compiled.Pipelines.Length, i => compiled.Pipelines[i].NameUtf8);
        string[] named =
        [
            .. compiled.Attributes.Select(a => a.Text), .. Tags.Select(t => t.Text), .. Scores.Select(s => s.Text),
            .. Pipelines.Select(p => p.Text),
        ];
        var text = (compiled.Zone == CalendarZone.Shanghai ? "" : compiled.Zone.Id + '\n') + string.Join('\n', named)
            + (actions is null ? "" : '\n' + actions.Text);
        Fingerprint = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..32];
        Aggregates = [.. compiled.Steps.Select(s => s.Aggregate).Distinct(), .. actions?.Aggregates ?? []];
    }

    /// <summary>The rules as they were read.</summary>
    internal RuleFileSyntax Syntax { get; }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<AttributeRule> Attributes { get; }

    /// <summary>Null: there are none.</summary>
    public ActionSet? Actions { get; }

    /// <summary>The zone of days, weeks, months and dates.</summary>
    public CalendarZone Zone { get; }

    /// <summary>
    /// Something may change by the mere passing of time: a tag, its value, a grade, or a lead's stage; or actions wait for their time.
    /// Then customers need timers.
    /// </summary>
    public bool NeedsTimers => Actions is not null || Array.Exists(_tags, t => t.ChangesByItself)
        || Array.Exists(_scores, s => s.ChangesByItself) || Array.Exists(_pipelines, p => p.ChangesByItself);

    public static RuleSet Empty { get; } = Parse("", "(none)");

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<TagRule> Tags => _tags;
    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<ScoreRule> Scores => _scores;
    /// <summary>The pipelines of leads, in the order of the file.</summary>
    public IReadOnlyList<LeadPipeline> Pipelines => _pipelines;
    /// <summary>32 hex digits; equal when the rules mean the same, whatever their spacing, comments and descriptions.</summary>
    public string Fingerprint { get; }
    /// <summary>What shards keep for these rules.</summary>
    public IReadOnlyList<Aggregate> Aggregates { get; }

    /// <summary>Reads a rule file.</summary>
    /// <exception cref="RuleFileException">It cannot be read, or something in it is refused; the message names file, line and
    /// reason.</exception>
    public static RuleSet Load(string path) => Load(path, MemoryLimits.Run);

    /// <inheritdoc cref="Load(string)"/>
    /// <param name="limits">How far actions look back.</param>
    public static RuleSet Load(string path, MemoryLimits limits) => Parse(ReadText(path), path, limits);

    /// <summary>The content of a rule file, not yet looked at.</summary>
    /// <exception cref="RuleFileException">It cannot be read.</exception>
    public static string ReadText(string path)
    {
        try
        {
            var length = new FileInfo(path).Length;
            if (length > FileBytesMax) throw new RuleFileException(path, 1, 1, "a rule file has at most 1 MiB");
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RuleFileException(path, 1, 1, $"cannot be read: {e.Message}");
        }
    }

    /// <summary>Compiles the text of a rule file; <paramref name="file"/> is only named in messages.</summary>
    /// <exception cref="RuleFileException">Something in it is refused.</exception>
    public static RuleSet Parse(string yaml, string file) => Parse(yaml, file, MemoryLimits.Run);

    /// <inheritdoc cref="Parse(string, string)"/>
    /// <param name="limits">How far actions look back.</param>
    public static RuleSet Parse(string yaml, string file, MemoryLimits limits)
    {
        var syntax = RuleFileReader.Read(yaml, file);
        var compiled = new RuleCompiler(syntax);
        return new RuleSet(compiled, syntax.Actions.Count == 0 ? null : ActionCompiler.Compile(syntax, limits));
    }

    /// <summary>What it takes to add up anew, from events, those of these rules' aggregates that have the keys.</summary>
    public Refolding Refold(IReadOnlyList<uint> keys) => new([.. _steps.Where(s => keys.Contains(s.Aggregate.Key))], keys);

    /// <summary>Rules without actions, compiled by another part of the engine.</summary>
    internal static RuleSet Of(RuleCompiler compiled) => new(compiled, null);

    /// <summary>
    /// Adds one event to the aggregates of its anchor's shard (header, fences and ring are the caller's). Allocates nothing once the
    /// shard's buffer is large enough.
    /// </summary>
    public void Fold(EventBatch batch, in TrackingEvent e, ShardBuffer shard)
    {
        foreach (var step in _program.StepsFor(batch.Text(e.Name)))
        {
            if (step.Filter is null || step.Filter.Matches(batch, in e)) step.Aggregate.Add(shard, batch, in e, step.MicroPoints);
        }
    }

    /// <summary>Concludes tags and scores as of one time (Unix milliseconds), not before the customer's last event.</summary>
    public void Evaluate(ShardSet shards, long asOfMs, Conclusion result) => Evaluate(shards, asOfMs, asOfMs, result);

    /// <summary>
    /// Concludes what follows from all shards of a customer: tags as of one time, scores as of another. A customer without events has
    /// neither. Reuses <paramref name="result"/>, whose thread this is; allocates nothing when warm.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="tagsAsOfMs"/> is before the customer's last event: what the shards keep would not be enough for the truth.
    /// </exception>
    public void Evaluate(ShardSet shards, long tagsAsOfMs, long scoresAsOfMs, Conclusion result)
    {
        result.Start(scoresAsOfMs);
        if (shards.Events > 0)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(tagsAsOfMs, shards.LastSeenMs);
            var evaluation = result.EvaluationFor(this, _timelines);
            evaluation.Start(shards, tagsAsOfMs);
            for (var i = 0; i < _pipelines.Length; i++) _pipelines[i].Follow(evaluation, evaluation.Leads[i]);
            foreach (var tag in _tagOrder) _tags[tag].Decide(evaluation, tag);
            foreach (var tag in _tagsByName)
            {
                if (evaluation.Tags[tag].Holds) result.AddTag(_tags[tag].NameUtf8, evaluation.ValueOf(tag), evaluation.Tags[tag].ExpiresMs);
            }
            result.MayChangeAt(evaluation.NextMs);
            result.StartScores();
            foreach (var i in _scoresByName) AddScore(_scores[i], evaluation, scoresAsOfMs, result);
            foreach (var i in _pipelinesByName)
                if (evaluation.Leads[i].LeadCount > 0) result.AddLead(_pipelines[i], evaluation.Leads[i]);
        }
        else result.StartScores();
        result.Finish();
    }

    private static void AddScore(ScoreRule score, Evaluation evaluation, long asOfMs, Conclusion result)
    {
        var read = score.Read(evaluation, asOfMs);
        result.AddScore(score.NameUtf8, read.MicroPoints, score.GradeUtf8(read.Grade), score.Rank(read.Exact, asOfMs));
        result.MayChangeAt(read.NextMs);
    }

    private static int[] ByName(int count, Func<int, byte[]> name)
    {
        var order = Enumerable.Range(0, count).ToArray();
        Array.Sort(order, (a, b) => name(a).AsSpan().SequenceCompareTo(name(b)));
        return order;
    }
}
