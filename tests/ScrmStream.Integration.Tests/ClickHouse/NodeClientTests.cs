using System.Diagnostics;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>ClickHouse's own JavaScript client against the embedded server.</summary>
[Collection(ClickHouseCollection.Name)]
public sealed class NodeClientTests(ClickHouseFixture clickHouse) : IDisposable
{
    private const string Script = """
        const { createClient } = require('@clickhouse/client');
        const assert = require('node:assert');
        (async () => {
          for (const compression of [false, true]) {
            const client = createClient({ url: process.argv[2], compression: { request: compression, response: compression } });
            assert.equal((await client.ping()).success, true);
            const table = 'node_rows (id UInt64, name String, tags Array(String)) ENGINE = MergeTree ORDER BY id';
            await client.command({ query: `CREATE OR REPLACE TABLE ${table}` });
            const values = Array.from({ length: 5000 }, (_, i) => ({ id: i, name: `名 "${i}"`, tags: ['a', String(i)] }));
            const inserted = await client.insert({ table: 'node_rows', values, format: 'JSONEachRow' });
            assert.ok(inserted.query_id);
            assert.equal(inserted.summary.written_rows, '5000');
            const json = await (await client.query({ query: 'SELECT count() AS c, sum(id) AS s FROM node_rows', format: 'JSON' })).json();
            assert.equal(Number(json.data[0].c), 5000);
            assert.equal(Number(json.data[0].s), 12497500);
            const rows = await (await client.query({
              query: 'SELECT * FROM node_rows WHERE id >= {from:UInt64} AND name != {name:String} ORDER BY id', format: 'JSONEachRow',
              query_params: { from: 4990, name: "tab\t'quote'" } })).json();
            assert.equal(rows.length, 10);
            assert.deepEqual(rows[9], { id: rows[9].id, name: '名 "4999"', tags: ['a', '4999'] });
            const { stream } = await client.exec({ query: 'SELECT 42 AS answer FORMAT CSV' });
            let text = ''; for await (const part of stream) text += part;
            assert.equal(text, '42\n');
            await assert.rejects(client.query({ query: 'SELECT nowhere' }), (e) => e.code === '47' && e.type === 'UNKNOWN_IDENTIFIER');
            await client.close();
          }
          console.log('all right');
        })().catch((e) => { console.error(e); process.exit(1); });
        """;

    [NodeClientFact]
    public async Task NodeClient_PingCommandInsertQueryExecAndError_WorkPlainAndCompressed()
    {
        await File.WriteAllTextAsync(Path.Combine(NodeClient.Folder, "client.cjs"), Script);
        var (code, output) = await NodeClient.RunAsync("node", "client.cjs", clickHouse.Address.ToString());
        Assert.True(code == 0, output);
        Assert.Contains("all right", output, StringComparison.Ordinal);
    }

    public void Dispose() => NodeClient.Delete();
}

/// <summary>
/// A fact that needs npm's <c>@clickhouse/client</c>; it is installed into a temporary folder, and skipped where that fails.
/// </summary>
public sealed class NodeClientFactAttribute : FactAttribute
{
    public NodeClientFactAttribute() => Skip = ClickHouseLibrary.Missing ?? NodeClient.Missing.Value;
}

internal static class NodeClient
{
    static NodeClient()
    {
        Folder = Directory.CreateTempSubdirectory("scrm-node-").FullName;
        // The client is looked for when tests are listed, and it may be that none of them runs.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Delete();
    }

    public static void Delete()
    {
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
    }

    public static string Folder { get; }

    /// <summary>Why the client is not there, or null.</summary>
    public static Lazy<string?> Missing { get; } = new(Install);

    public static async Task<(int Code, string Output)> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true,
            RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, output + await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static string? Install()
    {
        try
        {
            var (code, output) = RunAsync("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", Folder,
                "@clickhouse/client@1")
                .GetAwaiter().GetResult();
            var reason = output.Split('\n').FirstOrDefault(l => l.Contains("code", StringComparison.Ordinal));
            return code == 0 ? null : $"npm could not install @clickhouse/client: {reason}";
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or OperationCanceledException)
        {
            return $"npm does not run here: {error.Message}";
        }
    }
}
