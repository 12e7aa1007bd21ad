using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Profiles;
using ScrmStream.TestKit;

namespace ScrmStream.Tests.Simulation;

/// <summary>Passes everything on, but for what a broken one does otherwise.</summary>
internal abstract class BrokenSource(IEventSource source) : IEventSource
{
    public long Lag => source.Lag;

    public virtual SourceState Poll(RecordBatch batch, TimeSpan timeout) => source.Poll(batch, timeout);

    public void Commit(IReadOnlyList<NextOffset> next) => source.Commit(next);

    public void Pause(bool paused) => source.Pause(paused);

    public void Rewind() => source.Rewind();

    public void Describe(List<PartitionStanding> standings) => source.Describe(standings);

    public ValueTask DisposeAsync() => source.DisposeAsync();
}

/// <summary>A source that takes for durable whatever it has handed over.</summary>
internal sealed class CommitsAtPoll(IEventSource source) : BrokenSource(source)
{
    public override SourceState Poll(RecordBatch batch, TimeSpan timeout)
    {
        var state = base.Poll(batch, timeout);
        Commit([.. batch.Records.Take(batch.Count).Select(r => new NextOffset(r.Partition, r.Offset + 1))]);
        return state;
    }
}

/// <summary>A source that hands over nothing of a record whose anchor's shard has folded it, as if that were all there is to do.</summary>
internal sealed class SkipsRepeats(IEventSource source, MemoryCellStore cells, IdentityOptions identity) : BrokenSource(source)
{
    private readonly RecordBatch _polled = new(16, 64 * 1024);
    private readonly SlowKinds _kinds = new(identity);

    public override SourceState Poll(RecordBatch batch, TimeSpan timeout)
    {
        _polled.Clear();
        var state = base.Poll(_polled, timeout);
        foreach (var record in _polled.Records.AsSpan(0, Math.Min(_polled.Count, batch.Records.Length)))
        {
            var value = _polled.Buffer.AsSpan(record.Start, record.Length);
            batch.Add(record.Partition, record.Offset, record.TimestampMs, IsFolded(record, value) ? "[]"u8 : value);
        }
        return state;
    }

    private bool IsFolded(in ScrmStream.Events.Record record, ReadOnlySpan<byte> value)
    {
        if (value.Length < 12) return false; // broken on purpose
        using var json = JsonDocument.Parse(value.ToArray());
        var ids = json.RootElement.GetProperty("identifiers").EnumerateArray().Select(IdOf).ToArray();
        var anchor = IdentifierId.Of(Encoding.UTF8.GetBytes(_kinds.Anchor(new SlowIdentity.Sighting(0, ids)).Text));
        if (cells.LoadAsync([anchor], CancellationToken.None).Result[0].Cell is not { } cell) return false;
        var shard = new ShardBuffer();
        shard.Load(cell.AsSpan(new CellEvidence(cell).WithoutShard.Length));
        for (var slot = 0; slot < shard.FenceCount; slot++)
        {
            var fence = shard.Fence(slot);
            if (BinaryPrimitives.ReadUInt64LittleEndian(fence) == record.Partition.Id)
                return record.Offset <= BinaryPrimitives.ReadInt64LittleEndian(fence[8..]);
        }
        return false;
    }

    private static SlowIdentity.Id IdOf(JsonElement id)
    {
        Assert.True(IdentifierKinds.TryParse(Encoding.UTF8.GetBytes(id.GetProperty("kind").GetString()!), out var kind));
        return new(kind, id.TryGetProperty("scope", out var scope) ? scope.GetString()! : "", id.GetProperty("value").GetString()!);
    }
}
