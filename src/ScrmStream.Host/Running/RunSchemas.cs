using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Running;

/// <summary>The writers' schemas of a run.</summary>
internal static class RunSchemas
{
    /// <exception cref="SettingsException">The reader's schema of the settings is none.</exception>
    public static SchemaCatalog Open(
        EventLimits limits, SchemaOptions options, IReadOnlyList<ISchemaSource> sources, TimeProvider time)
    {
        try
        {
            return new SchemaCatalog(limits, options, sources, time);
        }
        catch (AvroSchemaException e)
        {
            throw new SettingsException($"Schemas:Reader {options.Reader}: {e.Message}");
        }
    }
}
