using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Events;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Mapping;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Integration.Files;

/// <summary>Files to a topic and back, through the embedded broker.</summary>
public sealed class ProduceJobTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-produce-").FullName;
    private readonly MockKafka _broker = MockKafka.Start();
    private readonly KafkaOptions _options;

    public ProduceJobTests() => _options = new KafkaOptions { BootstrapServers = _broker.BootstrapServers, GroupId = "readers", Topics = ["events"] };

    public void Dispose()
    {
        _broker.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Write(string name, string text)
    {
        File.WriteAllText(Path.Combine(_folder, name), text);
        return Path.Combine(_folder, name);
    }

    private async Task<(ProduceResult Result, List<string> Warnings)> ProduceAsync(
        string[] inputs, EventMapping? mapping = null, IdentifierKind? key = null, int rate = 0, IDeadLetterSink? rejects = null, int recordBytesMax = 1 << 20)
    {
        List<string> warnings = [];
        var request = new ProduceRequest("events", inputs, mapping?.ToRowMapping(), rate, key, recordBytesMax);
        using var publisher = await KafkaPublisher.OpenAsync(_options);
        var job = new ProduceJob(request, publisher, rejects, TimeProvider.System, warnings.Add);
        return (await job.RunAsync(default), warnings);
    }

    private async Task<List<(int Partition, string Value)>> ReadAsync(int count)
    {
        await using var source = await KafkaEventSource.OpenAsync(_options, TimeProvider.System, NullLogger.Instance);
        List<(int, string)> values = [];
        var batch = new RecordBatch(1_000, 1 << 20);
        for (var polls = 0; values.Count < count && polls < 300; polls++)
        {
            source.Poll(batch, TimeSpan.FromMilliseconds(100));
            foreach (var r in batch.Records.AsSpan(0, batch.Count)) values.Add((r.Partition.Partition, Encoding.UTF8.GetString(batch.Buffer, r.Start, r.Length)));
            batch.Clear();
        }
        Assert.Equal(count, values.Count);
        return values;
    }

    private static string Event(string cookie, string member, int number) =>
        $$"""{"event":"x","event_time":{{number}},"identifiers":[{"kind":"cookie","value":"{{cookie}}"},{"kind":"member_id","value":"{{member}}"}]}""";

    [Fact]
    public async Task Run_WithoutMapping_PublishesLinesUnchangedAndAPersonToOnePartition()
    {
        var lines = Enumerable.Range(0, 200).Select(i => i % 50 == 49 ? "not json" : i % 50 == 48 ? $"[{Event($"c{i % 20}", "m", i)}]" : Event($"c{i % 20}", "m", i)).ToArray();
        var (result, _) = await ProduceAsync([Write("a.ndjson", string.Join('\n', lines[..120])), Write("b.ndjson", string.Join("\r\n", lines[120..]))]);
        Assert.Equal((200, 0, 0), (result.Records, result.Refused, result.Skipped));
        var read = await ReadAsync(200);
        Assert.Equal(lines.Order(StringComparer.Ordinal), read.Select(r => r.Value).Order(StringComparer.Ordinal));
        var byCookie = read.Where(r => r.Value.StartsWith('{')).GroupBy(r => JsonDocument.Parse(r.Value).RootElement.GetProperty("identifiers")[0].GetProperty("value").GetString());
        Assert.All(byCookie, g => Assert.Single(g.Select(r => r.Partition).Distinct()));
        Assert.True(read.Select(r => r.Partition).Distinct().Count() > 1);
    }

    [Fact]
    public async Task Run_KeyKind_TakesThatIdentifiersValue()
    {
        var lines = Enumerable.Range(0, 100).Select(i => Event($"c{i}", $"m{i % 3}", i));
        await ProduceAsync([Write("a.ndjson", string.Join('\n', lines))], key: IdentifierKind.MemberId);
        var read = await ReadAsync(100);
        Assert.All(
            read.GroupBy(r => JsonDocument.Parse(r.Value).RootElement.GetProperty("identifiers")[1].GetProperty("value").GetString()),
            g => Assert.Single(g.Select(r => r.Partition).Distinct()));
    }

    [Fact]
    public async Task Run_RowsThatCannotBeMapped_AreSetAsideCountedAndShown()
    {
        var rows = Enumerable.Range(0, 50).Select(i => i % 5 == 0 ? $"x,bad{i},c" : i % 5 == 1 ? $"bot,{i},c" : $"x,{i},c{i}");
        var input = Write("rows.csv", string.Join('\n', rows));
        var rejects = Path.Combine(_folder, "rejects.ndjson");
        ProduceResult result;
        List<string> warnings;
        using (var sink = new FileDeadLetterSink(rejects))
            (result, warnings) = await ProduceAsync([input], MappingFixture.Abc(head: "skip: [{ column: a, in: [bot] }]"), rejects: sink);
        Assert.Equal((30, 10, 10), (result.Records, result.Refused, result.Skipped));
        Assert.Equal(5, warnings.Count);
        Assert.Equal($"{input}:1: event_time: 'bad0' is no time in unix milliseconds", warnings[0]);
        Assert.Equal(30, (await ReadAsync(30)).Count);
        var letters = File.ReadAllLines(rejects).Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"x,bad{i * 5},c"), letters.Select(l => l.GetProperty("raw").GetString()));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => i * 5L), letters.Select(l => l.GetProperty("offset").GetInt64()));
        Assert.All(letters, l => Assert.Equal(("rows.csv", "not_decodable"), (l.GetProperty("topic").GetString(), l.GetProperty("reason").GetString())));
    }

    [Fact]
    public async Task Run_LineOverTheLimit_IsRefusedAndTheRestPublished()
    {
        var (result, warnings) = await ProduceAsync([Write("a.ndjson", $"1\n{new string('x', 5_000)}\n2\n")], recordBytesMax: 1_000);
        Assert.Equal((2, 1), (result.Records, result.Refused));
        Assert.EndsWith("a.ndjson:2: the row is longer than 1000 bytes", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(["1", "2"], (await ReadAsync(2)).Select(r => r.Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Run_Rate_HoldsTheRecordsBack()
    {
        var (result, _) = await ProduceAsync([Write("a.ndjson", string.Join('\n', Enumerable.Range(0, 100)))], rate: 200);
        // The hundredth record is due after 495 ms; how much later it goes out depends on the machine.
        Assert.True(result.Seconds >= 0.45, $"{result.Seconds} s");
        Assert.Equal(100, result.Records);
    }

    [Fact]
    public async Task Run_Stopped_ThrowsAndKnowsHowFarItGot()
    {
        using var publisher = await KafkaPublisher.OpenAsync(_options);
        var request = new ProduceRequest("events", [Write("a.ndjson", string.Join('\n', Enumerable.Range(0, 1000)))], null, 50, null, 1000);
        var job = new ProduceJob(request, publisher, null, TimeProvider.System, _ => { });
        using var stop = new CancellationTokenSource();
        var running = job.RunAsync(stop.Token);
        // The first record may take as long as the machine is busy; only then is there something to be stopped in.
        while (!running.IsCompleted && job.Result(TimeSpan.FromSeconds(1)).Records == 0) await Task.Delay(5);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.InRange(job.Result(TimeSpan.FromSeconds(1)).Records, 1, 999);
    }

    [Fact]
    public async Task Generate_ToTopic_PublishesEveryRecord()
    {
        var generator = new PetShopGenerator(new PetShopOptions { Events = 2_000, HasFarAheadEvents = true });
        using var publisher = await KafkaPublisher.OpenAsync(_options);
        var result = await new GenerateJob(generator, TimeProvider.System).PublishAsync(publisher, "events", 0, default);
        var truth = generator.Truth();
        Assert.Equal((truth.Records, truth.Events), (result.Records, result.Events));
        var read = await ReadAsync((int)truth.Records);
        Assert.Equal(18, read.Count(r => r.Value.Contains("lin-xiaoman")));
    }
}
