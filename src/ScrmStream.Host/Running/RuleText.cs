using ScrmStream.Rules;

namespace ScrmStream.Host.Running;

/// <summary>A rule file as it was read.</summary>
public sealed record RuleText(string File, string Text)
{
    /// <exception cref="RuleFileException">It cannot be read.</exception>
    public static RuleText Read(string file) => new(file, RuleSet.ReadText(file));
}
