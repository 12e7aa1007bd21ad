using System.Buffers.Binary;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.TestKit;

namespace ScrmStream.Tests.Events.Avro;

/// <summary>Writes data by hand, and decodes it, for the tests of this folder.</summary>
internal static class AvroDecoding
{
    private static readonly SourcePartition Partition = new(Guid.Empty, "test", 0);

    /// <summary>A writer's schema of the canonical name with the fields that every event needs, and further ones.</summary>
    public static string Schema(string more = "", string first = "")
    {
        const string Needed = """
            {"name":"event","type":"string"},{"name":"event_time","type":"long"},
            {"name":"identifiers","type":{"type":"array","items":{"type":"record","name":"Identifier","fields":[
              {"name":"kind","type":"string"},{"name":"value","type":"string"}]}}}
            """;
        var fields = string.Join(',', ((string[])[first, Needed, more]).Where(part => part.Length > 0));
        return $$"""{"type":"record","name":"TrackingEvent","namespace":"other.space","fields":[{{fields}}]}""";
    }

    /// <summary>The bytes of the three fields of <see cref="Schema"/>.</summary>
    public static Datum Event() => new Datum().Text("x").Long(Decoding.Noon).Long(1).Text("member_id").Text("m1").Long(0);

    public static EventBatch Decode(string schema, byte[] datum, EventLimits? limits = null, string? reader = null) =>
        Decode(AvroPlanCompiler.Compile(AvroSchemaReader.Read(schema), AvroSchemaReader.Read(reader ?? SchemaCatalog.CanonicalText), limits ?? new()), datum, limits);

    public static EventBatch Decode(AvroPlan plan, byte[] datum, EventLimits? limits = null)
    {
        var batch = new EventBatch(new RecordBatch(1, 1024));
        batch.Records.Add(Partition, 0, -1, datum);
        new AvroEventDecoder(limits ?? new()).DecodeRecord(batch, 0, new TextRange(0, datum.Length), new TextRange(0, datum.Length), plan);
        return batch;
    }

    /// <summary>Decodes records as a lane does; every schema has to be known.</summary>
    public static EventBatch DecodeRecords(SchemaCatalog schemas, params byte[][] records)
    {
        var batch = new EventBatch(new RecordBatch(Math.Max(records.Length, 1), 1 << 20));
        for (var i = 0; i < records.Length; i++) batch.Records.Add(Partition, i, -1, records[i]);
        using var decoder = new RecordDecoder(new EventLimits(), schemas);
        Assert.Equal(records.Length, decoder.Decode(batch));
        return batch;
    }

    public static string OnlyEvent(this EventBatch batch)
    {
        Assert.True(batch.Count == 1, batch.Rejects.Count > 0 ? batch.Rejects[0].ToString() : "no event");
        return EventText.Of(batch, 0);
    }
}

/// <summary>The bytes of a datum, value by value.</summary>
internal sealed class Datum
{
    private readonly List<byte> _bytes = [];

    public byte[] Bytes => [.. _bytes];

    public Datum Raw(params byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public Datum Long(long value)
    {
        var zigzag = (ulong)(value << 1) ^ (ulong)(value >> 63);
        for (; zigzag >= 0x80; zigzag >>= 7) _bytes.Add((byte)(zigzag | 0x80));
        _bytes.Add((byte)zigzag);
        return this;
    }

    public Datum Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return Long(utf8.Length).Raw(utf8);
    }

    public Datum Double(double value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        return Raw(bytes);
    }

    public Datum Float(float value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        return Raw(bytes);
    }
}
