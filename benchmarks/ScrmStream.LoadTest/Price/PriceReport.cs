using System.Text.Json;

namespace ScrmStream.LoadTest.Price;

/// <summary>Prints a comparison.</summary>
internal static class PriceReport
{
    private const double RatioMin = 0.6;
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <returns>The exit code: 0 when every run stored the same, which is what it should, and the median is high enough.</returns>
    public static int Print(PriceOptions options, ReferenceTruth truth, IReadOnlyList<PricePair> pairs, TextWriter to)
    {
        var median = Median(pairs.Select(p => p.Ratio));
        var runs = pairs.SelectMany(p => (PricedRun[])[p.Guarded, p.Bare]).ToList();
        var wrong = runs.SelectMany(r => r.Wrong).Distinct().ToList();
        if (runs.DistinctBy(r => r.Sample).Count() > 1) wrong.Add("the customers looked at are not the same in all runs");
        var isRight = wrong.Count == 0;
        if (options.IsJson) PrintJson(options, truth, pairs, median, wrong, to);
        else PrintText(options, truth, pairs, median, wrong, to);
        return isRight && (median >= RatioMin || options.Off != Guarantees.All || options.IsShared) ? 0 : 1;
    }

    private static void PrintText(
        PriceOptions options, ReferenceTruth truth, IReadOnlyList<PricePair> pairs, double median, List<string> wrong, TextWriter to)
    {
        Say($"{truth.Events:N0} events of {options.PeopleOrDefault:N0} people, seed {options.Seed}; switched off:");
        foreach (var (guarantee, word, instead) in GuaranteeWords.All)
            if (options.Off.HasFlag(guarantee)) Say($"  {word,-8} {instead}");
        if (options.IsShared) Say("with all: as one of several processes, so every cell and view is compared with what is stored");
        Say($"\n{"pair",-5} {"variant",-10} {"events/s",10} {"seconds",8}   processor seconds: all, process, Redis, ClickHouse");
        for (var i = 0; i < pairs.Count; i++)
        {
            Line($"{i + 1}", "all", pairs[i].Guarded);
            Line("", "without", pairs[i].Bare);
            Say($"{"",-5} ratio {pairs[i].Ratio:0.00}");
        }
        Say($"\nmedian of the ratios {median:0.00}; processor time with all, of that without: {ProcessorRatio(pairs):0.00}");
        Say($"check: {truth.Identifiers:N0} identifiers, {truth.Customers:N0} customers, {truth.Tags:N0} tags, {truth.Events:N0} rows, "
            + $"{truth.PaidFen:N0} fen");
        Say(wrong.Count == 0 ? "every run stored exactly that, and the same customers" : $"WRONG: {string.Join("; ", wrong)}");

        void Line(string pair, string variant, PricedRun run) => Say(
            $"{pair,-5} {variant,-10} {run.EventsPerSecond,10:N0} {run.Elapsed.TotalSeconds,8:0.00}   "
            + string.Join(", ", new[] { run.ProcessorTime, run.Own, run.Redis, run.ClickHouse }.Select(t => $"{t.TotalSeconds:0.0}")));

        void Say(string line) => to.WriteLine(line);
    }

    private static void PrintJson(
        PriceOptions options, ReferenceTruth truth, IReadOnlyList<PricePair> pairs, double median, List<string> wrong, TextWriter to) =>
        to.WriteLine(JsonSerializer.Serialize(new
        {
            truth.Events, People = options.PeopleOrDefault, options.Seed,
            SwitchedOff = GuaranteeWords.All.Where(g => options.Off.HasFlag(g.Guarantee)).Select(g => g.Word),
            Shared = options.IsShared,
            Pairs = pairs.Select(p => new { All = Figures(p.Guarded), Without = Figures(p.Bare), Ratio = Math.Round(p.Ratio, 3) }),
            MedianRatio = Math.Round(median, 3), ProcessorRatio = Math.Round(ProcessorRatio(pairs), 3),
            truth.Identifiers, truth.Customers, truth.Tags, truth.PaidFen, Wrong = wrong,
        }, Snake));

    private static object Figures(PricedRun run) => new
    {
        EventsPerSecond = Math.Round(run.EventsPerSecond), Seconds = Math.Round(run.Elapsed.TotalSeconds, 3),
        ProcessorSeconds = Math.Round(run.ProcessorTime.TotalSeconds, 2), OwnProcessorSeconds = Math.Round(run.Own.TotalSeconds, 2),
        RedisProcessorSeconds = Math.Round(run.Redis.TotalSeconds, 2),
        ClickHouseProcessorSeconds = Math.Round(run.ClickHouse.TotalSeconds, 2),
    };

    private static double ProcessorRatio(IReadOnlyList<PricePair> pairs) =>
        Median(pairs.Select(p => p.Guarded.ProcessorTime / p.Bare.ProcessorTime));

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
