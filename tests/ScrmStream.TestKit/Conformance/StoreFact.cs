using Xunit.Abstractions;
using Xunit.Sdk;

namespace ScrmStream.TestKit.Conformance;

/// <summary>The programs without which the tests of a class are skipped, when they are <see cref="StoreFactAttribute"/>s.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsProgramsAttribute(params string[] programs) : Attribute
{
    /// <summary>Null when all are installed.</summary>
    public static string? Missing(IEnumerable<string> programs)
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        var folders = path.Split(Path.PathSeparator).Append("/usr/bin").Append("/usr/local/bin").ToArray();
        var absent = programs.FirstOrDefault(p => !folders.Any(f => File.Exists(Path.Combine(f, p))));
        return absent is null ? null : absent + " is not installed";
    }

    public IReadOnlyList<string> Programs => programs;
}

/// <summary>A fact of a suite that several classes inherit; the class says what it needs.</summary>
[XunitTestCaseDiscoverer("ScrmStream.TestKit.Conformance.StoreFactDiscoverer", "ScrmStream.TestKit")]
public sealed class StoreFactAttribute : FactAttribute;

/// <summary>The same with data.</summary>
[XunitTestCaseDiscoverer("ScrmStream.TestKit.Conformance.StoreTheoryDiscoverer", "ScrmStream.TestKit")]
public sealed class StoreTheoryAttribute : TheoryAttribute;

public sealed class StoreFactDiscoverer(IMessageSink diagnostics) : FactDiscoverer(diagnostics)
{
    protected override IXunitTestCase CreateTestCase(ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo fact) =>
        new StoreTestCase(DiagnosticMessageSink, options.MethodDisplayOrDefault(), options.MethodDisplayOptionsOrDefault(), method);
}

public sealed class StoreTheoryDiscoverer(IMessageSink diagnostics) : TheoryDiscoverer(diagnostics)
{
    protected override IEnumerable<IXunitTestCase> CreateTestCasesForDataRow(
        ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo theory, object[] row) =>
        [new StoreTestCase(DiagnosticMessageSink, options.MethodDisplayOrDefault(), options.MethodDisplayOptionsOrDefault(), method, row)];
}

/// <summary>A test that is skipped when its class needs a program that is not installed.</summary>
public sealed class StoreTestCase : XunitTestCase
{
    [Obsolete("For deserialization")]
    public StoreTestCase()
    {
    }

    public StoreTestCase(
        IMessageSink diagnostics, TestMethodDisplay display, TestMethodDisplayOptions displayOptions, ITestMethod method,
        object[]? row = null)
        : base(diagnostics, display, displayOptions, method, row)
    {
    }

    protected override string GetSkipReason(IAttributeInfo fact)
    {
        var needs = TestMethod.TestClass.Class.ToRuntimeType().GetCustomAttributes(typeof(NeedsProgramsAttribute), inherit: true);
        return needs.Cast<NeedsProgramsAttribute>().Select(n => NeedsProgramsAttribute.Missing(n.Programs)).FirstOrDefault(m => m != null)
            ?? base.GetSkipReason(fact);
    }
}
