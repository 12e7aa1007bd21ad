using System.Buffers.Binary;
using ScrmStream.Identity;

namespace ScrmStream.Pipeline.Memory;

/// <summary>Cells in memory, for replay over files and for tests; it ends with the process. Calls may come from any thread.</summary>
public sealed class MemoryCellStore : ICellStore
{
    private readonly MemoryViewStore _views;
    private readonly Dictionary<IdentifierId, byte[]> _cells = [];
    private readonly Lock _lock = new();

    /// <summary>The views whose heads it hands out, and which count its cells as their identifiers.</summary>
    public MemoryCellStore(MemoryViewStore views)
    {
        _views = views;
        views.CountCells = () => Count;
    }

    public int Count
    {
        get { lock (_lock) return _cells.Count; }
    }

    /// <summary>Of every cell its identifier, in order of id.</summary>
    internal List<IdentifierId> Identifiers()
    {
        lock (_lock) return [.. _cells.Keys.Order()];
    }

    public Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var found = new StoredCell[ids.Count];
        lock (_lock)
        {
            for (var i = 0; i < found.Length; i++)
            {
                if (!_cells.TryGetValue(ids[i], out var cell))
                {
                    found[i] = new StoredCell(null, 0, []);
                    continue;
                }
                var (stamp, conclusion) = _views.Head(ids[i]);
                found[i] = new StoredCell(cell, stamp, conclusion);
            }
        }
        return Task.FromResult(found);
    }

    public Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        List<int> conflicts = [];
        lock (_lock)
        {
            for (var i = 0; i < writes.Count; i++)
            {
                var write = writes[i];
                var content = arena[write.Content];
                var stored = _cells.GetValueOrDefault(write.Id);
                if (_views.IsSoleWriter || VersionOf(stored) == write.Expected) _cells[write.Id] = content.ToArray();
                else if (!content.SequenceEqual(stored)) conflicts.Add(i);   // the same content is the same write, sent again
            }
        }
        return Task.FromResult<IReadOnlyList<int>>(conflicts);
    }

    private static CellVersion VersionOf(ReadOnlySpan<byte> cell) => cell.IsEmpty
        ? CellVersion.None
        : new CellVersion(BinaryPrimitives.ReadUInt64LittleEndian(cell), BinaryPrimitives.ReadUInt64LittleEndian(cell[8..]));
}
