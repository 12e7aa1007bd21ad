using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ScrmStream.Events;

/// <summary>
/// One partition of one topic, as the broker knows it. The topic id tells a recreated topic from the old one of the same
/// name, so their offsets are never mixed up.
/// </summary>
public sealed class SourcePartition
{
    private int _assignments;

    public SourcePartition(Guid topicId, string topic, int partition)
    {
        TopicId = topicId;
        Topic = topic;
        Partition = partition;
        Id = IdOf(topicId, topic, partition);
    }

    /// <summary>The broker's topic id; for a source without one (a file), <see cref="Guid.Empty"/>.</summary>
    public Guid TopicId { get; }
    public string Topic { get; }
    public int Partition { get; }

    /// <summary>A stable 64-bit id of (topic id, topic, partition); fences in stored state are kept under it.</summary>
    public ulong Id { get; }

    /// <summary>
    /// How often the source was given it: between two assignments another process may have read it. Calls may come from any thread.
    /// </summary>
    public int Assignments => Volatile.Read(ref _assignments);

    /// <summary>The source is given it.</summary>
    public void Assigned() => Interlocked.Increment(ref _assignments);

    private static ulong IdOf(Guid topicId, string topic, int partition)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{topicId:N}/{topic}/{partition}"), hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    public override string ToString() => $"{Topic}[{Partition}]";
}

/// <summary>The coordinates of one event: its record's partition and offset, and its place in the record's array.</summary>
public readonly record struct SourcePosition(SourcePartition Partition, long Offset, int Index);
