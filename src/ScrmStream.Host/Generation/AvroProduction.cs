using System.Buffers;
using ScrmStream.Events;
using ScrmStream.Events.Avro;

namespace ScrmStream.Host.Generation;

/// <summary>Turns the records of files into Avro records of the canonical schema, one event each. Used by one thread.</summary>
/// <param name="schemas">Has the schemas of the files that are read.</param>
/// <param name="frame">Stands before each datum and names the canonical schema.</param>
/// <param name="rowsToo">Rows of text become Avro too; else only the records of Avro files are.</param>
public sealed class AvroProduction(EventLimits limits, SchemaCatalog schemas, byte[] frame, bool rowsToo)
{
    private static readonly SourcePartition Row = new(Guid.Empty, "row", 0);
    private readonly RecordDecoder _decoder = new(limits, schemas);
    private readonly ArrayBufferWriter<byte> _value = new(1024);

    /// <summary>Avro files as single-object records, rows as they are.</summary>
    public static AvroProduction OfFiles(EventLimits limits)
    {
        var schemas = new SchemaCatalog(limits);
        return new AvroProduction(limits, schemas, SingleObjectFrame(schemas), rowsToo: false);
    }

    public static byte[] SingleObjectFrame(SchemaCatalog schemas)
    {
        var frame = new byte[10];
        SchemaRef.WriteSingleObject(frame, schemas.CanonicalFingerprint);
        return frame;
    }

    public static byte[] RegistryFrame(int id)
    {
        var frame = new byte[5];
        SchemaRef.WriteId(frame, id);
        return frame;
    }

    public bool RowsToo => rowsToo;

    public SchemaCatalog Schemas => schemas;

    /// <summary>The events of the last record, and what was wrong with it.</summary>
    public EventBatch Events { get; } = new(new RecordBatch(1, limits.RecordBytesMax));

    public void Read(ReadOnlySpan<byte> record)
    {
        Events.Clear();
        Events.Records.Add(Row, 0, -1, record);
        if (_decoder.Decode(Events) == 0)
            Events.Rejects.Add(new Reject(0, -1, RejectReason.UnknownSchema, $"the schema with the {_decoder.Missing} is not known"));
    }

    /// <summary>An event of the last record as the value of a record.</summary>
    public byte[] ValueOf(in TrackingEvent e)
    {
        _value.ResetWrittenCount();
        _value.Write(frame);
        AvroEventWriter.Write(Events, in e, _value);
        return _value.WrittenSpan.ToArray();
    }

    /// <summary>The value of its first identifier of that kind, else of its first identifier; null when it has none.</summary>
    public byte[]? KeyOf(in TrackingEvent e, IdentifierKind? kind)
    {
        var identifiers = Events.IdentifiersOf(in e);
        if (identifiers.IsEmpty) return null;
        var chosen = 0;
        for (var i = identifiers.Length - 1; i >= 0; i--)
        {
            if (identifiers[i].Kind == kind) chosen = i;
        }
        var text = Events.Text(identifiers[chosen].Text)[(identifiers[chosen].Kind.WordUtf8().Length + 1)..];
        return text[(text.IndexOf((byte)':') + 1)..].ToArray();
    }
}
