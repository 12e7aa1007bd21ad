using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// What a shard remembers of the events that pass one filter. Every aggregate is a commutative monoid: its stored bytes are a
/// function of the set of events alone, whatever their order. Immutable, any thread.
/// </summary>
public abstract class Aggregate
{
    /// <param name="text">The canonical text: kind, filter and parameters. It alone decides the key.</param>
    protected Aggregate(string text)
    {
        Text = text;
        Key = KeyOf(text);
    }

    public string Text { get; private set; }

    /// <summary>The key of its payload in a shard: the first 32 bits of the SHA-256 of <see cref="Text"/>.</summary>
    public uint Key { get; private set; }

    /// <summary>The fields of an event that <see cref="Add"/> reads, besides time and channel.</summary>
    public virtual IEnumerable<EventField> Fields => [];

    /// <summary>The most bytes its payload ever takes in one shard, without the six bytes of its header.</summary>
    public abstract int BytesMax { get; }

    /// <summary>What is exact no longer beyond a limit, as a sentence; null when it is exact always.</summary>
    public virtual string? Limit => null;

    /// <summary>Adds an event that passed the filter. Allocates nothing once the shard has room.</summary>
    /// <param name="microPoints">What the event is worth, for the aggregates that weigh; the step it is, for
    /// <see cref="StepTimes"/>; the others ignore it.</param>
    public abstract void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints);

    /// <summary>The same aggregate over other events, under a text and a key of its own.</summary>
    internal Aggregate Apart(string events)
    {
        var copy = (Aggregate)MemberwiseClone();
        copy.Text = $"{events}: {Text}";
        copy.Key = KeyOf(copy.Text);
        return copy;
    }

    private static uint KeyOf(string text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        // 0 is the key of a shard's mark (ShardBuffer.MarkComplete).
        return Math.Max(1, BinaryPrimitives.ReadUInt32LittleEndian(hash));
    }
}
