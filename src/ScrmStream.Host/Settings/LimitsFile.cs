using System.Text;
using System.Text.Json;
using ScrmStream.Identity;

namespace ScrmStream.Host.Settings;

/// <summary>
/// Other limits of identity, as a configuration file has them under <c>Pipeline:Identity</c>; what it does not name stays as it is. Only
/// what can be told from stored events may be in it: which values are junk and how they are written was decided before they were stored.
/// </summary>
public static class LimitsFile
{
    private const string Section = "Pipeline:Identity";

    private static readonly string[] Limits =
        [nameof(IdentityOptions.ContactValuesMax), nameof(IdentityOptions.Kinds), nameof(IdentityOptions.NeighboursMax),
            nameof(IdentityOptions.RawComponentMax)];

    // As the configuration itself reads JSON.
    private static readonly JsonReaderOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The settings with the file's limits on top.</summary>
    /// <param name="load">Loads the settings with one more configuration file on top of all others.</param>
    /// <exception cref="SettingsException">The file is wrong; the message has file, line and what to do.</exception>
    public static HostSettings Apply(string file, Func<string, HostSettings> load)
    {
        var lines = Read(file);
        try
        {
            return load(file);
        }
        catch (SettingsException e)
        {
            // Its own settings are what can be wrong now, and a message names the one that is.
            var line = lines.Where(l => e.Message.Contains(l.Key, StringComparison.OrdinalIgnoreCase)
                    || e.Message.Contains(l.Key["Pipeline:".Length..], StringComparison.OrdinalIgnoreCase))
                .OrderByDescending(l => l.Key.Length).Select(l => l.Value).FirstOrDefault(1);
            throw new SettingsException($"{file}:{line}: {e.Message}");
        }
    }

    // Of each setting of identity the line that it stands in.
    private static Dictionary<string, int> Read(string file)
    {
        if (!File.Exists(file)) throw new SettingsException($"--limits: there is no file {file}.");
        var lines = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        try
        {
            Walk(File.ReadAllBytes(file), (path, line) =>
            {
                if (path.StartsWith($"{Section}:", StringComparison.OrdinalIgnoreCase)) lines.TryAdd(path, line);
            });
        }
        catch (JsonException e)
        {
            throw new SettingsException($"{file}:{e.LineNumber + 1}: this is not JSON: {e.Message.Split(" LineNumber", 2)[0]}");
        }
        foreach (var (path, line) in lines)
        {
            var setting = path[(Section.Length + 1)..].Split(':')[0];
            if (!Limits.Contains(setting, StringComparer.OrdinalIgnoreCase))
                throw new SettingsException($"{file}:{line}: {Section}:{setting} is no limit that can be simulated; leave it out. "
                    + $"There are {string.Join(", ", Limits)}.");
        }
        if (lines.Count == 0)
            throw new SettingsException($"{file}:1: no limit of identity is in it; give {string.Join(", ", Limits)} of {Section}, as in "
                + """{ "Pipeline": { "Identity": { "ContactValuesMax": 5 } } }.""");
        return lines;
    }

    private static void Walk(ReadOnlySpan<byte> json, Action<string, int> found)
    {
        if (json.StartsWith(Encoding.UTF8.Preamble)) json = json[Encoding.UTF8.Preamble.Length..];
        var reader = new Utf8JsonReader(json, Lenient);
        var names = new List<string>();
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName) continue;
            // The depth of a property is how many names it takes to come to it; what is in a list has none of its own.
            if (names.Count >= reader.CurrentDepth) names.RemoveRange(reader.CurrentDepth - 1, names.Count - reader.CurrentDepth + 1);
            names.Add(reader.GetString()!);
            found(string.Join(':', names), json[..(int)reader.TokenStartIndex].Count((byte)'\n') + 1);
        }
    }
}
