using System.Runtime.InteropServices;
using System.Text;
using ScrmStream.Events;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>One thing to do with an event: if the filter (null: always) matches, add it to the aggregate.</summary>
internal sealed record FoldStep(EventFilter? Filter, Aggregate Aggregate, long MicroPoints);

/// <summary>
/// The steps of a rule set by event name. All that the rules say about names is decided here, at compile time; what is left of the
/// filters is tested per event. Immutable, any thread.
/// </summary>
internal sealed class FoldProgram
{
    private readonly Entry[] _table;
    private readonly FoldStep[] _forOtherNames;

    private readonly record struct Entry(byte[]? Name, uint Hash, FoldStep[] Steps);

    public FoldProgram(IReadOnlyList<FoldStep> steps)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var step in steps) step.Filter!.CollectEventNames(names);
        _forOtherNames = StepsOf(null, steps);
        _table = new Entry[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)names.Count * 2 + 1)];
        foreach (var name in names) Insert(Encoding.UTF8.GetBytes(name), StepsOf(name, steps));
    }

    public ReadOnlySpan<FoldStep> StepsFor(ReadOnlySpan<byte> name)
    {
        var hash = Hash(name);
        for (var i = hash; ; i++)
        {
            ref readonly var entry = ref _table[(int)(i & (uint)(_table.Length - 1))];
            if (entry.Name is null) return _forOtherNames;
            if (entry.Hash == hash && name.SequenceEqual(entry.Name)) return entry.Steps;
        }
    }

    // In order of the aggregates' keys, which is the order in which a shard holds them.
    private static FoldStep[] StepsOf(string? name, IReadOnlyList<FoldStep> steps) =>
        [.. from step in steps
            let rest = step.Filter!.Given(name)
            where rest != EventFilter.None
            orderby step.Aggregate.Key
            select step with { Filter = rest == EventFilter.Any ? null : rest }];

    private void Insert(byte[] name, FoldStep[] steps)
    {
        var hash = Hash(name);
        var i = hash;
        while (_table[(int)(i & (uint)(_table.Length - 1))].Name is not null) i++;
        _table[(int)(i & (uint)(_table.Length - 1))] = new Entry(name, hash, steps);
    }

    // Length, first and last eight bytes tell event names apart well enough; a look-up verifies the bytes.
    private static uint Hash(ReadOnlySpan<byte> name)
    {
        ulong first = 0, last = 0;
        if (name.Length >= 8)
        {
            first = MemoryMarshal.Read<ulong>(name);
            last = MemoryMarshal.Read<ulong>(name[^8..]);
        }
        else
        {
            foreach (var b in name) first = first << 8 | b;
        }
        var mixed = (first ^ System.Numerics.BitOperations.RotateLeft(last, 29) ^ (ulong)name.Length) * 0x9E37_79B9_7F4A_7C15;
        return (uint)(mixed >> 32);
    }
}
