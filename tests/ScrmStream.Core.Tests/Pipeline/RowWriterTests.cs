using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;
using ScrmStream.Pipeline.Memory;
using ScrmStream.TestKit;
using static ScrmStream.Tests.Pipeline.StreamPipelineTests;

namespace ScrmStream.Tests.Pipeline;

/// <summary>Tables that refuse a block for what is in one of its rows.</summary>
public sealed class RowWriterTests
{
    private static readonly SourcePartition Source = ListSource.Partition(0);

    /// <summary>
    /// Each refused event is a letter with its place, its bytes and the tables' words; every other event is a row, once; and the books
    /// balance. Alone the rows go ahead of their cells, and the records are read again.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_SomeRowsAreRefused_OnlyTheseAreSetAside(bool isAlone)
    {
        long startsOver = 0, refused = 0;
        foreach (var seed in Seeds.From(95_000, 30, 1_000))
        {
            var (records, poison) = Records(seed, share: 1 + seed % 20);
            var (stores, tables, committed) = (new Stores(isAlone), new PickyTables(), new Dictionary<SourcePartition, long>());
            var pipeline = Pipeline(records, stores, tables, committed);
            await pipeline.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
            AssertSetAside(records, poison, tables);
            var books = pipeline.Counters.Books.Look();
            Assert.Equal((0, 0, records.Length), (books.Difference, books.PendingRecords, books.CommittedRecords));
            Assert.Equal(records.Length, committed[Source]);
            Assert.True(books.RowsRefused >= poison.Count, $"seed {seed}: {books.RowsRefused} rows refused of {poison.Count}");
            (startsOver, refused) = (startsOver + pipeline.Counters.StartsOver, refused + poison.Count);
        }
        Assert.True(refused > 50 && startsOver > 0 == isAlone, $"{refused} refused, {startsOver} times begun again");
    }

    /// <summary>A process that dies in the middle leaves parts of the block; the next one does all of it again, and it shows once.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_EndsInTheMiddleOfTakingApart_ShowsEverythingOnce(bool isAlone)
    {
        var ended = 0;
        foreach (var seed in Seeds.From(96_000, 30, 1_000))
        {
            var (records, poison) = Records(seed, share: 8);
            var (stores, committed) = (new Stores(isAlone), new Dictionary<SourcePartition, long>());
            var tables = new PickyTables { CallsLeft = 1 + seed % 40 };
            try
            {
                await Pipeline(records, stores, tables, committed).RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
            }
            catch (StoreUnavailableException)
            {
                ended++;
            }
            tables.CallsLeft = int.MaxValue;
            await Pipeline(records, stores, tables, committed).RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
            AssertSetAside(records, poison, tables);
        }
        Assert.True(ended > 10, $"only {ended} ended in the middle: the test shows nothing");
    }

    /// <summary>Nothing but what the tables refuse for some time raises the alarm; every record has its letter.</summary>
    [Fact]
    public async Task Run_EveryRowIsRefused_OpensTheBreakerAndLosesNothing()
    {
        var (records, _) = Records(1, share: 0, count: 500);
        var (stores, tables) = (new Stores(isSoleWriter: true), new PickyTables { Pause = TimeSpan.FromMilliseconds(2) });
        var pipeline = Pipeline(records, stores, tables, [], new PipelineOptions
        {
            FloodAfter = TimeSpan.FromSeconds(0.2), FloodRecordsPerSecond = 100_000, BatchRecordsMax = 500,
        });
        var run = pipeline.RunAsync(CancellationToken.None);
        var wasOpen = false;
        while (await Task.WhenAny(run, Task.Delay(5)) != run) wasOpen |= pipeline.Flood.Look().IsOpen;
        await run;
        Assert.True(wasOpen, "no alarm");
        AssertSetAside(records, [.. Enumerable.Range(0, records.Length)], tables);
    }

