using Microsoft.Extensions.Logging;
using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka.Schemas;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Host.Running;

/// <summary>The writers' schemas of a run.</summary>
internal static class RunSchemas
{
    /// <summary>The catalogue over all that the settings name: the folder first, for it costs no request.</summary>
    /// <param name="keep">Takes what is to be disposed at the end.</param>
    public static SchemaCatalog Connect(HostSettings settings, ILoggerFactory logs, Action<IDisposable> keep)
    {
        List<ISchemaSource> sources = [];
        if (settings.Schemas.Folder is { Length: > 0 } folder) sources.Add(new FolderSchemas(folder));
        if (settings.Schemas.Registry.Length > 0)
        {
            var registry = new SchemaRegistry(settings.Schemas, TimeProvider.System, logs.CreateLogger("Schemas"));
            keep(registry);
            sources.Add(registry);
        }
        return Open(settings.Pipeline.Limits, settings.Schemas, sources, TimeProvider.System);
    }

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
