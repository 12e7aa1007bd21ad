using System.Diagnostics;
using System.Globalization;
using Confluent.Kafka;
using StackExchange.Redis;

namespace ScrmStream.LoadTest.Plain;

/// <summary>
/// <c>bench load plain</c>: reads a topic from its beginning to its end, message by message, and prints speed and answer.
/// </summary>
/// <param name="Redis">HOST:PORT; null: nothing is written there.</param>
/// <param name="ClickHouse">Null: no rows are written.</param>
internal sealed record PlainLoad(string Kafka, string Topic, string? Redis, Uri? ClickHouse)
{
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(30);

    /// <summary>Reads <c>KAFKA TOPIC [--redis HOST:PORT] [--clickhouse URL]</c>.</summary>
    /// <exception cref="ArgumentException">An option is unknown or has no value.</exception>
    public static PlainLoad Parse(IReadOnlyList<string> arguments)
    {
        if (arguments.Count < 2) throw new ArgumentException("give the address of Kafka and a topic");
        var load = new PlainLoad(arguments[0], arguments[1], null, null);
        for (var i = 2; i < arguments.Count; i += 2)
        {
            if (i + 1 == arguments.Count) throw new ArgumentException($"{arguments[i]} needs a value");
            load = arguments[i] switch
            {
                "--redis" => load with { Redis = arguments[i + 1] },
                "--clickhouse" when Uri.TryCreate(arguments[i + 1], UriKind.Absolute, out var uri) => load with { ClickHouse = uri },
                _ => throw new ArgumentException($"{arguments[i]} {arguments[i + 1]}: there is no such option, or it is no address"),
            };
        }
        return load;
    }

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync()
    {
        using var redis = Redis is null ? null : await ConnectionMultiplexer.ConnectAsync(Redis);
        using var clickHouse = ClickHouse is null ? null : new HttpClient { BaseAddress = ClickHouse };
        var work = new PlainWork(redis?.GetDatabase(), clickHouse);
        await work.CreateTableAsync();
        var began = await ReadAsync(work);
        await work.WriteRestAsync();
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var answer = work.Answer();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"plain-net {answer} seconds={seconds:0.00} events_per_s={answer.Events / seconds:0}"));
        return 0;
    }

    // When the first record came, as a timestamp: joining a group is nobody's throughput.
    private async Task<long> ReadAsync(PlainWork work)
    {
        var began = 0L;
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(new ConsumerConfig
        {
            BootstrapServers = Kafka, GroupId = $"plain-{Guid.NewGuid():N}", AutoOffsetReset = AutoOffsetReset.Earliest,
            EnablePartitionEof = true,
        }).Build();
        consumer.Subscribe(Topic);
        for (var ended = new HashSet<TopicPartition>(); ended.Count == 0 || ended.Count < consumer.Assignment.Count;)
        {
            var record = consumer.Consume(AnswerMax)
                ?? throw new TimeoutException($"Kafka gave nothing of {Topic} for {AnswerMax.TotalSeconds:0} s.");
            if (began == 0) began = Stopwatch.GetTimestamp();
            if (record.IsPartitionEOF) ended.Add(record.TopicPartition);
            else await work.AcceptAsync(record.Message.Value);
        }
        consumer.Close();
        return began;
    }
}
