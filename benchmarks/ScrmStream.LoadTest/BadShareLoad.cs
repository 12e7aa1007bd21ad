using System.Diagnostics;
using System.Globalization;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.LoadTest;

/// <summary>
/// What bad records cost: one stream of good events, and the same with a share of its records broken in nine ways, decoded, screened, folded
/// and flushed in memory in turns. Prints the throughput of both and their ratio; the check is that every record is accounted for and
/// that the ratio is at least 0.9. A batch's time is the least of its turns, as in <see cref="HubLoad"/>.
/// </summary>
public sealed class BadShareLoad(int badPerThousand)
{
    private const int Records = 200_000, People = 20_000, BatchRecords = 1024, BatchesPerFlush = 16, Turns = 5;
    private const double RatioMin = 0.9;

    private static readonly RuleSet Rules = RuleSet.Parse("""
        tags:
          - tag: buyer
            when: seen(event = "order_paid", within 30d)
        """, "bad");

    private readonly PipelineOptions _options = new();

    /// <summary>Ten bad records in a thousand.</summary>
    public static BadShareLoad OfOnePercent() => new(10);

    private sealed record Stream(byte[][] Records, double[] Microseconds)
    {
        public long Events, Letters;

        public double PerSecond => Records.Length / (Microseconds.Sum() / 1e6);
    }

    /// <summary>0 when the stream with bad records is fast enough and all are accounted for.</summary>
    public int Run()
    {
        var good = NewStream(0);
        var mixed = NewStream(badPerThousand);
        for (var turn = 0; turn < Turns; turn++)
            foreach (var stream in turn % 2 == 0 ? (Stream[])[good, mixed] : [mixed, good]) Fold(stream);
        Report("good", good);
        Report("mixed", mixed);
        var ratio = mixed.PerSecond / good.PerSecond;
        var bad = Records / 1000 * badPerThousand;
        var isRight = good is { Events: Records, Letters: 0 } && mixed.Events == Records - bad && mixed.Letters == bad;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio {ratio:N3}, at least {RatioMin:N1} is wanted"));
        Console.WriteLine(isRight ? $"check: {bad} records set aside, {mixed.Events} accepted" : "WRONG: not every record is accounted for");
        return isRight && ratio >= RatioMin ? 0 : 1;
    }

    private static void Report(string name, Stream stream) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{name,-6} {stream.PerSecond,10:N0} records/s; {stream.Events} accepted, {stream.Letters} set aside"));

    private void Fold(Stream stream)
    {
        var engine = new MemoryEngine(_options, Rules, isSoleWriter: true);
        var batches = new EventBatch[BatchesPerFlush];
        for (var i = 0; i < batches.Length; i++) batches[i] = new EventBatch(new RecordBatch(BatchRecords, _options.BatchBytesMax));
        var partition = new SourcePartition(Guid.Empty, "bad", 0);
        stream.Events = 0;
        GC.Collect();
        for (var n = 0; n < stream.Microseconds.Length; n++)
        {
            var batch = batches[n % BatchesPerFlush];
            batch.Clear();
            for (var i = n * BatchRecords; i < stream.Records.Length && !batch.Records.IsFull; i++)
                batch.Records.Add(partition, i, 1_772_400_000_000, stream.Records[i]);
            var start = Stopwatch.GetTimestamp();
            engine.Fold(batch);
            var isLast = n == stream.Microseconds.Length - 1;
            if (isLast || n % BatchesPerFlush == BatchesPerFlush - 1) engine.Flush(batches[..(n % BatchesPerFlush + 1)]);
            stream.Microseconds[n] = Math.Min(stream.Microseconds[n], Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            stream.Events += batch.Count;
        }
        stream.Letters = engine.Letters;
    }

    private static Stream NewStream(int badPerThousand)
    {
        var random = new Random(1);
        var records = new byte[Records][];
        for (var i = 0; i < records.Length; i++)
        {
            var person = random.Next(People);
            var isBad = i % 1000 < badPerThousand;
            var text = $$$"""{"event_id":"e{{{i}}}","event":"order_paid","event_time":{{{1_772_294_400_000 + i}}},"channel":"store","amount_fen":1990,"identifiers":[{"kind":"openid","scope":"wx1","value":"o6-{{{person}}}"},{"kind":"phone","value":"+86139{{{person:00000000}}}"}],"page":"/p/{{{i}}}","properties":{"sku":"k{{{i % 50}}}"}}""";
            records[i] = Encoding.UTF8.GetBytes(isBad ? Broken(text, i / 1000 + i) : text);
        }
        var times = new double[(records.Length + BatchRecords - 1) / BatchRecords];
        Array.Fill(times, double.MaxValue);
        return new Stream(records, times);
    }

    private static string Broken(string text, int way) => (way % 9) switch
    {
        0 => text[..^60],
        1 => text.Replace("\"page\":", "\"page\"", StringComparison.Ordinal),
        2 => text.Replace("event_time", "event_date", StringComparison.Ordinal),
        3 => text.Replace("\"store\"", "[1,2]", StringComparison.Ordinal),
        4 => text.Replace("\"amount_fen\":1990", "\"amount_fen\":19.9", StringComparison.Ordinal),
        5 => text.Replace("\"event_time\":1772", "\"event_time\":1", StringComparison.Ordinal),
        6 => text.Replace("\"page\":\"/p/", "\"page\":\"\\ud800", StringComparison.Ordinal),
        7 => text.Replace("\"sku\":", $"\"sku\":{new string('[', 40)}{new string(']', 40)},\"x\":", StringComparison.Ordinal),
        _ => text.Replace("\"identifiers\"", "\"persons\"", StringComparison.Ordinal),
    };
}
