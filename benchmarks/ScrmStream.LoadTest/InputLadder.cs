using System.Diagnostics;
using System.Globalization;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.TestKit;

namespace ScrmStream.LoadTest;

/// <summary>
/// What decoding costs by format: the same events as JSON, as arrays, as Avro with either frame, packed. One thread, one warm batch that all
/// formats use in turns; a format is measured only after its events were found equal to JSON's, field by field, for a speed without its
/// answer is void.
/// </summary>
/// <param name="rounds">How often each batch is decoded; the least counts.</param>
/// <param name="only">Formats whose names hold this word; null: all, with the comparison of formats and of bad records.</param>
public sealed class InputLadder(int rounds, string? only)
{
    private const int SchemaId = 1;
    private const double RatioMin = 1.5;
    private static readonly SourcePartition Source = new(Guid.Empty, "benchmark", 0);
    private readonly EventLimits _limits = new();
    private readonly SchemaCatalog _schemas = new(new EventLimits(), new SchemaOptions(), [new OneSchema()], TimeProvider.System);

    private const string Usage = """
        usage: ./scrm bench inputs [--rounds N] [--only WORD]

        Decodes the same 4,096 events as JSON, JSON arrays, Avro with either frame, and packed with gzip and zstd. Prints for each format
        the bytes of an event, the nanoseconds that its decoding takes (one thread, warm, the least of all rounds), the bytes allocated, and
        the speed against JSON. Then it runs the engine in memory with ten bad records in a thousand, and without.

          --rounds N    how often each batch is decoded, 200 by default
          --only WORD   formats whose names hold the word, and nothing but their times

        Exit code 1: a format gives other events than JSON, Avro is not 1.5 times as fast as JSON, a record is not accounted for, or the
        throughput with bad records is less than 0.9 of that without. Times say something only in comparison, on a machine that is idle.
        """;

    /// <summary>Reads the arguments behind <c>inputs</c>, and runs; returns the exit code.</summary>
    public static int Start(ReadOnlySpan<string> arguments)
    {
        var (rounds, only) = (200, (string?)null);
        for (; !arguments.IsEmpty; arguments = arguments[2..])
        {
            if (arguments is ["-h" or "--help", ..])
            {
                Console.WriteLine(Usage);
                return 0;
            }
            if (arguments is ["--rounds", var count, ..] && int.TryParse(count, out rounds) && rounds is >= 1 and <= 100_000) continue;
            if (arguments is ["--only", var word, ..]) only = word;
            else
            {
                Console.Error.WriteLine(Usage);
                return 2;
            }
        }
        return new InputLadder(rounds, only).Run();
    }

    private int Run()
    {
        _schemas.FetchAsync(SchemaRef.OfId(SchemaId), default).AsTask().GetAwaiter().GetResult();
        Say($"{InputSamples.Events} events a batch, one thread, the least of {rounds} rounds; every format's events are equal to JSON's, field by field");
        var isRight = true;
        foreach (var (name, events) in InputSamples.Sizes)
        {
            var formats = InputSamples.Formats(events(), _schemas.CanonicalFingerprint, SchemaId);
            Say($"\n{name}\n{"format",-26} {"B/event",8} {"ns/event",9} {"allocated",10} {"of JSON",8}");
            isRight &= IsEqual(formats);
            if (only is not null) formats = Array.FindAll(formats, format => format.Name.Contains(only, StringComparison.OrdinalIgnoreCase));
            Measure(formats);
            foreach (var format in formats) Report(format, formats[0]);
            isRight &= only is not null || IsFast(formats);
        }
        if (only is not null) return isRight ? 0 : 1;
        Say("\nten bad records in a thousand, through the engine in memory");
        return BadShareLoad.OfOnePercent().Run() == 0 && isRight ? 0 : 1;
    }

    private bool IsEqual(InputFormat[] formats)
    {
        var wanted = Decode(formats[0].Records);
        var isEqual = wanted.Length == InputSamples.Events;
        foreach (var format in formats)
        {
            if (Decode(format.Records).AsSpan().SequenceEqual(wanted)) continue;
            Say($"WRONG: {format.Name} gives other events than JSON");
            isEqual = false;
        }
        return isEqual;
    }

    private static bool IsFast(InputFormat[] formats)
    {
        var avro = Array.Find(formats, format => format.Name == "Avro, single-object")!;
        var ratio = formats[0].NsPerEvent / avro.NsPerEvent;
        Say($"Avro is {ratio:0.00} times as fast as JSON; at least {RatioMin:0.0} is wanted");
        return ratio >= RatioMin;
    }

    // In turns: what disturbs the machine for a while disturbs all formats.
    private void Measure(InputFormat[] formats)
    {
        using var decoder = new RecordDecoder(_limits, _schemas);
        var batch = new EventBatch(new RecordBatch(InputSamples.Events, 1 << 26));
        for (var round = 0; round < rounds; round++)
        {
            foreach (var format in formats)
            {
                Fill(batch, format.Records);
                var (allocated, started) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
                decoder.Decode(batch);
                var ns = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
                format.NsPerEvent = Math.Min(format.NsPerEvent, ns / batch.Count);
                var bytes = GC.GetAllocatedBytesForCurrentThread() - allocated;
                format.AllocatedPerEvent = Math.Min(format.AllocatedPerEvent, bytes / (double)batch.Count);
            }
        }
    }

    private string[] Decode(byte[][] records)
    {
        using var decoder = new RecordDecoder(_limits, _schemas);
        var batch = new EventBatch(new RecordBatch(records.Length, 1 << 26));
        Fill(batch, records);
        decoder.Decode(batch);
        if (batch.Rejects.Count > 0) Say($"rejected: {batch.Rejects[0].Detail}");
        return EventText.All(batch);
    }

    private static void Fill(EventBatch batch, byte[][] records)
    {
        batch.Clear();
        for (var i = 0; i < records.Length; i++) batch.Records.Add(Source, i, -1, records[i]);
    }

    private static void Report(InputFormat format, InputFormat json) => Say(
        $"{format.Name,-26} {format.BytesPerEvent,8:N1} {format.NsPerEvent,9:N1} {format.AllocatedPerEvent,10:N1} {json.NsPerEvent / format.NsPerEvent,8:0.00}");

    private static void Say(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static void Say(string text) => Console.WriteLine(text);

    private sealed class OneSchema : ISchemaSource
    {
        public ValueTask<WrittenSchema?> FindAsync(SchemaRef schema, CancellationToken cancel) =>
            ValueTask.FromResult<WrittenSchema?>(new WrittenSchema(SchemaLanguage.Avro, SchemaCatalog.CanonicalText));
    }
}
