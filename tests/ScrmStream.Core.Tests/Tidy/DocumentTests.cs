using System.Text.RegularExpressions;

namespace ScrmStream.Tests.Tidy;

/// <summary>Documents: links lead somewhere, files and types that are named exist, decisions have their parts. Style rule 14.</summary>
public sealed partial class DocumentTests
{
    private static readonly string[] DecisionHeadings = ["Context", "Choice", "Alternatives", "What would reverse it"];

    [Fact]
    public void Links_LeadSomewhere() => Violations.AssertNone(Repository.Documents.SelectMany(BrokenLinks));

    [Fact]
    public void Links_ThatAreBroken_AreSeen()
    {
        var document = new RepositoryFile("docs/x.md",
            "# A title\n[gone](nowhere.md) [up](../README.md) [here](#a-title) [off](#no-title) [far](https://example.org)\n"
            + "```\n[code](nowhere.md)\n```\n`[also](nowhere.md)`\n");
        Assert.Equal(["docs/x.md:2: leads nowhere: nowhere.md", "docs/x.md:2: leads nowhere: #no-title"], BrokenLinks(document));
    }

    [Fact]
    public void Paths_ThatAreNamed_Exist() => Violations.AssertNone(
        from document in Repository.Documents
        from named in NamedPath().Matches(Prose(document.Text, keepInlineCode: true))
        let path = named.Groups[1].Value
        where !Repository.Exists(path)
        select Violations.At(document, document.LineAt(named.Index), $"there is no {path}"));

    [Fact]
    public void Types_ThatAreNamed_Exist()
    {
        var words = Repository.Files.Where(f => f.IsIn("src") || f.IsIn("tests") || f.IsIn("benchmarks") || f.IsIn("schemas"))
            .Where(f => !f.Path.EndsWith(".md", StringComparison.Ordinal))
            .SelectMany(f => Word().Matches(f.Text).Select(m => m.Value)).ToHashSet(StringComparer.Ordinal);
        Violations.AssertNone(
            from document in Repository.Documents
            from named in NamedType().Matches(Prose(document.Text, keepInlineCode: true))
            from part in named.Groups[1].Value.Split('.')
            where !words.Contains(part)
            select Violations.At(document, document.LineAt(named.Index), $"nothing is called {part}"));
    }

    [Fact]
    public void Decisions_HaveTheirNumberAndTheirParts()
    {
        var decisions = Repository.Documents.Where(f => f.Folder == "docs/decisions").ToList();
        Assert.NotEmpty(decisions);
        for (var i = 0; i < decisions.Count; i++)
        {
            Assert.Matches($@"^docs/decisions/{i + 1:0000}-[a-z0-9-]+\.md$", decisions[i].Path);
            Assert.StartsWith($"# {i + 1:0000} ", decisions[i].Text);
            var headings = Heading().Matches(decisions[i].Text).Where(m => m.Groups[1].Length == 2);
            Assert.Equal(DecisionHeadings, headings.Select(m => m.Groups[2].Value));
        }
    }

    private static IEnumerable<string> BrokenLinks(RepositoryFile document)
    {
        foreach (Match link in Link().Matches(Prose(document.Text, keepInlineCode: false)))
        {
            var target = link.Groups[1].Value;
            if (target.Contains("://") || target.StartsWith("mailto:", StringComparison.Ordinal)) continue;
            var parts = target.Split('#', 2);
            var path = parts[0].Length == 0 ? document.Path : Path.Combine(document.Folder, parts[0]);
            var isThere = parts[0].Length == 0 || Repository.Exists(path);
            if (isThere && parts.Length == 2)
                isThere = Anchors(parts[0].Length == 0 ? document.Text : File.ReadAllText(Repository.Full(path))).Contains(parts[1]);
            if (!isThere) yield return Violations.At(document, document.LineAt(link.Index), $"leads nowhere: {target}");
        }
    }

    // The anchors that headings get: lower case, words and dashes only.
    private static HashSet<string> Anchors(string text) =>
        [.. Heading().Matches(Prose(text, keepInlineCode: true)).Select(m => m.Groups[2].Value.ToLowerInvariant())
            .Select(heading => NotInAnchor().Replace(heading, "").Replace(' ', '-'))];

    // The text with code blocks blank, and inline code too where it is not wanted; places stay what they were.
    private static string Prose(string text, bool keepInlineCode)
    {
        static string Blank(Match m) => NotNewline().Replace(m.Value, " ");
        text = CodeBlock().Replace(text, Blank);
        return keepInlineCode ? text : InlineCode().Replace(text, Blank);
    }

    [GeneratedRegex(@"^```[\s\S]*?^```", RegexOptions.Multiline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"`[^`\n]*`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\[[^\]\n]*\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^(#+) +(.+?) *$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"[^\n]")]
    private static partial Regex NotNewline();

    // `src/...` and the like, without wildcards and placeholders.
    [GeneratedRegex(@"`((?:src|tests|benchmarks|schemas|docs|eng)/[\w./-]*)`")]
    private static partial Regex NamedPath();

    // `PascalCase` of at least two words, perhaps with a member.
    [GeneratedRegex(@"`([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+(?:\.[A-Z]\w*)?)`")]
    private static partial Regex NamedType();

    [GeneratedRegex(@"[A-Za-z_]\w*")]
    private static partial Regex Word();
}
