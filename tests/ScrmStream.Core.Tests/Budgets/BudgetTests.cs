using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using ScrmStream.Benchmarks;
using Xunit.Abstractions;

namespace ScrmStream.Tests.Budgets;

/// <summary>What the benchmarks allocate stays within <c>benchmarks/budgets.json</c>. Times are reported by them and gate nothing.</summary>
public sealed class BudgetTests(ITestOutputHelper output)
{
    private const int WarmRuns = 3, Runs = 10;

    public static TheoryData<string> Names => [.. Benchmarks().Select(NameOf)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Run_Warm_AllocatesWithinItsBudget(string name)
    {
        Assert.True(Budgets().TryGetValue(name, out var budget), $"{name} has no line in benchmarks/budgets.json");
        var method = Benchmarks().Single(m => NameOf(m) == name);
        foreach (var (parameters, benchmark) in Prepared(method.DeclaringType!))
        {
            var bytes = (double)LeastBytes(RunOf(method, benchmark)) / method.GetCustomAttribute<BenchmarkAttribute>()!.OperationsPerInvoke;
            output.WriteLine($"{name} {parameters}: {bytes:0.###} bytes per operation, at most {budget}");
            Assert.InRange(bytes, 0, budget);
        }
    }

    [Fact]
    public void Budgets_HaveABenchmarkEach()
    {
        Assert.Empty(Budgets().Keys.Except(Benchmarks().Select(NameOf)));
    }

    private static IEnumerable<MethodInfo> Benchmarks() => typeof(DecideBenchmarks).Assembly.GetTypes()
        .Where(t => t.Namespace == typeof(DecideBenchmarks).Namespace)
        .SelectMany(t => t.GetMethods()).Where(m => m.IsDefined(typeof(BenchmarkAttribute)));

    private static string NameOf(MethodInfo method) => $"{method.DeclaringType!.Name}.{method.Name}";

    // One for each value of its parameter, set up.
    private static IEnumerable<(string Parameters, object Benchmark)> Prepared(Type type)
    {
        var setUp = type.GetMethods().Single(m => m.IsDefined(typeof(GlobalSetupAttribute)));
        var parameter = type.GetProperties().SingleOrDefault(p => p.IsDefined(typeof(ParamsAttribute)));
        foreach (var value in parameter?.GetCustomAttribute<ParamsAttribute>()!.Values ?? [null])
        {
            var benchmark = Activator.CreateInstance(type)!;
            parameter?.SetValue(benchmark, value);
            setUp.Invoke(benchmark, null);
            yield return ($"{value}", benchmark);
        }
    }

    // A delegate, for a call by reflection allocates.
    private static Action RunOf(MethodInfo method, object benchmark)
    {
        var typed = typeof(BudgetTests).GetMethod(nameof(Typed), BindingFlags.NonPublic | BindingFlags.Static)!;
        return (Action)typed.MakeGenericMethod(method.ReturnType).Invoke(null, [method, benchmark])!;
    }

    private static Action Typed<T>(MethodInfo method, object benchmark)
    {
        var run = method.CreateDelegate<Func<T>>(benchmark);
        return () => _ = run();
    }

    // The least, for while a method is compiled anew the run that meets it allocates a little.
    private static long LeastBytes(Action run)
    {
        for (var i = 0; i < WarmRuns; i++) run();
        return Enumerable.Range(0, Runs).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            run();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
    }

    private static Dictionary<string, double> Budgets([CallerFilePath] string here = "")
    {
        var file = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../benchmarks/budgets.json"));
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        return json.RootElement.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Number)
            .ToDictionary(p => p.Name, p => p.Value.GetDouble());
    }
}
