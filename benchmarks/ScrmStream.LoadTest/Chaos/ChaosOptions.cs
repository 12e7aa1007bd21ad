using System.Globalization;

namespace ScrmStream.LoadTest.Chaos;

/// <summary>What a chaos run does, by seed.</summary>
internal sealed record ChaosOptions
{
    /// <summary>SIGKILLs of workers, 0 to 10,000.</summary>
    public int Kills { get; init; } = 10;

    /// <summary>Workers that are stopped for longer than the group waits for them, and then go on.</summary>
    public int Zombies { get; init; }

    /// <summary>SIGKILLs of Redis, and as many of ClickHouse; each is started again on what it kept.</summary>
    public int Restarts { get; init; }

    /// <summary>Events published, 1,000 to 100,000,000.</summary>
    public int Events { get; init; } = 200_000;

    public int Seed { get; init; } = 1;

    /// <summary>Processes of the group, 1 to 16.</summary>
    public int Workers { get; init; } = 3;

    public int Partitions { get; init; } = 12;

    /// <summary>How long the group waits for a silent worker, 6 to 300; brokers allow no less than 6 unless told.</summary>
    public int SessionSeconds { get; init; } = 6;

    /// <summary>A record's key is its number, so the events of every customer lie in all partitions and all processes meet on all customers;
    /// else it is an identifier of its person, as producers have it.</summary>
    public bool IsScattered { get; init; }

    /// <summary>The address of a broker; null: one is started by <c>$SCRM_SHARED/kafka/start</c>.</summary>
    public string? Kafka { get; init; }

    /// <summary>Where what each worker says on standard error is written, a file each; null: nowhere.</summary>
    public string? LogFolder { get; init; }

    /// <summary>The program that is run as a worker and as ClickHouse, with the arguments that come before its own.</summary>
    public IReadOnlyList<string> Program { get; init; } = [];

    /// <summary>Redis keeps nothing over a restart, which no guarantee covers: shows that the audit finds what is lost.</summary>
    public bool IsRedisForgetful { get; init; }

    /// <summary>Reads <c>--kills N --events N --seed S ...</c>. Without more, a quarter as many zombies as kills and a tenth as many restarts.</summary>
    /// <exception cref="ArgumentException">An option is unknown or out of range.</exception>
    public static ChaosOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new ChaosOptions();
        int? zombies = null, restarts = null;
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            options = name switch
            {
                "--forgetful-redis" => options with { IsRedisForgetful = true },
                "--scattered" => options with { IsScattered = true },
                "--kills" => options with { Kills = Number(0, 10_000) },
                "--events" => options with { Events = Number(1_000, 100_000_000) },
                "--seed" => options with { Seed = Number(0, int.MaxValue) },
                "--workers" => options with { Workers = Number(1, 16) },
                "--session" => options with { SessionSeconds = Number(6, 300) },
                "--kafka" => options with { Kafka = Value() },
                "--logs" => options with { LogFolder = Value() },
                "--program" => options with { Program = [Value()] },
                "--zombies" => options with { Zombies = (zombies = Number(0, 1_000)).Value },
                "--restarts" => options with { Restarts = (restarts = Number(0, 1_000)).Value },
                _ => throw new ArgumentException($"{name}: there is no such option"),
            };

            string Value() => ++i < arguments.Count ? arguments[i] : throw new ArgumentException($"{name} needs a value");

            int Number(int min, int max) =>
                int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n >= min && n <= max
                    ? n
                    : throw new ArgumentException($"{name} {arguments[i]}: give {min} to {max}");
        }
        if (options.Program.Count == 0) throw new ArgumentException("--program is missing: ./scrm bench chaos gives it");
        return options with { Zombies = zombies ?? (options.Kills + 3) / 4, Restarts = restarts ?? (options.Kills + 9) / 10 };
    }
}
