namespace ScrmStream.Pipeline;

/// <summary>
/// Whose turn it is to write, where several processes meet on the same customers. Advice among processes of good will: whoever does not
/// follow it costs others time and never truth, for cells are compared whoever has the turn. A turn ends by itself, so who dies with it
/// holds nobody up for long. Implementations: Redis, memory. Calls may come from any thread.
/// </summary>
public interface ITurnStore
{
    /// <summary>Takes the turn unless another process has it; who has it already has it for so long from now on.</summary>
    /// <param name="writer">A number no other process uses.</param>
    /// <param name="forAtMost">When it ends if it is not given back; 1 ms at least.</param>
    /// <returns>Zero: it is this process's turn. Else how long another one has it at most.</returns>
    /// <exception cref="StoreUnavailableException">The store did not answer within its limits.</exception>
    Task<TimeSpan> TakeAsync(ulong writer, TimeSpan forAtMost, CancellationToken cancel);

    /// <summary>How long another process has the turn at most; zero: nobody else has it.</summary>
    /// <inheritdoc cref="TakeAsync" path="/exception"/>
    Task<TimeSpan> LeftAsync(ulong writer, CancellationToken cancel);

    /// <summary>Ends the turn of this process, if it has it.</summary>
    /// <inheritdoc cref="TakeAsync" path="/exception"/>
    Task GiveBackAsync(ulong writer, CancellationToken cancel);
}
