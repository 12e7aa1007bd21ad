using System.Text.RegularExpressions;

namespace ScrmStream.Tests.Tidy;

/// <summary>Words that must not be there, and declarations that must be as agreed: style rules 1, 4, 5 and 13.</summary>
public sealed partial class WordingTests
{
    private static readonly Regex NoNoun = NoNounWord();

    // This folder names what it forbids.
    private static IEnumerable<RepositoryFile> OtherFiles => Repository.Files.Where(f => !f.IsIn("tests/ScrmStream.Core.Tests/Tidy"));

    [Fact]
    public void Names_OfFoldersAndTypes_AreNouns()
    {
        var folders = Repository.Files.Select(f => f.Folder).Distinct()
            .Where(d => d.Split('/').Any(NoNoun.IsMatch)).Select(d => $"{d}:1: folder name says nothing");
        var types = from file in Repository.Code
                    from type in DeclaredType().Matches(file.Code)
                    where NoNoun.IsMatch(type.Groups[1].Value)
                    select Violations.At(file, file.LineAt(type.Index), $"type name {type.Groups[1].Value} says nothing");
        Violations.AssertNone(folders.Concat(types));
    }

    [Theory]
    [InlineData("FileUtils", true)]
    [InlineData("Common", true)]
    [InlineData("SessionManager", true)]
    [InlineData("Abstractions", true)]
    [InlineData("CommonName", false)]
    [InlineData("ManagedMemory", false)]
    public void Names_ThatSayNothing_AreSeen(string name, bool isSeen) => Assert.Equal(isSeen, NoNoun.IsMatch(name));

    [Fact]
    public void Nothing_IsLeftForLater() => Violations.AssertNone(Find(OtherFiles, LeftForLater(), "is left for later"));

    [Fact]
    public void Nothing_NamesTheMachineItWasMadeOn()
    {
        Violations.AssertNone(Find(OtherFiles, MachinePath(), "is a path of one machine"));
        Violations.AssertNone(Find(OtherFiles, RegistryHost(), "names a package registry"));
        var configurations = OtherFiles.Where(f => PackageConfiguration().IsMatch(f.Path));
        Violations.AssertNone(Find(configurations, Address(), "binds the packages to an address"));
    }

    [Theory]
    [InlineData("cd /work/main", true)]
    [InlineData("\"/root/.nuget\"", true)]
    [InlineData("(/tmp/h-x/a)", true)]
    [InlineData("$state/work/x", false)]
    [InlineData("docs/work/x", false)]
    public void Paths_OfOneMachine_AreSeen(string text, bool isSeen) => Assert.Equal(isSeen, MachinePath().IsMatch(text));

    [Fact]
    public void Classes_AreSealedStaticOrAbstract() => Violations.AssertNone(
        from file in Repository.Sources
        from type in OpenClass().Matches(file.Code)
        where !Closed().IsMatch(type.Groups[1].Value)
        select Violations.At(file, file.LineAt(type.Groups[3].Index), $"{type.Groups[3].Value} is neither sealed, static nor abstract"));

    [Fact]
    public void Classes_ThatAreOpen_AreSeen()
    {
        const string code = "public class A;\npublic sealed class B;\ninternal partial record C(int X);\n"
            + "public readonly record struct D(int X);\nprivate static class E;";
        var open = OpenClass().Matches(code).Where(m => !Closed().IsMatch(m.Groups[1].Value));
        Assert.Equal(["A", "C"], open.Select(m => m.Groups[3].Value));
    }

    [Fact]
    public void LogEvents_HaveIdsOfTheirOwn()
    {
        var events = (from file in Repository.Sources
                      from declared in LogEvent().Matches(file.Text)
                      let place = Violations.At(file, file.LineAt(declared.Index), "")
                      select (Id: int.Parse(declared.Groups[1].Value), Place: place)).ToList();
        Assert.NotEmpty(events);
        Violations.AssertNone(events.GroupBy(e => e.Id).Where(g => g.Count() > 1)
            .Select(g => $"{string.Concat(g.Select(e => e.Place))} log event id {g.Key} is used {g.Count()} times"));
    }

    private static IEnumerable<string> Find(IEnumerable<RepositoryFile> files, Regex what, string why) =>
        from file in files
        from found in what.Matches(file.Text)
        select Violations.At(file, file.LineAt(found.Index), $"\"{found.Value}\" {why}");

    [GeneratedRegex(@"(Utils?|Utilit(y|ies)|Common|Helpers?|Managers?|Abstractions?)$")]
    private static partial Regex NoNounWord();

    [GeneratedRegex(@"\b(?:class|struct|record|interface|enum)\s+(?!struct|class)([A-Z]\w*)")]
    private static partial Regex DeclaredType();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|NotImplementedException)\b")]
    private static partial Regex LeftForLater();

    [GeneratedRegex(@"(?<![\w.$}/-])/(work|root|home/\w+|tmp/h-\w+)/")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"registry\.npmjs|api\.nuget\.org|deb\.debian\.org|pypi\.org|registry\.yarnpkg", RegexOptions.IgnoreCase)]
    private static partial Regex RegistryHost();

    [GeneratedRegex(@"(^|/)(nuget\.config|\.npmrc|\.yarnrc|pip\.conf|[\w.-]*lock\.json|yarn\.lock)$", RegexOptions.IgnoreCase)]
    private static partial Regex PackageConfiguration();

    [GeneratedRegex(@"https?://[^\s""']+")]
    private static partial Regex Address();

    // Modifiers, then class or record; a record struct is a value and cannot be derived from.
    [GeneratedRegex(@"^[ \t]*((?:(?:public|internal|private|protected|sealed|static|abstract|partial|file|unsafe|new|readonly)\s+)+)"
        + @"(class|record(?:\s+class)?)\s+(?!struct\b)(\w+)", RegexOptions.Multiline)]
    private static partial Regex OpenClass();

    [GeneratedRegex(@"\b(sealed|static|abstract)\b")]
    private static partial Regex Closed();

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:EventId\s*=\s*)?(\d+)")]
    private static partial Regex LogEvent();
}
