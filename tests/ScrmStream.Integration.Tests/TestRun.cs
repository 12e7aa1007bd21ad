using System.Reflection;
using ScrmStream.Integration.Avro;
using ScrmStream.Integration.Cli;
using ScrmStream.Integration.Files;
using ScrmStream.Integration.Kafka;
using Xunit.Abstractions;
using Xunit.Sdk;

[assembly: TestFramework("ScrmStream.Integration.TestRun", "ScrmStream.Integration.Tests")]
[assembly: TestCollectionOrderer("ScrmStream.Integration.LongestFirst", "ScrmStream.Integration.Tests")]

namespace ScrmStream.Integration;

/// <summary>The run of all tests of this assembly: what they share is ended when the last one is done.</summary>
public sealed class TestRun(IMessageSink messages) : XunitTestFramework(messages)
{
    protected override ITestFrameworkExecutor CreateExecutor(AssemblyName assembly) =>
        new Executor(assembly, SourceInformationProvider, DiagnosticMessageSink);

    private sealed class Executor(AssemblyName assembly, ISourceInformationProvider sources, IMessageSink diagnostics)
        : XunitTestFrameworkExecutor(assembly, sources, diagnostics)
    {
        protected override async void RunTestCases(
            IEnumerable<IXunitTestCase> tests, IMessageSink results, ITestFrameworkExecutionOptions options)
        {
            using var runner = new Runner(TestAssembly, tests, DiagnosticMessageSink, results, options);
            await runner.RunAsync();
        }
    }

    private sealed class Runner(
        ITestAssembly assembly, IEnumerable<IXunitTestCase> tests, IMessageSink diagnostics, IMessageSink results,
        ITestFrameworkExecutionOptions options) : XunitTestAssemblyRunner(assembly, tests, diagnostics, results, options)
    {
        protected override Task BeforeTestAssemblyFinishedAsync()
        {
            Brokers.EndReal();
            return base.BeforeTestAssemblyFinishedAsync();
        }
    }
}

/// <summary>Classes run beside each other, the tests of a class in turn: those that take longest start first, or all would wait for them.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        nameof(FailpointProcessTests), nameof(ChaosTests), nameof(DeadLetterReplayTests), nameof(KafkaEventSourceTests),
        nameof(RebuildTests), nameof(ReplayOrderTests), nameof(KafkaDeadLetterSinkTests), nameof(WhyAndUnlinkTests), LoadedStackCollection.Name, nameof(NewRuleTests),
        nameof(RulesSqlTests), nameof(UsageTests), nameof(WhySeventyThreeTests), nameof(AvroPathTests), nameof(ProducersToClickHouseTests),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> collections) => collections.OrderBy(c =>
        Array.FindIndex(Longest, name => c.DisplayName.EndsWith(name, StringComparison.Ordinal)) is >= 0 and var rank ? rank : Longest.Length);
}
