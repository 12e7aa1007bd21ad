using System.Globalization;

namespace ScrmStream.LoadTest.Price;

/// <summary>Which events a comparison is made with, and how often.</summary>
internal sealed record PriceOptions
{
    public const string Usage = """
        usage: ./scrm bench price [options]

        Runs the whole job (Kafka, identity, 16 tags and a score, Redis, ClickHouse) over the reference topic in turns: as it is, and with
        what only guards against failures switched off; then the other way round, and so on. Prints events per second and processor time of
        both, the ratio of each pair and the median, and compares what each run stored with what the generator knows.

          --events N      events of the topic, 500000 by default, 1000 to 5000000
          --people N      people, by default a tenth of the events
          --seed S        another seed, other events; 1 by default
          --pairs N       how often both are run, 2 by default, 1 to 100
          --off NAMES     what is switched off, with commas: log,epoch,order,blocks,repeats, all by default
          --shared        with all guarantees the process writes as one of several, and compares each cell and view with what is stored
          --kafka ADDRESS a broker; without it one is started by $SCRM_SHARED/kafka/start
          --format json   one line of JSON in place of the text

        Exit code 1: a run stored something else than the generator knows; or the median with everything switched off, and without --shared,
        is below 0.6.
        """;

    public int Events { get; init; } = 500_000;

    /// <summary>0: a tenth of the events.</summary>
    public int People { get; init; }

    public int Seed { get; init; } = 1;

    public int Pairs { get; init; } = 2;

    /// <summary>Events of a run before all others, of each variant, that does not count; 0: none.</summary>
    public int WarmUpEvents { get; init; } = 20_000;

    /// <summary>What the second variant goes without.</summary>
    public Guarantees Off { get; init; } = Guarantees.All;

    /// <summary>The first variant writes as if another process wrote too.</summary>
    public bool IsShared { get; init; }

    /// <summary>The address of a broker; null: one is started.</summary>
    public string? Kafka { get; init; }

    public bool IsJson { get; init; }

    /// <summary>The program that is run as ClickHouse, with the arguments that come before its own.</summary>
    public IReadOnlyList<string> Program { get; init; } = [];

    public int PeopleOrDefault => People > 0 ? People : Math.Max(10, Events / 10);

    /// <exception cref="ArgumentException">An option is unknown or out of range.</exception>
    public static PriceOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new PriceOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            options = name switch
            {
                "--events" => options with { Events = Number(1_000, 5_000_000) },
                "--people" => options with { People = Number(10, 10_000_000) },
                "--seed" => options with { Seed = Number(0, int.MaxValue) },
                "--pairs" => options with { Pairs = Number(1, 100) },
                "--off" => options with { Off = GuaranteeWords.Parse(Value()) },
                "--shared" => options with { IsShared = true },
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
        if (options.Program.Count == 0) throw new ArgumentException("--program is missing: ./scrm bench price gives it");
        return options;
    }
}
