namespace ScrmStream.Events;

/// <summary>UTF-8 text inside an <see cref="EventBatch"/>'s buffer. A negative length means "absent".</summary>
public readonly record struct TextRange
{
    // One number, so that it travels in a register: two halves that are stored apart and read together cost a processor a dozen cycles.
    private readonly ulong _packed;

    public TextRange(int start, int length) => _packed = (uint)start | (ulong)(uint)length << 32;

    public static TextRange Absent => new(0, -1);

    public int Start => (int)_packed;

    public int Length => (int)(_packed >> 32);

    public bool IsPresent => Length >= 0;

    /// <summary>The bytes; empty when absent.</summary>
    public ReadOnlySpan<byte> In(byte[] buffer) => Length <= 0 ? default : buffer.AsSpan(Start, Length);
}
