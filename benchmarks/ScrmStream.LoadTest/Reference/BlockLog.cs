using Microsoft.Win32.SafeHandles;
using ScrmStream.ClickHouse.Blocks;

namespace ScrmStream.LoadTest.Reference;

/// <summary>One insert: what stands between its INSERT and its end.</summary>
/// <param name="Into">Its table and columns.</param>
/// <param name="Token">Null: the server compares the content.</param>
internal sealed record LoggedBlock(string Into, string? Token, int Rows, long Offset, int Length);

/// <summary>Blocks in a file, in the order in which they were to be inserted. Calls may come from any thread.</summary>
internal sealed class BlockLog(string path) : IDisposable
{
    private readonly SafeFileHandle _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite);
    private readonly Lock _gate = new();
    private readonly List<LoggedBlock> _blocks = [];
    private long _end;

    /// <summary>To be read when nothing is added any more.</summary>
    public IReadOnlyList<LoggedBlock> Blocks => _blocks;

    public long Bytes => _end;

    public async Task AddAsync(NativeBlock block, string? token, CancellationToken cancel)
    {
        var bytes = new MemoryStream();
        await block.ToContent().CopyToAsync(bytes, cancel);
        lock (_gate)
        {
            RandomAccess.Write(_file, bytes.GetBuffer().AsSpan(0, (int)bytes.Length), _end);
            _blocks.Add(new LoggedBlock(block.Into, token, block.Rows, _end, (int)bytes.Length));
            _end += bytes.Length;
        }
    }

    public byte[] Read(LoggedBlock block)
    {
        var bytes = new byte[block.Length];
        for (var read = 0; read < bytes.Length;)
        {
            var came = RandomAccess.Read(_file, bytes.AsSpan(read), block.Offset + read);
            if (came == 0) throw new EndOfStreamException("The file of blocks is shorter than it was.");
            read += came;
        }
        return bytes;
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(path);
    }
}
