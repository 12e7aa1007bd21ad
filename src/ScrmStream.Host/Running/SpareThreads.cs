namespace ScrmStream.Host.Running;

/// <summary>
/// Threads of the pool beside one per processor. Decoding, deciding and the encoding of rows keep theirs busy for long, and the pool adds
/// more of its own accord twice a second at most: without spare ones a store's answer waits that long for a thread
/// (docs/decisions/0035).
/// </summary>
internal static class SpareThreads
{
    private const int Count = 4;

    /// <summary>To be called once, when a process starts.</summary>
    public static void Provide()
    {
        ThreadPool.GetMinThreads(out _, out var ports);
        ThreadPool.SetMinThreads(Environment.ProcessorCount + Count, ports);
    }
}
