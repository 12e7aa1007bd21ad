namespace ScrmStream.Events.Avro;

/// <summary>What a schema's text is written in.</summary>
public enum SchemaLanguage : byte { Avro, Json, Foreign }

/// <summary>A schema as a source keeps it.</summary>
/// <param name="Texts">The schema last; before it, in order of their use, those that it refers to by name.</param>
public sealed record WrittenSchema(SchemaLanguage Language, params string[] Texts);

/// <summary>Where writers' schemas are found. Implementations: a schema registry over HTTP, a folder. Thread safe.</summary>
public interface ISchemaSource
{
    /// <summary>Looks a schema up. An outage is retried with growing pauses until it is over or the call is cancelled.</summary>
    /// <returns>Null when there is no such schema.</returns>
    ValueTask<WrittenSchema?> FindAsync(SchemaRef schema, CancellationToken cancel);
}
