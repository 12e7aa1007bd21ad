using System.Text.Json;
using ScrmStream.Host.Servers;
using ScrmStream.Host.Settings;

namespace ScrmStream.Integration.Cli;

/// <summary><c>up</c>, <c>status</c>, <c>down</c> with the real servers.</summary>
public sealed class LocalServersTests
{
    [LocalServersFact]
    public async Task UpAndDown_EmptyHome_StartsServersThatAnswerAndLeavesNoProcess()
    {
        await using var home = new TemporaryHome();
        var table = (await home.Scrm.OutputOfAsync("up")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["Kafka", "Redis", "ClickHouse"], table.Select(line => line.Split('\t')[0]));

        var servers = Read(home);
        Assert.All(LocalStack.Processes(servers), p => Assert.True(ProcessTable.IsAlive(p.Process)));
        using var status = JsonDocument.Parse(await home.Scrm.OutputOfAsync("status", "--format", "json"));
        Assert.All(status.RootElement.GetProperty("servers").EnumerateArray(), s => Assert.True(s.GetProperty("alive").GetBoolean()));

        var down = await home.Scrm.OutputOfAsync("down");
        Assert.Equal(3, down.Split('\n').Count(line => line.EndsWith(" has ended.", StringComparison.Ordinal)));
        Assert.All(LocalStack.Processes(servers), p => Assert.False(ProcessTable.IsAlive(p.Process)));
        Assert.Equal(3, (await home.Scrm.RunAsync("status")).Code);
        Assert.Equal("Nothing was up.\n", await home.Scrm.OutputOfAsync("down"));
    }

    [Fact]
    public async Task Find_DamagedFile_SaysDownWhichForgetsIt()
    {
        await using var home = new TemporaryHome();
        Directory.CreateDirectory(home.Up);
        await File.WriteAllTextAsync(Path.Combine(home.Up, "servers.json"), """{"Kafka":"127.0.0.1:1","Redis":""");
        var outcome = await home.Scrm.RunAsync("leads");
        Assert.Equal(2, outcome.Code);
        Assert.Contains("servers.json is damaged: run ./scrm down", outcome.Error, StringComparison.Ordinal);

        var down = await home.Scrm.RunAsync("down");
        Assert.Equal(2, down.Code);
        Assert.Contains("now forgotten", down.Error, StringComparison.Ordinal);
        Assert.Equal("Nothing was up.\n", await home.Scrm.OutputOfAsync("down"));
    }

    [Theory]
    [InlineData("run", "--no-such-option")]
    [InlineData("no-such-verb")]
    public async Task Usage_Wrong_EndsWith2(params string[] arguments)
    {
        await using var home = new TemporaryHome();
        Assert.Equal(2, (await home.Scrm.RunAsync(arguments)).Code);
    }

    [LocalServersFact]
    public async Task Up_TwiceAtOnceAndAfterADeath_KeepsOneSetAndRestartsOnlyTheDead()
    {
        await using var home = new TemporaryHome();
        await Task.WhenAll(home.Scrm.OutputOfAsync("up"), home.Scrm.OutputOfAsync("up"));
        var first = Read(home);
        Assert.StartsWith("Already up:", (await home.Scrm.RunAsync("up")).Error, StringComparison.Ordinal);
        Assert.Equal(first, Read(home));

        await ProcessTable.EndAsync(first.RedisProcess, TimeSpan.FromSeconds(20), TimeProvider.System);
        Assert.Equal(3, (await home.Scrm.RunAsync("status")).Code);
        Assert.StartsWith("Started redis;", (await home.Scrm.RunAsync("up")).Error, StringComparison.Ordinal);
        var second = Read(home);
        Assert.Equal(first with { RedisProcess = second.RedisProcess }, second);   // the same ports, and the others untouched
        Assert.True(ProcessTable.IsAlive(second.RedisProcess));
    }

    [LocalServersFact]
    public async Task Down_WithAndWithoutWipe_KeepsAndDeletesWhatWasAcknowledged()
    {
        await using var home = new TemporaryHome();
        await home.Scrm.OutputOfAsync("up");
        var address = Read(home).ClickHouse;
        using (var client = new ScrmStream.ClickHouse.ClickHouseClient(new() { Address = address, Database = "default" }))
        {
            await client.CommandAsync("CREATE DATABASE scrm", default);
            await client.CommandAsync("CREATE TABLE scrm.kept (n UInt32) ENGINE = MergeTree ORDER BY n", default);
            await client.CommandAsync("INSERT INTO scrm.kept SELECT number FROM numbers(1000)", default);
        }
        await home.Scrm.OutputOfAsync("down");
        await home.Scrm.OutputOfAsync("up");
        Assert.Equal(address, Read(home).ClickHouse);
        Assert.Equal("1000\t499500\n", await home.Scrm.OutputOfAsync("sql", "SELECT count(), sum(n) FROM kept"));

        await home.Scrm.OutputOfAsync("down", "--wipe");
        // Schemas are their owner's, not the servers'.
        Assert.Equal(["lock", "schemas"], Directory.EnumerateFileSystemEntries(home.Up).Select(Path.GetFileName).Order());
    }

    [LocalServersFact]
    public async Task Down_ProcessIdGivenToAnother_LeavesItAlone()
    {
        await using var home = new TemporaryHome();
        await home.Scrm.OutputOfAsync("up");
        var servers = Read(home);
        var self = ProcessTable.Find(Environment.ProcessId)!;
        // As after a restart of the machine: the id is in use, by a process that started at another time.
        var stale = servers with { KafkaProcess = self with { StartTicks = self.StartTicks - 1 } };
        File.WriteAllText(Path.Combine(home.Up, "servers.json"), JsonSerializer.Serialize(stale));
        var down = await home.Scrm.OutputOfAsync("down");
        Assert.DoesNotContain("kafka", down, StringComparison.Ordinal);   // and this process goes on
        await ProcessTable.EndAsync(servers.KafkaProcess, TimeSpan.FromSeconds(20), TimeProvider.System);
    }

    [LocalServersFact]
    public async Task PrivateStack_Disposed_LeavesNeitherProcessNorFolder()
    {
        // In this process, so the servers inherit where the engine is.
        var stack = await LocalStack.StartPrivateAsync(new StackOptions { KafkaTopics = ["a"], KafkaPartitions = 2 }, TimeProvider.System,
            default);
        var servers = stack.Servers;
        var folders = Directory.GetDirectories(Path.GetTempPath(), "scrmstream-*");
        var topics = await KafkaProbe.LookAsync(new() { BootstrapServers = servers.Kafka }, TimeSpan.FromSeconds(10), default);
        Assert.Equal(("a", 2), (topics.Single().Topic, topics.Single().Partitions));
        await stack.DisposeAsync();
        Assert.All(LocalStack.Processes(servers), p => Assert.False(ProcessTable.IsAlive(p.Process)));
        Assert.Contains(folders, f => !Directory.Exists(f));
    }

    private static LocalServers Read(TemporaryHome home) =>
        JsonSerializer.Deserialize<LocalServers>(File.ReadAllText(Path.Combine(home.Up, "servers.json")))!;
}
