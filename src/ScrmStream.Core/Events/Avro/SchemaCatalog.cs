using System.Collections.Concurrent;
using System.Text;

namespace ScrmStream.Events.Avro;

/// <summary>What is known of a schema: a plan, or why its records cannot be read.</summary>
internal sealed record SchemaEntry(AvroPlan? Plan, bool IsJson, RejectReason Reason, string Refusal)
{
    /// <summary>When it is asked for again, a timestamp of the clock; null: never.</summary>
    public long? StaleAt { get; init; }
}

/// <summary>
/// The writers' schemas of a process, each compiled once into a plan: the canonical one, those of files that are being read, and, up to a
/// limit, those that its sources gave. Thread safe; decode lanes look up, and fetch what is missing.
/// </summary>
public sealed class SchemaCatalog
{
    /// <summary>The text of <c>schemas/events/tracking-event.v1.avsc</c>.</summary>
    public static string CanonicalText { get; } = ReadCanonical();

    private readonly ConcurrentDictionary<SchemaRef, SchemaEntry> _known = [];
    private readonly ConcurrentQueue<SchemaRef> _fetched = new();
    private readonly EventLimits _limits;
    private readonly IReadOnlyList<ISchemaSource> _sources;
    private readonly TimeProvider _time;
    private readonly AvroSchema _reader;
    private readonly int _knownMax;
    private readonly long _unknownFor;

    /// <param name="sources">Asked in this order.</param>
    /// <exception cref="AvroSchemaException">The reader's schema of the options is none, or not one of events.</exception>
    public SchemaCatalog(EventLimits limits, SchemaOptions options, IReadOnlyList<ISchemaSource> sources, TimeProvider time)
    {
        (_limits, _sources, _time) = (limits, sources, time);
        _knownMax = options.KnownMax;
        _unknownFor = options.UnknownForMs * time.TimestampFrequency / 1000;
        _reader = AvroSchemaReader.Read(options.Reader is { } file ? File.ReadAllText(file) : CanonicalText);
        // A reader's schema reads its own data; one that does not fit the event fails here.
        AvroPlanCompiler.Compile(_reader, _reader, limits);
        CanonicalFingerprint = Add(CanonicalText);
    }

    /// <summary>Only the canonical schema and those of files.</summary>
    public SchemaCatalog(EventLimits limits) : this(limits, new SchemaOptions(), [], TimeProvider.System)
    {
    }

    public ulong CanonicalFingerprint { get; }

    /// <summary>Fingerprint of a schema's text.</summary>
    /// <exception cref="AvroSchemaException">It is no schema.</exception>
    public static ulong FingerprintOf(string text) => AvroFingerprint.Of(AvroSchemaReader.Read(text));

    /// <summary>Keeps a schema for good; returns its fingerprint. Whether its data are events, their records will say.</summary>
    /// <exception cref="AvroSchemaException">It is no schema.</exception>
    public ulong Add(string text)
    {
        var schema = AvroSchemaReader.Read(text);
        var fingerprint = AvroFingerprint.Of(schema);
        _known[SchemaRef.OfFingerprint(fingerprint)] = EntryOf(schema);
        return fingerprint;
    }

    /// <summary>False: it has to be fetched first.</summary>
    internal bool TryGet(SchemaRef schema, out SchemaEntry entry) =>
        _known.TryGetValue(schema, out entry!) && (entry.StaleAt is not { } staleAt || _time.GetTimestamp() < staleAt);

    /// <summary>Asks the sources; after that <see cref="TryGet"/> knows the schema, or that nobody does.</summary>
    public async ValueTask FetchAsync(SchemaRef schema, CancellationToken cancel)
    {
        WrittenSchema? written = null;
        for (var i = 0; i < _sources.Count && written is null; i++) written = await _sources[i].FindAsync(schema, cancel);
        Keep(schema, written is null ? Unknown(schema) : EntryOf(written));
    }

    private SchemaEntry Unknown(SchemaRef schema)
    {
        var asked = _sources.Count == 0
            ? "; no registry and no folder is configured (Schemas:Registry, Schemas:Folder)"
            : "; put it where the settings look (Schemas:Folder, Schemas:Registry)";
        return Refused(RejectReason.UnknownSchema, $"the schema with the {schema} is not known{asked}") with
        {
            StaleAt = _time.GetTimestamp() + _unknownFor,
        };
    }

    private SchemaEntry EntryOf(WrittenSchema written)
    {
        if (written.Language == SchemaLanguage.Json) return new SchemaEntry(null, IsJson: true, default, "");
        if (written.Language != SchemaLanguage.Avro)
            return Refused(RejectReason.UnsupportedFormat, "the schema is neither an Avro nor a JSON schema");
        try
        {
            return EntryOf(AvroSchemaReader.Read(written.Texts));
        }
        catch (AvroSchemaException e)
        {
            return Refused(RejectReason.IncompatibleSchema, e.Message);
        }
    }

    private SchemaEntry EntryOf(AvroSchema writer)
    {
        try
        {
            return new SchemaEntry(AvroPlanCompiler.Compile(writer, _reader, _limits), IsJson: false, default, "");
        }
        catch (AvroSchemaException e)
        {
            return Refused(RejectReason.IncompatibleSchema, e.Message);
        }
    }

    private static SchemaEntry Refused(RejectReason reason, string why) => new(null, IsJson: false, reason, why);

    private void Keep(SchemaRef schema, SchemaEntry entry)
    {
        if (_known.TryAdd(schema, entry)) _fetched.Enqueue(schema);
        else _known[schema] = entry;
        while (_fetched.Count > _knownMax && _fetched.TryDequeue(out var oldest)) _known.TryRemove(oldest, out _);
    }

    private static string ReadCanonical()
    {
        using var stream = typeof(SchemaCatalog).Assembly.GetManifestResourceStream("events/tracking-event.v1.avsc")!;
        return new StreamReader(stream, Encoding.UTF8).ReadToEnd();
    }
}
