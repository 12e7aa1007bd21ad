using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ScrmStream.Diagnostics;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>
/// A small HTTP server on loopback beside a running pipeline: <c>/healthz</c> answers <c>{"ok", "why"}</c> with 200 or 503,
/// <c>/metrics</c> the declared metrics in Prometheus's text form, <c>/books</c> what each stage took, passed on and still has.
/// </summary>
public sealed class HealthServer : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly WebApplication _app;
    private readonly ITimer _timer;

    private HealthServer(WebApplication app, ITimer timer)
    {
        _app = app;
        _timer = timer;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <param name="port">0 takes a free one.</param>
    /// <exception cref="SettingsException">The port is taken or out of range.</exception>
    public static async Task<HealthServer> StartAsync(int port, StreamPipeline pipeline, TimeProvider time, CancellationToken cancel)
    {
        if (port is < 0 or > 65_535) throw new SettingsException($"--health-port {port} (HealthPort): give 0 to 65535, or -1 for none.");
        var health = new PipelineHealth(pipeline, time);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 32;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        var app = builder.Build();
        app.Run(context => AnswerAsync(context, pipeline, health));
        try
        {
            await app.StartAsync(cancel);
        }
        catch (IOException e)
        {
            await app.DisposeAsync();
            throw new SettingsException(
                $"--health-port {port} (HealthPort) is taken: give another, 0 for a free one, or -1 for none. ({e.Message})");
        }
        // A stall is noticed by looking regularly, not only when somebody asks.
        return new HealthServer(app, time.CreateTimer(_ => health.Look(), null, LookInterval, LookInterval));
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _app.DisposeAsync();
    }

    private static Task AnswerAsync(HttpContext context, StreamPipeline pipeline, PipelineHealth health)
    {
        switch (context.Request.Path.Value)
        {
            case "/healthz":
                var (ok, why) = health.Look();
                context.Response.StatusCode = ok ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
                context.Response.ContentType = "application/json";
                return context.Response.WriteAsync(JsonSerializer.Serialize(new { ok, why }));
            case "/metrics":
                context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
                return context.Response.WriteAsync(Metrics(pipeline));
            case "/books":
                context.Response.ContentType = "application/json";
                return context.Response.WriteAsync(RunningBooks.Of(pipeline.Counters.Books).ToJson());
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return context.Response.WriteAsync("There are /healthz, /metrics and /books.\n");
        }
    }

    private static string Metrics(StreamPipeline pipeline)
    {
        var text = new StringBuilder(4096);
        foreach (var metric in PipelineMetrics.All)
        {
            text.Append("# HELP ").Append(metric.Name).Append(' ').Append(metric.Help).Append('\n');
            text.Append("# TYPE ").Append(metric.Name).Append(metric.Kind == MetricKind.Counter ? " counter\n" : " gauge\n");
            foreach (var sample in metric.Read(pipeline))
            {
                text.Append(metric.Name);
                if (metric.Label is not null) text.Append('{').Append(metric.Label).Append("=\"").Append(sample.Label).Append("\"}");
                text.Append(' ').Append(sample.Value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
            }
        }
        return text.ToString();
    }
}
