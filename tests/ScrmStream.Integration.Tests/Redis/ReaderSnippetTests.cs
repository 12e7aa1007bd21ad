using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.TestKit.Conformance;
using StackExchange.Redis;

namespace ScrmStream.Integration.Redis;

/// <summary>Runs the programs of <c>schemas/redis/README.md</c>, as they stand there, against a customer that was published.</summary>
[NeedsPrograms("redis-server", "redis-cli", "bash", "python3", "node")]
public sealed class ReaderSnippetTests : IAsyncLifetime
{
    private const long Now = 1_702_419_200_000;
    private const string Merged = "openid:wx1:o6_b", Root = "unionid::u1";

    private readonly OwnRedis _redis = new();
    private RedisConnection? _connection;

    public async Task InitializeAsync()
    {
        await _redis.StartAsync();
        _connection = await _redis.ConnectAsync();   // no namespace: the snippets read the keys as the contract gives them
        await new RedisViewStore(_connection).PublishAsync(
            StoreSamples.Customer(StoreSamples.Id(Root), 1) with
            {
                Fields = new()
                {
                    ["events"] = "3", ["score.intent"] = "80", ["score.intent.at"] = "1700000000000",
                    ["score.intent.half_life"] = "1209600000",
                },
                Tags = new() { ["vip"] = "1", ["lifecycle"] = "active", ["兴趣"] = "萌宠" },
            },
            new ViewSample(StoreSamples.Id(Merged), 2)
            {
                Form = ViewForm.Merged, MergedInto = StoreSamples.Id(Root), Vector = [(StoreSamples.Id(Merged), 1)],
            });
    }

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    [StoreTheory]
    [InlineData("bash", "bash", Merged)]
    [InlineData("bash", "bash", Root)]
    [InlineData("python", "python3", Merged)]
    [InlineData("python", "python3", Root)]
    [InlineData("javascript", "node", Merged)]
    [InlineData("javascript", "node", Root)]
    public async Task Snippet_OfCustomer_PrintsTagsAndCurrentScore(string language, string program, string identifier)
    {
        var script = Path.Combine(_redis.Directory, "snippet." + (language == "javascript" ? "cjs" : language));
        await File.WriteAllTextAsync(script, Block(language));
        var start = new ProcessStartInfo(program, [script, "127.0.0.1", $"{_redis.Port}", identifier, "intent", $"{Now}"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var printed = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await error);
        Assert.Equal(Expected, printed);
    }

    [StoreFact]
    public async Task SnippetInCSharp_OfCustomer_PrintsTagsAndCurrentScore()
    {
                var output = new StringWriter { NewLine = "\n" };
        await PrintCustomerAsync(_connection!.Database, output, Merged, "intent", Now);
        Assert.Equal(Expected, output.ToString());
    }

    [StoreFact]
    public void SnippetInCSharp_IsTheMethodOfThisFile()
    {
        var source = File.ReadAllText(SourcePath()).Split("// The block of README.md:\n")[1].Split("// Its end.")[0];
        var method = string.Join('\n', source.TrimEnd().Split('\n').Select(line => line.Length > 4 ? line[4..] : ""));
        Assert.Equal(Block("csharp"), method["private ".Length..] + "\n");
    }

    private static string Expected => $"{StoreSamples.Id(Root)}\nlifecycle=active\nvip=1\n兴趣=萌宠\n20.000\n";

    private static string Block(string language)
    {
        var readme = Path.Combine(Path.GetDirectoryName(SourcePath())!, "../../../schemas/redis/README.md");
        var fence = $"^```{language}\n(.*?)^```$";
        var blocks = Regex.Matches(File.ReadAllText(readme), fence, RegexOptions.Multiline | RegexOptions.Singleline);
        return Assert.Single(blocks).Groups[1].Value;
    }

    private static string SourcePath([CallerFilePath] string path = "") => path;

    // The block of README.md:
    private static async Task PrintCustomerAsync(IDatabase redis, TextWriter output, string identifier, string score, double now)
    {
        static string Key(string id) => $"scrm:{{{id[..3]}}}:{id}";

        var id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identifier)))[..32];
        string? merged = await redis.HashGetAsync(Key(id), "merged_into");
        id = merged ?? id;

        output.WriteLine(id);
        foreach (var tag in (await redis.HashGetAllAsync(Key(id) + ":tags")).OrderBy(t => t.Name.ToString(), StringComparer.Ordinal))
            output.WriteLine($"{tag.Name}={tag.Value}");
        var stored = await redis.HashGetAsync(Key(id), [$"score.{score}", $"score.{score}.at", $"score.{score}.half_life"]);
        var (points, at, halfLife) = ((double)stored[0], (double)stored[1], (double)stored[2]);
        output.WriteLine((points * Math.Pow(2, -Math.Max(0, now - at) / halfLife)).ToString("F3", CultureInfo.InvariantCulture));
    }
    // Its end.
}
