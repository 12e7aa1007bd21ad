using System.Buffers;
using System.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using static ScrmStream.Tests.Events.Avro.AvroDecoding;

namespace ScrmStream.Tests.Events.Avro;

/// <summary>Whatever the bytes are, there is an event or a reject with a reason, and soon.</summary>
public sealed class AvroBadBytesTests
{
    private const long Huge = 1L << 60;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private static void AssertRejected(EventBatch batch, RejectReason reason, string detail)
    {
        var reject = batch.OnlyReject();
        Assert.Equal(reason, reject.Reason);
        Assert.Contains(detail, reject.Detail);
        Assert.Equal(0, batch.DroppedIdentifiers);
    }

    [Theory]
    [InlineData(Huge, RejectReason.NotDecodable, "block of wrong size")]
    [InlineData(-Huge, RejectReason.NotDecodable, "block of wrong size")]
    [InlineData(long.MinValue, RejectReason.NotDecodable, "block of wrong size")]
    [InlineData(1000, RejectReason.NotDecodable, "block of wrong size")]
    public void Decode_IdentifiersWithAWrongCount_IsRejected(long count, RejectReason reason, string detail) =>
        AssertRejected(Decode(Schema(), new Datum().Text("x").Long(Decoding.Noon).Long(count).Long(0).Bytes), reason, detail);

    [Fact]
    public void Decode_MoreIdentifiersThanAllowed_IsRejectedBeforeTheFirstIsRead()
    {
        var datum = new Datum().Text("x").Long(Decoding.Noon).Long(17);
        for (var i = 0; i < 17; i++) datum.Text("member_id").Text("m");
        AssertRejected(Decode(Schema(), datum.Long(0).Bytes), RejectReason.LimitExceeded, "more than 16 identifiers");
    }

