using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace ScrmStream.Tests.Tidy;

/// <summary>Where things lie and what may use what: style rules 1 and 5.</summary>
public sealed partial class LayoutTests
{
    private static readonly string[] Required =
    [
        "ScrmStream.sln", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docker-compose.kafka.yml", "scrm", "nuget.config",
        "Directory.Build.props", "Directory.Packages.props", "BannedSymbols.txt", ".editorconfig", ".gitattributes", ".gitignore",
        ".ci/run", "eng", "schemas/events", "schemas/redis", "schemas/clickhouse", "schemas/rules", "schemas/mappings",
        "docs/ARCHITECTURE.md", "docs/STYLE.md", "docs/guarantees.md", "docs/internals", "docs/operations", "docs/decisions",
        "benchmarks/README.md",
    ];

    private static readonly Dictionary<string, string[]> Projects = new()
    {
        ["src"] = ["ScrmStream.ClickHouse", "ScrmStream.Core", "ScrmStream.Host", "ScrmStream.Kafka", "ScrmStream.Redis"],
        ["tests"] = ["ScrmStream.Core.Tests", "ScrmStream.Integration.Tests", "ScrmStream.TestKit"],
        ["benchmarks"] = ["ScrmStream.Benchmarks", "ScrmStream.LoadTest"],
    };

    // In the order of the data: a folder uses only folders before it. Diagnostics may use and be used by all.
    private static readonly string[] CoreFolders = ["Events", "Identity", "Profiles", "Rules", "Pipeline"];

    private static readonly Dictionary<string, string[]> References = new()
    {
        ["ScrmStream.Core"] = [],
        ["ScrmStream.Kafka"] = ["ScrmStream.Core"],
        ["ScrmStream.Redis"] = ["ScrmStream.Core"],
        ["ScrmStream.ClickHouse"] = ["ScrmStream.Core"],
        ["ScrmStream.Host"] = ["ScrmStream.ClickHouse", "ScrmStream.Core", "ScrmStream.Kafka", "ScrmStream.Redis"],
        ["ScrmStream.TestKit"] = ["ScrmStream.Core"],
    };

    [Fact]
    public void Repository_HasItsFilesAndFolders() =>
        Violations.AssertNone(Required.Where(path => !Repository.Exists(path)).Select(path => $"{path}: is missing"));

    [Fact]
    public void Projects_AreTheKnownOnes_AndAreInTheSolution()
    {
        var solution = Repository.Files.Single(f => f.Path == "ScrmStream.sln").Text.Replace('\\', '/');
        foreach (var (folder, names) in Projects)
        {
            var found = Directory.GetDirectories(Repository.Full(folder)).Select(d => Path.GetFileName(d))
                .Where(d => (folder, d) != ("benchmarks", "results")).Order(StringComparer.Ordinal);
            Assert.Equal(names, found);
            Assert.All(names, name => Assert.Contains($"{folder}/{name}/{name}.csproj", solution));
        }
    }

    [Fact]
    public void Core_HasItsFoldersAndNoLooseFile()
    {
        var core = Repository.Full("src/ScrmStream.Core");
        var folders = Directory.GetDirectories(core).Select(d => Path.GetFileName(d)).Where(d => d is not ("bin" or "obj"));
        Assert.Equal(CoreFolders.Append("Diagnostics").Order(StringComparer.Ordinal), folders.Order(StringComparer.Ordinal));
        Assert.Empty(Directory.GetFiles(core, "*.cs"));
    }

    [Fact]
    public void CoreFolders_UseOnlyFoldersBeforeThem() => Violations.AssertNone(
        Repository.Sources.Where(f => f.IsIn("src/ScrmStream.Core")).SelectMany(UsesOfLaterFolders));

    [Fact]
    public void CoreFolders_UseOfALaterFolder_IsSeen()
    {
        var file = new RepositoryFile("src/ScrmStream.Core/Identity/A.cs",
            "using ScrmStream.Events;\nusing ScrmStream.Pipeline;\nclass A { Profiles.Shard s; /* Rules.B */ int x = o.Rules.Count; }");
        Assert.Equal([2, 3], UsesOfLaterFolders(file).Select(v => int.Parse(v.Split(':')[1])));
    }