    // A share of 0: all of them are poison.
    private static (byte[][] Records, HashSet<int> Poison) Records(int seed, int share, int count = 0)
    {
        var random = new Random(seed);
        var poison = new HashSet<int>();
        var records = new string[count > 0 ? count : random.Next(20, 120)];
        for (var i = 0; i < records.Length; i++)
        {
            var isPoison = share == 0 || random.Next(share) == 0;
            if (isPoison) poison.Add(i);
            var touch = new Touch($"e{i}", isPoison ? "poison" : "view", 1_700_000_000_000 + i,
                [new SlowIdentity.Id(IdentifierKind.Cookie, "", $"x{random.Next(9)}")]);
            records[i] = Json(touch);
        }
        return (ListSource.Utf8(records), poison);
    }

    private static StreamPipeline Pipeline(
        byte[][] records, Stores stores, PickyTables tables, Dictionary<SourcePartition, long> committed, PipelineOptions? options = null)
    {
        var source = new ListSource([(Source, records)], committed, recordsPerPoll: 500);
        options ??= new PipelineOptions { BatchRecordsMax = 16, BatchesInFlightMax = 8, FlushEventsMax = 60, InsertBatches = 2 };
        var ports = new PipelinePorts(source, stores.Cells, stores.Views, tables, tables);
        return new StreamPipeline(options, StreamPipelineTests.Rules, ports, stores.NextStamp(), TimeProvider.System);
    }

    private static void AssertSetAside(byte[][] records, HashSet<int> poison, PickyTables tables)
    {
        var rows = tables.Inner.Events.Keys.Select(k => (int)k.Offset).Order();
        Assert.Equal(Enumerable.Range(0, records.Length).Where(i => !poison.Contains(i)), rows);
        Assert.Equal(poison.Order(), tables.Inner.DeadLetters.Keys.Select(k => (int)k.Item2).Order());
        Assert.All(tables.Inner.DeadLetters.Values, letter =>
        {
            Assert.Equal((RejectReason.RefusedByTables, 0, "not this one"), (letter.Reason, letter.Position.Index, letter.Detail));
            Assert.Equal(records[letter.Position.Offset], letter.Raw.ToArray());
        });
    }

    /// <summary>Takes no block with an event called poison in it.</summary>
    private sealed class PickyTables : IAnalyticsSink, IDeadLetterSink
    {
        public MemoryAnalytics Inner { get; } = new();

        /// <summary>After so many calls it is out of reach.</summary>
        public int CallsLeft { get; set; } = int.MaxValue;

        public TimeSpan Pause { get; init; }

        public async Task WriteEventsAsync(IReadOnlyList<EventBatch> batches, string token, CancellationToken cancel)
        {
            if (CallsLeft-- <= 0) throw new StoreUnavailableException("the end");
            var isRefused = batches.Any(b => b.Events.ToArray().Any(e => b.Text(e.Name).SequenceEqual("poison"u8)));
            var rows = MemoryAnalytics.RowsOf(batches);
            if (Pause > TimeSpan.Zero) await Task.Delay(Pause, TimeProvider.System, cancel);
            if (isRefused) throw new RowsRefusedException("not this one");
            Inner.Write(rows, token);
        }

        public Task WriteAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
        {
            if (CallsLeft-- <= 0) throw new StoreUnavailableException("the end");
            return Task.CompletedTask;
        }

        // What a letter refers to is its batch's, which is used again.
        public Task WriteDeadLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
            Inner.WriteDeadLettersAsync([.. letters.Select(l => l with { Raw = l.Raw.ToArray() })], cancel);

        public Task WriteTagChangesAsync(IReadOnlyList<TagChange> changes, CancellationToken cancel) => Inner.WriteTagChangesAsync(changes, cancel);

        public Task WriteScoreChangesAsync(IReadOnlyList<ScoreChange> changes, CancellationToken cancel) => Inner.WriteScoreChangesAsync(changes, cancel);

        public Task WriteLeadsAsync(IReadOnlyList<CustomerLeads> leads, CancellationToken cancel) => Inner.WriteLeadsAsync(leads, cancel);

        public Task WriteActionsAsync(IReadOnlyList<CustomerAction> actions, CancellationToken cancel) => Inner.WriteActionsAsync(actions, cancel);

        public Task WriteIdentityMapAsync(IReadOnlyList<IdentityMapping> mappings, CancellationToken cancel) =>
            Inner.WriteIdentityMapAsync(mappings, cancel);
    }
}
