using ScrmStream.Diagnostics;

namespace ScrmStream.Pipeline;

/// <summary>
/// This process's part in taking turns (docs/decisions/0030). Whoever has met conflicts in a row waits for the turn, reads again and
/// writes while others hold their flushes back; so everybody comes to an end, however often they meet. A turn is a short lease that is
/// renewed while its process lives. Owned by the deciding thread.
/// </summary>
/// <param name="turns">Null: nobody else writes, or it is not known whose turn it is.</param>
/// <param name="writer">A number no other process uses.</param>
/// <param name="tasks">Runs what renews it.</param>
public sealed class WriteTurn(ITurnStore? turns, ulong writer, TimeProvider time, TaskFactory tasks)
{
    // Whoever dies in his turn, or is frozen, holds the others up for the rest of the lease.
    private static readonly TimeSpan Lease = TimeSpan.FromMilliseconds(1_500), RenewalPause = TimeSpan.FromMilliseconds(400);
    // Whoever lives and does not come to an end holds them up for so long.
    private static readonly TimeSpan RenewedMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private TaskCompletionSource _givenBack = new();
    private Task _renewal = Task.CompletedTask;

    /// <summary>It is this process's turn, or was, for it ends by itself.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>When this process took the turn, another one had had it: what was read before is stale.</summary>
    public bool WasTaken { get; private set; }

    /// <summary>Returns when it is this process's turn.</summary>
    /// <returns>False: there are no turns to take.</returns>
    public async ValueTask<bool> TakeAsync(CancellationToken cancel)
    {
        if (turns is null) return false;
        for (WasTaken = false; await turns.TakeAsync(writer, Lease, cancel) is { Ticks: > 0 } left; WasTaken = true)
            await WaitAsync(left, cancel);
        if (_renewal.IsCompleted) BeginRenewal(turns, cancel);
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
        _givenBack.TrySetResult();
        // A renewal that came after the return would be a turn of nobody.
        await _renewal.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await turns.GiveBackAsync(writer, cancel);
    }

    private void BeginRenewal(ITurnStore store, CancellationToken cancel)
    {
        _givenBack = new TaskCompletionSource();
        var givenBack = _givenBack.Task;
        _renewal = tasks.StartNew(() => RenewAsync(store, givenBack, cancel), cancel).Unwrap();
    }

    private async Task RenewAsync(ITurnStore store, Task givenBack, CancellationToken cancel)
    {
        for (var since = time.GetTimestamp(); time.GetElapsedTime(since) < RenewedMax;)
        {
            // A delay that is cancelled would go on in a thread of the pool.
            await Task.WhenAny(Task.Delay(RenewalPause, time, CancellationToken.None), givenBack);
            if (givenBack.IsCompleted || cancel.IsCancellationRequested) return;
            // It ended in spite of it, and another one has it now.
            if (await store.TakeAsync(writer, Lease, cancel) > TimeSpan.Zero) return;
        }
    }

    private Task WaitAsync(TimeSpan left, CancellationToken cancel) => Task.Delay(left < Look ? left : Look, time, cancel);
}
