using System.Runtime.CompilerServices;

namespace ScrmStream.Tests.Tidy;

/// <summary>A file of the repository: its path from the root, with slashes, and its text.</summary>
public sealed record RepositoryFile(string Path, string Text)
{
    public string[] Lines { get; } = Text.Split('\n');

    /// <summary>The text without comments and texts; of C# only.</summary>
    public string Code => field ??= CodeMask.Of(Text);

    public string Folder => System.IO.Path.GetDirectoryName(Path)!.Replace('\\', '/');

    public bool IsCSharp => Path.EndsWith(".cs", StringComparison.Ordinal);

    public bool IsIn(string folder) => Path.StartsWith(folder + "/", StringComparison.Ordinal);

    /// <summary>The number of the line, from 1, that a place in the text lies in.</summary>
    public int LineAt(int index) => Text.AsSpan(0, index).Count('\n') + 1;
}

/// <summary>The checkout that the test lies in, as it is on the disk. Read once.</summary>
public static class Repository
{
    // What is built, installed or belongs to an editor; .gitignore names the same.
    private static readonly HashSet<string> Ignored =
        [".git", ".scrm", ".vs", ".idea", "artifacts", "bin", "obj", "node_modules", "TestResults", "BenchmarkDotNet.Artifacts"];

    private const long TextBytesMax = 4 * 1024 * 1024;

    public static string Root { get; } = FindRoot();

    /// <summary>Every text file, in order of path.</summary>
    public static IReadOnlyList<RepositoryFile> Files { get; } = [.. TextFiles(Root).OrderBy(f => f.Path, StringComparer.Ordinal)];

    /// <summary>C# files of the source projects.</summary>
    public static IEnumerable<RepositoryFile> Sources => Files.Where(f => f.IsCSharp && f.IsIn("src"));

    /// <summary>C# files of the source, test and benchmark projects.</summary>
    public static IEnumerable<RepositoryFile> Code =>
        Files.Where(f => f.IsCSharp && (f.IsIn("src") || f.IsIn("tests") || f.IsIn("benchmarks")));

    public static IEnumerable<RepositoryFile> Documents => Files.Where(f => f.Path.EndsWith(".md", StringComparison.Ordinal));

    public static bool Exists(string path) => File.Exists(Full(path)) || Directory.Exists(Full(path));

    public static string Full(string path) => Path.GetFullPath(Path.Combine(Root, path));

    // Upwards from the test assembly; from this file where the build's output lies outside the checkout.
    private static string FindRoot([CallerFilePath] string thisFile = "")
    {
        foreach (var start in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(thisFile)! })
        {
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
                if (File.Exists(Path.Combine(folder.FullName, "ScrmStream.sln"))) return folder.FullName;
        }
        throw new InvalidOperationException($"There is no ScrmStream.sln above {AppContext.BaseDirectory}.");
    }

    private static IEnumerable<RepositoryFile> TextFiles(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            if (new FileInfo(path).Length > TextBytesMax) continue;
            var text = File.ReadAllText(path);
            if (!text.Contains('\0')) yield return new RepositoryFile(Path.GetRelativePath(Root, path).Replace('\\', '/'), text);
        }
        foreach (var inner in Directory.EnumerateDirectories(folder).Where(d => !Ignored.Contains(Path.GetFileName(d))))
            foreach (var file in TextFiles(inner)) yield return file;
    }
}

/// <summary>What a tidy test found, each as <c>path:line: what</c>.</summary>
public static class Violations
{
    public static string At(RepositoryFile file, int line, string what) => $"{file.Path}:{line}: {what}";

    public static void AssertNone(IEnumerable<string> found)
    {
        var all = found.ToList();
        if (all.Count > 0) Assert.Fail($"{all.Count} found\n{string.Join('\n', all)}");
    }
}
