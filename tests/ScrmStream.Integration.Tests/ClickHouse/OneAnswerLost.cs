using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>
/// Takes a whole request, then cuts the connection instead of answering; answers the second one. No engine does so on demand.
/// </summary>
internal sealed class OneAnswerLost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OneAnswerLost(WebApplication app) => _app = app;

    public string Address => _app.Urls.First();

    public static async Task<OneAnswerLost> StartAsync(List<(string Query, byte[] Body)> received)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            received.Add((context.Request.QueryString.Value!, body.ToArray()));
            if (received.Count == 1) context.Abort();
        });
        await app.StartAsync();
        return new OneAnswerLost(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
