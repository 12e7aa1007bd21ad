namespace ScrmStream.LoadTest.Reference;

/// <summary>One rung and other engines that did the same job with the same topic, in turns.</summary>
/// <param name="Own">The rung, again and again.</param>
internal sealed record Meeting(string Name, List<Rung> Own, List<PeerRun> Peers)
{
    /// <summary>The mean of its runs.</summary>
    public double OwnSpeed => Own.Average(r => r.EventsPerSecond);

    public IEnumerable<(string Name, IReadOnlyList<PeerRun> Runs)> ByPeer =>
        Peers.GroupBy(p => p.Name).Select(g => (g.Key, (IReadOnlyList<PeerRun>)[.. g]));

    /// <summary>Our mean by that of the fastest peer.</summary>
    public double Ratio => OwnSpeed / ByPeer.Max(p => SpeedOf(p.Runs));

    public IEnumerable<string> Wrong => Own.SelectMany(r => r.Wrong.Select(w => $"{r.Name}: {w}"))
        .Concat(Peers.SelectMany(p => p.Wrong.Select(w => $"{p.Name}: {w}")));

    public static double SpeedOf(IReadOnlyList<PeerRun> runs) => runs.Average(r => r.EventsPerSecond);
}
