using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;
using ScrmStream.TestKit.Conformance;

namespace ScrmStream.Tests.Pipeline.Files;

public sealed class FileIdentityChangeSinkTests : IdentityChangeSinkConformance, IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("scrm-changes-").FullName, "identity-changes.ndjson");
    private FileIdentityChangeSink? _sink;

    public void Dispose()
    {
        _sink?.Dispose();
        Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);
    }

    protected override Task<(IIdentityChangeSink Sink, Func<int, Task<IReadOnlyList<string>>> Read)> OpenAsync()
    {
        _sink = new FileIdentityChangeSink(_path);
        return Task.FromResult<(IIdentityChangeSink, Func<int, Task<IReadOnlyList<string>>>)>((_sink, ReadAsync));
    }

    // Acknowledged is on disk: it is read while the sink is open.
    private async Task<IReadOnlyList<string>> ReadAsync(int atLeast)
    {
        await using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return (await reader.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
