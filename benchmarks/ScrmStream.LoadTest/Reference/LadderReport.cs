using System.Runtime.InteropServices;
using System.Text.Json;

namespace ScrmStream.LoadTest.Reference;

/// <summary>Prints the ladder.</summary>
internal sealed class LadderReport(LadderOptions options, LadderResult result, TextWriter to)
{
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <returns>The exit code: 0 when every answer is the generator's.</returns>
    public int Print()
    {
        if (options.IsJson) to.WriteLine(JsonSerializer.Serialize(Figures(), Snake));
        else PrintText();
        return Wrong().Any() ? 1 : 0;
    }

    private IEnumerable<string> Wrong() =>
        result.Rungs.SelectMany(r => r.Wrong.Select(w => $"{r.Name}: {w}"))
            .Concat(result.Ceilings.SelectMany(c => c.Wrong.Select(w => $"{c.Name}: {w}")))
            .Concat(result.Latencies.SelectMany(l => l.Wrong.Select(w => $"latency at {l.Share:P0}: {w}")))
            .Concat(result.Meetings.SelectMany(m => m.Wrong));

    private void PrintText()
    {
        var truth = result.Topic.Truth;
        Say($"{truth.Events:N0} events of {options.PeopleOrDefault:N0} people, seed {options.Seed}, "
            + $"{PerEvent(result.Topic.ValueBytes):N0} B of JSON each");
        Say($"{Environment.ProcessorCount} processors ({ProcessorName()}), {RuntimeInformation.FrameworkDescription}; "
            + "the broker, Redis and ClickHouse are on them too");
        PrintRungs();
        if (result.Ceilings.Count > 0) PrintCeilings();
        if (result.Latencies.Count > 0) PrintLatencies();
        foreach (var meeting in result.Meetings) PrintMeeting(meeting);
        if (result.Calibration.Count > 0) Say("\ncalibration");
        foreach (var line in result.Calibration) Say($"{line.Name,-52} {line.Value,14:N1} {line.Unit}");
        Say($"\ncheck: {truth.Identifiers:N0} identifiers, {truth.Customers:N0} customers, {truth.Tags:N0} tags, {truth.Events:N0} rows, "
            + $"{truth.PaidFen:N0} fen");
        var wrong = Wrong().ToList();
        Say(wrong.Count == 0 ? "every answer is exactly that" : $"WRONG, and so void: {string.Join("; ", wrong)}");
    }

    private void PrintRungs()
    {
        Say($"\n{"",-22} {"",10}   {"CPU ns an event of",-26} {"bytes",7} {"collections",13} {"peak",6} {"busy",5}");
        Say($"{"rung",-22} {"events/s",10} {"process",9} {"Redis",7} {"ClickHouse",10} {"/event",8} {"gen 0/1/2",13} {"MiB",6} "
            + $"{$"of {Environment.ProcessorCount}",5}  check");
        foreach (var rung in result.Rungs) PrintRung(rung);
    }

    private void PrintRung(Rung rung)
    {
        var cost = rung.Cost;
        Say($"{rung.Name,-22} {rung.EventsPerSecond,10:N0} {Ns(cost.Own),9:N0} {Ns(cost.Redis),7:N0} {Ns(cost.ClickHouse),10:N0} "
            + $"{PerEvent(cost.AllocatedBytes),8:N0} {string.Join('/', cost.Collections),13} {cost.PeakBytes >> 20,6:N0} "
            + $"{cost.Machine / cost.Elapsed,5:N1}  {Check(rung.Wrong)}");
        Say($"  {rung.Adds}");
        if (rung.Steps.Count > 0) Say($"  ns: {string.Join(", ", rung.Steps.Select(s => $"{s.Name} {s.NsPerEvent:N0}"))}");
        if (cost.KafkaLibrary > TimeSpan.Zero) Say($"  of the process, Kafka's client library: {Ns(cost.KafkaLibrary):N0} ns");
        foreach (var wrote in rung.Wrote) Say($"  {wrote}");
    }

    private void PrintCeilings()
    {
        Say($"\n{"ceiling",-26} {"events/s",10}   {"of rung",-12} {"share",5}  check");
        foreach (var ceiling in result.Ceilings)
        {
            Say($"{ceiling.Name,-26} {ceiling.EventsPerSecond,10:N0}   {ceiling.Of,-12} {ShareOf(ceiling),5:0.00}  {Check(ceiling.Wrong)}");
            Say($"  {ceiling.What}");
        }
    }

