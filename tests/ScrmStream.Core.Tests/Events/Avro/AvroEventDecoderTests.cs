using System.Buffers;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.TestKit;
using static ScrmStream.Tests.Events.Avro.AvroDecoding;

namespace ScrmStream.Tests.Events.Avro;

public sealed class AvroEventDecoderTests
{
    private const string Whole = """
        {"event_id":"e-1","event":"order_paid","event_time":1772334000000,"received_time":1772334000500,"channel":"mini_program",
         "identifiers":[{"kind":"unionid","scope":"wx","value":"u1"},{"kind":"phone","value":"+8613912345678","verified":false},{"kind":"email","value":"é@x.example"}],
         "session_id":"s","page":"/猫粮/5kg-very-long-page-path","referrer":"","campaign":{"source":"a","medium":"b","name":"c","content":"d","term":"e"},
         "share":{"from":"openid:wx:o1","depth":3},"amount_fen":-25900,"currency":"CNY",
         "properties":{"sku":"cat-food","items":2,"big":9007199254740993,"min":-9223372036854775808,"discount":0.15,"first":true,"last":false,"empty":""}}
        """;

    private static byte[] Canonical(EventBatch batch, int index = 0)
    {
        var target = new ArrayBufferWriter<byte>();
        AvroEventWriter.Write(batch, in batch.Events[index], target);
        return target.WrittenSpan.ToArray();
    }

    [Fact]
    public void Decode_TheCanonicalSchema_GivesTheFieldsOfTheJsonEvent()
    {
        var json = Decoding.Decode(Whole);
        Assert.Equal(EventText.Of(json, 0), Decode(SchemaCatalog.CanonicalText, Canonical(json)).OnlyEvent());
    }

    [Fact]
    public void Decode_AnEventWithTheLeast_HasEmptyFields()
    {
        var json = Decoding.Decode(Decoding.Event("\"channel\":\"other\""));
        Assert.Equal(EventText.Of(json, 0), Decode(SchemaCatalog.CanonicalText, Canonical(json)).OnlyEvent());
    }

    [Fact]
    public void Write_IdentifiersThatWereDropped_AreCountedAndDroppedAgain()
    {
        var json = Decoding.Decode(Decoding.Event("\"channel\":\"web\"", """[{"kind":"shoe_size","value":"42"},{"kind":"member_id","value":"m"},{"kind":"openid","scope":"a:b","value":"o"}]"""));
        var avro = Decode(SchemaCatalog.CanonicalText, Canonical(json));
        Assert.Equal((3, 1, 2), (avro.Events[0].NamedIdentifiers, avro.Events[0].IdentifierCount, avro.DroppedIdentifiers));
        Assert.Equal(EventText.Of(json, 0), EventText.Of(avro, 0));
    }

    [Fact]
    public void Decode_FieldsInAnotherOrderWithFurtherAndMissingOnes_TakesThoseThatItKnows()
    {
        var schema = Schema(
            more: """{"name":"page","type":"string"},{"name":"extra","type":{"type":"map","values":{"type":"array","items":["null","double","Identifier"]}}}""",
            first: """{"name":"ours","type":{"type":"fixed","name":"Hash","size":4}}""");
        var datum = new Datum().Raw(1, 2, 3, 4).Raw(Event().Bytes).Text("/")
            .Long(1).Text("k").Long(3).Long(0).Long(1).Double(1.5).Long(2).Text("kind").Text("value").Long(0).Long(0);
        var batch = Decode(schema, datum.Bytes);
        batch.OnlyEvent();
        ref var e = ref batch.Events[0];
        Assert.Equal(("x", Decoding.Noon, "/", Channel.Other), (batch.Text(v => v.Name), e.EventTimeMs, batch.Text(v => v.Page), e.Channel));
        Assert.Equal((false, false, 0L, 0), (e.EventId.IsPresent, e.HasAmount, e.ReceivedTimeMs, e.PropertyCount));
        Assert.Equal(["member_id::m1"], batch.IdentifierTexts());
        Assert.True(batch.Identifiers[0].Verified);
    }

