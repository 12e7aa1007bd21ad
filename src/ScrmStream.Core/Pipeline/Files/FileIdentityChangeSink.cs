using System.Buffers;

namespace ScrmStream.Pipeline.Files;

/// <summary>
/// Puts identity changes into a file, one JSON object a line, as <see cref="ChangeJson"/> writes them. The file is made anew.
/// </summary>
public sealed class FileIdentityChangeSink : IIdentityChangeSink, IDisposable
{
    private readonly FileStream _file;
    private readonly ArrayBufferWriter<byte> _lines = new(4096);
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public FileIdentityChangeSink(string path) => _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);

    /// <inheritdoc/>
    public async Task WriteAsync(IReadOnlyList<IdentityChange> changes, CancellationToken cancel)
    {
        if (changes.Count == 0) return;
        await _turn.WaitAsync(cancel);
        try
        {
            WriteLines(changes);
            await _file.WriteAsync(_lines.WrittenMemory, cancel);
            // Acknowledged means that it outlives the machine, as a record on a topic does.
            _file.Flush(flushToDisk: true);
        }
        catch (IOException e)
        {
            throw new StoreUnavailableException($"{_file.Name} cannot be written: {e.Message}", e);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        _turn.Dispose();
    }

    private void WriteLines(IReadOnlyList<IdentityChange> changes)
    {
        _lines.ResetWrittenCount();
        using var json = new ChangeJson(_lines);
        for (var i = 0; i < changes.Count; i++)
        {
            json.Write(changes[i]);
            _lines.Write("\n"u8);
        }
    }
}
