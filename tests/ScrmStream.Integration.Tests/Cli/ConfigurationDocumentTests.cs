using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using ScrmStream.Host.Settings;

namespace ScrmStream.Integration.Cli;

/// <summary>docs/operations/configuration.md says what the options classes say.</summary>
public sealed class ConfigurationDocumentTests
{
    private static readonly Dictionary<string, string> Documented = ReadDocument();

    [Fact]
    public void Document_Settings_AreExactlyThoseOfTheOptionsClasses()
    {
        var declared = Settings(new HostSettings(), "").Select(s => s.Name).Order(StringComparer.Ordinal);
        Assert.Equal(declared, Documented.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Document_Defaults_AreThoseOfTheOptionsClasses() =>
        Assert.All(Settings(new HostSettings(), ""), setting =>
            Assert.Equal((setting.Name, Text(setting.Default)), (setting.Name, Documented[setting.Name])));

    private static IEnumerable<(string Name, object? Default)> Settings(object options, string prefix)
    {
        foreach (var property in options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.SetMethod?.IsPublic == true))
        {
            var value = property.GetValue(options);
            var isSection = property.PropertyType.IsClass
                && property.PropertyType.Namespace!.StartsWith("ScrmStream", StringComparison.Ordinal);
            if (!isSection) yield return (prefix + property.Name, value);
            else foreach (var setting in Settings(value!, $"{prefix}{property.Name}:")) yield return setting;
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "none",
        "" => "empty",
        string text => text,
        bool flag => flag ? "true" : "false",
        TimeSpan { Days: > 0 } span => span.ToString(@"d\.hh\:mm\:ss\.fff", CultureInfo.InvariantCulture),
        TimeSpan span => span.ToString(@"hh\:mm\:ss\.fff", CultureInfo.InvariantCulture),
        ICollection { Count: 0 } => "empty",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new NotSupportedException($"A default of type {value.GetType()}."),
    };

    // Rows of the form | `Name` | default | range | effect |
    private static Dictionary<string, string> ReadDocument() =>
        File.ReadLines(ScrmProcess.InCheckout("docs/operations/configuration.md"))
            .Select(line => Regex.Match(line, @"^\| `([\w:]+)` \| (.*?) \| .* \| .*\|$"))
            .Where(m => m.Success)
            .ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
}
