using System.Text;
using Confluent.Kafka;
using ScrmStream.Identity;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;
using Xunit;

namespace ScrmStream.Integration.Kafka;

/// <summary>The topics of crossed grades and of stages, as schemas/changes/README.md describes them.</summary>
public sealed class KafkaStageChangesTests(Brokers brokers) : IClassFixture<Brokers>
{
    private const long Noon = 1_760_000_000_000;
    private static readonly IdentifierId A = IdentifierId.Of("phone::a"u8);

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_StageChanges_AreWholeAndKeyedByCustomer(string broker)
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(broker), StageChangesTopic = $"stages-{Guid.NewGuid():N}" };
        using (var topic = await KafkaStageChanges.OpenAsync(options))
        {
            await topic.WriteAsync([new CustomerLeads(A, "sales", "sales", 1)], CancellationToken.None);
            await topic.WriteAsync([new CustomerLeads(A, "sales", "sales", 1)
            {
                Changes =
                [
                    new(A, "sales", "sales", "sales-1-a", "意向", "engaged", "event", null, Noon) { Events = 3 },
                    new(A, "sales", "sales", "sales-1-a", "意向", "意向", "reminder", "follow_up", Noon + 1) { Events = 3 },
                    new(A, "sales", "", "", null, "意向", "rewritten", null, Noon + 2),
                ],
            }], CancellationToken.None);
        }
        Assert.Equal(
        [
            $$"""{"id":"{{A}}-{{Noon}}-3-sales=意向","customer":"{{A}}","pipeline":"sales","type":"sales","lead":"sales-1-a","stage":"意向","previous":"engaged","step":"event","reminder":null,"since":{{Noon}},"events":3}""",
            $$"""{"id":"{{A}}-{{Noon + 1}}-3-sales=意向!follow_up","customer":"{{A}}","pipeline":"sales","type":"sales","lead":"sales-1-a","stage":"意向","previous":"意向","step":"reminder","reminder":"follow_up","since":{{Noon + 1}},"events":3}""",
            $$"""{"id":"{{A}}-{{Noon + 2}}-0-sales=","customer":"{{A}}","pipeline":"sales","type":"","lead":null,"stage":null,"previous":"意向","step":"rewritten","reminder":null,"since":{{Noon + 2}},"events":0}""",
        ], Read(options, options.StageChangesTopic, 3));
    }

    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Write_ScoreChanges_AreWholeAndKeyedByCustomer(string broker)
    {
        var options = new KafkaOptions { BootstrapServers = brokers.Address(broker), ScoreChangesTopic = $"scores-{Guid.NewGuid():N}" };
        using (var topic = await KafkaScoreChanges.OpenAsync(options))
        {
            await topic.WriteAsync([], CancellationToken.None);
            await topic.WriteAsync([new(A, "intent", 49_999_999, "B", "A", Noon) { Events = 7 }, new(A, "intent", -1, null, "B", Noon + 1)], CancellationToken.None);
        }
        Assert.Equal(
        [
            $$"""{"id":"{{A}}-{{Noon}}-7-intent=B","customer":"{{A}}","score":"intent","value":49.999999,"grade":"B","previous":"A","since":{{Noon}},"events":7}""",
            $$"""{"id":"{{A}}-{{Noon + 1}}-0-intent=","customer":"{{A}}","score":"intent","value":-0.000001,"grade":null,"previous":"B","since":{{Noon + 1}},"events":0}""",
        ], Read(options, options.ScoreChangesTopic, 2));
    }

    private static List<string> Read(KafkaOptions options, string topic, int count)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = options.BootstrapServers, GroupId = $"reader-{Guid.NewGuid():N}", AutoOffsetReset = AutoOffsetReset.Earliest,
        };
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Subscribe(topic);
        var values = new List<string>();
        while (values.Count < count)
        {
            var result = consumer.Consume(TimeSpan.FromSeconds(20));
            Assert.True(result is not null, $"only {values.Count} of {count} changes came");
            Assert.Equal(A.ToString(), Encoding.UTF8.GetString(result.Message.Key));
            values.Add(Encoding.UTF8.GetString(result.Message.Value));
        }
        consumer.Close();
        return values;
    }
}
