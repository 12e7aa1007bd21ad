using System.IO.Compression;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Tests.Pipeline.Files;

public sealed class FileEventSourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-files-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var bytes = Encoding.UTF8.GetBytes(text);
        if (!name.EndsWith(".gz", StringComparison.Ordinal)) File.WriteAllBytes(path, bytes);
        else
        {
            using var packed = new GZipStream(File.Create(path), CompressionLevel.Fastest);
            packed.Write(bytes);
        }
        return path;
    }

    private static List<(string Topic, long Offset, string Value)> ReadAll(FileEventSource source, int recordsPerPoll = 3)
    {
        List<(string, long, string)> all = [];
        var batch = new RecordBatch(recordsPerPoll, 1 << 20);
        SourceState state;
        do
        {
            state = source.Poll(batch, TimeSpan.FromSeconds(1));
            foreach (var r in batch.Records.AsSpan(0, batch.Count))
            {
                Assert.Equal((Guid.Empty, 0, -1), (r.Partition.TopicId, r.Partition.Partition, r.TimestampMs));
                all.Add((r.Partition.Topic, r.Offset, Encoding.UTF8.GetString(batch.Buffer, r.Start, r.Length)));
            }
            batch.Clear();
        }
        while (state != SourceState.Ended);
        return all;
    }

    [Fact]
    public async Task Rewind_SomeCommitted_GivesTheRestAgain()
    {
        var (a, b) = (Write("a.ndjson", "one\ntwo\nthree\n"), Write("b.ndjson", "four\nfive\n"));
        await using var source = new FileEventSource([a, b], new EventLimits());
        source.Rewind();
        var batch = new RecordBatch(4, 1 << 20);
        source.Poll(batch, TimeSpan.FromSeconds(1));
        source.Commit([new NextOffset(batch.Records[0].Partition, 2)]);
        source.Rewind();
        Assert.Equal([("a.ndjson", 2, "three"), ("b.ndjson", 0, "four"), ("b.ndjson", 1, "five")], ReadAll(source));
    }

    [Fact]
    public async Task Poll_SeveralFiles_GivesRowsInOrderWithLineNumbers()
    {
        var a = Write("a.ndjson", "\uFEFFone\n\ntwo\r\n\r\nthree");
        var b = Write("b.ndjson.gz", "four\nfive\n");
        var empty = Write("c.ndjson", "");
        await using var source = new FileEventSource([a, empty, b], new EventLimits());
        Assert.Equal(-1, source.Lag);
        Assert.Equal(
            [("a.ndjson", 0, "one"), ("a.ndjson", 2, "two"), ("a.ndjson", 4, "three"), ("b.ndjson.gz", 0, "four"), ("b.ndjson.gz", 1, "five")],
            ReadAll(source));
        Assert.Equal(0, source.Lag);
        Assert.Equal(SourceState.Ended, source.Poll(new RecordBatch(1, 1024), TimeSpan.Zero));
    }

    [Fact]
    public async Task Poll_RowsOfEveryLength_AreWholeWhateverTheBuffers()
    {
        // Across the sizes of the reader's buffer, in its first fill and after growing.
        int[] lengths = [1, 65_535, 65_536, 65_537, 7, 131_071, 131_072, 1, 200_000, 3];
        var rows = lengths.Select((n, i) => new string((char)('a' + i), n)).ToArray();
        var path = Write("long.ndjson.gz", string.Join('\n', rows));
        await using var source = new FileEventSource([path], new EventLimits());
        Assert.Equal(rows, ReadAll(source).Select(r => r.Value));
    }

    [Theory]
    [InlineData(1024, 1025)]
    [InlineData(1024, 300_000)]
    [InlineData(131_071, 131_073)]
    [InlineData(131_071, 500_000)]
    public async Task Poll_RowOverTheLimit_GivesOneByteMoreAndGoesOn(int limit, int length)
    {
        var path = Write("over.ndjson", $"before\n{new string('x', length)}\nafter\n{new string('y', length)}");
        await using var source = new FileEventSource([path], new EventLimits { RecordBytesMax = limit });
        var rows = ReadAll(source);
        Assert.Equal([(0, "before"), (1, new string('x', limit + 1)), (2, "after"), (3, new string('y', limit + 1))], rows.Select(r => ((int)r.Offset, r.Value)));
    }

    [Fact]
    public async Task Poll_RowAtTheLimit_IsWhole()
    {
        var path = Write("at.ndjson", $"{new string('x', 1024)}\r\n{new string('y', 1024)}");
        await using var source = new FileEventSource([path], new EventLimits { RecordBytesMax = 1024 });
        Assert.Equal([1024, 1024], ReadAll(source).Select(r => r.Value.Length));
    }

    [Fact]
    public async Task Poll_PausedSource_AddsNothing()
    {
        await using var source = new FileEventSource([Write("a.ndjson", "1\n2\n")], new EventLimits());
        var batch = new RecordBatch(10, 1024);
        source.Pause(true);
        Assert.Equal(SourceState.Open, source.Poll(batch, TimeSpan.Zero));
        Assert.Equal(0, batch.Count);
        source.Pause(false);
        Assert.Equal(SourceState.Ended, source.Poll(batch, TimeSpan.Zero));
        Assert.Equal(2, batch.Count);
    }

    [Fact]
    public async Task Poll_FilesOfOneNameInTwoFolders_AreTwoPartitions()
    {
        await using var source = new FileEventSource([Write("x/day.ndjson", "1\n"), Write("y/day.ndjson", "2\n")], new EventLimits());
        var topics = ReadAll(source).Select(r => r.Topic).ToArray();
        Assert.Equal(2, topics.Distinct().Count());
    }

    [Fact]
    public void Create_FileTwiceMissingOrNone_IsRefused()
    {
        var path = Write("a.ndjson", "1\n");
        Assert.Contains("twice", Assert.Throws<ArgumentException>(() => new FileEventSource([path, Path.Combine(_folder, ".", "a.ndjson")], new EventLimits())).Message);
        Assert.Contains("nothere", Assert.Throws<FileNotFoundException>(() => new FileEventSource([path + "nothere"], new EventLimits())).Message);
        Assert.Throws<ArgumentException>(() => new FileEventSource([], new EventLimits()));
    }

    [Fact]
    public async Task Poll_DamagedGzip_IsAnErrorThatNamesTheFile()
    {
        var path = Write("bad.ndjson.gz", string.Join('\n', Enumerable.Range(0, 50_000).Select(i => i * 7919)));
        var bytes = File.ReadAllBytes(path);
        for (var i = bytes.Length / 2; i < bytes.Length / 2 + 200; i++) bytes[i] ^= 0x5A;
        File.WriteAllBytes(path, bytes);
        await using var source = new FileEventSource([path], new EventLimits());
        Assert.Contains("bad.ndjson.gz", Assert.Throws<StoreUnavailableException>(() => ReadAll(source)).Message);
    }

    [Fact]
    public async Task Poll_TruncatedGzip_IsAnError()
    {
        var path = Write("cut.ndjson.gz", string.Join('\n', Enumerable.Range(0, 50_000).Select(i => i * 7919)));
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..5000]);
        await using var source = new FileEventSource([path], new EventLimits());
        Assert.Contains("ends too early", Assert.Throws<StoreUnavailableException>(() => ReadAll(source)).Message);
    }

    [Fact]
    public async Task Poll_GzipFilesPutTogether_AreReadToTheEnd()
    {
        var path = Write("both.ndjson.gz", "1\n2\n");
        var second = Write("second.ndjson.gz", "3\n");
        using (var end = new FileStream(path, FileMode.Append)) end.Write(File.ReadAllBytes(second));
        await using var source = new FileEventSource([path], new EventLimits());
        Assert.Equal(["1", "2", "3"], ReadAll(source).Select(r => r.Value));
    }

    [Fact]
    public async Task Poll_Mapping_MapsSkipsAndTurnsRefusedRowsIntoRecordsThatAreRejected()
    {
        static RowTransform Open(string path)
        {
            var isFirst = true;
            return (ReadOnlySpan<byte> row, System.Buffers.IBufferWriter<byte> value, out string? reason) =>
            {
                reason = null;
                if (isFirst)
                {
                    isFirst = false;
                    return RowResult.Header;
                }
                if (row.SequenceEqual("skip"u8)) return RowResult.Skipped;
                System.Buffers.BuffersExtensions.Write(value, row);
                reason = "no good";
                return row.StartsWith("["u8) ? RowResult.Refused : RowResult.Mapped;
            };
        }

        var a = Write("a.csv", "head\n1\nskip\n[]\n2\n");
        var b = Write("b.csv", "head\n\"x\ny\"\n3\n");
        await using var source = new FileEventSource([a, b], new EventLimits(), new RowMapping(true, Open));
        var rows = ReadAll(source);
        Assert.Equal([1, 3, 4, 1, 3], rows.Select(r => (int)r.Offset));
        Assert.Equal(["1", "2", "\"x\ny\"", "3"], rows.Where(r => !r.Value.Contains("no good")).Select(r => r.Value));
        Assert.Equal((1, 1), (source.Skipped, source.Refused));
        Assert.Contains("a.csv:4: no good", source.FirstRefusal);
        var batch = Tests.Events.Decoding.Decode(rows[1].Value);
        Assert.Equal(RejectReason.NotDecodable, Assert.Single(batch.Rejects).Reason);
    }

    [Fact]
    public void RowReader_QuoteThatIsNeverClosed_LosesOnlyTheRowsUpToTheLimit()
    {
        var path = Write("quote.csv", "a,\"open\n" + string.Concat(Enumerable.Range(0, 400).Select(i => $"row {i:d4}\n")));
        using var reader = new RowReader(path, 1024, quotedLineBreaks: true);
        List<(long, bool, string)> rows = [];
        while (reader.TryRead(out var row)) rows.Add((reader.Line, reader.IsCut, Encoding.UTF8.GetString(row)));
        Assert.True(rows[0].Item2);
        Assert.False(rows[1].Item2);
        // Lines are counted through the lost part: row i stands on line i + 1.
        Assert.Equal($"row {rows[1].Item1 - 1:d4}", rows[1].Item3);
        Assert.Equal("row 0399", rows[^1].Item3);
        Assert.True(rows.Count > 250);
    }
}