    private void PrintLatencies()
    {
        Say($"\n{"event to visible tag",-26} {"events/s",10}   {"probes",6} {"p50 ms",7} {"p99 ms",7} {"p999 ms",8} {"max ms",7}  check");
        foreach (var l in result.Latencies)
            Say($"{$"at {l.Share:P0} of the whole job",-26} {l.Rate,10:N0}   {l.Ms.Count,6:N0} {l.Quantile(0.5),7:N0} "
                + $"{l.Quantile(0.99),7:N0} {l.Quantile(0.999),8:N0} {l.Quantile(1),7:N0}  {Check(l.Wrong)}; "
                + $"of these, until it was sent {l.LateMs:N0} ms at most");
    }

    private void PrintMeeting(Meeting meeting)
    {
        Say($"\n{meeting.Name,-38} {"events/s",10}   {"runs",-22} {"ratio",5}  check");
        var own = meeting.Own;
        Line("ScrmStream", meeting.OwnSpeed, [.. own.Select(r => r.EventsPerSecond)], "", [.. own.SelectMany(r => r.Wrong)]);
        foreach (var (name, runs) in meeting.ByPeer)
        {
            var (speed, wrong) = (Meeting.SpeedOf(runs), runs.SelectMany(p => p.Wrong).ToList());
            Line(name, speed, [.. runs.Select(p => p.EventsPerSecond)], $"{meeting.OwnSpeed / speed:0.00}", wrong);
            Say($"  {runs[0].Wrote}");
        }
        Say($"  ScrmStream's mean by that of the best of them: {meeting.Ratio:0.00}; "
            + (options.HasPeerLog ? "every Redis logs and syncs its writes" : "only ScrmStream's Redis logs and syncs its writes"));

        void Line(string name, double speed, double[] runs, string ratio, IReadOnlyList<string> wrong) => Say(
            $"{name,-38} {speed,10:N0}   {string.Join(", ", runs.Select(r => $"{r:N0}")),-22} {ratio,5}  {Check(wrong)}");
    }

    private object Figures() => new
    {
        result.Topic.Truth.Events, People = options.PeopleOrDefault, options.Seed, Processors = Environment.ProcessorCount,
        Processor = ProcessorName(), Runtime = RuntimeInformation.FrameworkDescription,
        Rungs = result.Rungs.Select(Figures),
        Ceilings = result.Ceilings.Select(c => new
        {
            c.Name, Rung = c.Of, EventsPerSecond = Math.Round(c.EventsPerSecond), Share = Math.Round(ShareOf(c), 3), c.What, c.Wrong,
        }),
        Latencies = result.Latencies.Select(l => new
        {
            l.Share, l.Rate, Probes = l.Ms.Count, P50Ms = Math.Round(l.Quantile(0.5), 1), P99Ms = Math.Round(l.Quantile(0.99), 1),
            P999Ms = Math.Round(l.Quantile(0.999), 1), MaxMs = Math.Round(l.Quantile(1), 1), l.LateMs, l.Wrong,
        }),
        options.HasPeerLog,
        Meetings = result.Meetings.Select(m => new
        {
            m.Name, Own = m.Own.Select(r => Math.Round(r.EventsPerSecond)), m.Peers, Ratio = Math.Round(m.Ratio, 3),
        }),
        result.Calibration, Wrong = Wrong(),
    };

    private object Figures(Rung rung) => new
    {
        rung.Name, EventsPerSecond = Math.Round(rung.EventsPerSecond), Seconds = Math.Round(rung.Cost.Elapsed.TotalSeconds, 3),
        OwnNs = Ns(rung.Cost.Own), KafkaLibraryNs = Ns(rung.Cost.KafkaLibrary), RedisNs = Ns(rung.Cost.Redis),
        ClickHouseNs = Ns(rung.Cost.ClickHouse), AllocatedBytes = Math.Round(PerEvent(rung.Cost.AllocatedBytes)), rung.Cost.Collections,
        rung.Cost.PeakBytes, BusyProcessors = Math.Round(rung.Cost.Machine / rung.Cost.Elapsed, 2),
        Steps = rung.Steps.Select(s => new { s.Name, Ns = Math.Round(s.NsPerEvent) }), rung.Wrote, rung.Wrong,
    };

    private double ShareOf(Ceiling ceiling) => result.Rungs.Single(r => r.Name == ceiling.Of).EventsPerSecond / ceiling.EventsPerSecond;

    private double PerEvent(double amount) => amount / result.Topic.Truth.Events;

    private double? Ns(TimeSpan? time) => time is { } t ? Math.Round(PerEvent(t.TotalNanoseconds)) : null;

    private static string Check(IReadOnlyList<string> wrong) => wrong.Count == 0 ? "right" : "VOID";

    private static string ProcessorName() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
        ?? RuntimeInformation.ProcessArchitecture.ToString();

    private void Say(string line) => to.WriteLine(line.TrimEnd());
}
