using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Events;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Integration.Kafka;

/// <summary>What headers and topics say of a record's format comes with it.</summary>
public sealed class RecordFormatTests(Brokers brokers) : IClassFixture<Brokers>
{
    [Theory, MemberData(nameof(Brokers.Available), MemberType = typeof(Brokers))]
    public async Task Poll_HeadersAndTopics_BecomeHints(string broker)
    {
        var scene = brokers.Scene(broker);
        scene.Options.Formats[scene.Topic] = "avro";
        byte[] frame = [0, 0, 0, 0, 9];
        using (var publisher = await KafkaPublisher.OpenAsync(scene.Options))
        {
            void Publish(string value, params (string, byte[]?)[] headers)
            {
                var all = new Headers();
                foreach (var (name, content) in headers) all.Add(name, content);
                publisher.Publish(scene.Topic, Encoding.UTF8.GetBytes("one partition"), Encoding.UTF8.GetBytes(value), headers.Length == 0 ? null : all);
            }
            static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
            Publish("plain");
            Publish("typed", ("content-type", Utf8("text/xml")), ("content-type", Utf8("application/json; charset=utf-8")));
            Publish("packed", ("content-encoding", Utf8("gzip")), ("other", Utf8("x")));
            Publish("framed", ("__value_schema_id", frame), ("content-type", null));
            Publish("wrong", ("__value_schema_id", [1, 2, 3]));
            publisher.Flush();
        }
        await using var source = await KafkaEventSource.OpenAsync(scene.Options, TimeProvider.System, NullLogger.Instance);
        var batch = new RecordBatch(100, 1 << 16);
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (batch.Count < 5 && DateTime.UtcNow < deadline) source.Poll(batch, TimeSpan.FromMilliseconds(50));

        var seen = batch.Records.Take(batch.Count).ToDictionary(r => Encoding.UTF8.GetString(batch.Buffer, r.Start, r.Length));
        Assert.Equal(new RecordHints(RecordFormat.Avro), seen["plain"].Hints);
        Assert.Equal(new RecordHints(RecordFormat.Json), seen["typed"].Hints);
        Assert.Equal(new RecordHints(RecordFormat.Avro, RecordPacking.Gzip), seen["packed"].Hints);
        Assert.Equal(new RecordHints(RecordFormat.Avro, RecordPacking.Unknown, 5), seen["framed"].Hints);
        Assert.Equal(frame, batch.Buffer.AsSpan(seen["framed"].Start - 5, 5).ToArray());
        Assert.Equal(new RecordHints(RecordFormat.Avro), seen["wrong"].Hints);
    }

    [Fact]
    public void Validate_AFormatThatIsNotRead_IsNamed()
    {
        var options = new KafkaOptions { BootstrapServers = "x:1", Formats = { ["orders"] = "csv" } };
        Assert.Contains("Formats:orders 'csv'", Assert.Throws<ArgumentException>(options.Validate).Message);
    }
}
