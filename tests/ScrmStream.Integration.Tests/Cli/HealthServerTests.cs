using System.Net;
using System.Text.Json;
using ScrmStream.Diagnostics;
using ScrmStream.Events;
using ScrmStream.Host.Running;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;

namespace ScrmStream.Integration.Cli;

/// <summary><c>/healthz</c> and <c>/metrics</c> beside a real pipeline over memory.</summary>
public sealed class HealthServerTests
{
    private static readonly string[] Records =
    [
        """{"event":"page_view","event_time":1772294400000,"identifiers":[{"kind":"openid","scope":"a","value":"1"}]}""",
        """{"event":"page_view","event_time":1772294400001,"identifiers":[{"kind":"openid","scope":"a","value":"2"}]}""",
        "not json",
    ];

    [Fact]
    public async Task Metrics_AfterEvents_ShowEveryDeclaredMetricAndTheCounts()
    {
        var pipeline = Pipeline(TimeProvider.System);
        await using var server = await HealthServer.StartAsync(0, pipeline, TimeProvider.System, default);
        await pipeline.RunAsync(default);
        using var http = new HttpClient();
        var lines = (await http.GetStringAsync(new Uri(server.Address, "/metrics"))).Split('\n');
        Assert.All(PipelineMetrics.All, m => Assert.Contains(lines, l => l.StartsWith($"# HELP {m.Name} ", StringComparison.Ordinal)));
        Assert.Contains("scrmstream_accepted_events_total 2", lines);
        Assert.Contains("scrmstream_rejected_events_total{reason=\"not_decodable\"} 1", lines);
        Assert.Contains("scrmstream_in_flight_records 0", lines);
        Assert.Contains("# TYPE scrmstream_source_lag_records gauge", lines);
    }

    [Fact]
    public async Task Books_AfterEvents_AreWhatStatusShows()
    {
        var pipeline = Pipeline(TimeProvider.System);
        await using var server = await HealthServer.StartAsync(0, pipeline, TimeProvider.System, default);
        await pipeline.RunAsync(default);
        var books = (await RunningBooks.AskAsync(server.Address.Port, default))!;
        Assert.Equal(new BooksLine("decode", "events", 3, 2, 1, 0), books.Stages[1]);
        Assert.Equal(new BooksLine("commit", "records", 3, 3, 0, 0), books.Stages[^1]);
        Assert.All(books.Stages, line => Assert.Equal(line.In, line.Out + line.Rejected + line.Pending));
        Assert.Equal((2, 1, 0, 0), (books.RowsWritten, books.LettersWritten, books.Repeated, books.Difference));
        Assert.Equal(1, books.Rejected["not_decodable"]);
    }

    [Fact]
    public async Task Healthz_Idle_IsOk()
    {
        var pipeline = Pipeline(TimeProvider.System);
        await pipeline.RunAsync(default);
        await using var server = await HealthServer.StartAsync(0, pipeline, TimeProvider.System, default);
        using var http = new HttpClient();
        using var json = JsonDocument.Parse(await http.GetStringAsync(new Uri(server.Address, "/healthz")));
        Assert.True(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(server.Address, "/elsewhere"))).StatusCode);
    }

    [Fact]
    public async Task Healthz_WorkWithoutProgressForAMinute_Is503AndSaysWhy()
    {
        var clock = new HandClock();
        var pipeline = Pipeline(clock);   // never run: its lag of three does not move
        await using var server = await HealthServer.StartAsync(0, pipeline, clock, default);
        using var http = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri(server.Address, "/healthz"))).StatusCode);
        clock.Advance(PipelineHealth.StallMax);
        using var answer = await http.GetAsync(new Uri(server.Address, "/healthz"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("although 3 records wait", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void Metrics_Declared_HaveOneNameEachThatFollowsTheRules()
    {
        Assert.Equal(PipelineMetrics.All.Count, PipelineMetrics.All.Select(m => m.Name).Distinct().Count());
        Assert.All(PipelineMetrics.All, m =>
        {
            Assert.Matches("^scrmstream_[a-z_]+$", m.Name);
            Assert.Equal(m.Kind == MetricKind.Counter, m.Name.EndsWith("_total", StringComparison.Ordinal));
            Assert.DoesNotContain('\n', m.Help);
        });
    }

    private static StreamPipeline Pipeline(TimeProvider time)
    {
        var views = new MemoryViewStore();
        var analytics = new MemoryAnalytics();
        var source = new ListSource([(ListSource.Partition(0), ListSource.Utf8(Records))], []);
        return new StreamPipeline(
            new PipelineOptions(), RuleSet.Empty, new PipelinePorts(source, new MemoryCellStore(views), views, analytics, analytics), 1,
                time);
    }
}
