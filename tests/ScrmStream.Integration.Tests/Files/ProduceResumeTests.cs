using System.Text.Json;
using ScrmStream.Host.Generation;
using ScrmStream.Host.Settings;
using ScrmStream.Integration.Kafka;
using ScrmStream.Kafka;

namespace ScrmStream.Integration.Files;

/// <summary>History that is published, stopped in the middle and gone on with: every row once.</summary>
public sealed class ProduceResumeTests(Brokers brokers) : IClassFixture<Brokers>, IDisposable
{
    private const int Rows = 50_000, LongRow = 41_000;
    private readonly string _folder = Directory.CreateTempSubdirectory("scrm-resume-").FullName;
    private readonly string _notes = $"notes-{Guid.NewGuid():N}";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [RealKafkaFact]
    public async Task Run_StoppedInTheMiddle_GoesOnAndPublishesEachRowOnce()
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(Brokers.Real), Topics = [$"history-{Guid.NewGuid():N}"] };
        string[] inputs = [Write("a.ndjson", 0, Rows / 2), Write("b.ndjson", Rows / 2, Rows)];

        // The row that is too long is said aloud; that is where this run is stopped.
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(options, inputs, _ => stop.Cancel(), stop.Token));
        var seen = Read(options);
        Assert.InRange(seen.Count, 1, LongRow);

        var result = await RunAsync(options, inputs, _ => { }, CancellationToken.None);
        Assert.Equal((Rows - 1, 1), (result.Records, result.Refused));
        Assert.Equal(Expected(), Read(options).Order());

        // It is done: once more does nothing.
        result = await RunAsync(options, inputs, _ => { }, CancellationToken.None);
        Assert.Equal((Rows - 1, 1), (result.Records, result.Refused));
        Assert.Equal(Rows - 1, Read(options).Count);
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Run_NameOfOtherInputs_IsRefused(string broker)
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(broker), Topics = [$"history-{Guid.NewGuid():N}"] };
        var input = Write("c.ndjson", 0, 700);
        Assert.Equal(700, (await RunAsync(options, [input], _ => { }, CancellationToken.None)).Records);
        Assert.Equal(Enumerable.Range(0, 700), Read(options).Order());

        var error = await Assert.ThrowsAsync<SettingsException>(
            () => ProduceNotes.OpenAsync(options, _notes, "years", "other files", CancellationToken.None));

        Assert.Contains("--resume years", error.Message);
    }

    private static IEnumerable<int> Expected() => Enumerable.Range(0, Rows).Where(i => i != LongRow);

    private string Write(string name, int from, int to)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllLines(path, Enumerable.Range(from, to - from).Select(i => Row(i)));
        return path;
    }

    private static string Row(int i)
    {
        var more = i == LongRow ? new string('x', 2_000) : "";
        return $$$"""{"event":"x","event_time":1772334000000,"identifiers":[{"kind":"cookie","value":"c{{{i}}}"}],"n":{{{i}}},"more":"{{{more}}}"}""";
    }

    private async Task<ProduceResult> RunAsync(KafkaOptions options, string[] inputs, Action<string> warn, CancellationToken cancel)
    {
        using var notes = await ProduceNotes.OpenAsync(options, _notes, "years", "these files", cancel);
        var request = new ProduceRequest(options.Topics[0], inputs, Mapping: null, 0, KeyKind: null, RecordBytesMax: 1_000);
        return await new ProduceJob(request, publisher: null, rejects: null, TimeProvider.System, warn, notes).RunAsync(cancel);
    }

    private static List<int> Read(KafkaOptions options) =>
        [.. TopicReader.Read(options, options.Topics[0], options.NewTopicPartitions, CancellationToken.None)
            .Select(r => JsonDocument.Parse(r.Message.Value).RootElement.GetProperty("n").GetInt32())];
}