    [Fact]
    public void Decode_ItemsOfNoBytes_AreNeitherReadNorWaitedFor()
    {
        var started = Stopwatch.GetTimestamp();
        var passed = Schema("""{"name":"x","type":{"type":"array","items":"null"}},{"name":"y","type":{"type":"array","items":{"type":"record","name":"E","fields":[]}}}""");
        Decode(passed, Event().Long(Huge).Long(0).Long(-Huge).Long(0).Long(0).Bytes).OnlyEvent();
        AssertRejected(Decode(passed, Event().Long(-Huge).Long(5).Raw(1, 2, 3, 4, 5).Long(0).Long(0).Bytes), RejectReason.NotDecodable, "passed over");
        // A reader with a default for each field of an identifier reads items of no bytes.
        var reader = SchemaCatalog.CanonicalText
            .Replace("{ \"name\": \"kind\", \"type\": \"string\",", "{ \"name\": \"kind\", \"type\": \"string\", \"default\": \"member_id\",")
            .Replace("{ \"name\": \"value\", \"type\": \"string\" }", "{ \"name\": \"value\", \"type\": \"string\", \"default\": \"m\" }");
        const string Empty = """
            {"type":"record","name":"TrackingEvent","fields":[{"name":"event","type":"string"},{"name":"event_time","type":"long"},
              {"name":"identifiers","type":{"type":"array","items":{"type":"record","name":"Identifier","fields":[]}}}]}
            """;
        Decode(Empty, new Datum().Text("x").Long(Decoding.Noon).Long(2).Long(0).Bytes, reader: reader).OnlyEvent();
        AssertRejected(Decode(Empty, new Datum().Text("x").Long(Decoding.Noon).Long(Huge).Long(0).Bytes, reader: reader), RejectReason.LimitExceeded, "identifiers");
        Assert.True(Stopwatch.GetElapsedTime(started) < Soon);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    [InlineData(1)]
    public void Decode_ATextOfWrongLength_IsRejected(long length) =>
        AssertRejected(Decode(Schema(), new Datum().Long(length).Bytes), RejectReason.NotDecodable, "field event is cut off, or its length is wrong");

    [Fact]
    public void Decode_ANumberOfTooManyBytes_IsRejected()
    {
        byte[] endless = [.. Enumerable.Repeat((byte)0x80, 64)], tooLarge = [255, 255, 255, 255, 255, 255, 255, 255, 255, 2];
        foreach (var number in (byte[][])[endless, tooLarge])
            AssertRejected(Decode(Schema(), new Datum().Text("x").Raw(number).Bytes), RejectReason.NotDecodable, "field event_time is no number of its type");
        var fits = new Datum().Text("x").Raw(255, 255, 255, 255, 255, 255, 255, 255, 255, 1).Long(0).Bytes;
        Assert.Equal(RejectReason.NoEventTime, Decode(Schema(), fits).OnlyReject().Reason);
        var wide = Schema("""{"name":"amount_fen","type":"int"}""");
        AssertRejected(Decode(wide, Event().Long(1L << 40).Bytes), RejectReason.NotDecodable, "field amount_fen is no number of its type");
    }

    [Fact]
    public void Decode_NestingWithoutEnd_StopsAtTheLimit()
    {
        var schema = Schema("""{"name":"x","type":["null",{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}]}""");
        static byte[] Nested(int depth) => [.. Event().Bytes, .. Enumerable.Repeat((byte)2, depth), 0];
        Decode(schema, Nested(10)).OnlyEvent();
        AssertRejected(Decode(schema, Nested(100)), RejectReason.NotDecodable, "passed over");
        AssertRejected(Decode(schema, Nested(1_000_000)), RejectReason.NotDecodable, "passed over");
    }

    [Fact]
    public void Decode_ManyEntriesOfOneName_AreCounted()
    {
        var schema = Schema("""{"name":"properties","type":{"type":"map","values":"boolean"}}""");
        var datum = Event();
        for (var i = 0; i < 300; i++) datum.Long(1).Text("p").Raw(1);
        AssertRejected(Decode(schema, datum.Long(0).Bytes), RejectReason.LimitExceeded, "more than 256 properties");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(200)]
    public void Decode_ABlockThatSaysAnotherSize_IsRejected(int size)
    {
        var datum = new Datum().Text("x").Long(Decoding.Noon).Long(-1).Long(size).Text("member_id").Text("m1").Long(0);
        AssertRejected(Decode(Schema(), datum.Bytes), RejectReason.NotDecodable, "block of wrong size");
    }

    [Fact]
    public void Decode_BytesBehindTheEvent_AreRejected() =>
        AssertRejected(Decode(Schema(), Event().Raw(0).Bytes), RejectReason.NotDecodable, "1 bytes behind the event");

    [Fact]
    public void Decode_EventsCutOffAnywhere_AreRejectedWithAReason()
    {
        var json = Decoding.Decode(File.ReadAllText(Path.Combine(SampleFolder, "order-paid.json")));
        var target = new ArrayBufferWriter<byte>();
        AvroEventWriter.Write(json, in json.Events[0], target);
        var plan = AvroPlanCompiler.Compile(AvroSchemaReader.Read(SchemaCatalog.CanonicalText), AvroSchemaReader.Read(SchemaCatalog.CanonicalText), new());
        for (var length = 0; length < target.WrittenCount; length++)
            Assert.Equal(RejectReason.NotDecodable, Decode(plan, target.WrittenSpan[..length].ToArray()).OnlyReject().Reason);
    }

    [Fact]
    public void Decode_RandomBytesAndRandomlyChangedEvents_GiveAnEventOrAReject()
    {
        var json = Decoding.Decode(File.ReadAllText(Path.Combine(SampleFolder, "order-paid.json")));
        var target = new ArrayBufferWriter<byte>();
        AvroEventWriter.Write(json, in json.Events[0], target);
        var canonical = AvroSchemaReader.Read(SchemaCatalog.CanonicalText);
        AvroPlan[] plans =
        [
            AvroPlanCompiler.Compile(canonical, canonical, new()),
            AvroPlanCompiler.Compile(AvroSchemaReader.Read(Schema("""{"name":"x","type":{"type":"map","values":["null",{"type":"array","items":"string"},"double"]}}""")), canonical, new()),
        ];
        var random = new Random(20261122);
        var batch = new EventBatch(new RecordBatch(1, 64 * 1024));
        var decoder = new AvroEventDecoder(new EventLimits());
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = round % 2 == 0 ? target.WrittenSpan.ToArray() : new byte[random.Next(0, 200)];
            if (round % 2 == 1) random.NextBytes(bytes);
            for (var change = random.Next(1, 4); change > 0 && bytes.Length > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            batch.Clear();
            batch.Records.Add(new SourcePartition(Guid.Empty, "test", 0), 0, -1, bytes);
            decoder.DecodeRecord(batch, 0, new TextRange(0, bytes.Length), new TextRange(0, bytes.Length), plans[random.Next(2)]);
            Assert.Equal(1, batch.Count + batch.Rejects.Count);
            Assert.All(batch.Rejects, reject => Assert.NotEmpty(reject.Detail));
            if (batch.Count == 0) Assert.Equal((0, 0, 0), (batch.IdentifierCount, batch.PropertyCount, batch.DroppedIdentifiers));
        }
    }

    private static string SampleFolder => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "../../../../schemas/events/samples"));

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;
}
