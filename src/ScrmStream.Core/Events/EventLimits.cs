namespace ScrmStream.Events;

/// <summary>What one record and one event may hold. Settable at the edge, validated at start, then left alone.</summary>
public sealed class EventLimits
{
    /// <summary>Bytes of one record's value. Default 1 MiB, range 1 KiB to 64 MiB.</summary>
    public int RecordBytesMax { get; set; } = 1024 * 1024;
    /// <summary>Events of one record. Default 10,000, which no record of 1 MiB reaches with whole events; range 1 to 32,767.</summary>
    public int EventsPerRecordMax { get; set; } = 10_000;
    /// <summary>Nesting of JSON. Default 32, range 4 to 64.</summary>
    public int JsonDepthMax { get; set; } = 32;
    /// <summary>Properties of one event. Default 256, range 1 to 4,096.</summary>
    public int PropertiesMax { get; set; } = 256;
    /// <summary>UTF-8 bytes of a property's name, an event's name and the like. Default 128, range 16 to 1,024.</summary>
    public int KeyBytesMax { get; set; } = 128;
    /// <summary>UTF-8 bytes of any text value. Default 8 KiB, range 256 B to 32 KiB.</summary>
    public int ValueBytesMax { get; set; } = 8 * 1024;
    /// <summary>Identifiers named by one event. Default 16, range 1 to 64.</summary>
    public int IdentifiersMax { get; set; } = 16;
    /// <summary>UTF-8 bytes of an identifier's scope and of its value. Default 256, range 16 to 1,024.</summary>
    public int IdentifierBytesMax { get; set; } = 256;
    /// <summary>How far an event may lie ahead of its record's timestamp. Default 24 h.</summary>
    public TimeSpan EventTimeAheadMax { get; set; } = TimeSpan.FromHours(24);
    /// <summary>The earliest event time, Unix milliseconds. Default 1990-01-01.</summary>
    public long EventTimeMinMs { get; set; } = 631_152_000_000;

    /// <summary>
    /// The latest time an event or its receipt may carry, Unix milliseconds. Default 2200-01-01: beyond it lie milliseconds that are
    /// microseconds, and what the tables of analysts can hold.
    /// </summary>
    public long EventTimeMaxMs { get; set; } = 7_258_118_400_000;

    /// <summary>Later events are left out, neither accepted nor rejected (a replay as of a time). Default: none are.</summary>
    public long NotAfterMs { get; set; } = long.MaxValue;

    /// <exception cref="ArgumentOutOfRangeException">A limit is outside its range; the message names it.</exception>
    public void Validate()
    {
        Check(RecordBytesMax, 1024, 64 * 1024 * 1024, nameof(RecordBytesMax));
        Check(EventsPerRecordMax, 1, short.MaxValue, nameof(EventsPerRecordMax));
        Check(JsonDepthMax, 4, 64, nameof(JsonDepthMax));
        Check(PropertiesMax, 1, 4096, nameof(PropertiesMax));
        Check(KeyBytesMax, 16, 1024, nameof(KeyBytesMax));
        Check(ValueBytesMax, 256, 32 * 1024, nameof(ValueBytesMax));
        Check(IdentifiersMax, 1, 64, nameof(IdentifiersMax));
        Check(IdentifierBytesMax, 16, 1024, nameof(IdentifierBytesMax));
        if (EventTimeMinMs < 0 || EventTimeMaxMs <= EventTimeMinMs || EventTimeMaxMs > TableTimeMaxMs)
            throw new ArgumentOutOfRangeException(
                nameof(EventTimeMaxMs), EventTimeMaxMs,
                $"Pipeline:Limits:{nameof(EventTimeMinMs)}, {nameof(EventTimeMaxMs)} must be in this order, from 0 to {TableTimeMaxMs}.");
    }

    // The end of the year 2261, the last that a 64-bit count of nanoseconds reaches.
    private const long TableTimeMaxMs = 9_214_646_399_000;

    private static void Check(int value, int min, int max, string name)
    {
        if (value < min || value > max)
            throw new ArgumentOutOfRangeException(name, value, $"Pipeline:Limits:{name} must be from {min} to {max}.");
    }
}
