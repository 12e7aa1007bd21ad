using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using ScrmStream.TestKit.Rules;
using ScrmStream.Tests.Pipeline;
using ScrmStream.Tests.Pipeline.Timers;

namespace ScrmStream.Tests.Simulation;

/// <summary>What a simulated cluster has to do, and what the slow model says it must have come to.</summary>
/// <param name="Check">Throws when the stores hold anything else.</param>
internal sealed record SimulatedWork(RuleSet Rules, byte[][][] Partitions, Action<SimulatedCluster> Check)
{
    public IdentityOptions Identity { get; private init; } = new();

    /// <summary>
    /// Other rules that are in force one after the other before <see cref="Rules"/> are, at moments that the seed draws; each as a file. Empty:
    /// the rules are those of the start.
    /// </summary>
    public IReadOnlyList<string> Before { get; private init; } = [];

    /// <summary>The last rules, as a file.</summary>
    public string Text { get; private init; } = "";

    /// <summary>The rows of this identifier's events are gone from ClickHouse; null: nobody's are.</summary>
    public IdentifierId? Gone { get; private init; }

    /// <summary>Time changes tags, and the end is as of the greatest time.</summary>
    public bool HasTime { get; private init; }

    /// <summary>event_ids remembered per anchor.</summary>
    public int EventIdRing { get; private init; } = 64;

    public static SimulatedWork Of(int seed) => (seed % 8) switch
    {
        1 or 3 or 5 => OfTime(seed),
        7 => OfRepeats(seed),
        _ => OfIdentity(seed),
    };

    /// <summary>Merges, unbinds, quarantine, duplicates and broken records, scattered over three partitions.</summary>
    public static SimulatedWork OfIdentity(int seed)
    {
        var world = StreamPipelineTests.RandomWorld(seed, partitions: 3);
        return new SimulatedWork(StreamPipelineTests.Rules, world.Partitions, Equals(world, seed)) { Identity = world.Identity };
    }

    /// <summary>Random rules with windows, absences and expiries; judged as of the end.</summary>
    public static SimulatedWork OfTime(int seed)
    {
        var world = new TimedWorld(seed, partitions: 3);
        return new SimulatedWork(world.Rules, world.Partitions, cluster => world.AssertViewsAreAsOfTheEnd(cluster.Views, seed)) { HasTime = true };
    }

    /// <summary>
    /// Rules that change while the stream goes on, once or more often and perhaps back again; judged as if the last had been there from the
    /// beginning.
    /// </summary>
    public static SimulatedWork OfOtherRules(int seed)
    {
        var world = new TimedWorld(seed, partitions: 3);
        var (last, random) = (world.Yaml, new Random(seed));
        string Other(int n) => new RuleWorld(seed + 100_000 * n).Yaml;
        IReadOnlyList<string> before = random.Next(4) switch
        {
            0 => [last, Other(1)],
            1 => [Other(1), Other(2)],
            _ => [Other(1)],
        };
        if (seed % 2 == 0) before = [FewOtherTags(last, random), .. random.Next(3) == 0 ? (string[])[FewOtherTags(last, random)] : []];
        return new SimulatedWork(world.Rules, world.Partitions, cluster => world.AssertViewsAreAsOfTheEnd(cluster.Views, seed))
            { HasTime = true, Before = before, Text = last };
    }

    /// <summary>The same with other rules altogether, and rows that somebody has deleted: the others are right nevertheless.</summary>
    public static SimulatedWork OfRowsThatAreGone(int seed)
    {
        var world = new TimedWorld(seed, partitions: 3);
        return new SimulatedWork(
            world.Rules, world.Partitions, cluster => world.AssertViewsAreAsOfTheEnd(cluster.Views, seed, without: world.FirstAnchor))
        {
            HasTime = true, Before = [new RuleWorld(seed + 100_000).Yaml], Text = world.Yaml, Gone = world.FirstAnchor,
        };
    }

    // The same rules but for some tags that are missing or count something else, and at times one that goes: most customers are concerned by
    // none of it, and are told by their cells alone or by what was concluded of them as well.
    private static string FewOtherTags(string last, Random random)
    {
        var lines = last.Split('\n').ToList();
        var goes = random.Next(3) == 0 ? "count(event in (\"a\", \"b\")) = 1" : "seen(event = \"c\")";
        if (random.Next(2) == 0) lines.Insert(lines.IndexOf("tags:") + 1, $"  - {{ tag: goes, when: '{goes}' }}");
        for (var missing = random.Next(1, 4); missing > 0; missing--)
        {
            var boolean = lines.FindAll(l => l.StartsWith("  - { tag: t", StringComparison.Ordinal));
            if (boolean.Count == 0) break;
            var line = lines.IndexOf(boolean[random.Next(boolean.Count)]);
            if (random.Next(3) == 0) lines[line] = $"{lines[line].Split(',')[0]}, when: 'count(event = \"c\") >= 2' }}";
            else lines.RemoveAt(line);
        }
        return string.Join('\n', lines);
    }

    /// <summary>Producers that send an event again at once, and a ring that remembers few of an anchor's event_ids.</summary>
    public static SimulatedWork OfRepeats(int seed)
    {
        var random = new Random(seed);
        var touches = new List<StreamPipelineTests.Touch>();
        var records = new List<string>();
        for (var i = 0; i < random.Next(20, 80); i++)
        {
            var id = new SlowIdentity.Id(IdentifierKind.OpenId, "a", $"x{random.Next(3)}");
            var touch = new StreamPipelineTests.Touch($"e{i}", "view", 1_700_000_000_000 + i * 600_000L, [id]);
            touches.Add(touch);
            for (var copies = random.Next(3) == 0 ? 2 : 1; copies > 0; copies--) records.Add(StreamPipelineTests.Json(touch));
        }
        var world = new StreamPipelineTests.World(touches, [ListSource.Utf8(records)], new IdentityOptions());
        return new SimulatedWork(StreamPipelineTests.Rules, world.Partitions, Equals(world, seed)) { EventIdRing = random.Next(1, 4) };
    }

    private static Action<SimulatedCluster> Equals(StreamPipelineTests.World world, int seed) =>
        cluster => StreamPipelineTests.AssertEqualsModel(world, cluster.Views, cluster.Tables, seed);
}
