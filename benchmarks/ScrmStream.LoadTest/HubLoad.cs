using System.Diagnostics;
using System.Globalization;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.LoadTest;

/// <summary>
/// What one shared identifier costs: people come one after the other, each with an openId and a phone, which is their own or one shop's,
/// and the stream is folded and flushed in memory both ways, in turns. Prints the time of a batch, flush included, and the number of
/// customers as the check. A batch's time is the least of its turns: the stream is the same, so what is above it is the machine's.
/// Once as a process that writes alone, once as one of several, whose views carry version vectors.
/// </summary>
public sealed class HubLoad(int people)
{
    private const int EventsMin = 400_000, EventsPerPersonMin = 4, BatchRecords = 1024, Turns = 4;
    // As in the pipeline under light load: a flush is small, so that what it costs at least shows.
    private const int BatchesPerFlush = 4;

    private static readonly RuleSet Rules = RuleSet.Parse("""
        tags:
          - tag: buyer
            when: seen(event = "order_paid", within 30d)
        scores:
          - score: intent
            half_life: 14d
            points:
              - { when: event = "order_paid", add: 5 }
        """, "hub");

    private readonly PipelineOptions _options = new();
    private readonly int _eventsPerPerson = Math.Max(EventsMin / people, EventsPerPersonMin);

    private sealed record Stream(byte[][] Records, double[] Microseconds)
    {
        public int Customers, Identifiers;
        public long Cells, CellBytes;
    }

    /// <summary>0 when every person is one customer in each stream.</summary>
    public int Run()
    {
        Console.WriteLine($"{people} people, {people * _eventsPerPerson} events, batches of {BatchRecords}, a flush every {BatchesPerFlush}");
        var isRight = Compare("alone", isSoleWriter: true) & Compare("several", isSoleWriter: false);
        Console.WriteLine(isRight ? $"check: {people} customers each, as made" : "WRONG: each person is to be one customer");
        return isRight ? 0 : 1;
    }

    private bool Compare(string writers, bool isSoleWriter)
    {
        var own = NewStream(isShared: false);
        var shared = NewStream(isShared: true);
        for (var turn = 0; turn < Turns; turn++)
        {
            // A B B A: what warms up or wears out with time falls on both.
            foreach (var stream in turn % 2 == 0 ? (Stream[])[own, shared] : [shared, own]) Fold(stream, isSoleWriter);
        }
        Console.WriteLine($"{writers,-8} {"p50 us",10} {"p99 us",10} {"max us",10}  answer");
        Report("own", own);
        Report("shared", shared);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"ratio",-8} {Ratio(50),10:N2} {Ratio(99),10:N2} {Ratio(100),10:N2}"));
        return own.Customers == people && shared.Customers == people;

        double Ratio(int percent) => Percentile(shared, percent) / Percentile(own, percent);
    }

    private static void Report(string name, Stream stream) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{name,-8} {Percentile(stream, 50),10:N0} {Percentile(stream, 99),10:N0} {Percentile(stream, 100),10:N0}"
        + $"  {stream.Customers} customers, {stream.Identifiers} identifiers, {stream.Cells} cells of {stream.CellBytes / stream.Cells} B"));

    private static double Percentile(Stream stream, int percent)
    {
        var sorted = stream.Microseconds.Order().ToArray();
        return sorted[Math.Min(sorted.Length - 1, sorted.Length * percent / 100)];
    }

    // New people come through the whole stream, so that the shared phone grows with nearly every flush.
    private Stream NewStream(bool isShared)
    {
        var random = new Random(1);
        var records = new byte[people * _eventsPerPerson][];
        for (var i = 0; i < records.Length; i++)
        {
            var person = i % _eventsPerPerson == 0 ? i / _eventsPerPerson : random.Next(i / _eventsPerPerson + 1);
            var phone = 13_900_000_000 + (isShared ? people : person);
            records[i] = Encoding.UTF8.GetBytes(
                $$"""{"event_id":"e{{i}}","event":"order_paid","event_time":{{1_772_294_400_000 + i * 1_000L}},"channel":"store","amount_fen":1990,"identifiers":"""
                + $$"""[{"kind":"openid","scope":"wx1","value":"o6_bmjrPTlm6_2sgVt7h{{person:x7}}"},{"kind":"phone","value":"{{phone}}"}]}""");
        }
        var times = new double[(records.Length + BatchRecords - 1) / BatchRecords];
        Array.Fill(times, double.MaxValue);
        return new Stream(records, times);
    }

    private void Fold(Stream stream, bool isSoleWriter)
    {
        var engine = new MemoryEngine(_options, Rules, isSoleWriter);
        var batch = new EventBatch(new RecordBatch(BatchRecords, _options.BatchBytesMax));
        var partition = new SourcePartition(Guid.Empty, "hub", 0);
        GC.Collect();
        for (var n = 0; n < stream.Microseconds.Length; n++)
        {
            batch.Clear();
            for (var i = n * BatchRecords; i < stream.Records.Length && !batch.Records.IsFull; i++)
                batch.Records.Add(partition, i, -1, stream.Records[i]);
            var start = Stopwatch.GetTimestamp();
            engine.Fold(batch);
            if (n % BatchesPerFlush == BatchesPerFlush - 1) engine.Flush([]);
            stream.Microseconds[n] = Math.Min(stream.Microseconds[n], Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }
        engine.Flush([]);
        (stream.Identifiers, stream.Customers) = (engine.State.Count, engine.Customers);
        (stream.Cells, stream.CellBytes) = (engine.Cells, engine.CellBytes);
    }
}
