using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// Times and values of the latest events that passed the filter and have the field as a number, in order of time, then value: 22 bytes
/// each.
/// </summary>
public sealed class LatestValues(EventField field, string filter, long horizonMs)
    : TimeList($"values[{field.Name}; {filter}] horizon={horizonMs}", KeepMax, horizonMs, SortedEntries.ValueEntryBytes)
{
    public override IEnumerable<EventField> Fields => [@field];

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        if (!field.TryGetMicro(batch, in e, out var value)) return;
        var timeMs = StoredTime.Clamp(e.EventTimeMs);
        SortedEntries.Insert(shard, Key, SortedEntries.ValueEntryBytes, KeepMax, HorizonMs, timeMs, value);
    }

    public override void Load(ShardSet shards, Timeline timeline)
    {
        timeline.Clear();
        for (var i = 0; i < shards.Count; i++) timeline.Add(shards[i].Aggregate(Key), SortedEntries.ValueEntryBytes);
        timeline.Seal(KeepMax);
    }
}
