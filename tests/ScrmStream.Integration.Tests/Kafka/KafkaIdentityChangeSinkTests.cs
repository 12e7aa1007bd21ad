using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using ScrmStream.Identity;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.TestKit.Conformance;

namespace ScrmStream.Integration.Kafka;

/// <summary>The conformance suite on the embedded broker.</summary>
public sealed class KafkaIdentityChangeSinkTests(Brokers brokers) : IdentityChangeSinkConformance, IClassFixture<Brokers>, IDisposable
{
    private readonly List<IDisposable> _open = [];

    public void Dispose() => _open.ForEach(o => o.Dispose());

    protected override async Task<(IIdentityChangeSink Sink, Func<int, Task<IReadOnlyList<string>>> Read)> OpenAsync()
    {
        var options = OptionsOf(Brokers.Embedded);
        var sink = await KafkaIdentityChangeSink.OpenAsync(options);
        _open.Add(sink);
        return (sink, count => Task.FromResult<IReadOnlyList<string>>(
            [.. TopicRecords.Read(options, options.IdentityChangesTopic, count).Select(m => Encoding.UTF8.GetString(m.Value))]));
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_Changes_AreKeyedByIdentifier(string broker)
    {
        var options = OptionsOf(broker);
        var texts = Enumerable.Range(0, 100).Select(i => $"cookie::{i % 20}").ToList();
        using (var sink = await KafkaIdentityChangeSink.OpenAsync(options))
        {
            for (var i = 0; i < texts.Count; i += 20)
                await sink.WriteAsync([.. texts.GetRange(i, 20).Select(t => Change(t, (ulong)i))], CancellationToken.None);
        }
        var read = TopicRecords.Read(options, options.IdentityChangesTopic, 100);
        foreach (var of in read.GroupBy(m => Encoding.UTF8.GetString(m.Key)))
        {
            var records = of.Select(m => JsonDocument.Parse(m.Value).RootElement).ToList();
            Assert.Equal([0, 20, 40, 60, 80], records.Select(r => r.GetProperty("version").GetInt32()));
            Assert.All(records, r => Assert.Equal(of.Key, r.GetProperty("identifier").GetString()));
        }
    }

    [Fact]
    public async Task Write_BrokerGone_FailsWithTopicSettingAndServer()
    {
        var broker = MockKafka.Start();
        var options = new KafkaOptions { BootstrapServers = broker.BootstrapServers, IdentityChangesTopic = "changes", DeliveryTimeoutMs = 1_000 };
        using var sink = await KafkaIdentityChangeSink.OpenAsync(options);
        broker.Dispose();
        var start = Stopwatch.GetTimestamp();

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => sink.WriteAsync([Change("cookie::a", 1)], CancellationToken.None));

        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(900), "it gave up before the delivery time-out");
        Assert.All(["changes", "Kafka:IdentityChangesTopic", options.BootstrapServers], part => Assert.Contains(part, error.Message));
    }

    private KafkaOptions OptionsOf(string broker) =>
        new() { BootstrapServers = brokers.Address(broker), IdentityChangesTopic = $"changes-{Guid.NewGuid():N}" };

    private static IdentityChange Change(string text, ulong version)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return new IdentityChange(new IdentityMapping(IdentifierId.Of(utf8), utf8, null, version, 1_700_000_000_000), false, null);
    }
}
