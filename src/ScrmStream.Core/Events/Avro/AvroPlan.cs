namespace ScrmStream.Events.Avro;

/// <summary>What one step of a plan does with the next bytes of a datum.</summary>
internal enum AvroOp : byte
{
    End, Jump, Fail, Optional, Union, Skip, Text, OptionalText, ConstantText, Int, Long, Scaled, ConstantLong, Depth, ConstantDepth,
    Boolean, ConstantBoolean, Channel, ConstantChannel, Identifiers, Properties,
}

/// <summary>One instruction.</summary>
/// <param name="Absent">Of the optional ones: the byte that says null. Of all others no byte: <see cref="NeverAbsent"/>.</param>
/// <param name="Offset">Where the value goes: bytes behind the start of the event or identifier that is being filled.</param>
/// <param name="Field">Index of the field's name, for messages.</param>
/// <param name="Argument">
/// By operation: the step to go on at (of the optional ones: when they are absent), a table's index, a constant, a divisor.
/// </param>
/// <param name="Max">By operation: bytes of a text, branches of a union, least bytes of an item.</param>
internal readonly record struct AvroStep(AvroOp Op, short Absent, ushort Offset, short Field, int Argument, int Max)
{
    public const short NeverAbsent = 256;
}

/// <summary>How the writer's value of a property becomes ours.</summary>
internal enum AvroValueKind : byte { Text, Int, Long, IntAsDouble, LongAsDouble, Float, Double, Boolean, Null, Unusable }

/// <summary>The values of a map of properties: one kind, or one for each branch of a union.</summary>
internal sealed record AvroValues(bool IsUnion, AvroValueKind[] Kinds);

/// <summary>The symbols of the writer's enum of channels; <see cref="Channel.None"/> stands for one that we do not have.</summary>
internal sealed record AvroChannels(Channel[] Known, byte[][] Words, Channel Unknown);

/// <summary>How bytes that nobody reads are passed over.</summary>
internal enum AvroSkipKind : byte { Bytes, Varint, Length, Sequence, Items, Entries, Union }

/// <summary>A node of the writer's schema, for passing over.</summary>
/// <param name="First">Index of the first child's number.</param>
/// <param name="Count">Children; of <see cref="AvroSkipKind.Bytes"/> the bytes.</param>
/// <param name="BytesMin">No such value is shorter. Zero: all of them take no bytes.</param>
internal readonly record struct AvroSkip(AvroSkipKind Kind, int First, int Count, int BytesMin);

/// <summary>
/// How the bytes of one writer's schema become canonical events: resolved once, by the rules of the specification, into flat arrays
/// that <see cref="AvroEventDecoder"/> walks. Immutable; used by all decode lanes.
/// </summary>
public sealed class AvroPlan
{
    internal AvroPlan()
    {
    }

    /// <summary>CRC-64-AVRO of the writer's schema.</summary>
    public ulong Fingerprint { get; init; }

    internal AvroStep[] Steps { get; init; } = [];
    internal int[] Targets { get; init; } = [];
    /// <summary>Identifiers are written as in the canonical schema: kind, scope, value, verified, none of them optional.</summary>
    internal bool HasPlainIdentifiers { get; init; }
    internal string[] Fields { get; init; } = [];
    internal string[] Messages { get; init; } = [];
    internal byte[][] Texts { get; init; } = [];
    internal long[] Numbers { get; init; } = [];
    internal AvroChannels[] Channels { get; init; } = [];
    internal AvroValues[] Values { get; init; } = [];
    internal AvroSkip[] Skips { get; init; } = [];
    internal int[] SkipChildren { get; init; } = [];
    /// <summary>The whole datum, for passing over it.</summary>
    internal int SkipRoot { get; init; }
}
