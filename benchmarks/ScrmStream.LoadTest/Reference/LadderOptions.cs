using System.Globalization;

namespace ScrmStream.LoadTest.Reference;

/// <summary>Parts of the report. The rungs are always run, for all others are held against them.</summary>
[Flags]
internal enum LadderParts
{
    Rungs = 0,
    Calibration = 1,
    Ceilings = 2,
    /// <summary>From Kafka into Redis.</summary>
    Peers = 4,
    /// <summary>From Kafka into Redis and ClickHouse.</summary>
    PeersWithRows = 8,
    Latency = 16,
    All = Calibration | Ceilings | Peers | Latency,
}

/// <summary>Which events the ladder is climbed with, and what it is held against.</summary>
internal sealed record LadderOptions
{
    public const string Usage = """
        usage: ./scrm bench load --reference [options]

        Publishes the reference topic to a real broker and runs it rung by rung: the engine in memory, with Kafka, with Redis, with
        ClickHouse. Prints for each rung events per second, processor time and bytes allocated per event, and whether its answer is right.
        In the same run: what each rung's server can take at most (ceilings), how long an event takes to its tag at 50 % and 80 % of the
        whole job's throughput (latency), what other engines do with the same topic (peers), and what this machine does at all
        (calibration).

          --events N      events of the topic, 2000000 by default, 10000 to 10000000
          --people N      people, by default a tenth of the events
          --seed S        another seed, other events; 1 by default
          --only NAMES    what is run beside the rungs, with commas: rungs (nothing), calibration, ceilings, latency, peers (into
                          Redis), peers-clickhouse (into both); all but the last by default
          --peers NAMES   with commas: flink, plain-java, kafka-streams (of $SCRM_SHARED/peers), plain-net (in benchmarks); none: none of
                          them; by default flink,plain-java,plain-net, those of $SCRM_SHARED only where it has them
          --peer-log      the peers' Redis logs and syncs each write as ScrmStream's does; without it theirs keeps no log
          --kafka ADDRESS a broker; without it one is started by $SCRM_SHARED/kafka/start
          --format json   one line of JSON in place of the text

        Exit code 1: an answer is not the generator's, so that its figure is void.
        """;

    private static readonly string[] KnownPeers = ["flink", "plain-java", "kafka-streams", "plain-net"];

    public int Events { get; init; } = 2_000_000;

    /// <summary>0: a tenth of the events.</summary>
    public int People { get; init; }

    public int Seed { get; init; } = 1;

    public LadderParts Parts { get; init; } = LadderParts.All;

    /// <summary>Null: those that are there.</summary>
    public IReadOnlyList<string>? Peers { get; init; }

    /// <summary>The peers' Redis keeps a log as ScrmStream's does.</summary>
    public bool HasPeerLog { get; init; }

    /// <summary>The address of a broker; null: one is started.</summary>
    public string? Kafka { get; init; }

    public bool IsJson { get; init; }

    /// <summary>The program that is run as ClickHouse, with the arguments that come before its own.</summary>
    public IReadOnlyList<string> Program { get; init; } = [];

    public int PeopleOrDefault => People > 0 ? People : Math.Max(10, Events / 10);

    /// <exception cref="ArgumentException">An option is unknown or out of range.</exception>
    public static LadderOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new LadderOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            options = name switch
            {
                "--events" => options with { Events = Number(10_000, 10_000_000) },
                "--people" => options with { People = Number(10, 10_000_000) },
                "--seed" => options with { Seed = Number(0, int.MaxValue) },
                "--only" => options with { Parts = PartsOf(Value()) },
                "--peers" => options with { Peers = PeersOf(Value()) },
                "--peer-log" => options with { HasPeerLog = true },
                "--kafka" => options with { Kafka = Value() },
                "--format" => options with { IsJson = Value() switch
                {
                    "json" => true,
                    "text" => false,
                    var other => throw new ArgumentException($"--format {other}: give text or json"),
                } },
                "--program" => options with { Program = [Value()] },
                _ => throw new ArgumentException($"{name}: there is no such option; --help lists them"),
            };

            string Value() => ++i < arguments.Count ? arguments[i] : throw new ArgumentException($"{name} needs a value");

            int Number(int min, int max) =>
                int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n >= min && n <= max
                    ? n
                    : throw new ArgumentException($"{name} {arguments[i]}: give {min} to {max}");
        }
        if (options.Program.Count == 0) throw new ArgumentException("--program is missing: ./scrm bench load --reference gives it");
        return options;
    }

    private static LadderParts PartsOf(string words) => words.Split(',').Aggregate(LadderParts.Rungs, (parts, word) => parts | word switch
    {
        "rungs" => LadderParts.Rungs,
        "calibration" => LadderParts.Calibration,
        "ceilings" => LadderParts.Ceilings,
        "latency" => LadderParts.Latency,
        "peers" => LadderParts.Peers,
        "peers-clickhouse" => LadderParts.PeersWithRows,
        _ => throw new ArgumentException($"--only {word}: give some of rungs,calibration,ceilings,latency,peers,peers-clickhouse"),
    });

    private static string[] PeersOf(string words)
    {
        if (words == "none") return [];
        var peers = words.Split(',');
        return Array.Find(peers, peer => !KnownPeers.Contains(peer)) is { } unknown
            ? throw new ArgumentException($"--peers {unknown}: give none or some of {string.Join(',', KnownPeers)}")
            : peers;
    }
}
