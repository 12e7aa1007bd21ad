namespace ScrmStream.Tests.Tidy;

/// <summary>Limits of size: style rule 3.</summary>
public sealed class SizeTests
{
    private const int FileLinesMax = 500;
    private const int MethodLinesMax = 70;
    private const int ColumnsMax = 140;

    [Fact]
    public void Files_AreAtMostFiveHundredLines() => Violations.AssertNone(
        Repository.Code.Where(f => f.Lines.Length - 1 > FileLinesMax)
            .Select(f => Violations.At(f, FileLinesMax + 1, $"the file has {f.Lines.Length - 1} lines, limit {FileLinesMax}")));

    [Fact]
    public void Methods_AreAtMostSeventyLines() => Violations.AssertNone(LongMethods(Repository.Code));

    [Fact]
    public void Methods_OfThisRepository_AreFound()
    {
        // A scanner that finds nothing would pass everything.
        var found = Repository.Sources.Sum(f => MethodScan.Of(f.Text).Count);
        Assert.True(found > 500, $"only {found} methods were found in src");
    }

    [Fact]
    public void Lines_OfSources_AreAtMostOneHundredAndFortyColumns() => Violations.AssertNone(
        from file in Repository.Sources
        from line in Enumerable.Range(0, file.Lines.Length)
        where file.Lines[line].Length > ColumnsMax
        select Violations.At(file, line + 1, $"{file.Lines[line].Length} columns, limit {ColumnsMax}"));

    internal static IEnumerable<string> LongMethods(IEnumerable<RepositoryFile> files) =>
        from file in files
        from method in MethodScan.Of(file.Text)
        where method.Lines > MethodLinesMax
        select Violations.At(file, method.FirstLine, $"{method.Lines} lines, limit {MethodLinesMax}: {method.Header}");
}
