using System.Text;
using ScrmStream.Events;
using static ScrmStream.Tests.Events.Decoding;

namespace ScrmStream.Tests.Events;

public sealed class JsonEventDecoderLimitTests
{
    private static string Repeat(int count, Func<int, string> make) => string.Join(',', Enumerable.Range(0, count).Select(make));

    public static TheoryData<string, string, RejectReason> AtAndOver()
    {
        var limits = new EventLimits();
        var over = new TheoryData<string, string, RejectReason>
        {
            { $"\"page\":\"{new string('p', limits.ValueBytesMax)}\"", $"\"page\":\"{new string('p', limits.ValueBytesMax + 1)}\"", RejectReason.LimitExceeded },
            { $"\"event\":\"{new string('n', limits.KeyBytesMax)}\"", $"\"event\":\"{new string('n', limits.KeyBytesMax + 1)}\"", RejectReason.LimitExceeded },
            { $"\"channel\":\"{new string('c', limits.KeyBytesMax)}\"", $"\"channel\":\"{new string('c', limits.KeyBytesMax + 1)}\"", RejectReason.LimitExceeded },
            { $"\"properties\":{{\"{new string('k', 128)}\":1}}", $"\"properties\":{{\"{new string('k', 129)}\":1}}", RejectReason.LimitExceeded },
            { $"\"properties\":{{\"k\":\"{new string('v', 8192)}\"}}", $"\"properties\":{{\"k\":\"{new string('v', 8193)}\"}}", RejectReason.LimitExceeded },
            { $"\"properties\":{{{Repeat(256, i => $"\"p{i}\":{i}")}}}", $"\"properties\":{{{Repeat(257, i => $"\"p{i}\":{i}")}}}", RejectReason.LimitExceeded },
            { Named(16), Named(17), RejectReason.LimitExceeded },
            { Sized("value", 256), Sized("value", 257), RejectReason.LimitExceeded },
            { Sized("scope", 256), Sized("scope", 257), RejectReason.LimitExceeded },
            { $"\"x\":{Nested(31)}", $"\"x\":{Nested(32)}", RejectReason.NotDecodable },
        };
        return over;

        static string Named(int count) => $"\"identifiers\":[{Repeat(count, i => $"{{\"kind\":\"cookie\",\"scope\":\"w\",\"value\":\"c{i}\"}}")}]";
        static string Sized(string part, int bytes) =>
            $"\"identifiers\":[{{\"kind\":\"cookie\",\"scope\":\"{(part == "scope" ? new string('x', bytes) : "")}\",\"value\":\"{(part == "value" ? new string('x', bytes) : "v")}\"}}]";
        static string Nested(int depth) => new string('[', depth) + new string(']', depth);
    }

    [Theory]
    [MemberData(nameof(AtAndOver))]
    public void Decode_AtTheLimit_IsAcceptedAndOverItRejected(string at, string over, RejectReason reason)
    {
        Assert.Empty(Decode(Event(at)).Rejects);
        Assert.Equal(reason, Decode(Event(over)).OnlyReject().Reason);
    }

    [Fact]
    public void Decode_LimitsCountBytesNotCharacters()
    {
        Assert.Equal(1, Decode(Event($"\"event\":\"{new string('猫', 42)}\"")).Count);
        Assert.Equal(RejectReason.LimitExceeded, Decode(Event($"\"event\":\"{new string('猫', 43)}\"")).OnlyReject().Reason);
        // 43 escapes of six bytes each are 43 x 3 bytes of text.
        Assert.Equal(1, Decode(Event($"\"event\":\"{string.Concat(Enumerable.Repeat("\\u732b", 42))}\"")).Count);
    }

    [Fact]
    public void Decode_RecordOverTheLimit_IsTooLarge()
    {
        var limits = new EventLimits { RecordBytesMax = 1024 };
        var room = 1024 - Encoding.UTF8.GetByteCount(Event("\"page\":\"\""));
        Assert.Equal(1, Decode(limits, -1, Event($"\"page\":\"{new string('p', room)}\"")).Count);
        var reject = Decode(limits, -1, Event($"\"page\":\"{new string('p', room + 1)}\"")).OnlyReject();
        Assert.Equal((RejectReason.TooLarge, -1), (reject.Reason, reject.Index));
    }

    [Fact]
    public void Decode_RandomBytes_NeverThrowsNorLeavesHalfAnEvent()
    {
        var random = new Random(20260301);
        var alphabet = Encoding.UTF8.GetBytes("{}[]\":,\\u0dntruefalse1e-.event_timidkv ");
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = new byte[random.Next(120)];
            for (var i = 0; i < bytes.Length; i++) bytes[i] = random.Next(10) == 0 ? (byte)random.Next(256) : alphabet[random.Next(alphabet.Length)];
            AssertWhole(Decode(new EventLimits(), -1, bytes));
        }
    }

    [Fact]
    public void Decode_MutatedEvents_NeverThrowsNorLeavesHalfAnEvent()
    {
        var random = new Random(7);
        var sample = Encoding.UTF8.GetBytes($$"""[{{Event("\"properties\":{\"a\":\"\\u732b\",\"b\":1.5},\"campaign\":{\"source\":\"x\"}")}},{{Event("\"channel\":\"kiosk\"")}}]""");
        var accepted = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = sample.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(random.Next(2) == 0 ? 128 : 256);
            var batch = Decode(new EventLimits(), -1, bytes);
            AssertWhole(batch);
            accepted += batch.Count;
        }
        // Enough mutations are harmless for the check to have seen both outcomes.
        Assert.InRange(accepted, 1_000, 39_000);
    }

    [Fact]
    public void Decode_WarmBatch_AllocatesNothing()
    {
        var screen = new ScrmStream.Identity.IdentifierScreen(new ScrmStream.Identity.IdentityOptions());
        var decoder = new JsonEventDecoder(new EventLimits());
        var batch = new EventBatch(new RecordBatch(512, 1 << 20));
        var partition = new SourcePartition(Guid.Empty, "t", 0);
        var record = Encoding.UTF8.GetBytes(Event("\"page\":\"\\u732b\",\"channel\":\"kiosk\",\"amount_fen\":3,\"properties\":{\"a\":\"b\",\"c\":1.5,\"d\":true}"
            + ",\"event_time\":\"2026-03-01T11:00:00\\u002B08:00\",\"event_id\":7,\"geo\":{\"city\":\"x\",\"at\":{\"lat\":1.5}},\"tags\":[1,2],\"campaign\":{\"id\":1}"));

        long Round()
        {
            batch.Clear();
            for (var i = 0; i < 512; i++) batch.Records.Add(partition, i, Noon, record);
            var before = GC.GetAllocatedBytesForCurrentThread();
            decoder.Decode(batch);
            screen.Apply(batch);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(512, batch.Count);
            return allocated;
        }

        for (var warm = 0; warm < 20; warm++) Round();
        // The least of some rounds: the runtime allocates a little when it compiles a method again.
        Assert.Equal(0, Enumerable.Range(0, 20).Min(_ => Round()));
    }

    private static void AssertWhole(EventBatch batch)
    {
        var (identifiers, properties) = (0, 0);
        foreach (ref var e in batch.Events)
        {
            Assert.Equal((identifiers, properties), (e.FirstIdentifier, e.FirstProperty));
            (identifiers, properties) = (identifiers + e.IdentifierCount, properties + e.PropertyCount);
            Assert.True(e.Name.Length > 0 && e.Name.Start + e.Name.Length <= batch.Records.Bytes);
        }
        Assert.Equal((identifiers, properties), (batch.IdentifierCount, batch.PropertyCount));
        Assert.True(batch.Rejects.TrueForAll(r => r.Detail.Length > 0 && r.Record == 0));
    }
}
