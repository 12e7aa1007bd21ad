using ScrmStream.Profiles;
using ScrmStream.Rules;
using ScrmStream.Rules.Actions;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules.Actions;

public sealed class ActionAllocationTests
{
    /// <summary>Remembering an event, adding up the oldest, and going through a customer's last day.</summary>
    [Theory]
    [InlineData("petshop.yaml")]
    [InlineData("churn.yaml")]
    [InlineData("courses.yaml")]
    public void FoldAndWalk_WhenWarm_AllocateNothing(string example)
    {
        var rules = RuleSet.Load(ExampleFileTests.PathOf(example), MemoryLimits.Run with { Events = 20 });
        string[] names = ["like", "order_paid", "consult", "product_view", "add_to_cart", "member_register", "profile_update", "enquiry"];
        var batch = Batch([.. Enumerable.Range(0, 200).Select(i => new Told(names[i % names.Length], StartMs + i * HourMs)
        {
            EventId = $"e{i}", AmountFen = 100 + i, Properties = new()
            {
                ["topic"] = "pet", ["sku"] = $"k{i % 7}", ["completion"] = (long)(i % 100), ["contract_end"] = "2025-10-15", ["pet"] = "cat",
            },
        })]);
        var (shard, shards, walk, log, stored) = (new ShardBuffer(), new ShardSet(), new ActionWalk(rules.Actions!), new ActionLog(), new byte[64 * 1024]);
        var (decided, least) = (0, long.MaxValue);
        for (var round = 0; round < 30; round++)
        {
            shard.Load(default);
            log.Clear();
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (ref var e in batch.Events)
            {
                shard.Count(e.EventTimeMs, (int)e.Channel);
                rules.Fold(batch, in e, shard);
                shard.Bytes.CopyTo(stored);
                shards.Clear();
                shards.Add(stored.AsMemory(0, shard.Length));
                walk.Run(shards, log, e.EventTimeMs - DayMs, e.EventTimeMs);
                decided += walk.Decisions.Count;
                log.Trim(e.EventTimeMs - DayMs, e.EventTimeMs - DayMs);
                log.Store();
            }
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.True(decided >= 30, $"{decided} decided: the test shows nothing");
        Assert.Equal(0, least);
    }
}
