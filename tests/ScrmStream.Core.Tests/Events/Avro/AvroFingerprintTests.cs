using ScrmStream.Events.Avro;

namespace ScrmStream.Tests.Events.Avro;

/// <summary>The specification's own vectors: a schema, its parsing canonical form, the CRC-64-AVRO of that.</summary>
public sealed class AvroFingerprintTests
{
    [Theory]
    [InlineData("""  "null" """, """ "null" """, 7195948357588979594)]
    [InlineData(""" {"type":"null"} """, """ "null" """, 7195948357588979594)]
    [InlineData(""" "boolean" """, """ "boolean" """, -6970731678124411036)]
    [InlineData(""" {"type":"boolean"} """, """ "boolean" """, -6970731678124411036)]
    [InlineData(""" "int" """, """ "int" """, 8247732601305521295)]
    [InlineData(""" {"type":"int"} """, """ "int" """, 8247732601305521295)]
    [InlineData(""" "long" """, """ "long" """, -3434872931120570953)]
    [InlineData(""" {"type":"long"} """, """ "long" """, -3434872931120570953)]
    [InlineData(""" "float" """, """ "float" """, 5583340709985441680)]
    [InlineData(""" {"type":"float"} """, """ "float" """, 5583340709985441680)]
    [InlineData(""" "double" """, """ "double" """, -8181574048448539266)]
    [InlineData(""" {"type":"double"} """, """ "double" """, -8181574048448539266)]
    [InlineData(""" "bytes" """, """ "bytes" """, 5746618253357095269)]
    [InlineData(""" {"type":"bytes"} """, """ "bytes" """, 5746618253357095269)]
    [InlineData(""" "string" """, """ "string" """, -8142146995180207161)]
    [InlineData(""" {"type":"string"} """, """ "string" """, -8142146995180207161)]
    [InlineData("[  ]", "[]", -1241056759729112623)]
    [InlineData("""[ "int"  ]""", """["int"]""", -5232228896498058493)]
    [InlineData("""[ "int" , {"type":"boolean"} ]""", """["int","boolean"]""", 5392556393470105090)]
    [InlineData("""{"fields":[], "type":"record", "name":"foo"}""", """{"name":"foo","type":"record","fields":[]}""", -4824392279771201922)]
    [InlineData("""{"fields":[], "type":"record", "name":"foo", "namespace":"x.y"}""", """{"name":"x.y.foo","type":"record","fields":[]}""", 5916914534497305771)]
    [InlineData("""{"fields":[], "type":"record", "name":"a.b.foo", "namespace":"x.y"}""", """{"name":"a.b.foo","type":"record","fields":[]}""", -4616218487480524110)]
    [InlineData("""{"fields":[], "type":"record", "name":"foo", "doc":"Useful info"}""", """{"name":"foo","type":"record","fields":[]}""", -4824392279771201922)]
    [InlineData("""{"fields":[], "type":"record", "name":"foo", "aliases":["foo","bar"]}""", """{"name":"foo","type":"record","fields":[]}""", -4824392279771201922)]
    [InlineData("""{"fields":[], "type":"record", "name":"foo", "doc":"foo", "aliases":["foo","bar"]}""", """{"name":"foo","type":"record","fields":[]}""", -4824392279771201922)]
    [InlineData("""{"fields":[{"type":{"type":"boolean"}, "name":"f1"}], "type":"record", "name":"foo"}""", """{"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"}]}""", 7843277075252814651)]
    [InlineData("""{ "fields":[{"type":"boolean", "aliases":[], "name":"f1", "default":"true"}, {"order":"descending","name":"f2","doc":"Hello","type":"int"}], "type":"record", "name":"foo" }""", """{"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"},{"name":"f2","type":"int"}]}""", -4860222112080293046)]
    [InlineData("""{"type":"enum", "name":"foo", "symbols":["A1"]}""", """{"name":"foo","type":"enum","symbols":["A1"]}""", -6342190197741309591)]
    [InlineData("""{"namespace":"x.y.z", "type":"enum", "name":"foo", "doc":"foo bar", "symbols":["A1", "A2"]}""", """{"name":"x.y.z.foo","type":"enum","symbols":["A1","A2"]}""", -4448647247586288245)]
    [InlineData("""{"name":"foo","type":"fixed","size":15}""", """{"name":"foo","type":"fixed","size":15}""", 1756455273707447556)]
    [InlineData("""{"namespace":"x.y.z", "type":"fixed", "name":"foo", "doc":"foo bar", "size":32}""", """{"name":"x.y.z.foo","type":"fixed","size":32}""", -3064184465700546786)]
    [InlineData("""{ "items":{"type":"null"}, "type":"array"}""", """{"type":"array","items":"null"}""", -589620603366471059)]
    [InlineData("""{ "values":"string", "type":"map"}""", """{"type":"map","values":"string"}""", -8732877298790414990)]
    [InlineData("""{"name":"PigValue","type":"record", "fields":[{"name":"value", "type":["null", "int", "long", "PigValue"]}]}""", """{"name":"PigValue","type":"record","fields":[{"name":"value","type":["null","int","long","PigValue"]}]}""", -1759257747318642341)]
    public void Fingerprint_OfTheSpecificationsSchemas_IsTheirs(string input, string canonical, long fingerprint)
    {
        var schema = AvroSchemaReader.Read(input);
        Assert.Equal(canonical.Trim(), AvroFingerprint.CanonicalForm(schema));
        Assert.Equal((ulong)fingerprint, AvroFingerprint.Of(schema));
    }

    [Fact]
    public void Fingerprint_OfTheSingleObjectExample_IsLittleEndianInTheFrame()
    {
        var frame = new byte[10];
        var schema = """{"name":"Example","type":"record","fields":[{"name":"foobar","type":"string"}]}""";
        SchemaRef.WriteSingleObject(frame, SchemaCatalog.FingerprintOf(schema));
        Assert.Equal("C301B75D6F7DA238CF70", Convert.ToHexString(frame));
        Assert.Equal(10, SchemaRef.Read(frame, out var read));
        Assert.Equal(SchemaRef.OfFingerprint(SchemaCatalog.FingerprintOf(schema)), read);
    }

    [Fact]
    public void CanonicalForm_OfAFixedWithALogicalType_DefinesItWhereItIsFirstMet()
    {
        // Apache.Avro's own form names the type before it defines it here, so the form is not taken from there.
        var schema = """
            {"type":"record","name":"a.R","fields":[
              {"name":"f","type":{"type":"fixed","name":"D","size":12,"logicalType":"duration"}},{"name":"g","type":"D"}]}
            """;
        Assert.Equal(
            """{"name":"a.R","type":"record","fields":[{"name":"f","type":{"name":"a.D","type":"fixed","size":12}},{"name":"g","type":"a.D"}]}""",
            AvroFingerprint.CanonicalForm(AvroSchemaReader.Read(schema)));
    }

    [Fact]
    public void CanonicalForm_OfTheEventSchema_IsThatOfApacheAvro()
    {
        var theirs = global::Avro.Schema.Parse(SchemaCatalog.CanonicalText);
        Assert.Equal(
            global::Avro.SchemaNormalization.ToParsingForm(theirs), AvroFingerprint.CanonicalForm(AvroSchemaReader.Read(SchemaCatalog.CanonicalText)));
        Assert.Equal((ulong)global::Avro.SchemaNormalization.ParsingFingerprint64(theirs), SchemaCatalog.FingerprintOf(SchemaCatalog.CanonicalText));
    }
}
