using System.Text;
using ScrmStream.ClickHouse;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>One embedded ClickHouse for all tests that do not stop it; each test takes a database of its own.</summary>
public sealed class ClickHouseFixture : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private EmbeddedProcess? _process;
    private int _databases;

    public Uri Address => _process!.Address;

    public HttpClient Http { get; } = new();

    public ClickHouseOptions Options() => new()
    {
        Address = Address.GetLeftPart(UriPartial.Authority),
        Database = $"test_{Interlocked.Increment(ref _databases)}",
    };

    /// <summary>A client of a fresh database that has the schema.</summary>
    public async Task<ClickHouseClient> ClientWithSchemaAsync()
    {
        var client = new ClickHouseClient(Options());
        await ClickHouseMigrations.ApplyAsync(client, CancellationToken.None);
        return client;
    }

    public async Task InitializeAsync()
    {
        if (ClickHouseLibrary.Missing is null) _process = await EmbeddedProcess.StartAsync(_folder.Path);
    }

    public Task DisposeAsync()
    {
        _process?.Dispose();
        Http.Dispose();
        _folder.Dispose();
        return Task.CompletedTask;
    }
}

[CollectionDefinition(Name)]
public sealed class ClickHouseCollection : ICollectionFixture<ClickHouseFixture>
{
    public const string Name = "ClickHouse";
}

internal static class ClickHouseReading
{
    /// <summary>A result as tab-separated lines without the last line end.</summary>
    public static async Task<string> TextAsync(this ClickHouseClient client, string sql) =>
        Encoding.UTF8.GetString(await client.QueryAsync(sql, "TabSeparated", CancellationToken.None)).TrimEnd('\n');
}
