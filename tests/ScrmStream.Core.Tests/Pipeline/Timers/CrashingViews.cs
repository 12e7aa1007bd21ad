using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;

namespace ScrmStream.Tests.Pipeline.Timers;

internal sealed class CrashException : Exception;

/// <summary>After so many calls one is carried out in part, and the process ends.</summary>
internal sealed class CrashingViews(MemoryViewStore views, Random random, int callsLeft) : IViewStore
{
    private readonly Lock _lock = new();

    public bool IsSoleWriter => views.IsSoleWriter;

    public ulong WriterEpoch => views.WriterEpoch;

    public async Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> writes, ByteArena arena, CancellationToken cancel)
    {
        bool crashes;
        lock (_lock) crashes = --callsLeft <= 0;
        if (!crashes) return await views.PublishAsync(writes, arena, cancel);
        lock (_lock) writes = callsLeft < 0 ? [] : [.. writes.Where(_ => random.Next(2) == 0)];
        await views.PublishAsync(writes, arena, cancel);
        throw new CrashException();
    }

    public Task<StoreTotals> CountAsync(CancellationToken cancel) => views.CountAsync(cancel);
}
