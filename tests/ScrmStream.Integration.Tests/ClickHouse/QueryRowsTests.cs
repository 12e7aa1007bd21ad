using ScrmStream.Events;
using ScrmStream.Events.Avro;
using System.Text;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Commands;
using ScrmStream.Host.Mapping;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>Whatever ClickHouse reads becomes events: a Parquet file through the embedded engine and a mapping.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class QueryRowsTests(ClickHouseFixture fixture) : IDisposable
{
    private const string Mapping = """
        format: ndjson
        event:
          event: order_paid
          event_time: { value: "{at}", format: unix_ms }
          identifiers:
            - { kind: member_id, scope: s, value: "{member}" }
          amount_fen: { value: "{yuan}", unit: yuan }
          properties:
            city: "{shop.city}"
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-parquet-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [ClickHouseFact]
    public async Task Read_ParquetFile_IsMappedToEvents()
    {
        var settings = HostSettings.Load(null, new CommandLineValues(ClickHouse: fixture.Options().Address));
        settings.ClickHouse.Database = "default";
        var parquet = Path.Combine(_folder, "orders.parquet");
        using (var client = new ClickHouseClient(settings.ClickHouse))
        {
            await client.CommandAsync(
                $"INSERT INTO FUNCTION file('{parquet}', Parquet) SELECT 1772334000000 + number AS at, concat('m', toString(number)) AS member, "
                + "toDecimal64(19.9 + number, 2) AS yuan, tuple('上海')::Tuple(city String) AS shop FROM numbers(3)", CancellationToken.None);
        }

        using var rows = await QueryRows.ReadAsync(settings, $"SELECT * FROM file('{parquet}', Parquet) ORDER BY at", CancellationToken.None);

        using var records = new FileRecords(
            rows.Path, 1 << 20, MappingFile.Parse(Mapping, "test").ToRowMapping(), new SchemaCatalog(new EventLimits()));
        List<string> events = [];
        while (records.TryRead(out var record)) events.Add(record.Refusal ?? Encoding.UTF8.GetString(record.Value));
        Assert.Equal(3, events.Count);
        Assert.Contains("\"event_time\":1772334000001", events[1]);
        Assert.Contains("\"amount_fen\":2090", events[1]);
        Assert.Contains("上海", events[1].Replace("\\u4E0A\\u6D77", "上海"));
    }

    [ClickHouseFact]
    public async Task Read_QueryThatIsRefused_SaysWhyAndLeavesNoFile()
    {
        var settings = HostSettings.Load(null, new CommandLineValues(ClickHouse: fixture.Options().Address));
        settings.ClickHouse.Database = "default";
        await Assert.ThrowsAsync<ClickHouseException>(() => QueryRows.ReadAsync(settings, "SELECT nonsense FROM nowhere", CancellationToken.None));
    }
}