    [Theory]
    [InlineData("\"int\"", "o", 7, 7)]
    [InlineData("[\"int\",\"null\"]", "b0", 7, 7)]
    [InlineData("[\"null\",\"int\",\"long\"]", "b2", 7, 7)]
    public void Decode_AmountOfAnotherType_IsPromoted(string type, string branch, long written, long read)
    {
        var datum = Event();
        if (branch[0] == 'b') datum.Long(branch[1] - '0');
        var batch = Decode(Schema($$"""{"name":"amount_fen","type":{{type}}}"""), datum.Long(written).Bytes);
        batch.OnlyEvent();
        Assert.Equal((true, read), (batch.Events[0].HasAmount, batch.Events[0].AmountFen));
    }

    [Fact]
    public void Decode_BytesForText_ArePromotedWhenTheyAreUtf8()
    {
        var schema = Schema("""{"name":"page","type":["bytes","null","int"]}""");
        Assert.Equal("/é", Decode(schema, Event().Long(0).Text("/é").Bytes).Text(e => e.Page));
        Assert.Contains("not valid UTF-8", Decode(schema, Event().Long(0).Long(2).Raw(0xc3, 0x28).Bytes).OnlyReject().Detail);
        Assert.False(Decode(schema, Event().Long(1).Bytes).Events[0].Page.IsPresent);
    }

    [Fact]
    public void Decode_ABranchThatDoesNotResolve_SpoilsOnlyItsData()
    {
        var schema = Schema("""{"name":"page","type":["null","string","int"]}""");
        Assert.Equal("/", Decode(schema, Event().Long(1).Text("/").Bytes).Text(e => e.Page));
        var reject = Decode(schema, Event().Long(2).Long(5).Bytes).OnlyReject();
        Assert.Equal((RejectReason.IncompatibleSchema, "field page is a int, wanted is a union"), (reject.Reason, reject.Detail));
    }

    [Theory]
    [InlineData("""{"type":"long","logicalType":"timestamp-micros"}""", 1_772_334_000_000_999, 1_772_334_000_000)]
    [InlineData("""{"type":"long","logicalType":"timestamp-nanos"}""", 1_772_334_000_000_999_999, 1_772_334_000_000)]
    [InlineData("""{"type":"long","logicalType":"timestamp-millis"}""", 1_772_334_000_000, 1_772_334_000_000)]
    [InlineData("""{"type":"long","logicalType":"of-tomorrow"}""", 1_772_334_000_000, 1_772_334_000_000)]
    [InlineData("""["null",{"type":"long","logicalType":"timestamp-micros"}]""", 1_772_334_000_000_999, 1_772_334_000_000)]
    public void Decode_TimesOfALogicalType_AreInTheirUnit(string type, long written, long read)
    {
        var schema = Schema($$"""{"name":"received_time","type":{{type}}}""");
        var datum = type[0] == '[' ? Event().Long(1) : Event();
        var batch = Decode(schema, datum.Long(written).Bytes);
        batch.OnlyEvent();
        Assert.Equal(read, batch.Events[0].ReceivedTimeMs);
    }

    [Fact]
    public void Decode_AChannelThatWeDoNotHave_IsOtherAndKeepsItsWord()
    {
        var schema = Schema("""{"name":"channel","type":{"type":"enum","name":"Channel","symbols":["kuaishou","web"]}}""");
        var known = Decode(schema, Event().Long(1).Bytes);
        Assert.Equal((Channel.Web, 0), (known.Events[0].Channel, known.Events[0].PropertyCount));
        var unknown = Decode(schema, Event().Long(0).Bytes);
        Assert.Equal(Channel.Other, unknown.Events[0].Channel);
        Assert.Equal(["channel=kuaishou:s"], unknown.PropertyTexts());
        Assert.Contains("no symbol", Decode(schema, Event().Long(2).Bytes).OnlyReject().Detail);
    }

