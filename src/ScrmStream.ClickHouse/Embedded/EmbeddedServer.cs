using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>
/// The embedded ClickHouse: the engine of libchdb.so behind ClickHouse's HTTP interface, in a process of its own.
/// An insert is acknowledged when its rows are stored; killing the process afterwards loses none of them.
/// </summary>
public static class EmbeddedServer
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Serves until cancelled, then finishes what runs (at most ten seconds) and ends the process with code 0: the engine does not
    /// shut down cleanly once it holds tables, so nothing behind this call is reached.
    /// </summary>
    /// <param name="started">Is told the address when requests are taken.</param>
    /// <exception cref="EmbeddedServerException">It cannot start; the message names the reason and the fix.</exception>
    public static async Task RunAsync(EmbeddedServerOptions options, CancellationToken cancel, Action<Uri>? started = null)
    {
        options.Validate();
        var library = options.FindLibrary();
        var folder = Path.GetFullPath(options.Path);
        using var claim = Claim(folder);
        var engine = ChdbEngine.Open(library, Path.Combine(folder, "data"), EngineConfig.Write(options, folder), options.QueryThreads);
        // Each request under way blocks one pool thread inside the engine; the rest stay free for the sockets.
        ThreadPool.SetMinThreads(options.ConcurrentRequestsMax + Environment.ProcessorCount, Environment.ProcessorCount);
        using var http = new HttpInterface(engine, options, TimeProvider.System);
        await using var app = Build(options, http);
        await StartAsync(app, options);
        started?.Invoke(new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()));
        await Task.WhenAny(Task.Delay(Timeout.Infinite, cancel), Task.Delay(Timeout.Infinite, app.Lifetime.ApplicationStopping));
        using (var drain = new CancellationTokenSource(DrainTime))
            await app.StopAsync(drain.Token);
        await Console.Out.FlushAsync(CancellationToken.None);
        ChdbNative.ExitNow(0);
    }

    private static FileStream Claim(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new FileStream(Path.Combine(folder, "scrmstream.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new EmbeddedServerException(
                $"The folder {folder} cannot be used: another embedded ClickHouse runs on it, or it is not writable. " +
                "End that one or give another --path.", error);
        }
    }

    private static WebApplication Build(EmbeddedServerOptions options, HttpInterface http)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.RequestBytesMax;
            kestrel.Limits.MaxRequestLineSize = 256 * 1024;
            kestrel.Limits.MaxRequestBufferSize = 4 * 1024 * 1024;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxConcurrentConnections = 1024;
            kestrel.Listen(IPAddress.Parse(options.Address), options.Port);
        });
        var app = builder.Build();
        app.Run(http.HandleAsync);
        return app;
    }

    private static async Task StartAsync(WebApplication app, EmbeddedServerOptions options)
    {
        try
        {
            await app.StartAsync();
        }
        catch (IOException error)
        {
            throw new EmbeddedServerException(
                $"{options.Address}:{options.Port} is taken. End what listens there or give another --port.", error);
        }
    }
}
