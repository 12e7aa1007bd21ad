using ScrmStream.Diagnostics;

namespace ScrmStream.Pipeline;

/// <summary>
/// This process's part in taking turns (docs/decisions/0030). Whoever has met conflicts in a row waits for the turn, reads again and
/// writes while others hold their flushes back; so everybody comes to an end, however often they meet. Owned by the deciding thread.
/// </summary>
/// <param name="turns">Null: nobody else writes, or it is not known whose turn it is.</param>
/// <param name="writer">A number no other process uses.</param>
public sealed class WriteTurn(ITurnStore? turns, ulong writer, TimeProvider time)
{
    // Whoever dies in his turn holds the others up for the rest of it.
    private static readonly TimeSpan ForMin = TimeSpan.FromSeconds(1), ForMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    // What the last turn took.
    private TimeSpan _took = TimeSpan.FromSeconds(1);
    private long _heldSince;

    /// <summary>It is this process's turn, or was, for it ends by itself.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>When this process took the turn, another one had had it: what was read before is stale.</summary>
    public bool WasTaken { get; private set; }

    /// <summary>Returns when it is this process's turn.</summary>
    /// <returns>False: there are no turns to take.</returns>
    public async ValueTask<bool> TakeAsync(CancellationToken cancel)
    {
        if (turns is null) return false;
        var forAtMost = _took * 2;
        forAtMost = forAtMost < ForMin ? ForMin : forAtMost > ForMax ? ForMax : forAtMost;
        for (WasTaken = false; await turns.TakeAsync(writer, forAtMost, cancel) is { Ticks: > 0 } left; WasTaken = true)
            await WaitAsync(left, cancel);
        if (!IsHeld) _heldSince = time.GetTimestamp();
        IsHeld = true;
        await Failpoints.PassAsync(Failpoint.TurnAfter);
        return true;
    }

    /// <summary>Returns when no other process has the turn.</summary>
    public async ValueTask LetOthersAsync(CancellationToken cancel)
    {
        if (turns is null || IsHeld) return;
        while (await turns.LeftAsync(writer, cancel) is { Ticks: > 0 } left) await WaitAsync(left, cancel);
    }

    /// <summary>Lets the next process have its turn.</summary>
    public async ValueTask EndAsync(CancellationToken cancel)
    {
        if (turns is null || !IsHeld) return;
        IsHeld = false;
        _took = time.GetElapsedTime(_heldSince);
        await turns.GiveBackAsync(writer, cancel);
    }

    private Task WaitAsync(TimeSpan left, CancellationToken cancel) => Task.Delay(left < Look ? left : Look, time, cancel);
}
