using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Pipeline.Files;
using ScrmStream.Tests.Events.Avro;

namespace ScrmStream.Tests.Pipeline.Files;

public sealed class FolderSchemasTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-schemas-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    [Fact]
    public async Task Find_AFile_ByItsNumberItsGuidAndItsFingerprint()
    {
        var schemas = new FolderSchemas(_folder);
        var fingerprint = SchemaRef.OfFingerprint(SchemaCatalog.FingerprintOf("\"int\""));
        Assert.Null(await schemas.FindAsync(fingerprint, default));
        Write("42.avsc", "\"int\"");
        Write("89791762-2336-4186-9674-299b90a802e2.avsc", "\"long\"");
        Write("orders.avsc", "\"string\"");
        Write("broken.avsc", "{");
        Assert.Equal("\"int\"", (await schemas.FindAsync(SchemaRef.OfId(42), default))!.Texts[0]);
        Assert.Equal("\"int\"", (await schemas.FindAsync(fingerprint, default))!.Texts[0]);
        Assert.Equal("\"string\"", (await schemas.FindAsync(SchemaRef.OfFingerprint(SchemaCatalog.FingerprintOf("\"string\"")), default))!.Texts[0]);
        Assert.Equal(17, SchemaRef.Read([1, .. Guid.Parse("89791762-2336-4186-9674-299b90a802e2").ToByteArray(bigEndian: true)], out var guid));
        Assert.Equal("\"long\"", (await schemas.FindAsync(guid, default))!.Texts[0]);
        Assert.Null(await schemas.FindAsync(SchemaRef.OfId(43), default));
        File.Delete(Path.Combine(_folder, "42.avsc"));
        Assert.Null(await schemas.FindAsync(SchemaRef.OfId(42), default));
    }

    [Fact]
    public void NumberOf_ASchema_IsTheSameForEverySpellingAndKeptInTheFolder()
    {
        var folder = Path.Combine(_folder, "new");
        Assert.Equal(1, new FolderSchemas(folder).NumberOf("\"int\""));
        Assert.Equal(2, new FolderSchemas(folder).NumberOf("\"long\""));
        Assert.Equal(1, new FolderSchemas(folder).NumberOf("""{"type": "int"}"""));
        Assert.Equal(["1.avsc", "2.avsc"], Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order());
    }

    [Fact]
    public async Task Catalog_OverAFolder_FindsWritersByTheirFrame()
    {
        Write("7.avsc", AvroDecoding.Schema());
        var catalog = new SchemaCatalog(new EventLimits(), new SchemaOptions(), [new FolderSchemas(_folder)], TimeProvider.System);
        await catalog.FetchAsync(SchemaRef.OfId(7), default);
        AvroDecoding.DecodeRecords(catalog, [0, 0, 0, 0, 7, .. AvroDecoding.Event().Bytes]).OnlyEvent();
    }
}
