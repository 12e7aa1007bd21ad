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
        result.Rungs.Concat(result.Own).SelectMany(r => r.Wrong.Select(w => $"{r.Name}: {w}"))
            .Concat(result.Ceilings.SelectMany(c => c.Wrong.Select(w => $"{c.Name}: {w}")))
            .Concat(result.Peers.SelectMany(p => p.Wrong.Select(w => $"{p.Name}: {w}")));

    private void PrintText()
    {
        var truth = result.Topic.Truth;
        Say($"{truth.Events:N0} events of {options.PeopleOrDefault:N0} people, seed {options.Seed}, "
            + $"{PerEvent(result.Topic.ValueBytes):N0} B of JSON each");
        Say($"{Environment.ProcessorCount} processors ({ProcessorName()}), {RuntimeInformation.FrameworkDescription}; "
            + "the broker, Redis and ClickHouse are on them too");
        PrintRungs();
        if (result.Ceilings.Count > 0) PrintCeilings();
        if (result.Peers.Count > 0) PrintPeers();
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

    private void PrintPeers()
    {
        Say($"\n{"from Kafka into Redis",-26} {"events/s",10}   {"runs",-22} {"ratio",5}  check");
        Line("ScrmStream", OwnSpeed, [.. result.Own.Select(r => r.EventsPerSecond)], "", [.. result.Own.SelectMany(r => r.Wrong)]);
        foreach (var peer in result.Peers.GroupBy(p => p.Name))
        {
            var speed = peer.Average(p => p.EventsPerSecond);
            double[] speeds = [.. peer.Select(p => p.EventsPerSecond)];
            Line(peer.Key, speed, speeds, $"{OwnSpeed / speed:0.00}", [.. peer.SelectMany(p => p.Wrong)]);
            Say($"  {peer.First().Wrote}");
        }
        Say($"  ScrmStream's mean by that of the best of them: {OwnSpeed / BestPeer:0.00}; only ScrmStream's Redis logs and syncs its writes");

        void Line(string name, double speed, double[] runs, string ratio, IReadOnlyList<string> wrong) => Say(
            $"{name,-26} {speed,10:N0}   {string.Join(", ", runs.Select(r => $"{r:N0}")),-22} {ratio,5}  {Check(wrong)}");
    }

    private object Figures() => new
    {
        result.Topic.Truth.Events, People = options.PeopleOrDefault, options.Seed, Processors = Environment.ProcessorCount,
        Processor = ProcessorName(), Runtime = RuntimeInformation.FrameworkDescription,
        Rungs = result.Rungs.Select(r => new
        {
            r.Name, EventsPerSecond = Math.Round(r.EventsPerSecond), Seconds = Math.Round(r.Cost.Elapsed.TotalSeconds, 3),
            OwnNs = Ns(r.Cost.Own), RedisNs = Ns(r.Cost.Redis), ClickHouseNs = Ns(r.Cost.ClickHouse),
            AllocatedBytes = PerEvent(r.Cost.AllocatedBytes), r.Cost.Collections, r.Cost.PeakBytes,
            BusyProcessors = Math.Round(r.Cost.Machine / r.Cost.Elapsed, 2), r.Steps, r.Wrote, r.Wrong,
        }),
        Ceilings = result.Ceilings.Select(c => new
        {
            c.Name, Rung = c.Of, EventsPerSecond = Math.Round(c.EventsPerSecond), Share = Math.Round(ShareOf(c), 3), c.What, c.Wrong,
        }),
        Own = result.Own.Select(r => Math.Round(r.EventsPerSecond)), result.Peers,
        BestPeerRatio = result.Peers.Count == 0 ? null : (double?)Math.Round(OwnSpeed / BestPeer, 3), result.Calibration,
        Wrong = Wrong(),
    };

    private double OwnSpeed => result.Own.Average(r => r.EventsPerSecond);

    private double BestPeer => result.Peers.GroupBy(p => p.Name).Max(p => p.Average(r => r.EventsPerSecond));

    private double ShareOf(Ceiling ceiling) => result.Rungs.Single(r => r.Name == ceiling.Of).EventsPerSecond / ceiling.EventsPerSecond;

    private double PerEvent(double amount) => amount / result.Topic.Truth.Events;

    private double? Ns(TimeSpan? time) => time is { } t ? Math.Round(PerEvent(t.TotalNanoseconds)) : null;

    private static string Check(IReadOnlyList<string> wrong) => wrong.Count == 0 ? "right" : "VOID";

    private static string ProcessorName() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
        ?? RuntimeInformation.ProcessArchitecture.ToString();

    private void Say(string line) => to.WriteLine(line.TrimEnd());
}
