using System.Runtime.InteropServices;

namespace ScrmStream.LoadTest.Scale;

/// <summary>Prints what grew with what.</summary>
internal static class ScaleReport
{
    /// <returns>The exit code: 0 when every store holds what it should.</returns>
    public static int Print(ScaleOptions options, IReadOnlyList<ScaleResult> results, TextWriter to)
    {
        to.WriteLine($"{Environment.ProcessorCount} processors, {RuntimeInformation.FrameworkDescription}; broker, Redis, ClickHouse and all processes on them; "
            + $"seed {options.Seed}");
        foreach (var part in results.GroupBy(r => r.Step.Part))
        {
            to.WriteLine();
            to.WriteLine($"| {part.Key.ToString().ToLowerInvariant()} | events | identifiers | customers | events/s "
                + "| CPU µs an event: processes | Redis | ClickHouse | largest process, MiB | Redis, MiB | check |");
            to.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
            foreach (var result in part) to.WriteLine(Line(result, options));
        }
        to.WriteLine();
        var wrong = results.SelectMany(r => r.Wrong).ToList();
        to.WriteLine(wrong.Count == 0 ? "Every store holds exactly what the generator knows." : $"WRONG, and so void: {string.Join("; ", wrong)}");
        return wrong.Count == 0 ? 0 : 1;
    }

    private static string Line(ScaleResult r, ScaleOptions options)
    {
        var grown = r.Step.Part switch
        {
            ScaleParts.Identifiers => $"{r.Step.Events / options.Events} ×",
            ScaleParts.Rules => $"{r.Step.RuleCopies * 16}",
            ScaleParts.Processes => $"{r.Step.Processes}",
            _ => $"{r.Step.Partitions}",
        };
        return FormattableString.Invariant($"""
            | {grown} | {r.Truth.Events:N0} | {r.Truth.Identifiers:N0} | {r.Truth.Customers:N0} | {r.Truth.Events / r.Seconds:N0} | {Us(r.OwnCpu):N2} | {Us(r.RedisCpu):N2} | {Us(r.ClickHouseCpu):N2} | {r.PeakBytes >> 20:N0} | {r.RedisBytes >> 20:N0} | {(r.Wrong.Count == 0 ? "right" : "VOID")} |
            """);

        double Us(TimeSpan cpu) => cpu.TotalMicroseconds / r.Truth.Events;
    }
}