    [Fact]
    public void References_PointOneWay()
    {
        foreach (var (project, allowed) in References)
        {
            var found = ReferencesOf(project, "ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r));
            Assert.Equal(allowed, found.Order(StringComparer.Ordinal));
        }
        // No package that talks to the world: two packings and a notation.
        Assert.Equal(["Snappier", "YamlDotNet", "ZstdSharp.Port"], ReferencesOf("ScrmStream.Core", "PackageReference"));
    }

    [Fact]
    public void Namespaces_FollowFolders() => Violations.AssertNone(Repository.Sources.SelectMany(f =>
    {
        var project = f.Path.Split('/')[1];
        var folders = string.Join('.', f.Path.Split('/')[2..^1]);
        var wanted = (project == "ScrmStream.Core" ? "ScrmStream" : project) + (folders.Length > 0 ? "." + folders : "");
        var said = FileScopedNamespace().Match(f.Code);
        var isRight = said.Success && said.Groups[1].Value == wanted;
        return isRight ? Array.Empty<string>() : [Violations.At(f, 1, $"has no \"namespace {wanted};\"")];
    }));

    [Fact]
    public void Interfaces_HaveTwoImplementations() => Violations.AssertNone(
        from source in Repository.Sources
        from declared in Interface().Matches(source.Code)
        let name = declared.Groups[1].Value
        let found = Repository.Sources.Sum(f => Implementations(f.Code, name))
        where found < 2
        select Violations.At(source, source.LineAt(declared.Index), $"{name} has {found} implementations in src; two make an interface"));

    [Fact]
    public void Implementations_AreCounted_ButNotUses()
    {
        const string code = "class A(int x, IPort port) : Base(x, F(1)), IPort { }\nclass B(Base b, IPort port);\n"
            + "record struct C<T> : IPort;\nclass D : IPorts;";
        Assert.Equal(2, Implementations(code, "IPort"));
    }

    [Fact]
    public void Scripts_CanBeRun()
    {
        if (OperatingSystem.IsWindows()) return;
        foreach (var path in new[] { "scrm", ".ci/run" })
            Assert.True(File.GetUnixFileMode(Repository.Full(path)).HasFlag(UnixFileMode.UserExecute), $"{path} is not executable");
    }

    private static int Implementations(string code, string port) =>
        BaseList().Matches(code).Count(m => Regex.IsMatch(m.Groups["bases"].Value, $@"\b{port}\b"));

    private static IEnumerable<string> UsesOfLaterFolders(RepositoryFile file)
    {
        var own = Array.IndexOf(CoreFolders, file.Path.Split('/')[2]);
        if (own < 0) yield break;
        var later = string.Join('|', CoreFolders[(own + 1)..]);
        if (later.Length == 0) yield break;
        // By a using line, or by a name that starts with the folder's.
        foreach (Match use in Regex.Matches(file.Code, $@"(?<![\w.])(ScrmStream\.)?({later})(?=\.[A-Z]|\s*;)"))
            yield return Violations.At(file, file.LineAt(use.Index), $"uses {use.Value}, which comes later");
    }

    private static IEnumerable<string> ReferencesOf(string project, string kind)
    {
        var file = Repository.Files.Single(f => f.Path.EndsWith($"/{project}.csproj", StringComparison.Ordinal));
        return XDocument.Parse(file.Text).Descendants(kind).Select(r => r.Attribute("Include")!.Value);
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex FileScopedNamespace();

    // What stands behind the colon of a type; parameters in balanced parentheses may come before it.
    [GeneratedRegex(@"\b(?:class|struct|record)\s+(?!struct|class)\w+(?:<[^>]*>)?\s*"
        + @"(?:\((?>[^()]+|\((?<open>)|\)(?<-open>))*(?(open)(?!))\))?\s*:\s*(?<bases>[^{;]*)")]
    private static partial Regex BaseList();

    [GeneratedRegex(@"\binterface\s+(I[A-Z]\w*)")]
    private static partial Regex Interface();
}