    [Fact]
    public void Decode_PropertiesOfOneOrOfManyTypes_AreResolvedBranchByBranch()
    {
        var one = Decode(Schema("""{"name":"properties","type":{"type":"map","values":"int"}}"""), Event().Long(1).Text("n").Long(-5).Long(0).Bytes);
        // The first branch of [string, double, long, boolean] to which an int is promoted.
        Assert.Equal(["n=-5:d"], one.PropertyTexts());
        var many = Decode(
            Schema("""{"name":"properties","type":{"type":"map","values":["null","float","boolean","long","bytes",{"type":"array","items":"int"}]}}"""),
            Event().Long(-5).Long(23).Text("a").Long(0).Text("b").Long(1).Float(0.5f).Text("c").Long(2).Raw(1).Text("d").Long(3).Long(7)
                .Text("e").Long(4).Text("z").Long(0).Bytes);
        many.OnlyEvent();
        Assert.Equal(["b=0.5:d", "c=true:b", "d=7:l", "e=z:s"], many.PropertyTexts());
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.NegativeInfinity)]
    public void Decode_APropertyThatIsNoNumber_IsRejected(double value)
    {
        var schema = Schema("""{"name":"properties","type":{"type":"map","values":"double"}}""");
        Assert.Contains("no finite number", Decode(schema, Event().Long(1).Text("p").Double(value).Long(0).Bytes).OnlyReject().Detail);
    }

    [Fact]
    public void Decode_ANameThatComesTwice_TheLaterCounts()
    {
        var schema = Schema("""{"name":"properties","type":{"type":"map","values":"string"}}""");
        var batch = Decode(schema, Event().Long(2).Text("p").Text("1").Text("p").Text("2").Long(1).Text("q").Text("3").Long(0).Bytes);
        Assert.Equal(["p=2:s", "q=3:s"], batch.PropertyTexts());
    }

    [Fact]
    public void Decode_ReadersAliasesAndDefaults_Count()
    {
        var reader = SchemaCatalog.CanonicalText
            .Replace("\"name\": \"TrackingEvent\",", "\"name\": \"TrackingEvent\", \"aliases\": [\"their.Click\"],")
            .Replace("{ \"name\": \"event\", \"type\": \"string\",", "{ \"name\": \"event\", \"aliases\": [\"what\", \"action\"], \"default\": \"page_view\", \"type\": \"string\",")
            .Replace("{ \"name\": \"event_time\",", "{ \"name\": \"event_time\", \"aliases\": [\"at\"],")
            .Replace("\"name\": \"scope\", \"type\": \"string\", \"default\": \"\"", "\"name\": \"scope\", \"type\": \"string\", \"default\": \"wx\"")
            .Replace("\"name\": \"verified\", \"type\": \"boolean\", \"default\": true", "\"name\": \"verified\", \"type\": \"boolean\", \"default\": false");
        const string Identifiers = """{"name":"identifiers","type":{"type":"array","items":{"type":"record","name":"Identifier","fields":[{"name":"kind","type":"string"},{"name":"value","type":"string"}]}}}""";
        var named = $$"""{"type":"record","name":"Click","namespace":"their","fields":[{"name":"action","type":"string"},{"name":"at","type":"long"},{{Identifiers}}]}""";
        var batch = Decode(named, Event().Bytes, reader: reader);
        Assert.Equal("x", batch.Text(e => e.Name));
        Assert.Equal(["member_id:wx:m1"], batch.IdentifierTexts());
        Assert.False(batch.Identifiers[0].Verified);
        var without = $$"""{"type":"record","name":"TrackingEvent","fields":[{"name":"at","type":"long"},{{Identifiers}}]}""";
        var datum = new Datum().Long(Decoding.Noon).Long(1).Text("openid").Text("o").Long(0).Bytes;
        Assert.Equal("page_view", Decode(without, datum, reader: reader).Text(e => e.Name));
    }

    [Theory]
    [InlineData("\"string\"", "the schema is the string, wanted is the record scrmstream.events.v1.TrackingEvent")]
    [InlineData("""{"type":"record","name":"Other","fields":[]}""", "the schema is the record Other")]
    [InlineData("""{"type":"record","name":"TrackingEvent","fields":[{"name":"event","type":"string"}]}""", "lacks the field event_time, which has no default")]
    [InlineData("""{"type":"record","name":"TrackingEvent","fields":[{"name":"event","type":"int"}]}""", "field event is a int, wanted is a string")]
    [InlineData("""{"type":"record","name":"TrackingEvent","fields":[{"name":"event_time","type":{"type":"long","logicalType":"local-timestamp-millis"}}]}""", "which has no time zone")]
    [InlineData("""{"type":"record","name":"TrackingEvent","fields":[{"name":"identifiers","type":{"type":"array","items":"string"}}]}""", "field identifier is a string")]
    [InlineData("""{"type":"record","name":"TrackingEvent","fields":[{"name":"properties","type":{"type":"map","values":{"type":"array","items":"int"}}}]}""", "the values of field properties are of type array")]
    public void Compile_AWriterThatCannotBeRead_SaysWhy(string schema, string why) =>
        Assert.Contains(why, Assert.Throws<AvroSchemaException>(() => Decode(schema, [])).Message);

    [Fact]
    public void Decode_AUnionOfRecordsAtTheTop_TakesTheEvents()
    {
        var schema = $$"""[{"type":"record","name":"Heartbeat","fields":[]},{{Schema()}}]""";
        Decode(schema, [.. new Datum().Long(1).Bytes, .. Event().Bytes]).OnlyEvent();
        Assert.Equal(RejectReason.IncompatibleSchema, Decode(schema, new Datum().Long(0).Bytes).OnlyReject().Reason);
    }

    [Fact]
    public void Decode_EventsThatBreakARule_AreRejectedWithItsReason()
    {
        static RejectReason Of(Datum datum) => Decode(Schema(), datum.Bytes).OnlyReject().Reason;
        Assert.Equal(RejectReason.NoEventName, Of(new Datum().Text("").Long(Decoding.Noon).Long(0)));
        Assert.Equal(RejectReason.EventTimeOutOfRange, Of(new Datum().Text("x").Long(1_772_334_000).Long(0)));
        Assert.Equal(RejectReason.NoEventTime, Of(new Datum().Text("x").Long(long.MinValue).Long(0)));
        Assert.Equal(RejectReason.LimitExceeded, Of(new Datum().Text(new string('n', 129)).Long(Decoding.Noon).Long(0)));
    }

    [Fact]
    public void Decode_WhenWarm_AllocatesNothing()
    {
        var json = Decoding.Decode(Whole);
        var datum = Canonical(json);
        var schemas = new SchemaCatalog(new EventLimits());
        var frame = new byte[10];
        SchemaRef.WriteSingleObject(frame, schemas.CanonicalFingerprint);
        byte[] record = [.. frame, .. datum];
        var batch = new EventBatch(new RecordBatch(500, 1 << 22));
        using var decoder = new RecordDecoder(new EventLimits(), schemas);
        var partition = new SourcePartition(Guid.Empty, "test", 0);
        // The runtime allocates a little when it compiles a method again; what the code allocates, it allocates in every round.
        var least = long.MaxValue;
        for (var round = 0; round < 30; round++)
        {
            batch.Clear();
            for (var i = 0; i < 500; i++) batch.Records.Add(partition, i, -1, record);
            var before = GC.GetAllocatedBytesForCurrentThread();
            decoder.Decode(batch);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(500, batch.Count);
        }
        Assert.Equal(0, least);
    }
}
