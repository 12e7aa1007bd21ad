namespace ScrmStream.Events;

/// <summary>UTF-8 text inside an <see cref="EventBatch"/>'s buffer. A negative length means "absent".</summary>
public readonly record struct TextRange(int Start, int Length)
{
    public static readonly TextRange Absent = new(0, -1);

    public bool IsPresent => Length >= 0;

    /// <summary>The bytes; empty when absent.</summary>
    public ReadOnlySpan<byte> In(byte[] buffer) => Length <= 0 ? default : buffer.AsSpan(Start, Length);
}
