namespace ScrmStream.Host.Auditing;

/// <summary>What is not as it should be of one event.</summary>
/// <param name="Index">Place in the record's array; -1: the record as a whole.</param>
internal sealed record DeliveryFault(string What, string Topic, int Partition, long Offset, int Index);

/// <summary>One partition's records below the committed offset against what ClickHouse has of them.</summary>
/// <param name="First">The first offset that the broker still has.</param>
/// <param name="Committed">The group's offset: everything before it was compared.</param>
internal sealed record DeliveryCount(string Topic, int Partition, long First, long Committed)
{
    public long Records { get; set; }
    /// <summary>Offsets that hold no record that is read: compacted, of transactions, or their marks.</summary>
    public long Gaps { get; set; }
    /// <summary>Events that the views show.</summary>
    public long Rows { get; set; }
    /// <summary>Events that are stored and hidden: their anchor had another with their event_id.</summary>
    public long Duplicates { get; set; }
    /// <summary>Bad events and records among the dead letters.</summary>
    public long Letters { get; set; }
    /// <summary>Rows that storage has more than once, and the views once.</summary>
    public long Repeats { get; set; }

    /// <summary>Events without a row, and bad ones without a letter.</summary>
    public long Lost { get; set; }
    /// <summary>Events that the view shows more than once.</summary>
    public long Doubled { get; set; }
    /// <summary>Rows of events that their record does not hold.</summary>
    public long Invented { get; set; }
    /// <summary>Duplicates without the event that they repeat.</summary>
    public long Orphaned { get; set; }

    public long Differences => Lost + Doubled + Invented + Orphaned;
}

/// <summary>What an audit of delivery came to.</summary>
/// <param name="Recreated">Topics that were created again since the group committed: not compared.</param>
internal sealed record DeliveryResult(IReadOnlyList<DeliveryCount> Partitions, IReadOnlyList<string> Recreated)
{
    private const int FaultsMax = 100;

    /// <summary>The first of them, by name.</summary>
    public List<DeliveryFault> Faults { get; } = [];

    public long Differences => Partitions.Sum(p => p.Differences);

    public void Add(DeliveryCount partition, string what, long offset, int index)
    {
        if (Faults.Count < FaultsMax) Faults.Add(new DeliveryFault(what, partition.Topic, partition.Partition, offset, index));
    }
}
