using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;
using ScrmStream.TestKit;
using ScrmStream.Tests.Events.Avro;

namespace ScrmStream.Tests.Pipeline.Files;

/// <summary>Avro files byte by byte: every codec, and every way in which a file can be wrong.</summary>
public sealed class AvroContainerTests : IDisposable
{
    private static readonly byte[] Sync = [.. Enumerable.Range(100, 16).Select(i => (byte)i)];
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    private static byte[] Header(string codec, string? schema = null) => new Datum().Raw("Obj\u0001"u8.ToArray())
        .Long(2).Text("avro.schema").Text(schema ?? AvroDecoding.Schema("""{"name":"page","type":"string"}""")).Text("avro.codec").Text(codec)
        .Long(0).Raw(Sync).Bytes;

    private static byte[] Event(string page) => new Datum().Raw(AvroDecoding.Event().Bytes).Text(page).Bytes;

    private static byte[] Block(long count, byte[] packed) => new Datum().Long(count).Long(packed.Length).Raw(packed).Raw(Sync).Bytes;

    private static byte[] Pack(string codec, byte[] block)
    {
        var packed = new MemoryStream();
        switch (codec)
        {
            case "deflate":
                using (var deflate = new DeflateStream(packed, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(block);
                break;
            case "snappy":
                packed.Write(Snappier.Snappy.CompressToArray(block));
                // The checksum by another program: gzip's trailer has the same one, in the other order.
                var gzip = new MemoryStream();
                using (var stream = new GZipStream(gzip, CompressionLevel.Optimal)) stream.Write(block);
                var crc = block.Length == 0 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(gzip.ToArray().AsSpan()[^8..]);
                packed.Write(BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(crc)));
                break;
            case "zstandard":
                packed.Write(new ZstdSharp.Compressor().Wrap(block));
                break;
            default:
                packed.Write(block);
                break;
        }
        return packed.ToArray();
    }

    private (EventBatch Batch, RecordBatch Records) Read(params byte[][] parts)
    {
        File.WriteAllBytes(_path, [.. parts.SelectMany(part => part)]);
        var schemas = new SchemaCatalog(new EventLimits());
        var source = new FileEventSource([_path], new EventLimits(), null, schemas);
        var batch = new EventBatch(new RecordBatch(1000, 1 << 22));
        Assert.Equal(SourceState.Ended, source.Poll(batch.Records, TimeSpan.Zero));
        using var decoder = new RecordDecoder(new EventLimits(), schemas);
        Assert.Equal(batch.Records.Count, decoder.Decode(batch));
        return (batch, batch.Records);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("deflate")]
    [InlineData("snappy")]
    [InlineData("zstandard")]
    public void Poll_AnAvroFile_GivesItsRecordsInOrder(string codec)
    {
        var first = Enumerable.Range(0, 150).Select(i => Event($"/{i}")).ToArray();
        var (batch, records) = Read(
            Header(codec), Block(150, Pack(codec, [.. first.SelectMany(e => e)])), Block(0, Pack(codec, [])), Block(1, Pack(codec, Event("/last"))));
        Assert.Empty(batch.Rejects);
        Assert.Equal([.. Enumerable.Range(0, 150).Select(i => $"/{i}"), "/last"], batch.Events.ToArray().Select(e => Encoding.UTF8.GetString(batch.Text(e.Page))));
        Assert.Equal(Enumerable.Range(0, 151).Select(i => (long)i), records.Records.Take(151).Select(r => r.Offset));
    }

    [Fact]
    public void Poll_ARecordThatCannotBeToldFromTheNext_TakesTheRestOfItsBlockWithIt()
    {
        byte[] broken = [.. Event("/1"), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, .. Event("/3")];
        var (batch, _) = Read(Header("null"), Block(3, broken), Block(1, Event("/4")), Block(1, [.. Event("/5"), 7]));
        Assert.Equal(["/1", "/4"], batch.Events.ToArray().Select(e => Encoding.UTF8.GetString(batch.Text(e.Page))));
        Assert.Equal([(1, RejectReason.NotDecodable), (3, RejectReason.NotDecodable)], batch.Rejects.Select(r => (r.Record, r.Reason)));
    }

    [Fact]
    public void Poll_ARecordOverTheLimit_IsRejectedAndTheRestRead()
    {
        var (batch, _) = Read(Header("deflate"), Block(2, Pack("deflate", [.. Event(new string('x', 2 << 20)), .. Event("/2")])));
        Assert.Equal(RejectReason.TooLarge, Assert.Single(batch.Rejects).Reason);
        Assert.Equal(1, batch.Count);
    }

    [Fact]
    public void Poll_FilesThatAreDamaged_EndTheReadingWithTheReason()
    {
        void Fails(string why, params byte[][] parts) => Assert.Contains(why, Assert.Throws<StoreUnavailableException>(() => Read(parts)).Message);
        Fails("its codec bzip2 is not read here", Header("bzip2"));
        Fails("its records are no events", Header("null", "\"int\""));
        Fails("the schema is not JSON", Header("null", "{"));
        Fails("it is cut off", Header("null")[..^5]);
        Fails("it is cut off", Header("null"), Block(1, Event("/1"))[..^20]);
        Fails("does not end with the file's mark", Header("null"), [.. Block(1, Event("/1"))[..^1], 0]);
        Fails("a negative number of records", Header("null"), Block(-1, Event("/1")));
        Fails("says it has 1152921504606846976 records", Header("null"), Block(1L << 60, Event("/1")));
        Fails("says it has 68719476736 bytes", Header("null"), new Datum().Long(1).Long(1L << 36).Bytes);
        Fails("a number has more than ten bytes", Header("null"), [.. Enumerable.Repeat((byte)0xff, 11)]);
        Fails("takes more than 67108864 bytes unpacked", Header("deflate"), Block(1, Pack("deflate", new byte[70 << 20])));
        Fails("takes more than 67108864 bytes unpacked", Header("zstandard"), Block(1, Pack("zstandard", new byte[70 << 20])));
        Fails("the checksum of a snappy block is wrong", Header("snappy"), Block(1, [.. Pack("snappy", Event("/1"))[..^4], 1, 2, 3, 4]));
        Fails("behind record 1", Header("snappy"), Block(1, Pack("snappy", Event("/1"))), Block(1, [9, 9, 9, 9, 9, 9, 9]));
        Fails("behind record 0", Header("zstandard"), Block(1, [1, 2, 3]));
    }

    [Fact]
    public void Poll_ByteByByteDamage_NeverThrowsAnythingElse()
    {
        byte[] file = [.. Header("deflate"), .. Block(2, Pack("deflate", [.. Event("/1"), .. Event("/2")]))];
        var random = new Random(7);
        for (var round = 0; round < 500; round++)
        {
            var damaged = file.ToArray();
            damaged[random.Next(4, file.Length)] ^= (byte)random.Next(1, 256);
            var thrown = Xunit.Record.Exception(() => Read(round % 5 == 0 ? damaged[..random.Next(4, file.Length)] : damaged));
            Assert.True(thrown is null or StoreUnavailableException, thrown?.ToString());
        }
    }

    [Fact]
    public void Open_AnAvroFileWithAMapping_IsRefused()
    {
        File.WriteAllBytes(_path, Header("null"));
        var mapping = new RowMapping(false, _ => (row, value, out reason) => { reason = null; return RowResult.Skipped; });
        var error = Assert.Throws<InvalidDataException>(() => new FileRecords(_path, 1024, mapping, new SchemaCatalog(new EventLimits())));
        Assert.Contains("a mapping is for rows", error.Message);
    }
}
