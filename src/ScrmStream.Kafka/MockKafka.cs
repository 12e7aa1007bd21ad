using System.Text;

namespace ScrmStream.Kafka;

/// <summary>
/// A Kafka broker inside this process: librdkafka's mock cluster on a free loopback port, all in memory. It serves producers,
/// consumer groups and offsets; it creates a topic when a client first names it, knows no CreateTopics, and keeps the newest
/// 5 MB or 100 000 records of a partition: a producer that runs further ahead of the consumer loses the oldest.
/// </summary>
public sealed unsafe class MockKafka : IDisposable
{
    private const int ErrorBytes = 512;
    private nint _client;
    private nint _cluster;

    private MockKafka(nint client, nint cluster)
    {
        _client = client;
        _cluster = cluster;
        BootstrapServers = NativeKafka.MockBootstraps(cluster);
    }

    /// <summary>Where clients connect: <c>127.0.0.1:port</c>.</summary>
    public string BootstrapServers { get; }

    /// <exception cref="InvalidOperationException">The broker cannot start (no port is free).</exception>
    public static MockKafka Start()
    {
        var error = stackalloc byte[ErrorBytes];
        var settings = NativeKafka.NewSettings();
        // Level 3 is errors only: the mock's client has no broker of its own to report about.
        if (NativeKafka.Set(settings, "log_level", "3", error, ErrorBytes) != 0) throw Failed(error);
        var client = NativeKafka.NewClient(NativeKafka.Producer, settings, error, ErrorBytes);
        if (client == 0) throw Failed(error);
        var cluster = NativeKafka.NewMockCluster(client, 1);
        if (cluster == 0)
        {
            NativeKafka.DestroyClient(client);
            throw new InvalidOperationException("The embedded Kafka broker cannot listen on a loopback port.");
        }
        // Without a controller the mock answers no question about topics; its brokers are numbered from 1.
        NativeKafka.SetMockController(cluster, 1);
        // A group of one process need not wait for others to join.
        NativeKafka.SetMockRebalanceDelay(cluster, 0);
        return new MockKafka(client, cluster);
    }

    /// <summary>Creates a topic with other than the four partitions that one gets by being named.</summary>
    public void CreateTopic(string topic, int partitions)
    {
        var error = NativeKafka.CreateMockTopic(_cluster, topic, partitions, 1);
        if (error != NativeKafka.NoError) throw new InvalidOperationException($"Topic {topic}: {NativeKafka.ErrorText(error)}");
    }

    /// <summary>Ends the broker; what it held is gone.</summary>
    public void Dispose()
    {
        if (_cluster == 0) return;
        NativeKafka.DestroyMockCluster(_cluster);
        NativeKafka.DestroyClient(_client);
        _cluster = _client = 0;
    }

    private static InvalidOperationException Failed(byte* error)
    {
        var text = new ReadOnlySpan<byte>(error, ErrorBytes);
        var reason = Encoding.UTF8.GetString(text[..text.IndexOf((byte)0)]);
        return new InvalidOperationException($"The embedded Kafka broker cannot start: {reason}");
    }
}
