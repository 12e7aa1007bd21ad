using ScrmStream.Events;
using ScrmStream.Events.Avro;

namespace ScrmStream.Tests.Events.Avro;

public sealed class SchemaCatalogTests
{
    private sealed class Clock : TimeProvider
    {
        public long NowMs { get; set; }
        public override long TimestampFrequency => 1000;
        public override long GetTimestamp() => NowMs;
    }

    [Fact]
    public async Task Fetch_ASchemaThatNobodyKnows_IsAskedForAgainOnlyAfterItsTime()
    {
        var clock = new Clock();
        string? text = null;
        var catalog = new SchemaCatalog(new EventLimits(), new SchemaOptions { UnknownForMs = 1000 }, [new ListedSchemas(_ => text)], clock);
        await catalog.FetchAsync(SchemaRef.OfId(1), default);
        Assert.True(catalog.TryGet(SchemaRef.OfId(1), out var entry));
        Assert.Equal(RejectReason.UnknownSchema, entry.Reason);
        clock.NowMs = 999;
        Assert.True(catalog.TryGet(SchemaRef.OfId(1), out _));
        clock.NowMs = 1000;
        Assert.False(catalog.TryGet(SchemaRef.OfId(1), out _));
        text = SchemaCatalog.CanonicalText;
        await catalog.FetchAsync(SchemaRef.OfId(1), default);
        clock.NowMs = long.MaxValue;
        Assert.True(catalog.TryGet(SchemaRef.OfId(1), out entry) && entry.Plan is not null);
    }

    [Fact]
    public async Task Fetch_MoreThanItKeeps_ForgetsTheOldestButNeverTheCanonicalOne()
    {
        var catalog = new SchemaCatalog(new EventLimits(), new SchemaOptions { KnownMax = 16 }, [new ListedSchemas(_ => SchemaCatalog.CanonicalText)], new Clock());
        for (var id = 1; id <= 40; id++) await catalog.FetchAsync(SchemaRef.OfId(id), default);
        Assert.Equal(Enumerable.Range(25, 16), Enumerable.Range(1, 40).Where(id => catalog.TryGet(SchemaRef.OfId(id), out _)));
        Assert.True(catalog.TryGet(SchemaRef.OfFingerprint(catalog.CanonicalFingerprint), out _));
    }

    [Fact]
    public async Task Fetch_ASchemaThatIsNoneOrNoneOfEvents_IsKeptWithItsReason()
    {
        var catalog = new SchemaCatalog(new EventLimits(), new SchemaOptions(), [new ListedSchemas(s => s.Word == "1" ? "{" : "\"int\"")], new Clock());
        foreach (var id in (int[])[1, 2])
        {
            await catalog.FetchAsync(SchemaRef.OfId(id), default);
            Assert.True(catalog.TryGet(SchemaRef.OfId(id), out var entry));
            Assert.Equal(RejectReason.IncompatibleSchema, entry.Reason);
        }
    }

    [Fact]
    public void Reader_ThatDoesNotFitTheEvent_IsRefusedAtStart()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, SchemaCatalog.CanonicalText.Replace("\"name\": \"event\", \"type\": \"string\"", "\"name\": \"event\", \"type\": \"long\""));
        try
        {
            var error = Assert.Throws<AvroSchemaException>(
                () => new SchemaCatalog(new EventLimits(), new SchemaOptions { Reader = file }, [], TimeProvider.System));
            Assert.Contains("event", error.Message);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
