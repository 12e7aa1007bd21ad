using System.Text;
using ScrmStream.Profiles;
using ScrmStream.Tests.Rules;
using Xunit;

namespace ScrmStream.Tests.Profiles;

public sealed class AggregateTests
{
    private const long HourMs = EventMaker.HourMs;

    [Theory]
    [InlineData(3, 1_000_000)]
    [InlineData(1, 1)]
    [InlineData(10, 20)]
    [InlineData(1024, 7)]
    public void LatestTimes_AnyOrder_KeepsTheSameLatest(int keep, long horizonMs)
    {
        var aggregate = new LatestTimes("any", keep, horizonMs);
        var random = new Random(keep);
        for (var round = 0; round < 200; round++)
        {
            var times = Enumerable.Range(0, random.Next(1, 40)).Select(_ => random.NextInt64(0, 50)).ToArray();
            var expected = times.Where(t => t > times.Max() - horizonMs).Order().TakeLast(keep);
            for (var order = 0; order < 3; order++)
            {
                random.Shuffle(times);
                Assert.Equal(expected, TimesIn(Fold(aggregate, times.Select(t => new Told("x", t))), 6));
            }
        }
    }

    [Fact]
    public void LatestValues_MoreThanTheLimitAtOneTime_KeepsTheGreatest()
    {
        var aggregate = new LatestValues(EventField.TryFind("amount_fen")!, "any", HourMs);
        var events = Enumerable.Range(0, 1500).Select(i => new Told("x", 77) { AmountFen = i }).ToArray();
        new Random(1).Shuffle(events);
        var payload = Fold(aggregate, events);
        Assert.Equal(1024 * 22, payload.Length);
        var line = new Timeline();
        line.Add(payload, 22);
        line.Seal(TimeList.KeepMax);
        Assert.Equal(Enumerable.Range(476, 1024).Sum(i => (long)i) * Micro.One, (long)line.Sum(76, 77));
    }

    [Fact]
    public void Points_AnyOrderOverManyEpochs_HaveTheSameBytes()
    {
        var clock = new DecayClock(HourMs); // an epoch is 32 hours
        Aggregate[] aggregates = [new DecayedPoints(clock, "x"), new CappedWeights(clock, CalendarUnit.Day, CalendarZone.Shanghai, "x"), new CappedWeights(null, CalendarUnit.Week, CalendarZone.Shanghai, "x")];
        var random = new Random(5);
        for (var round = 0; round < 100; round++)
        {
            var events =
                Enumerable.Range(0, 40).Select(_ => new Told("x", EventMaker.StartMs + random.NextInt64(0, 300) * HourMs)).ToArray();
            foreach (var aggregate in aggregates)
            {
                var first = Fold(aggregate, events, 3_000_000);
                random.Shuffle(events);
                Assert.Equal(first, Fold(aggregate, events, 3_000_000));
            }
            Assert.InRange(Fold(aggregates[0], events).Length, 20, 60);
        }
    }

    [Fact]
    public void CappedWeights_MoreDaysThanKept_DropsTheOldestInAnyOrder()
    {
        var aggregate = new CappedWeights(null, CalendarUnit.Day, CalendarZone.Shanghai, "x");
        var events = Enumerable.Range(0, 1100).Select(d => new Told("x", EventMaker.StartMs + d * EventMaker.DayMs)).ToArray();
        var inOrder = Fold(aggregate, events);
        Assert.Equal(1024 * 28, inOrder.Length);
        for (var i = 0; i < 3; i++)
        {
            new Random(i).Shuffle(events);
            Assert.Equal(inOrder, Fold(aggregate, events));
        }
    }

    [Fact]
    public void DistinctValues_AnyOrderAndSplit_CountTheSame()
    {
        var aggregate = new DistinctValues(EventField.TryFind("page")!, "any");
        foreach (var different in new[] { 1, 63, 64, 65, 200, 5_000, 40_000 })
        {
            var events = Enumerable.Range(0, different * 2).Select(i => new Told("x", i) { Page = $"/{i % different}" }).ToArray();
            var whole = EventMaker.Customer(Shard(aggregate, events));
            new Random(different).Shuffle(events);
            var parts = EventMaker.Customer(events.Chunk(events.Length / 3 + 1).Select(part => Shard(aggregate, part)));
            var count = aggregate.Count(whole);
            Assert.Equal(count, aggregate.Count(parts));
            if (different <= DistinctValues.ExactMax) Assert.Equal(different, count);
            else Assert.InRange(count, different * 0.9, different * 1.1);
            Assert.True(Fold(aggregate, events).Length <= aggregate.BytesMax);
        }
    }

