using Avro.Generic;
using Avro.IO;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.TestKit;
using Apache = Avro;

namespace ScrmStream.Tests.Events.Avro;

/// <summary>
/// Writers' schemas by chance, written by Apache.Avro and read by both: what its own resolution makes of a datum, written again with the
/// canonical schema, is what ours reads from the datum itself. (It does not promote bytes to text; other tests have that.)
/// </summary>
public sealed class AvroResolutionModelTests
{
    // Without logical types: that library makes dates of them, which do not hold every number.
    private static readonly Apache.Schema Canonical = Apache.Schema.Parse(SchemaCatalog.CanonicalText.Replace("\"logicalType\": \"timestamp-millis\"", "\"was\": \"\""));

    [Fact]
    public void Decode_WritersByChance_IsWhatApacheAvroReads()
    {
        var fields = 0;
        foreach (var seed in Seeds.From(0, 400, 20_000))
        {
            var random = new Random(seed);
            var text = Writer(random);
            var writer = (Apache.RecordSchema)Apache.Schema.Parse(text);
            var datum = Write(writer, Record(writer, random));
            var theirs = AvroDecoding.Decode(SchemaCatalog.CanonicalText, Write(Canonical, Read(writer, datum)));
            var ours = AvroDecoding.Decode(text, datum);
            Assert.Equal((theirs.OnlyEvent(), seed), (ours.OnlyEvent(), seed));
            fields += writer.Count;
        }
        Assert.True(fields > 400 * 5);
    }

    private static string Writer(Random random)
    {
        string Text() => random.GetItems(["\"string\"", "[\"null\",\"string\"]", "[\"string\",\"null\"]"], 1)[0];
        string Number() => random.GetItems(["\"long\"", "\"int\"", "[\"null\",\"int\"]", "[\"long\",\"null\"]", "[\"int\",\"null\",\"long\"]"], 1)[0];
        string Values() => random.GetItems(["\"string\"", "\"long\"", "\"double\"", "[\"boolean\",\"string\"]", "[\"long\",\"double\",\"string\",\"boolean\"]", "[\"float\",\"string\"]"], 1)[0];
        static string Field(string name, string type) => $$"""{"name":"{{name}}","type":{{type}}}""";
        // That library compares names in full.
        static string Inner(string name, IEnumerable<string> fields) =>
            $$"""{"type":"record","name":"{{name}}","namespace":"scrmstream.events.v1","fields":[{{string.Join(',', fields)}}]}""";
        string[] Some(params string[] all) => [.. all.Where(_ => random.Next(3) > 0)];
        string[] Mixed(IEnumerable<string> all)
        {
            string[] mixed = [.. all];
            random.Shuffle(mixed);
            return mixed;
        }
        string Perhaps(string type) => random.Next(2) == 0 ? $"[\"null\",{type}]" : type;
        var identifier = Inner("Identifier", Mixed(["{\"name\":\"kind\",\"type\":\"string\"}", "{\"name\":\"value\",\"type\":\"string\"}", .. Some(Field("scope", "\"string\""), Field("verified", "\"boolean\""), Field("since", "\"double\""))]));
        var optional = Some(
            Field("event_id", Text()), Field("received_time", random.GetItems(["\"long\"", "[\"null\",\"long\"]", "[\"long\",\"null\"]"], 1)[0]), Field("session_id", Text()), Field("page", Text()), Field("currency", Text()), Field("amount_fen", Number()),
            Field("channel", """{"type":"enum","name":"Channel","symbols":["other","sms","wecom"]}"""),
            Field("campaign", Perhaps(Inner("Campaign", Mixed(Some(Field("source", Text()), Field("term", Text()), Field("budget", Number())))))),
            Field("share", Perhaps(Inner("Share", Mixed(Some(Field("from", Text()), Field("depth", "\"int\"")))))),
            Field("properties", $$"""{"type":"map","values":{{Values()}}}"""),
            Field("tree", """{"type":"array","items":["null","string",{"type":"map","values":"float"}]}"""), Field("digest", """{"type":"fixed","name":"Digest","size":16}"""));
        return Inner("TrackingEvent", Mixed([Field("event", "\"string\""), Field("event_time", "\"long\""), Field("identifiers", $$"""{"type":"array","items":{{identifier}}}"""), .. optional]));
    }

    private static GenericRecord Record(Apache.RecordSchema schema, Random random)
    {
        var record = new GenericRecord(schema);
        foreach (var field in schema.Fields)
        {
            record.Add(field.Name, (schema.Name, field.Name) switch
            {
                ("TrackingEvent", "event_time") => Decoding.Noon + random.Next(),
                ("TrackingEvent", "event") => "order_paid",
                ("Identifier", "kind") => random.GetItems(["openid", "phone", "shoe_size"], 1)[0],
                ("Share", "depth") => random.Next(0, 1 << 20),
                (_, "received_time") => Value(field.Schema, random, Decoding.Noon),
                _ => Value(field.Schema, random, 0),
            });
        }
        return record;
    }

    private static object? Value(Apache.Schema schema, Random random, long least)
    {
        switch (schema)
        {
            case Apache.UnionSchema union: return Value(union[random.Next(union.Count)], random, least);
            case Apache.RecordSchema record: return Record(record, random);
            case Apache.EnumSchema choice: return new GenericEnum(choice, choice[random.Next(choice.Count)]);
            case Apache.FixedSchema bytes: return new GenericFixed(bytes, new byte[bytes.Size]);
            case Apache.ArraySchema array: return Enumerable.Range(0, random.Next(1, 5)).Select(_ => Value(array.ItemSchema, random, least)).ToArray();
            case Apache.MapSchema map: return Enumerable.Range(0, random.Next(4)).ToDictionary(i => $"key{i}", _ => Value(map.ValueSchema, random, least)!);
        }
        return schema.Tag switch
        {
            Apache.Schema.Type.String => random.GetItems(["", "x", "é猫", "a text of more than sixteen bytes"], 1)[0],
            Apache.Schema.Type.Bytes => System.Text.Encoding.UTF8.GetBytes(random.GetItems(["b", "é", "bytes that are text, and many of them"], 1)[0]),
            Apache.Schema.Type.Int => random.Next(int.MinValue, int.MaxValue),
            Apache.Schema.Type.Long => least + (least > 0 ? random.Next() : random.NextInt64(long.MinValue / 2, long.MaxValue)),
            Apache.Schema.Type.Double => random.NextDouble() * 1e9,
            Apache.Schema.Type.Float => (float)random.NextDouble(),
            Apache.Schema.Type.Boolean => random.Next(2) == 0,
            _ => null,
        };
    }

    private static byte[] Write(Apache.Schema schema, GenericRecord record)
    {
        var stream = new MemoryStream();
        new GenericDatumWriter<GenericRecord>(schema).Write(record, new BinaryEncoder(stream));
        return stream.ToArray();
    }

    private static GenericRecord Read(Apache.Schema writer, byte[] datum) =>
        new GenericDatumReader<GenericRecord>(writer, Canonical).Read(null!, new BinaryDecoder(new MemoryStream(datum)));
}
