using System.Text;
using ScrmStream.Events.Avro;

namespace ScrmStream.Tests.Events.Avro;

public sealed class AvroSchemaReaderTests
{
    [Theory]
    [InlineData("{", "the schema is not JSON")]
    [InlineData("5", "a schema is a name, an object or an array")]
    [InlineData("\"Nobody\"", "the type Nobody is not known")]
    [InlineData("{}", "a schema has no type")]
    [InlineData("""{"type":"array"}""", "a schema lacks items")]
    [InlineData("""{"type":"record","fields":[]}""", "has no name")]
    [InlineData("""{"type":"record","name":"R"}""", "a schema lacks fields")]
    [InlineData("""{"type":"record","name":"R","fields":{}}""", "fields is not a list")]
    [InlineData("""{"type":"record","name":"R","fields":[5]}""", "a field is not an object")]
    [InlineData("""{"type":"record","name":"R","fields":[{"name":"f","type":"int"},{"name":"f","type":"int"}]}""", "the field f twice")]
    [InlineData("""["int","int"]""", "a union holds int twice")]
    [InlineData("""["int",["string"]]""", "a union directly holds a union")]
    [InlineData("""{"type":"enum","name":"E","symbols":["A","A"]}""", "a symbol twice")]
    [InlineData("""{"type":"fixed","name":"F","size":-1}""", "has no size")]
    [InlineData("""[{"type":"fixed","name":"F","size":1},{"type":"enum","name":"F","symbols":[]}]""", "the type F is defined twice")]
    public void Read_WhatIsNoSchema_SaysWhy(string text, string why) =>
        Assert.Contains(why, Assert.Throws<AvroSchemaException>(() => AvroSchemaReader.Read(text)).Message);

    [Theory]
    [InlineData(60, true)]
    [InlineData(100, false)]
    [InlineData(100_000, false)]
    public void Read_DeepNesting_IsLimited(int depth, bool isRead)
    {
        var text = new StringBuilder();
        for (var i = 0; i < depth; i++) text.Append("{\"type\":\"array\",\"items\":");
        text.Append("\"int\"").Append('}', depth);
        var thrown = Record.Exception(() => AvroSchemaReader.Read(text.ToString()));
        Assert.Equal(isRead, thrown is null);
        if (!isRead) Assert.IsType<AvroSchemaException>(thrown);
    }

    [Fact]
    public void Read_LogicalTypesThatAreNotValid_AreTakenAsTheirBase()
    {
        foreach (var text in (string[])["""{"type":"string","logicalType":"date"}""", """{"type":"bytes","logicalType":"decimal","precision":2,"scale":9}"""])
            Assert.True(AvroSchemaReader.Read(text).Type is AvroType.String or AvroType.Bytes);
    }

    [Fact]
    public void Read_SchemasThatReferToOthers_FindsThemByName()
    {
        var schema = AvroSchemaReader.Read(
            """{"type":"enum","name":"a.Colour","symbols":["RED"]}""",
            """{"type":"record","name":"a.R","fields":[{"name":"c","type":"Colour"},{"name":"d","type":"a.Colour"}]}""");
        Assert.All(schema.Fields, field => Assert.Equal("a.Colour", field.Type.Name));
    }

    [Fact]
    public void Compile_ARecordThatContainsItselfWithoutEnd_IsRefused()
    {
        var schema = AvroDecoding.Schema("""{"name":"x","type":{"type":"record","name":"Loop","fields":[{"name":"next","type":"Loop"}]}}""");
        Assert.Contains("without an end", Assert.Throws<AvroSchemaException>(() => AvroDecoding.Decode(schema, [])).Message);
    }
}
