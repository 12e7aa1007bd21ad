using System.Buffers.Binary;
using System.Numerics;
using ScrmStream.Events;

namespace ScrmStream.Profiles;

/// <summary>
/// How many different texts a field had over the events that passed the filter, ever. Up to 64 of them their 64-bit fingerprints,
/// ascending; from then on a HyperLogLog of 2,048 registers (standard error 2.3 %). Both are functions of the set of texts alone.
/// <code>u64 fingerprint        up to 64   |   u8 register        2,048 times</code>
/// </summary>
public sealed class DistinctValues(EventField field, string filter) : Aggregate($"distinct[{field.Name}; {filter}]")
{
    public const int ExactMax = 64;

    private const int RegisterBits = 11;
    private const int Registers = 1 << RegisterBits;
    private const int FingerprintBytes = 8;

    public override int BytesMax => Registers;
    public override string Limit =>
        $"exact up to {ExactMax} different values of a customer; beyond that within about 2.3 % (standard error)";

    public override IEnumerable<EventField> Fields => [@field];

    public override void Add(ShardBuffer shard, EventBatch batch, in TrackingEvent e, long microPoints)
    {
        Span<byte> scratch = stackalloc byte[24];
        if (!field.TryGetText(batch, in e, scratch, out var text)) return;
        var fingerprint = Fingerprint.Of(text);
        var payload = shard.Aggregate(Key);
        if (payload.Length == Registers) Note(payload, fingerprint);
        else AddExact(shard, payload, fingerprint);
    }

    /// <summary>The number over all shards.</summary>
    public long Count(ShardSet shards)
    {
        Span<ulong> exact = stackalloc ulong[ExactMax];
        var count = 0;
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (payload.Length == Registers) return Estimate(shards);
            for (var at = 0; at < payload.Length; at += FingerprintBytes)
            {
                var fingerprint = BinaryPrimitives.ReadUInt64LittleEndian(payload[at..]);
                var place = exact[..count].BinarySearch(fingerprint);
                if (place >= 0) continue;
                if (count == ExactMax) return Estimate(shards);
                exact[~place..count].CopyTo(exact[(~place + 1)..]);
                exact[~place] = fingerprint;
                count++;
            }
        }
        return count;
    }

    private void AddExact(ShardBuffer shard, Span<byte> payload, ulong fingerprint)
    {
        var place = payload.Length;
        while (place > 0 && At(payload, place - FingerprintBytes) >= fingerprint) place -= FingerprintBytes;
        if (place < payload.Length && At(payload, place) == fingerprint) return;
        var length = payload.Length;
        if (length == ExactMax * FingerprintBytes)
        {
            Span<byte> exact = stackalloc byte[ExactMax * FingerprintBytes];
            payload.CopyTo(exact);
            payload = shard.ResizeAggregate(Key, Registers);
            payload.Clear();
            for (var at = 0; at < length; at += FingerprintBytes) Note(payload, At(exact, at));
            Note(payload, fingerprint);
            return;
        }
        payload = shard.ResizeAggregate(Key, length + FingerprintBytes);
        payload[place..length].CopyTo(payload[(place + FingerprintBytes)..]);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[place..], fingerprint);
    }

    private long Estimate(ShardSet shards)
    {
        Span<byte> registers = stackalloc byte[Registers];
        registers.Clear();
        for (var i = 0; i < shards.Count; i++)
        {
            var payload = shards[i].Aggregate(Key);
            if (payload.Length == Registers)
            {
                for (var r = 0; r < Registers; r++) registers[r] = Math.Max(registers[r], payload[r]);
            }
            else
            {
                for (var at = 0; at < payload.Length; at += FingerprintBytes) Note(registers, At(payload, at));
            }
        }
        var harmonic = 0.0;
        var empty = 0;
        foreach (var register in registers)
        {
            harmonic += Math.ScaleB(1, -register);
            if (register == 0) empty++;
        }
        var estimate = 0.7213 / (1 + 1.079 / Registers) * Registers * Registers / harmonic;
        // Few values leave registers empty, and their number says more: m x ln(m / empty).
        if (estimate <= 2.5 * Registers && empty > 0)
            estimate = Registers * PowersOfTwo.Log2((double)Registers / empty) * 0.6931471805599453;
        return Math.Max(ExactMax + 1, (long)Math.Round(estimate, MidpointRounding.ToEven));
    }

    private static void Note(Span<byte> registers, ulong fingerprint)
    {
        var rank = (byte)(BitOperations.LeadingZeroCount(fingerprint << RegisterBits | 1UL << (RegisterBits - 1)) + 1);
        ref var register = ref registers[(int)(fingerprint >> (64 - RegisterBits))];
        register = Math.Max(register, rank);
    }

    private static ulong At(ReadOnlySpan<byte> payload, int at) => BinaryPrimitives.ReadUInt64LittleEndian(payload[at..]);
}
