using System.Globalization;
using System.Text;
using ScrmStream.Identity;
using ScrmStream.Kafka;
using ScrmStream.LoadTest.Price;

namespace ScrmStream.LoadTest.Reference;

/// <summary>
/// The reference events at a steady pace, and between them probes: events of customers that nobody has met, each of which brings a tag at
/// once. When each record is to be sent follows from when the first one is.
/// </summary>
/// <param name="Rate">Records a second, probes included.</param>
/// <param name="Records">Probes included.</param>
internal sealed record PacedTopic(string Kafka, string Topic, int Rate, int Records, int People, int Seed)
{
    /// <summary>
    /// So many seconds at the beginning do not count: groups are joined, code is met for the first time. Their probes are looked for too.
    /// </summary>
    public const int WarmSeconds = 3;

    private const int ProbesPerSecond = 100;
    private const long ProbeTimeMs = 1_760_000_000_000;

    /// <summary>Every so many records is a probe.</summary>
    public int Spacing => Math.Max(1, Rate / ProbesPerSecond);

    public int Probes => Records / Spacing;

    /// <summary>The words behind <c>paced</c> on the command line of the process that publishes.</summary>
    public IReadOnlyList<string> Arguments => [Kafka, Topic, $"{Rate}", $"{Records}", $"{People}", $"{Seed}"];

    public static PacedTopic Parse(IReadOnlyList<string> arguments)
    {
        int[] numbers = [.. arguments.Skip(2).Select(a => int.Parse(a, CultureInfo.InvariantCulture))];
        return new PacedTopic(arguments[0], arguments[1], numbers[0], numbers[1], numbers[2], numbers[3]);
    }

    /// <summary>What a right engine finds in it.</summary>
    public ReferenceTruth Truth()
    {
        var truth = ReferenceTruth.Of(Records - Probes, People, Seed);
        return truth with
        {
            Events = truth.Events + Probes, Identifiers = truth.Identifiers + Probes, Customers = truth.Customers + Probes,
            Tags = truth.Tags + Probes,
        };
    }

    /// <summary>When a probe is to be sent, behind the first record.</summary>
    public TimeSpan DueOf(int probe) => TimeSpan.FromSeconds(((probe + 1L) * Spacing - 1) / (double)Rate);

    /// <summary>The customer of a probe.</summary>
    public static IdentifierId CustomerOf(int probe) => IdentifierId.Of(Encoding.UTF8.GetBytes($"cookie:web:probe-{probe}"));

    /// <summary>
    /// Makes the topic and all records, says so, reads when to begin (Unix ms), publishes, and says by how many milliseconds the latest of
    /// the records that count was late.
    /// </summary>
    public async Task PublishAsync(TextReader from, TextWriter to)
    {
        using var publisher = await KafkaPublisher.OpenAsync(new KafkaOptions { BootstrapServers = Kafka });
        await publisher.CreateMissingAsync(Topic);
        var records = Made();
        await to.WriteLineAsync("ready");
        var line = await from.ReadLineAsync() ?? throw new EndOfStreamException("Nobody said when to begin.");
        var start = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(line, CultureInfo.InvariantCulture));
        var late = TimeSpan.Zero;
        for (var next = 0; next < records.Count;)
        {
            var passed = DateTimeOffset.UtcNow - start;
            var due = Math.Min(records.Count, (long)(passed.TotalSeconds * Rate) + 1);
            var behind = passed - TimeSpan.FromSeconds(next / (double)Rate);
            if (next < due && next >= WarmSeconds * Rate && behind > late) late = behind;
            for (; next < due; next++) publisher.Publish(Topic, records[next].Key, records[next].Value);
            // This process has nothing else to do, and what is due comes in steps of a millisecond or more anyway.
            Thread.Sleep(1);
        }
        publisher.Flush();
        await to.WriteLineAsync($"late={late.TotalMilliseconds:0}");
    }

    private List<(byte[] Key, byte[] Value)> Made()
    {
        var (made, records) = (new ReferenceEvents(People, Seed), new List<(byte[], byte[])>(Records));
        for (var i = 0; i < Records; i++)
        {
            if ((i + 1) % Spacing == 0) records.Add(Probe(i / Spacing));
            else if (made.Next() is var e) records.Add((Encoding.UTF8.GetBytes(e.Key), Encoding.UTF8.GetBytes(e.Json.ToString())));
        }
        return records;
    }

    private static (byte[] Key, byte[] Value) Probe(int number) => (Encoding.UTF8.GetBytes($"probe-{number}"), Encoding.UTF8.GetBytes(
        $$"""
        {"event_id":"p-{{number}}","event":"coupon_claim","event_time":{{ProbeTimeMs + number}},"channel":"web",
        "identifiers":[{"kind":"cookie","scope":"web","value":"probe-{{number}}"}]}
        """));
}
