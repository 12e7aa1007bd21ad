using System.Buffers.Binary;
using System.Globalization;

namespace ScrmStream.Events.Avro;

/// <summary>By what a frame names its schema.</summary>
public enum SchemaRefKind : byte { None, Id, Guid, Fingerprint }

/// <summary>A schema as frames name it: a registry's number or GUID, or the CRC-64-AVRO fingerprint.</summary>
public readonly record struct SchemaRef(SchemaRefKind Kind, UInt128 Value)
{
    private const int IdBytes = 5, GuidBytes = 17, SingleObjectBytes = 10;

    public static SchemaRef OfId(int id) => new(SchemaRefKind.Id, (UInt128)(uint)id);

    public static SchemaRef OfFingerprint(ulong fingerprint) => new(SchemaRefKind.Fingerprint, fingerprint);

    /// <summary>Reads the frame before a datum: <c>C3 01</c> and a fingerprint, 0 and an id, or 1 and a GUID.</summary>
    /// <returns>The frame's length; 0: there is none.</returns>
    public static int Read(ReadOnlySpan<byte> value, out SchemaRef schema)
    {
        schema = default;
        if (value.IsEmpty) return 0;
        switch (value[0])
        {
            case 0xc3 when value.Length >= SingleObjectBytes && value[1] == 1:
                schema = OfFingerprint(BinaryPrimitives.ReadUInt64LittleEndian(value[2..]));
                return SingleObjectBytes;
            case 0 when value.Length >= IdBytes:
                schema = OfId(BinaryPrimitives.ReadInt32BigEndian(value[1..]));
                return IdBytes;
            case 1 when value.Length >= GuidBytes:
                schema = new SchemaRef(SchemaRefKind.Guid, BinaryPrimitives.ReadUInt128BigEndian(value[1..]));
                return GuidBytes;
            default:
                return 0;
        }
    }

    /// <summary>Writes the frame of single-object encoding; returns its length, 10 bytes.</summary>
    public static int WriteSingleObject(Span<byte> target, ulong fingerprint)
    {
        (target[0], target[1]) = (0xc3, 1);
        BinaryPrimitives.WriteUInt64LittleEndian(target[2..], fingerprint);
        return SingleObjectBytes;
    }

    /// <summary>Writes the frame of a registry's number; returns its length, 5 bytes.</summary>
    public static int WriteId(Span<byte> target, int id)
    {
        target[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(target[1..], id);
        return IdBytes;
    }

    /// <summary>The number in decimal, the GUID with dashes, or the fingerprint as 16 hexadecimal digits.</summary>
    public string Word => Kind switch
    {
        SchemaRefKind.Id => ((int)(uint)Value).ToString(CultureInfo.InvariantCulture),
        SchemaRefKind.Guid => GuidText(Value),
        _ => ((ulong)Value).ToString("x16", CultureInfo.InvariantCulture),
    };

    public override string ToString() => $"{Kind.ToString().ToLowerInvariant()} {Word}";

    private static string GuidText(UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
