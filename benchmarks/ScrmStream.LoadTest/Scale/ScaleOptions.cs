using System.Globalization;

namespace ScrmStream.LoadTest.Scale;

/// <summary>What is grown while all else stays.</summary>
[Flags]
internal enum ScaleParts
{
    Identifiers = 1,
    Rules = 2,
    Processes = 4,
    Partitions = 8,
    All = Identifiers | Rules | Processes | Partitions,
}

/// <summary>How far things are grown.</summary>
internal sealed record ScaleOptions
{
    public const string Usage = """
        usage: ./scrm bench scale [options]

        Runs "scrmstream run" over the reference topic again and again, and each time there is more of one thing: identifiers (the events
        grow with them), rules, processes of one group, partitions. Prints the processor time an event takes of the processes, of Redis and
        of ClickHouse, the memory of each, and whether the stores hold exactly what the generator knows.

          --events N      events of the smallest run, 500000 by default, 20000 to 1000000; with identifiers up to eight times as many
          --seed S        another seed, other events; 1 by default
          --only NAMES    with commas: identifiers, rules, processes, partitions; all by default
          --kafka ADDRESS a broker; without it one is started by $SCRM_SHARED/kafka/start

        Exit code 1: a store holds anything else, so that its figures are void.
        """;

    public int Events { get; init; } = 500_000;

    public int Seed { get; init; } = 1;

    public ScaleParts Parts { get; init; } = ScaleParts.All;

    /// <summary>The address of a broker; null: one is started.</summary>
    public string? Kafka { get; init; }

    /// <summary>The program that is measured, and run as ClickHouse.</summary>
    public IReadOnlyList<string> Program { get; init; } = [];

    /// <exception cref="ArgumentException">An option is unknown or out of range.</exception>
    public static ScaleOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new ScaleOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            options = name switch
            {
                "--events" => options with { Events = Number(20_000, 1_000_000) },
                "--seed" => options with { Seed = Number(0, int.MaxValue) },
                "--only" => options with { Parts = Value().Split(',').Aggregate(default(ScaleParts), (parts, word) => parts | PartOf(word)) },
                "--kafka" => options with { Kafka = Value() },
                "--program" => options with { Program = [Value()] },
                _ => throw new ArgumentException($"{name}: there is no such option; --help lists them"),
            };

            string Value() => ++i < arguments.Count ? arguments[i] : throw new ArgumentException($"{name} needs a value");

            int Number(int min, int max) =>
                int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n >= min && n <= max
                    ? n
                    : throw new ArgumentException($"{name} {arguments[i]}: give {min} to {max}");
        }
        if (options.Program.Count == 0) throw new ArgumentException("--program is missing: ./scrm bench scale gives it");
        return options;
    }

    private static ScaleParts PartOf(string word) => word switch
    {
        "identifiers" => ScaleParts.Identifiers,
        "rules" => ScaleParts.Rules,
        "processes" => ScaleParts.Processes,
        "partitions" => ScaleParts.Partitions,
        _ => throw new ArgumentException($"--only {word}: give some of identifiers,rules,processes,partitions"),
    };
}
