using System.Text;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.TestKit;
using static ScrmStream.Tests.Events.Avro.AvroDecoding;

namespace ScrmStream.Tests.Events.Avro;

/// <summary>What is read several bytes or fields at once gives what it gives one by one: at the end of the buffer, beside broken bytes, in other orders.</summary>
public sealed class AvroQuickPathTests
{
    private const string Plain = """{"name":"kind","type":"string"},{"name":"scope","type":"string"},{"name":"value","type":"string"},{"name":"verified","type":"boolean"}""";

    // The same identifier with a field more, which takes no bytes: it is read step by step.
    private const string Slow = Plain + """,{"name":"more","type":"null"}""";

    private static string WithIdentifier(string fields) => """
        {"type":"record","name":"TrackingEvent","fields":[{"name":"event","type":"string"},{"name":"event_time","type":"long"},
          {"name":"identifiers","type":{"type":"array","items":{"type":"record","name":"Identifier","fields":[FIELDS]}}}]}
        """.Replace("FIELDS", fields, StringComparison.Ordinal);

    private static EventBatch DecodeAtTheEnd(AvroPlan plan, byte[] datum)
    {
        var batch = new EventBatch(new RecordBatch(1, datum.Length));
        batch.Records.Add(new SourcePartition(Guid.Empty, "test", 0), 0, -1, datum);
        Assert.Equal(datum.Length, batch.Buffer.Length);
        new AvroEventDecoder(new()).DecodeRecord(batch, 0, new TextRange(0, datum.Length), new TextRange(0, datum.Length), plan);
        return batch;
    }

    private static AvroPlan PlanOf(string schema) =>
        AvroPlanCompiler.Compile(AvroSchemaReader.Read(schema), AvroSchemaReader.Read(SchemaCatalog.CanonicalText), new());

    [Fact]
    public void Decode_TextsOfAllLengthsAtTheEndOfTheBuffer_AreUtf8OrRejected()
    {
        var plan = PlanOf(Schema("""{"name":"page","type":"string"}"""));
        for (var length = 0; length < 80; length++)
        {
            var ascii = new string('x', length);
            foreach (var behind in (byte[][])[[], Encoding.UTF8.GetBytes("é"), Encoding.UTF8.GetBytes("猫"), [0xc3], [0xff], [0xed, 0xa0, 0x80]])
            {
                byte[] page = [.. Encoding.UTF8.GetBytes(ascii), .. behind];
                var datum = Event().Long(page.Length).Raw(page).Bytes;
                foreach (var batch in (EventBatch[])[Decode(plan, datum), DecodeAtTheEnd(plan, datum)])
                {
                    if (System.Text.Unicode.Utf8.IsValid(page)) Assert.Equal(Encoding.UTF8.GetString(page), batch.Text(e => e.Page));
                    else Assert.Contains("page is not valid UTF-8", batch.OnlyReject().Detail);
                }
            }
        }
    }

    public static TheoryData<byte[]> Identifiers()
    {
        static Datum Identifier(string kind, string scope, string value, byte verified) => new Datum().Text(kind).Text(scope).Text(value).Raw(verified);
        return
        [
            Identifier("openid", "wx1", "o6-1", 1).Bytes,
            Identifier("phone", "", "+8613912345678", 0).Bytes,
            Identifier("cookie", "a scope of more than thirty-two bytes in all", "é猫", 1).Bytes,
            Identifier("shoe_size", "", "42", 1).Bytes,
            Identifier("member_id", "a:b", "m", 1).Bytes,
            Identifier("member_id", new string('s', 40) + ":", "m", 1).Bytes,
            Identifier("member_id", "s", "", 1).Bytes,
            Identifier("member_id", "s", "m", 2).Bytes,
            Identifier(new string('k', 129), "s", "m", 1).Bytes,
            Identifier("member_id", new string('s', 257), "m", 1).Bytes,
            Identifier("member_id", "s", new string('v', 257), 1).Bytes,
            new Datum().Text("member_id").Text("s").Long(2).Raw(0xc3, 0x28).Raw(1).Bytes,
            new Datum().Text("member_id").Text("s").Long(-1).Bytes,
            new Datum().Text("member_id").Text("s").Long(900).Bytes,
            new Datum().Text("member_id").Text("s").Text("m").Bytes,
        ];
    }

    [Theory, MemberData(nameof(Identifiers))]
    public void Decode_AnIdentifierAtOnceAndStepByStep_IsTheSame(byte[] identifier)
    {
        byte[] datum = [.. new Datum().Text("x").Long(Decoding.Noon).Long(1).Bytes, .. identifier, 0];
        Assert.True(PlanOf(WithIdentifier(Plain)).HasPlainIdentifiers);
        Assert.False(PlanOf(WithIdentifier(Slow)).HasPlainIdentifiers);

        var (quick, slow) = (Decode(WithIdentifier(Plain), datum), Decode(WithIdentifier(Slow), datum));

        Assert.Equal(slow.Rejects, quick.Rejects);
        Assert.Equal(EventText.All(slow), EventText.All(quick));
        Assert.Equal((slow.Count, slow.DroppedIdentifiers), (quick.Count, quick.DroppedIdentifiers));
        Assert.Equal(EventText.All(slow), EventText.All(DecodeAtTheEnd(PlanOf(WithIdentifier(Plain)), datum)));
    }

    [Fact]
    public void Compile_AReaderWithOtherIdentifiers_IsReadStepByStep()
    {
        var reader = AvroSchemaReader.Read(SchemaCatalog.CanonicalText.Replace("{ \"name\": \"scope\", \"type\": \"string\", \"default\": \"\",", "{ \"name\": \"realm\", \"type\": \"string\", \"default\": \"\","));
        Assert.False(AvroPlanCompiler.Compile(AvroSchemaReader.Read(WithIdentifier(Plain)), reader, new()).HasPlainIdentifiers);
    }

    [Theory]
    [InlineData("""["null","string"]""", 0, 2)]
    [InlineData("""["string","null"]""", 2, 0)]
    public void Decode_AbsentFields_ArePassedHoweverTheirBranchIsWritten(string type, byte absent, byte present)
    {
        var schema = Schema($$"""{"name":"page","type":{{type}}},{"name":"referrer","type":{{type}}},{"name":"amount_fen","type":["null","long"]},{"name":"currency","type":{{type}}}""");
        byte[][] none = [[absent], [(byte)(absent | 0x80), 0], [(byte)(absent | 0x80), 0x80, 0]];
        foreach (var branch in none)
        {
            var batch = Decode(schema, Event().Raw(branch).Raw(branch).Raw(0).Raw(present).Text("CNY").Bytes);
            batch.OnlyEvent();
            Assert.Equal((false, false, false, "CNY"), (batch.Events[0].Page.IsPresent, batch.Events[0].Referrer.IsPresent, batch.Events[0].HasAmount, batch.Text(e => e.Currency)));
        }
        Assert.Contains("no branch", Decode(schema, Event().Raw(absent).Raw(4).Bytes).OnlyReject().Detail);
        Assert.Contains("no branch", Decode(schema, Event().Raw(absent).Bytes).OnlyReject().Detail);
    }
}
