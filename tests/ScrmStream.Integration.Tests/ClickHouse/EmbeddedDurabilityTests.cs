using System.Buffers.Binary;
using System.Net;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

public sealed class EmbeddedDurabilityTests
{
    [ClickHouseFact]
    public async Task Kill_RightAfterAcknowledgedInserts_KeepsEveryRow()
    {
        using var folder = new TemporaryFolder();
        using var http = new HttpClient();
        long acknowledged = 0;
        for (var round = 0; round < 2; round++)
        {
            using var server = await EmbeddedProcess.StartAsync(folder.Path);
            await PostAsync(http, server, "/",
                new StringContent("CREATE TABLE IF NOT EXISTS kept (a UInt64) ENGINE = MergeTree ORDER BY a"));
            for (var insert = 0; insert < 5; insert++)
            {
                const int rows = 20_000;
                var first = acknowledged;
                await PostAsync(http, server, "/?query=INSERT%20INTO%20kept%20FORMAT%20RowBinary", new ByteArrayContent(Numbers(first,
                    rows)));
                acknowledged += rows;
            }
            server.Kill();
        }
        using var last = await EmbeddedProcess.StartAsync(folder.Path);
        var answer = await PostAsync(http, last, "/", new StringContent("SELECT count(), uniqExact(a), max(a) FROM kept"));
        Assert.Equal($"{acknowledged}\t{acknowledged}\t{acknowledged - 1}\n", answer);
    }

    [ClickHouseFact]
    public async Task Terminate_Running_EndsWithZeroAndKeepsRows()
    {
        using var folder = new TemporaryFolder();
        using var http = new HttpClient();
        using (var server = await EmbeddedProcess.StartAsync(folder.Path))
        {
            await PostAsync(http, server, "/", new StringContent("CREATE TABLE kept ENGINE = MergeTree ORDER BY a AS SELECT 7 AS a"));
            Assert.Equal(0, await server.TerminateAsync());
        }
        using var again = await EmbeddedProcess.StartAsync(folder.Path);
        Assert.Equal("7\n", await PostAsync(http, again, "/", new StringContent("SELECT a FROM kept")));
    }

    [ClickHouseFact]
    public async Task Start_FolderInUse_FailsAndSaysWhy()
    {
        using var folder = new TemporaryFolder();
        using var server = await EmbeddedProcess.StartAsync(folder.Path);
        var (code, error) = await EmbeddedProcess.StartInVainAsync(folder.Path);
        Assert.Equal(3, code);
        Assert.Contains("another embedded ClickHouse runs on it", error, StringComparison.Ordinal);
        Assert.Contains("--path", error, StringComparison.Ordinal);
    }

    [ClickHouseFact]
    public async Task Password_Set_IsAskedFor()
    {
        using var folder = new TemporaryFolder();
        using var http = new HttpClient();
        using var server = await EmbeddedProcess.StartAsync(folder.Path, password: "s3cret");
        using var refused = await http.PostAsync(server.Address, new StringContent("SELECT 1"));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal("516", refused.Headers.GetValues("X-ClickHouse-Exception-Code").Single());
        using var request = new HttpRequestMessage(HttpMethod.Post, server.Address) { Content = new StringContent("SELECT 1") };
        request.Headers.Add("X-ClickHouse-Key", "s3cret");
        using var allowed = await http.SendAsync(request);
        Assert.Equal("1\n", await allowed.Content.ReadAsStringAsync());
    }

    private static byte[] Numbers(long first, int count)
    {
        var bytes = new byte[8 * count];
        for (var i = 0; i < count; i++) BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8 * i), first + i);
        return bytes;
    }

    private static async Task<string> PostAsync(HttpClient http, EmbeddedProcess server, string target, HttpContent content)
    {
        using var response = await http.PostAsync(new Uri(server.Address, target), content);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return text;
    }
}
