using System.Text;
using ScrmStream.Events;
using ScrmStream.Pipeline;
using ScrmStream.Profiles;

namespace ScrmStream.Tests.Pipeline;

/// <summary>The ring of event_ids: what is a repeat, how long it is known, and what only looks like one.</summary>
public sealed class ShardHistoryTests
{
    private const int Ring = 64;
    private readonly SourcePartition _source = new(Guid.Empty, "test", 0);
    private readonly ShardHistory _history = new(Ring);
    private readonly ShardBuffer _shard = new();

    public ShardHistoryTests() => _shard.Load(default);

    private static ulong Hash(string id) => ShardHistory.HashOf(Encoding.UTF8.GetBytes(id));

    private EventHistory Enter(long offset, string id) => _history.Enter(_shard, new SourcePosition(_source, offset, 0), Hash(id));

    [Fact]
    public void Enter_AnIdOfTheLastSixtyFour_IsADuplicateAndAnOlderOneIsNot()
    {
        for (var i = 0; i < Ring; i++) Assert.Equal(EventHistory.New, Enter(i, $"e{i}"));
        for (var i = 0; i < Ring; i++) Assert.True(IsKnown(100 + i, $"e{i}"), $"e{i}");

        // All of it is committed: one more id drops the oldest, and that one counts as new.
        _history.Committed(_source.Id, 1_000);
        Assert.Equal(EventHistory.New, Enter(1_000, "another"));
        Assert.Equal(Ring, _shard.RingCount);
        Assert.Equal(EventHistory.New, Enter(1_001, "e0"));
    }

    // Looks without leaving a trace: a copy of the shard takes the note.
    private bool IsKnown(long offset, string id)
    {
        var copy = new ShardBuffer();
        copy.Load(_shard.Bytes);
        return _history.Enter(copy, new SourcePosition(_source, offset, 0), Hash(id)) == EventHistory.DuplicateId;
    }

    [Fact]
    public void Enter_BeforeAnythingIsCommitted_ForgetsNothing()
    {
        for (var i = 0; i < 10 * Ring; i++) Assert.Equal(EventHistory.New, Enter(i, $"e{i}"));
        Assert.Equal(EventHistory.DuplicateId, Enter(10 * Ring, "e0"));
        // What a crash would read again gets the verdicts that it had.
        for (var i = 0; i < 10 * Ring; i++) Assert.Equal(EventHistory.Folded, Enter(i, $"e{i}"));
        Assert.Equal(EventHistory.FoldedAsDuplicate, Enter(10 * Ring, "e0"));
    }

    /// <summary>A former owner of the partition may come back with records that the next one has committed and forgotten.</summary>
    [Fact]
    public void Enter_ARecordThatTheRingHasForgotten_IsNeitherAcceptedNorADuplicate()
    {
        Assert.Equal(EventHistory.New, Enter(0, "e0"));
        Assert.Equal(EventHistory.DuplicateId, Enter(1, "e0"));
        _history.Committed(_source.Id, 2);
        for (var i = 2; i < 2 + Ring; i++) Assert.Equal(EventHistory.New, Enter(i, $"e{i}"));
        Assert.Equal(EventHistory.Forgotten, Enter(0, "e0"));
        Assert.Equal(EventHistory.Forgotten, Enter(1, "e0"));
        Assert.Equal(EventHistory.Folded, Enter(2, "e2"));
    }

    [Fact]
    public void Enter_WithoutAnId_IsNeverADuplicate()
    {
        for (var i = 0; i < 3; i++) Assert.Equal(EventHistory.New, Enter(i, ""));
        Assert.Equal(EventHistory.Folded, Enter(1, ""));
        Assert.Equal(0, _shard.RingCount);
    }

    /// <summary>Two events that only look alike are two: ids of producers that count up, in several shapes, share no fingerprint.</summary>
    [Fact]
    public void HashOf_AMillionIdsThatLookAlike_AreAllDifferent()
    {
        var seen = new HashSet<ulong>();
        var ids = 0;
        for (var i = 0; i < 250_000; i++)
        {
            foreach (var id in (string[])[$"{i}", $"order-{i:00000000}-paid", $"mini-20260301-{i:x6}", $"{i:x32}"])
            {
                ids++;
                Assert.True(seen.Add(Hash(id)), id);
            }
        }
        Assert.Equal(ids, seen.Count);
    }
}
