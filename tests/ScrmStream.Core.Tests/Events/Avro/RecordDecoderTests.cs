using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.TestKit;
using static ScrmStream.Tests.Events.Avro.AvroDecoding;

namespace ScrmStream.Tests.Events.Avro;

/// <summary>Which decoder a record goes to: by header, by topic, by its bytes; and what is unpacked before.</summary>
public sealed class RecordDecoderTests
{
    private static readonly SourcePartition Partition = new(Guid.Empty, "test", 0);
    private static readonly byte[] Json = Encoding.UTF8.GetBytes(Decoding.Event("\"channel\":\"web\",\"page\":\"/\""));
    private readonly SchemaCatalog _schemas = new(new EventLimits());

    private static byte[] Datum()
    {
        var json = Decoding.Decode(new EventLimits(), -1, Json);
        var target = new ArrayBufferWriter<byte>();
        AvroEventWriter.Write(json, in json.Events[0], target);
        return target.WrittenSpan.ToArray();
    }

    private byte[] SingleObject()
    {
        var frame = new byte[10];
        SchemaRef.WriteSingleObject(frame, _schemas.CanonicalFingerprint);
        return [.. frame, .. Datum()];
    }

    private static byte[] Gzip(byte[] value)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal)) gzip.Write(value);
        return packed.ToArray();
    }

    private static byte[] Zstd(byte[] value, bool saysItsSize = true)
    {
        if (saysItsSize) return new ZstdSharp.Compressor().Wrap(value).ToArray();
        var packed = new MemoryStream();
        using (var zstd = new ZstdSharp.CompressionStream(packed, leaveOpen: true)) zstd.Write(value);
        return packed.ToArray();
    }

    private EventBatch Decode(byte[] value, RecordHints hints = default, byte[]? schema = null, EventLimits? limits = null)
    {
        var batch = new EventBatch(new RecordBatch(1, 1024));
        batch.Records.Add(Partition, 0, -1, value, hints, schema);
        using var decoder = new RecordDecoder(limits ?? new EventLimits(), _schemas);
        Assert.Equal(1, decoder.Decode(batch));
        return batch;
    }

    [Fact]
    public void Decode_WithoutHints_TheBytesDecide()
    {
        var wanted = EventText.Of(Decoding.Decode(new EventLimits(), -1, Json), 0);
        foreach (var value in (byte[][])[Json, [.. "  \n"u8, .. Json], SingleObject(), Gzip(Json), Zstd(Json), Gzip(SingleObject()), Zstd(SingleObject()), Zstd(Json, false)])
            Assert.Equal(wanted, Decode(value).OnlyEvent());
        Assert.Equal(2, DecodeRecords(_schemas, Encoding.UTF8.GetBytes($"[{Decoding.Event()},{Decoding.Event()}]")).Count);
    }

    [Fact]
    public void Decode_WithAHint_TheHintDecides()
    {
        Decode(SingleObject(), new RecordHints(RecordFormat.Avro)).OnlyEvent();
        Decode(Gzip(Json), new RecordHints(RecordFormat.Json, RecordPacking.Gzip)).OnlyEvent();
        Assert.Equal(RejectReason.NotDecodable, Decode(SingleObject(), new RecordHints(RecordFormat.Json)).OnlyReject().Reason);
        Assert.Contains("without a frame", Decode(Json, new RecordHints(RecordFormat.Avro)).OnlyReject().Detail);
        Assert.Contains("gzip value is damaged", Decode(Json, new RecordHints(RecordFormat.Unknown, RecordPacking.Gzip)).OnlyReject().Detail);
        Assert.Equal(RejectReason.UnsupportedFormat, Decode(Json, new RecordHints(RecordFormat.Foreign)).OnlyReject().Reason);
        Assert.Equal(RejectReason.UnsupportedFormat, Decode(Json, new RecordHints(RecordFormat.Json, RecordPacking.Foreign)).OnlyReject().Reason);
    }

    [Theory]
    [InlineData("application/json", RecordFormat.Json)]
    [InlineData("Application/JSON; charset=utf-8", RecordFormat.Json)]
    [InlineData("application/vnd.shop+json", RecordFormat.Json)]
    [InlineData("avro/binary", RecordFormat.Avro)]
    [InlineData("application/avro", RecordFormat.Avro)]
    [InlineData("application/vnd.shop.event.v1+avro", RecordFormat.Avro)]
    [InlineData("application/cloudevents+json; charset=UTF-8", RecordFormat.CloudEvent)]
    [InlineData("application/cloudevents+avro", RecordFormat.Foreign)]
    [InlineData("application/x-protobuf", RecordFormat.Foreign)]
    [InlineData("text/xml", RecordFormat.Foreign)]
    [InlineData("text/plain", RecordFormat.Unknown)]
    [InlineData("application/octet-stream", RecordFormat.Unknown)]
    public void FormatOf_AMediaType_IsWhatItSays(string mediaType, RecordFormat format) =>
        Assert.Equal(format, RecordHints.FormatOf(Encoding.ASCII.GetBytes(mediaType)));

    [Fact]
    public async Task Decode_RegistryFrames_AreFoundByNumberAndGuidInValueAndHeader()
    {
        var guid = Guid.Parse("89791762-2336-4186-9674-299b90a802e2");
        var source = new ListedSchemas(schema => schema.Word is "7" || schema.Word == guid.ToString() ? SchemaCatalog.CanonicalText : null);
        var schemas = new SchemaCatalog(new EventLimits(), new SchemaOptions(), [source], TimeProvider.System);
        byte[] number = [0, 0, 0, 0, 7], guidFrame = [1, .. guid.ToByteArray(bigEndian: true)], unknown = [0, 0, 0, 0, 8];
        var batch = new EventBatch(new RecordBatch(8, 1 << 16));
        batch.Records.Add(Partition, 0, -1, [.. number, .. Datum()]);
        batch.Records.Add(Partition, 1, -1, [.. guidFrame, .. Datum()]);
        batch.Records.Add(Partition, 2, -1, Datum(), default, number);
        batch.Records.Add(Partition, 3, -1, Datum(), new RecordHints(RecordFormat.Json), guidFrame);
        batch.Records.Add(Partition, 4, -1, [.. unknown, .. Datum()]);
        batch.Records.Add(Partition, 5, -1, Json);
        batch.Records.Add(Partition, 6, -1, Gzip([.. unknown, .. Datum()]));
        using var decoder = new RecordDecoder(new EventLimits(), schemas);
        List<string> asked = [];
        for (var next = decoder.Decode(batch); next < 7; next = decoder.Decode(batch, next))
        {
            asked.Add($"{next}: {decoder.Missing}");
            await schemas.FetchAsync(decoder.Missing, default);
        }
        Assert.Equal(["0: id 7", $"1: guid {guid}", "4: id 8"], asked);
        Assert.Equal([0, 1, 2, 3, 5], batch.Events.ToArray().Select(e => e.Record));
        Assert.Equal([(4, RejectReason.UnknownSchema), (6, RejectReason.UnknownSchema)], batch.Rejects.Select(r => (r.Record, r.Reason)));
        Assert.Equal(3, source.Asked);
    }

    [Fact]
    public async Task Decode_AJsonSchemaOfTheRegistry_IsReadAsJson()
    {
        var source = new ListedSchemas(_ => "{}") { Language = SchemaLanguage.Json };
        var schemas = new SchemaCatalog(new EventLimits(), new SchemaOptions(), [source], TimeProvider.System);
        await schemas.FetchAsync(SchemaRef.OfId(3), default);
        DecodeRecords(schemas, [0, 0, 0, 0, 3, .. Json]).OnlyEvent();
    }

    [Fact]
    public void Decode_AnAvroFileAsARecord_SaysWhatToDo() =>
        Assert.Contains("scrm produce", Decode([.. "Obj\u0001"u8, 0, 0]).OnlyReject().Detail);

    [Fact]
    public void Decode_AStructuredCloudEvent_TakesItsData()
    {
        var hints = new RecordHints(RecordFormat.CloudEvent);
        var text = Encoding.UTF8.GetString(Json);
        byte[] Envelope(string data) => Encoding.UTF8.GetBytes($$"""{"specversion":"1.0","id":"1",{{data}},"source":"s","type":"t"}""");
        var wanted = EventText.Of(Decoding.Decode(text), 0);
        Assert.Equal(wanted, Decode(Envelope($"\"data\": {text} "), hints).OnlyEvent());
        Assert.Equal(wanted, Decode(Envelope($"\"data_base64\":\"{Convert.ToBase64String(SingleObject())}\""), hints).OnlyEvent());
        foreach (var bad in (byte[][])[Envelope("\"data_base64\":\"%\""), Envelope("\"x\":1"), "[]"u8.ToArray(), "{"u8.ToArray(), [0xff]])
            Assert.Equal(RejectReason.NotDecodable, Decode(bad, hints).OnlyReject().Reason);
    }

    [Fact]
    public void Decode_PackedValuesThatAreTooLarge_AreRejectedUnread()
    {
        var limits = new EventLimits { RecordBytesMax = 1024 };
        byte[] bomb = new byte[64 * 1024 * 1024];
        foreach (var packed in (byte[][])[Gzip(bomb[..(1 << 20)]), Zstd(bomb), Zstd(bomb[..(1 << 20)], saysItsSize: false)])
        {
            var batch = Decode(packed, limits: limits);
            Assert.Equal(RejectReason.TooLarge, batch.OnlyReject().Reason);
            Assert.True(batch.Buffer.Length < 64 * 1024, $"{batch.Buffer.Length} bytes");
        }
    }

    [Fact]
    public void Decode_PackedValuesThatLieOrAreDamaged_AreRejected()
    {
        var gzip = Gzip(Json);
        var lies = gzip.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(lies.AsSpan(lies.Length - 4), Json.Length - 1);
        var longer = gzip.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(longer.AsSpan(longer.Length - 4), Json.Length + 1);
        var flipped = gzip.ToArray();
        flipped[gzip.Length / 2] ^= 0x55;
        byte[] twice = [.. gzip, .. gzip];
        foreach (var value in (byte[][])[lies, longer, flipped, twice, gzip[..12], Zstd(Json)[..^3], [0x28, 0xb5, 0x2f, 0xfd], [0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9]])
            Assert.Equal(RejectReason.NotDecodable, Decode(value).OnlyReject().Reason);
        // Cut off in front of its length it says a length by chance.
        Assert.True(Decode(gzip[..^8]).OnlyReject().Reason is RejectReason.NotDecodable or RejectReason.TooLarge);
    }

    [Fact]
    public void Add_PackedValues_CountAsWhatTheyWillTake()
    {
        var batch = new RecordBatch(100, 64 * 1024);
        var packed = Gzip(new byte[40 * 1024]);
        batch.Add(Partition, 0, -1, packed);
        Assert.False(batch.IsFull);
        batch.Add(Partition, 1, -1, packed);
        Assert.True(batch.IsFull);
        batch.Clear();
        Assert.False(batch.IsFull);
    }
}

/// <summary>Schemas by a function; counts how often it is asked.</summary>
internal sealed class ListedSchemas(Func<SchemaRef, string?> find) : ISchemaSource
{
    public SchemaLanguage Language { get; init; } = SchemaLanguage.Avro;

    public int Asked { get; private set; }

    public ValueTask<WrittenSchema?> FindAsync(SchemaRef schema, CancellationToken cancel)
    {
        Asked++;
        return ValueTask.FromResult(find(schema) is { } text ? new WrittenSchema(Language, text) : null);
    }
}
