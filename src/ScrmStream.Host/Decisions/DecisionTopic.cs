using System.Text;
using System.Text.Json;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;

namespace ScrmStream.Host.Decisions;

/// <summary>Publishes decisions where <c>run</c> reads them.</summary>
internal static class DecisionTopic
{
    /// <summary>Creates the topic when it is missing; returns when the broker has the decision.</summary>
    /// <exception cref="Pipeline.StoreUnavailableException">Kafka did not take it.</exception>
    public static async Task PublishAsync(HostSettings settings, Decision decision, CancellationToken cancel)
    {
        using var publisher = await KafkaPublisher.OpenAsync(settings.Kafka);
        await publisher.CreateMissingAsync(settings.Kafka.DecisionTopic);
        publisher.Publish(settings.Kafka.DecisionTopic, Encoding.UTF8.GetBytes(decision.Identifiers[0]), decision.ToJson());
        publisher.Flush(cancel);
    }

    /// <summary>Says what was published, and what applies it.</summary>
    public static void Say(HostSettings settings, Decision decision, bool json)
    {
        var topic = settings.Kafka.DecisionTopic;
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new { published = true, topic, decision.EventId, decision.Event, eventTime = decision.TimeMs, decision.Identifiers },
                ResultTable.Json));
            return;
        }
        var what = $"{decision.Event} of {string.Join(" and ", decision.Identifiers)}";
        Console.WriteLine($"Published {what} as of {TimeText.Show(decision.TimeMs)} by {decision.Author} to topic {topic}. "
            + "The service (./scrm run) applies it.");
    }
}
