using System.Globalization;
using ScrmStream.Events.Avro;

namespace ScrmStream.Pipeline.Files;

/// <summary>
/// A folder as schema registry: every file <c>*.avsc</c> is found by its fingerprint, <c>42.avsc</c> also by the number 42, and one that
/// is named by a GUID also by that. The folder is looked through again for each schema that is not known yet. Thread safe.
/// </summary>
public sealed class FolderSchemas(string folder) : ISchemaSource
{
    private const int FilesMax = 10_000;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, KnownFile> _files = new(StringComparer.Ordinal);

    private sealed record KnownFile(DateTime WrittenAt, long Length, string Text, ulong? Fingerprint);

    /// <exception cref="StoreUnavailableException">The folder cannot be read.</exception>
    public ValueTask<WrittenSchema?> FindAsync(SchemaRef schema, CancellationToken cancel)
    {
        lock (_gate)
        {
            LookThrough();
            var found = schema.Kind == SchemaRefKind.Fingerprint
                ? _files.Values.FirstOrDefault(file => file.Fingerprint == (ulong)schema.Value)
                : _files.GetValueOrDefault($"{schema.Word}.avsc");
            return ValueTask.FromResult(found is null ? null : new WrittenSchema(SchemaLanguage.Avro, found.Text));
        }
    }

    /// <summary>The number of a schema; one that has none gets the next.</summary>
    /// <exception cref="StoreUnavailableException">The folder cannot be written.</exception>
    /// <exception cref="AvroSchemaException">The text is no schema.</exception>
    public int NumberOf(string text)
    {
        var fingerprint = SchemaCatalog.FingerprintOf(text);
        lock (_gate)
        {
            while (true)
            {
                LookThrough();
                var numbered = _files.Select(file => (Number: NumberIn(file.Key), file.Value.Fingerprint))
                    .Where(f => f.Number > 0).ToList();
                var known = numbered.Where(f => f.Fingerprint == fingerprint).Select(f => f.Number).DefaultIfEmpty(0).Min();
                if (known > 0) return known;
                // Another process may take the number first; then the next look finds it.
                TryWrite($"{numbered.Select(f => f.Number).DefaultIfEmpty(0).Max() + 1}.avsc", text);
            }
        }
    }

    private static int NumberIn(string name) =>
        int.TryParse(Path.GetFileNameWithoutExtension(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private void LookThrough()
    {
        try
        {
            var files = Directory.Exists(folder) ? new DirectoryInfo(folder).GetFiles("*.avsc") : [];
            if (files.Length > FilesMax) throw new IOException($"there are {files.Length} schemas, limit {FilesMax}");
            foreach (var gone in _files.Keys.Except(files.Select(file => file.Name)).ToList()) _files.Remove(gone);
            foreach (var file in files)
            {
                var isKnown = _files.TryGetValue(file.Name, out var known)
                    && known.WrittenAt == file.LastWriteTimeUtc && known.Length == file.Length;
                if (!isKnown) _files[file.Name] = Read(file);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable("read", e);
        }
    }

    private static KnownFile Read(FileInfo file)
    {
        var text = file.Length > AvroSchemaReader.TextBytesMax ? "" : File.ReadAllText(file.FullName);
        ulong? fingerprint = null;
        try
        {
            fingerprint = SchemaCatalog.FingerprintOf(text);
        }
        catch (AvroSchemaException)
        {
            // Found by its name all the same; then the records say what is wrong with it.
        }
        return new KnownFile(file.LastWriteTimeUtc, file.Length, text, fingerprint);
    }

    // Written beside it and moved there: a reader sees all of it or nothing.
    private void TryWrite(string name, string text)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var path = Path.Combine(folder, name);
            var next = $"{path}.{Environment.ProcessId}.next";
            File.WriteAllText(next, text);
            if (File.Exists(path)) File.Delete(next);
            else File.Move(next, path, overwrite: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable("written", e);
        }
    }

    private StoreUnavailableException Unavailable(string verb, Exception e) =>
        new($"The folder of schemas {folder} (setting Schemas:Folder) cannot be {verb}: {e.Message}", e);
}
