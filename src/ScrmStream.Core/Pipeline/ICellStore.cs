using ScrmStream.Identity;

namespace ScrmStream.Pipeline;

/// <summary>A cell's version: a counter that grows by one with each write, and the stamp of the writer. Zero: no cell.</summary>
public readonly record struct CellVersion(ulong Number, ulong Stamp)
{
    public static readonly CellVersion None = default;
}

/// <summary>
/// One cell to store. <see cref="Content"/> starts with its new version (u64 number, u64 stamp, little endian), so that the first
/// 16 bytes of a stored cell are what <see cref="Expected"/> is compared with.
/// </summary>
public readonly record struct CellWrite(IdentifierId Id, CellVersion Expected, ArenaRange Content);

/// <summary>What is known of one identifier: its cell, and the private head of its view.</summary>
/// <param name="Cell">Null when there is none.</param>
/// <param name="ViewStamp">The stamp of the view last published; 0 when there is none.</param>
/// <param name="Conclusion">The conclusion last published with it; empty when there is none.</param>
public readonly record struct StoredCell(byte[]? Cell, ulong ViewStamp, byte[] Conclusion);

/// <summary>Keeps the facts of each identifier. Implementations: Redis, memory. Calls may come from any thread.</summary>
public interface ICellStore
{
    /// <summary>Reads cells, each with the head of its view; the answers are in the order of the ids.</summary>
    /// <exception cref="StoreUnavailableException">The store did not answer within its limits; nothing was changed.</exception>
    Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel);

    /// <summary>
    /// Sets each cell whose stored version is the expected one, and returns the indexes of those it left alone because it is not
    /// (after an ambiguous answer the caller may see its own write as a conflict; reloading settles it).
    /// </summary>
    /// <exception cref="StoreUnavailableException">The outcome is unknown; any of the writes may have happened or happen later.</exception>
    Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel);
}

/// <summary>A store or server is out of reach. The message names the server, the setting and the fix.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