    [Fact]
    public void KeyedLists_MoreThanTheyKeep_DropTheOldestInAnyOrder()
    {
        Aggregate[] aggregates =
        [
            LatestPerKey.OfValues(EventField.TryFind("page")!, "any", TimeList.KeepMax, long.MaxValue / 4),
            LatestPerKey.OfValues(EventField.TryFind("page")!, "any", 3, 500),
            LatestPerKey.OfDays(CalendarZone.Shanghai, "any", 40, 300 * EventMaker.DayMs),
            new StepTimes("any", EventField.TryFind("page"), long.MaxValue / 4), new StepTimes("any", null, 700),
        ];
        var random = new Random(2);
        var events = Enumerable.Range(0, 2_000).Select(i => new Told("x", random.NextInt64(5_000) * HourMs / 3) { Page = $"/{random.Next(1_500)}" }).ToArray();
        foreach (var aggregate in aggregates)
        {
            var expected = Fold(aggregate, events);
            Assert.InRange(expected.Length, 1, aggregate.BytesMax);
            for (var order = 0; order < 3; order++)
            {
                random.Shuffle(events);
                Assert.Equal(expected, Fold(aggregate, events));
            }
        }
    }

    [Theory]
    [InlineData(true, "z")]
    [InlineData(false, "a")]
    public void EdgeValue_TiesInTime_GoByEventIdThenValue(bool last, string expected)
    {
        var aggregate = new EdgeValue(last, EventField.TryFind("page")!, "any");
        Told[] events =
        [
            new("x", 5) { EventId = last ? "e2" : "e1", Page = last ? "m" : "n" },
            new("x", 5) { EventId = last ? "e2" : "e1", Page = expected },
            new("x", 5) { EventId = last ? "e1" : "e2", Page = last ? "zz" : "0" },
            new("x", 5) { EventId = last ? null : "e9", Page = last ? "zzz" : "0" },
            new("x", last ? 4 : 6) { EventId = last ? "e9" : "e0", Page = "q" },
            new("x", last ? 9 : 1) { EventId = "e5" },
        ];
        for (var order = 0; order < 20; order++)
        {
            new Random(order).Shuffle(events);
            var shards = EventMaker.Customer(Shard(aggregate, events.Take(3)), Shard(aggregate, events.Skip(3)));
            Assert.True(aggregate.TryGet(shards, out var value, out var timeMs));
            Assert.Equal(expected, Encoding.UTF8.GetString(value));
            Assert.Equal(5, timeMs);
        }
    }

    [Fact]
    public void EdgeValue_LongText_IsCutBetweenCharacters()
    {
        var aggregate = new EdgeValue(true, EventField.TryFind("page")!, "any");
        var shards = EventMaker.Customer(Shard(aggregate, [new Told("x", 5) { Page = "a" + new string('猫', 300), EventId =
            new string('i', 999) }]));
        Assert.True(aggregate.TryGet(shards, out var value, out _));
        Assert.Equal("a" + new string('猫', 170), Encoding.UTF8.GetString(value));
    }

    [Fact]
    public void StoredTime_ExtremeTimes_AreClampedInOrder()
    {
        var bytes = new byte[6];
        foreach (var timeMs in new[] { long.MinValue, -1, 0, 1, 1_760_000_000_000, long.MaxValue })
        {
            StoredTime.Write(bytes, StoredTime.Clamp(timeMs));
            Assert.Equal(StoredTime.Clamp(timeMs), StoredTime.Read(bytes));
        }
    }

    private static byte[] Fold(Aggregate aggregate, IEnumerable<Told> events, long microPoints = 1) =>
        new Shard(Shard(aggregate, events, microPoints)).Aggregate(aggregate.Key).ToArray();

    private static byte[] Shard(Aggregate aggregate, IEnumerable<Told> events, long microPoints = 1)
    {
        var batch = EventMaker.Batch([.. events]);
        var shard = new ShardBuffer();
        shard.Load(default);
        foreach (ref var e in batch.Events) aggregate.Add(shard, batch, in e, microPoints);
        return shard.Bytes.ToArray();
    }

    private static IEnumerable<long> TimesIn(byte[] payload, int entryBytes) =>
        Enumerable.Range(0, payload.Length / entryBytes).Select(i => StoredTime.Read(payload.AsSpan(i * entryBytes)));
}
