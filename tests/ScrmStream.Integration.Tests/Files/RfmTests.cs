using System.Globalization;
using System.Text.Json;
using ScrmStream.Host.Mapping;
using ScrmStream.Host.Quantiles;
using ScrmStream.Host.Replay;
using ScrmStream.Host.Settings;
using ScrmStream.Integration.ClickHouse;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.Integration.Files;

/// <summary>RFM on real purchases against figures of others, and the cuts of all customers as events.</summary>
public sealed class RfmTests : IDisposable
{
    private const long AsOfMs = 875_635_199_999; // the end of 1997-09-30 in Shanghai

    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-rfm-").FullName;
    private readonly RuleSet _rules = RuleSet.Load(Path.Combine(MappingFixture.Schemas(), "rules", "examples", "rfm.yaml"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SharedFileFact("cdnow_sample.txt.gz", "cdnow_sample_rfm_expected.csv")]
    public async Task Cdnow_EveryCustomer_HasTheFiguresOfTheOracle()
    {
        var customers = await ReplayAsync(Purchases());
        var expected = File.ReadLines(SharedDataFactAttribute.Find("cdnow_sample_rfm_expected.csv")!).Skip(1)
            .Select(l => l.Split(',')).ToDictionary(f => int.Parse(f[0], CultureInfo.InvariantCulture), f => f[1..].Select(Number).ToArray());
        Assert.Equal(2357, expected.Count);
        Assert.Equal(expected.Count, customers.Count);
        foreach (var customer in customers)
        {
            var found = customer.GetProperty("attributes");
            decimal[] rfm = [Attribute(found, "frequency"), Attribute(found, "recency_weeks"), Attribute(found, "t_weeks")];
            var id = int.Parse(customer.GetProperty("identifiers")[0].GetProperty("value").GetString()!, CultureInfo.InvariantCulture);
            Assert.Equal(expected[id], rfm.Select(n => Math.Round(n, 2)));
        }
    }

    [SharedFileFact("cdnow_sample.txt.gz")]
    public async Task Cdnow_QuantilesPublishedAsEvents_CutTheCustomers()
    {
        var before = await ReplayAsync(Purchases());
        var cuts = QuantileCuts.Find(CustomersFile(), "paid_365d", [20, 80]);
        var events = Path.Combine(_folder, "cuts.ndjson");
        using (var output = File.Create(events)) Assert.Equal(2357, cuts.Write(CustomersFile(), AsOfMs, output));
        // The replay of purchases and cuts knows both; its purchases come mapped, its cuts as they are, so they are read one after the other.
        var purchases = Path.Combine(_folder, "purchases.ndjson");
        WriteMapped(purchases);
        var after = await ReplayAsync(new ReplayPlan([purchases, events], null, _rules, AsOfMs, _folder));
        Assert.Equal(before.Count, after.Count);
        var values = after.CountBy(c => c.GetProperty("tags").GetProperty("value").GetString()!).ToDictionary();
        // At most a fifth is above the cut of 80 %, at least a fifth is not above that of 20 %; equal sums go the same way.
        Assert.Equal((471, 480), (values["高价值"], values["低价值"]));
    }

    [Fact]
    public void Find_OfNearestRanks_IsAValueThatExists()
    {
        File.WriteAllLines(CustomersFile(), Enumerable.Range(1, 10).Select(n => Line(n, $"{n}.5")));
        var cuts = QuantileCuts.Find(CustomersFile(), "paid", [1, 20, 25, 99]).Cuts;
        Assert.Equal([(1, 1_500_000), (20, 2_500_000), (25, 3_500_000), (99, 10_500_000)], cuts.Select(c => (c.Percent, (long)c.Micro)));
    }

    [Fact]
    public void Find_WhatIsNoCustomer_IsRefusedWithItsLine()
    {
        File.WriteAllLines(CustomersFile(), [Line(1, "1"), "{}"]);
        Assert.Contains(":2: not a customer", Assert.Throws<SettingsException>(() => QuantileCuts.Find(CustomersFile(), "paid", [20])).Message);
        File.WriteAllLines(CustomersFile(), [Line(1, "much")]);
        Assert.Contains("no customer has", Assert.Throws<SettingsException>(() => QuantileCuts.Find(CustomersFile(), "paid", [20])).Message);
    }

    private static string Line(int id, string paid) =>
        $$$"""{"identifiers":[{"kind":"member_id","scope":"s","value":"{{{id}}}"}],"attributes":{"paid":"{{{paid}}}"}}""";

    private string CustomersFile() => Path.Combine(_folder, "customers.ndjson");

    private ReplayPlan Purchases()
    {
        var mapping = MappingFile.Load(Path.Combine(MappingFixture.Schemas(), "mappings", "cdnow.yaml"));
        return new ReplayPlan([SharedDataFactAttribute.Find("cdnow_sample.txt.gz")!], mapping.ToRowMapping(), _rules, AsOfMs, _folder);
    }

    private static void WriteMapped(string file)
    {
        var mapping = MappingFile.Load(Path.Combine(MappingFixture.Schemas(), "mappings", "cdnow.yaml")).ToRowMapping();
        using var output = File.Create(file);
        using var rows = new Pipeline.Files.RowReader(SharedDataFactAttribute.Find("cdnow_sample.txt.gz")!, 1 << 16, false);
        var map = mapping.Open("cdnow");
        while (rows.TryRead(out var row))
        {
            var json = new System.Buffers.ArrayBufferWriter<byte>();
            map(row, json, out _);
            output.Write(json.WrittenSpan);
            output.WriteByte((byte)'\n');
        }
    }

    private async Task<List<JsonElement>> ReplayAsync(ReplayPlan plan)
    {
        await Replayer.RunAsync(plan, new PipelineOptions(), TimeProvider.System, CancellationToken.None);
        return [.. File.ReadLines(CustomersFile()).Select(l => JsonDocument.Parse(l).RootElement)];
    }

    private static decimal Attribute(JsonElement attributes, string name) => Number(attributes.GetProperty(name).GetString()!);

    private static decimal Number(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>Like <see cref="SharedDataFactAttribute"/>, for tests that need no ClickHouse.</summary>
public sealed class SharedFileFactAttribute : FactAttribute
{
    public SharedFileFactAttribute(params string[] files)
    {
        var missing = Array.Find(files, f => SharedDataFactAttribute.Find(f) is null);
        if (missing is not null) Skip = $"{missing} is neither in $SCRM_SHARED/data nor in ../shared/data beside the project.";
    }
}
