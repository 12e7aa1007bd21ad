using System.Globalization;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules;

namespace ScrmStream.Tests.Rules;

/// <summary>One event of a test in plain terms.</summary>
internal sealed record Told(string Name, long TimeMs)
{
    public string? EventId { get; init; }
    public Channel Channel { get; init; }
    public string? Page { get; init; }
    public string? CampaignSource { get; init; }
    public long? AmountFen { get; init; }
    public int? ShareDepth { get; init; }
    public Dictionary<string, object> Properties { get; init; } = [];
}

/// <summary>Turns told events into a batch, a shard and a conclusion.</summary>
internal static class EventMaker
{
    public const long DayMs = 86_400_000;
    public const long HourMs = 3_600_000;
    public const long MinuteMs = 60_000;
    /// <summary>2025-10-09 08:53:20 UTC, a Thursday.</summary>
    public const long StartMs = 1_760_000_000_000;

    public static EventBatch Batch(params IReadOnlyList<Told> events)
    {
        var batch = new EventBatch(new RecordBatch(1, 1 << 20));
        foreach (var told in events) Add(batch, told);
        return batch;
    }

    public static void Add(EventBatch batch, Told told)
    {
        var e = new TrackingEvent
        {
            Name = Text(batch, told.Name), EventId = Text(batch, told.EventId), Page = Text(batch, told.Page),
            CampaignSource = Text(batch, told.CampaignSource), SessionId = TextRange.Absent, Referrer = TextRange.Absent,
            Currency = TextRange.Absent, CampaignMedium = TextRange.Absent, CampaignName = TextRange.Absent,
            CampaignContent = TextRange.Absent, CampaignTerm = TextRange.Absent, ShareFrom = TextRange.Absent,
            EventTimeMs = told.TimeMs, Channel = told.Channel, HasAmount = told.AmountFen is not null, AmountFen = told.AmountFen ?? 0,
            HasShareDepth = told.ShareDepth is not null, ShareDepth = told.ShareDepth ?? 0,
            FirstProperty = batch.PropertyCount, PropertyCount = told.Properties.Count,
        };
        foreach (var (name, value) in told.Properties) batch.Add(Property(batch, name, value));
        batch.Add(in e);
    }

    /// <summary>The shard of an anchor to which all events belong.</summary>
    public static byte[] Shard(RuleSet rules, params IReadOnlyList<Told> events)
    {
        var batch = Batch(events);
        var shard = new ShardBuffer();
        shard.Load(default);
        foreach (ref var e in batch.Events)
        {
            shard.Count(e.EventTimeMs, (int)e.Channel);
            rules.Fold(batch, in e, shard);
        }
        return shard.Bytes.ToArray();
    }

    public static ShardSet Customer(params IEnumerable<byte[]> shards)
    {
        var set = new ShardSet();
        foreach (var shard in shards) set.Add(shard);
        return set;
    }

    /// <summary>What follows from the events as of the last of them.</summary>
    public static Conclusion Conclude(RuleSet rules, params IReadOnlyList<Told> events) =>
        Conclude(rules, events.Max(e => e.TimeMs), events);

    public static Conclusion Conclude(RuleSet rules, long asOfMs, params IReadOnlyList<Told> events)
    {
        var conclusion = new Conclusion();
        rules.Evaluate(Customer(Shard(rules, events)), asOfMs, conclusion);
        return conclusion;
    }

    public static Dictionary<string, string> Tags(this Conclusion conclusion)
    {
        Dictionary<string, string> tags = [];
        for (var i = 0; i < conclusion.TagCount; i++)
        {
            tags.Add(Encoding.UTF8.GetString(conclusion.Tag(i).Name), Encoding.UTF8.GetString(conclusion.Tag(i).Value));
        }
        return tags;
    }

    public static double Points(this Conclusion conclusion, string score) => MicroPoints(conclusion, score) / 1e6;

    public static long MicroPoints(this Conclusion conclusion, string score)
    {
        for (var i = 0; i < conclusion.ScoreCount; i++)
        {
            if (conclusion.Score(i).Name.SequenceEqual(Encoding.UTF8.GetBytes(score))) return conclusion.Score(i).MicroPoints;
        }
        throw new ArgumentException($"no score '{score}'");
    }

    private static EventProperty Property(EventBatch batch, string name, object value) => new()
    {
        Name = Text(batch, name),
        Text = Text(batch, value is bool b ? (b ? "true" : "false") : Convert.ToString(value, CultureInfo.InvariantCulture)),
        Type = value switch { string => PropertyType.String, long or int => PropertyType.Long, double => PropertyType.Double, _ => PropertyType.Boolean },
        Long = value is long or int ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : 0,
        Double = value is double d ? d : 0,
    };

    private static TextRange Text(EventBatch batch, string? text)
    {
        if (text is null) return TextRange.Absent;
        var utf8 = Encoding.UTF8.GetBytes(text);
        var start = batch.Records.Reserve(utf8.Length);
        utf8.CopyTo(batch.Buffer.AsSpan(start));
        return new TextRange(start, utf8.Length);
    }
}
