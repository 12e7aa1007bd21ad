using ScrmStream.Events;
using ScrmStream.Profiles;
using ScrmStream.Rules;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules;

public sealed class FoldAllocationTests
{
    [Theory]
    [InlineData("reference.yaml")]
    [InlineData("taobao.yaml")]
    [InlineData("petshop.yaml")]
    [InlineData("car-dealer.yaml")]
    [InlineData("churn.yaml")]
    [InlineData("cosmetics.yaml")]
    [InlineData("courses.yaml")]
    [InlineData("lead-scores.yaml")]
    [InlineData("lead-stages.yaml")]
    [InlineData("mother-and-baby.yaml")]
    [InlineData("reachability.yaml")]
    public void FoldAndEvaluate_WhenWarm_AllocateNothing(string example)
    {
        var rules = RuleSet.Load(ExampleFileTests.PathOf(example));
        string[] names =
        [
            "page_view", "product_view", "like", "order_paid", "consult", "coupon_claim", "pv", "cart", "buy", "share_open", "review", "message",
            "test_drive", "model_view", "add_to_cart", "member_register", "comment", "live_question", "enquiry", "work_day", "profile_update",
            "follow", "wecom_added", "contact_sent", "tag_set", "form_submit", "lead_cleaned", "lead_assigned", "message_received", "delivered",
        ];
        var batch = Batch([.. Enumerable.Range(0, 300).Select(i => new Told(names[i % names.Length], StartMs + i * 7 * HourMs)
        {
            EventId = $"e{i}", AmountFen = 100 + i, ShareDepth = 1, Channel = Channel.Douyin,
            Properties = new()
            {
                ["topic"] = "pet", ["pet"] = "cat", ["stars"] = 5L, ["sku"] = $"k{i % 7}", ["model"] = $"m{i % 9}", ["text"] = "优惠截止日 油皮",
                ["hours"] = 12.5, ["birthday"] = "1992-02-29", ["due_date"] = "2026-01-01", ["completion"] = 50L, ["phone_verified"] = true,
                ["tag"] = "black_list", ["author"] = "li", ["result"] = "valid", ["category"] = "lipstick", ["colour"] = "405",
            },
        })]);
        var shard = new ShardBuffer();
        var shards = new ShardSet();
        var conclusion = new Conclusion();
        var stored = new byte[64 * 1024];
        // The runtime allocates a little when it compiles a method again; what the code allocates, it allocates in every round.
        var least = long.MaxValue;
        for (var round = 0; round < 30; round++)
        {
            shard.Load(default);
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (ref var e in batch.Events)
            {
                shard.Count(e.EventTimeMs, (int)e.Channel);
                rules.Fold(batch, in e, shard);
            }
            shard.Bytes.CopyTo(stored);
            shards.Clear();
            shards.Add(stored.AsMemory(0, shard.Length));
            rules.Evaluate(shards, shards.LastSeenMs, conclusion);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.True(conclusion.TagCount > 0 || example is "reference.yaml" or "cosmetics.yaml" or "lead-scores.yaml" || conclusion.LeadCount > 0);
        }
        Assert.Equal(0, least);
    }
}
