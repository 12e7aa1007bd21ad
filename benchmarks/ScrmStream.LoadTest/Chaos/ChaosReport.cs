namespace ScrmStream.LoadTest.Chaos;

/// <summary>Prints a run as a table that can be committed.</summary>
internal static class ChaosReport
{
    /// <returns>The exit code: 0 when every store holds exactly what it has to.</returns>
    public static int Print(ChaosOptions options, ChaosResult result, TextWriter to)
    {
        var (found, truth) = (result.Findings, result.Truth);
        (string, string)[] lines =
        [
            ("seed", $"{options.Seed}"),
            ("processes, partitions", $"{options.Workers}, {options.Partitions}{(options.IsScattered ? ", customers scattered" : "")}"),
            ("kills, zombies, restarts of Redis and of ClickHouse", $"{options.Kills}, {options.Zombies}, {options.Restarts}, {options.Restarts}"),
            ("events that count or repeat one, rejected", $"{truth.Events.Count}, {truth.Rejects.Count}"),
            ("customers, identifiers, tags", $"{truth.Customers.Count}, {truth.Identifiers}, {truth.Tags}"),
            ("**lost, doubled, wrong**", $"**{found.Lost}, {found.Doubled}, {found.Wrong}**"),
            ("rows stored twice and shown once; letters sent twice", $"{found.PhysicalRepeats}; {found.LetterRepeats}"),
            ("until every partition moves again: p50, p95, longest, s", Spread(result.Faults.Select(f => f.Standstill))),
            ("**recovery** p50, p95, longest, s", Spread(result.Faults.Select(f => f.Recovery))),
            .. result.Faults.GroupBy(f => f.Fault).OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => ($"recovery from {g.Key} ({g.Count()})", Spread(g.Select(f => f.Recovery)))),
            ("processes that ended by themselves", $"{result.Failures.Count}"),
            ("seconds in all", $"{result.Elapsed.TotalSeconds:0}"),
        ];
        to.WriteLine("| | |\n|---|---|");
        foreach (var (name, value) in lines) to.WriteLine($"| {name} | {value} |");
        foreach (var text in found.Examples.Concat(result.Failures)) to.WriteLine($"- {text}");
        to.WriteLine(found.IsExact ? "\nEvery store holds exactly what a replay of the same events finds." : "\nThe stores differ from a replay of the same events.");
        return found.IsExact ? 0 : 1;
    }

    /// <returns>The median, the 95th percentile and the greatest.</returns>
    public static string Spread(IEnumerable<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return sorted.Length == 0 ? "none" : $"{At(0.5):0.0}, {At(0.95):0.0}, {At(1):0.0}";

        double At(double share) => sorted[(int)Math.Ceiling(share * sorted.Length) - 1];
    }
}
