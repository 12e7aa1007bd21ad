using ScrmStream.Kafka;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Kafka;

/// <summary>
/// The brokers that a class of Kafka tests runs against: an embedded one of its own, and a real one that all classes share where its start
/// script is found (<c>$SCRM_SHARED/kafka/start</c> or <c>../shared/kafka/start</c> beside the checkout). Each is started when first asked
/// for. Classes run beside each other, so every test has topics and groups of its own.
/// </summary>
public sealed class Brokers : IDisposable
{
    public const string Embedded = "embedded";
    public const string Real = "real";

    private static readonly Lazy<RealKafka> Shared = new(RealKafka.Start);
    private readonly Lazy<MockKafka> _embedded = new(MockKafka.Start);

    /// <summary>For theories: the brokers there are.</summary>
    public static TheoryData<string> Available =>
        RealKafka.IsAvailable ? new TheoryData<string>(Embedded, Real) : new TheoryData<string>(Embedded);

    /// <summary>After the last test.</summary>
    public static void EndReal()
    {
        if (Shared.IsValueCreated) Shared.Value.Dispose();
    }

    public string Address(string broker) => broker == Embedded ? _embedded.Value.BootstrapServers : Shared.Value.Address;

    /// <summary>A topic and a group of its own. The embedded broker waits out a session before it lets the next member in.</summary>
    internal KafkaScene Scene(string broker) => new(Address(broker), sessionTimeoutMs: broker == Embedded ? 1_000 : 6_000);

    public void Dispose()
    {
        if (_embedded.IsValueCreated) _embedded.Value.Dispose();
    }
}

/// <summary>A test that only a real broker can run; skipped, with the reason, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RealKafkaFactAttribute : FactAttribute
{
    /// <param name="isSlow">It waits for time-outs of the broker: for <c>./scrm test --full</c>.</param>
    public RealKafkaFactAttribute(bool isSlow = false)
    {
        if (isSlow && !TestKit.Seeds.IsFull) Skip = "slow: runs with ./scrm test --full";
        if (!RealKafka.IsAvailable)
        {
            Skip = "needs a real Kafka broker: neither $SCRM_SHARED/kafka/start nor ../shared/kafka/start is there, or java is missing";
        }
    }
}
