using System.Text;
using ScrmStream.Events;
using ScrmStream.Host.Mapping;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Integration.Files;

/// <summary>Every mapping in schemas/mappings with rows as its source writes them, through the reader and the decoder.</summary>
public sealed class ShippedMappingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-mappings-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private EventBatch Read(string mapping, string text)
    {
        var path = Path.Combine(_folder, "input.txt");
        File.WriteAllText(path, text);
        var map = MappingFile.Load(Path.Combine(MappingFixture.Schemas(), "mappings", mapping));
        var source = new FileEventSource([path], new EventLimits(), map.ToRowMapping());
        var batch = new EventBatch(new RecordBatch(100, 1 << 20));
        Assert.Equal(SourceState.Ended, source.Poll(batch.Records, TimeSpan.Zero));
        new JsonEventDecoder(new EventLimits()).Decode(batch);
        new IdentifierScreen(new IdentityOptions()).Apply(batch);
        return batch;
    }

    private static string[] Identifiers(EventBatch batch, int index) =>
        [.. batch.IdentifiersOf(in batch.Events[index]).ToArray().Select(i => Encoding.UTF8.GetString(batch.Text(i.Text)))];

    private static string Name(EventBatch batch, int index) => Encoding.UTF8.GetString(batch.Text(batch.Events[index].Name));

    [Fact]
    public void Taobao_RowsOfTheDataSet_BecomeEventsOfMembers()
    {
        var batch = Read("taobao.yaml", "1,2268318,2520377,pv,1511544070\n100,2970,5,buy,1512000000\n100,x\n");
        Assert.Equal(2, batch.Count);
        Assert.Equal(["member_id:taobao:1"], Identifiers(batch, 0));
        Assert.Equal(("pv", 1_511_544_070_000, Channel.Taobao), (Name(batch, 0), batch.Events[0].EventTimeMs, batch.Events[0].Channel));
        Assert.Equal("buy", Name(batch, 1));
        Assert.False(batch.Events[0].EventId.IsPresent);
        Assert.Equal(["item", "2268318", "category", "2520377"], batch.PropertiesOf(in batch.Events[0]).ToArray()
            .SelectMany(p => new[] { Encoding.UTF8.GetString(batch.Text(p.Name)), Encoding.UTF8.GetString(batch.Text(p.Text)) }));
        Assert.Equal((2, RejectReason.NotDecodable), (Assert.Single(batch.Rejects).Record, batch.Rejects[0].Reason));
        Assert.Equal("Asia/Shanghai", MappingFile.Load(Path.Combine(MappingFixture.Schemas(), "mappings", "taobao.yaml")).TimeZone!.Id);
    }

    [Fact]
    public void Orders_ExportWithQuotesAndYuan_BecomesOrdersAndRefunds()
    {
        var batch = Read("orders.yaml", """
            order_no,status,paid_at,member_no,phone,amount,store,items
            A1,paid,2026-03-01 16:00:00,m1,+8613912345678,259.00,"Nanjing ""Road"", 2F",2
            A1,refunded,2026-03-02 09:30:00,m1,,259.00,,
            A2,open,2026-03-02 09:30:00,m2,,1.00,,
            """.Replace("\n", "\r\n"));
        Assert.Equal(["order_paid", "refund"], [Name(batch, 0), Name(batch, 1)]);
        Assert.Equal((1_772_352_000_000, 25_900), (batch.Events[0].EventTimeMs, batch.Events[0].AmountFen));
        Assert.Equal(["member_id:petshop:m1", "phone::+8613912345678"], Identifiers(batch, 0));
        Assert.Equal(["member_id:petshop:m1"], Identifiers(batch, 1));
        Assert.Equal("Nanjing \"Road\", 2F", Encoding.UTF8.GetString(batch.Text(batch.PropertiesOf(in batch.Events[0])[0].Text)));
        Assert.Equal("unknown", Encoding.UTF8.GetString(batch.Text(batch.PropertiesOf(in batch.Events[1])[0].Text)));
        Assert.Equal((2, 0), (batch.Count, batch.Rejects.Count));
    }

    [Fact]
    public void Cdnow_ColumnsLinedUpBySpaces_BecomeOrdersOfADay()
    {
        var batch = Read("cdnow.yaml", " 00004 0001 19970101  2   29.33\n 00004 0001 19970118  2\n");
        Assert.Equal(["member_id:cdnow:0001"], Identifiers(batch, 0));
        Assert.Equal((852_048_000_000, 2_933), (batch.Events[0].EventTimeMs, batch.Events[0].AmountFen));
        Assert.Equal((1, 1), (batch.Count, batch.Rejects.Count));
    }

    [Fact]
    public void WebLog_NestedObjects_BecomeEvents()
    {
        var batch = Read("web-log.yaml", """
            {"id":"1","action":"detail","ts":"2026-03-01T08:00:00Z","visitor":{"cookie":"c1","member":null},"path":"/p/1","utm":{"source":"moments"},"dwell":1200}
            {"id":"2","action":"view","ts":"2026-03-01T08:00:01Z","visitor":{"cookie":"c2"},"path":"/","bot":true}
            {"id":"3","action":"cart","ts":"2026-03-01T08:00:02Z","visitor":{"cookie":"c1","member":"m1"},"path":"/cart"}
            """);
        Assert.Equal(["product_view", "add_to_cart"], [Name(batch, 0), Name(batch, 1)]);
        Assert.Equal(["cookie:petshop.example:c1"], Identifiers(batch, 0));
        Assert.Equal(["cookie:petshop.example:c1", "member_id:petshop:m1"], Identifiers(batch, 1));
        Assert.Equal("https://petshop.example/p/1", Encoding.UTF8.GetString(batch.Text(batch.Events[0].Page)));
        Assert.Equal("moments", Encoding.UTF8.GetString(batch.Text(batch.Events[0].CampaignSource)));
        Assert.Empty(batch.Rejects);
    }

    [Fact]
    public void EveryShippedMapping_IsReadAndHasATestHere()
    {
        var files = Directory.GetFiles(Path.Combine(MappingFixture.Schemas(), "mappings"), "*.yaml").Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["cdnow.yaml", "orders.yaml", "taobao.yaml", "web-log.yaml"], files);
    }
}
