namespace ScrmStream.Tests.Tidy;

/// <summary>The tidy test's own tools are shown to catch what they are for.</summary>
public sealed class MethodScanTests
{
    private const string Sample = """"
        using System;
        namespace Sample;

        /// <summary>A brace { in a comment.</summary>
        public sealed class Holder<T>(int size) where T : struct
        {
            private static readonly (string Name, int Size)[] Table =
            [
                ("{", 1),
                ("}", 2),
            ];

            [Obsolete("old")]
            public int Long(string text)
            {
                // }}} an unbalanced comment
                var brace = '{';
                var quote = '\'';
                var said = $"{text,-3:0.#} {{ {string.Join(", ", "a}b")} @""";
                var path = @"c:\" + $@"{text}\""{{";
                var raw = """
                    { one quote: " and a brace }
                    """;
                var holes = $$"""{ {{text}} } """;
                int Local() { return 1; }
                return Local();
            }

            public int Short => Table.Length;
            public int Arrow(int x) =>
                x switch
                {
                    1 => 2,
                    _ => 3,
                };
            public int Both
            {
                get { return 1; }
                set
                {
                    _ = value;
                }
            }
            public static bool operator ==(Holder<T> a, Holder<T> b) { return true; }
            public U Keep<U>(U part) where U : class
            {
                return part;
            }
            private readonly record struct Inner(int A, int B)
            {
                public int Sum() => A + B;
            }
        }
        """";

    [Fact]
    public void Of_Sample_FindsEveryMethodWithItsLines()
    {
        var found = MethodScan.Of(Sample).Select(m => (Name(m.Header), m.FirstLine, m.Lines));
        Assert.Equal(
            [
                ("Long", 14, 14), ("Short", 29, 1), ("Arrow", 30, 6), ("get", 38, 1), ("set", 39, 4), ("==", 44, 1),
                ("Keep<U>", 45, 4), ("Sum", 51, 1),
            ],
            found);
    }

    [Fact]
    public void Of_MethodOfSeventyOneLines_IsReportedAsSuch()
    {
        var body = string.Concat(Enumerable.Repeat("        Step(\"{\");\n", 68));
        var text = $"class A\n{{\n    void Long()\n    {{\n{body}    }}\n}}\n";
        Assert.Equal(71, Assert.Single(MethodScan.Of(text)).Lines);
        Assert.Single(SizeTests.LongMethods([new RepositoryFile("src/A.cs", text)]));
        Assert.Empty(SizeTests.LongMethods([new RepositoryFile("src/A.cs", text.Replace("        Step(\"{\");\n    }", "    }"))]));
    }

    [Fact]
    public void Mask_TextsAndComments_AreBlankAndCodeStays()
    {
        var masked = CodeMask.Of(Sample);
        Assert.Equal(Sample.Length, masked.Length);
        Assert.DoesNotContain('"', masked);
        Assert.DoesNotContain("comment", masked);
        Assert.Equal(masked.Count(c => c == '{'), masked.Count(c => c == '}'));
        Assert.Contains("int Local() { return 1; }", masked);
    }

    private static string Name(string header) => header.Split('(')[0].Split(' ')[^1];
}
