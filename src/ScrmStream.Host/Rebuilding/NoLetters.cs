using ScrmStream.Pipeline;

namespace ScrmStream.Host.Rebuilding;

/// <summary>What was rejected when it came is among the dead letters already.</summary>
internal sealed class NoLetters : IDeadLetterSink
{
    public Task WriteAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) => Task.CompletedTask;
}
