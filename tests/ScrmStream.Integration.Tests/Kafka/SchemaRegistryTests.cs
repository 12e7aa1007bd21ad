using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.Events.Avro;
using ScrmStream.Kafka.Schemas;
using ScrmStream.Pipeline;

namespace ScrmStream.Integration.Kafka;

/// <summary>The registry's client against a real HTTP server that answers as registries do, or not at all.</summary>
public sealed class SchemaRegistryTests
{
    private const string NotFound = """{"error_code":40403,"message":"Schema not found"}""";

    /// <summary>Answers on a loopback port of its own.</summary>
    private sealed class Server : IAsyncDisposable
    {
        private WebApplication? _app;

        public ConcurrentQueue<(string Path, string? SignIn)> Asked { get; } = new();

        public string Address { get; private set; } = "http://127.0.0.1:0";

        public static async Task<Server> StartAsync(Func<string, int, (int, string)> answer)
        {
            var server = new Server();
            await server.OpenAsync(answer);
            return server;
        }

        /// <summary>Answers by path and by how many were asked before; on the same port after a close.</summary>
        public async Task OpenAsync(Func<string, int, (int, string)> answer)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            _app = builder.Build();
            _app.Urls.Add(Address);
            _app.Run(async context =>
            {
                var path = context.Request.Path.Value!;
                var (code, body) = answer(path, Asked.Count);
                Asked.Enqueue((path, context.Request.Headers.Authorization));
                context.Response.StatusCode = code;
                await context.Response.WriteAsync(body);
            });
            await _app.StartAsync();
            Address = _app.Urls.First();
        }

        public async Task CloseAsync()
        {
            await _app!.StopAsync();
            await _app.DisposeAsync();
        }

        public async ValueTask DisposeAsync() => await _app!.DisposeAsync();
    }

    private static SchemaRegistry Client(Server server, Action<SchemaOptions>? change = null)
    {
        var options = new SchemaOptions { Registry = server.Address, RetryDelayMs = 5, RetryDelayMaxMs = 20, RequestTimeoutMs = 2_000 };
        change?.Invoke(options);
        return new SchemaRegistry(options, TimeProvider.System, NullLogger.Instance);
    }

    private static (int, string) Schema(string text, string more = "") =>
        (200, $$"""{"schema":{{System.Text.Json.JsonSerializer.Serialize(text)}}{{more}}}""");

    [Fact]
    public async Task Find_ByNumberAndGuid_GivesTheSchemaAndSignsIn()
    {
        await using var server = await Server.StartAsync((path, _) =>
            path is "/schemas/ids/7" or "/schemas/guids/89791762-2336-4186-9674-299b90a802e2" ? Schema("\"int\"") : (404, NotFound));
        using var client = Client(server, o => (o.User, o.Password) = ("reader", "söcret"));
        Assert.Equal(["\"int\""], (await client.FindAsync(SchemaRef.OfId(7), default))!.Texts);
        byte[] guid = [1, .. Guid.Parse("89791762-2336-4186-9674-299b90a802e2").ToByteArray(bigEndian: true)];
        Assert.Equal(17, SchemaRef.Read(guid, out var byGuid));
        Assert.Equal(["\"int\""], (await client.FindAsync(byGuid, default))!.Texts);
        Assert.Null(await client.FindAsync(SchemaRef.OfId(8), default));
        Assert.Null(await client.FindAsync(SchemaRef.OfFingerprint(1), default));
        var signIn = $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes("reader:söcret"))}";
        Assert.Equal(3, server.Asked.Count);
        Assert.All(server.Asked, asked => Assert.Equal(signIn, asked.SignIn));
    }

    [Fact]
    public async Task Find_WhatIsNoAnswer_IsAskedForAgainUntilThereIsOne()
    {
        // A proxy's 404, an overload, a page instead of JSON, another object: none of them says that there is no such schema.
        (int, string)[] answers = [(404, "<html>"), (503, ""), (200, "<html>"), (200, "{}"), (404, """{"error_code":404}"""), (429, ""), Schema("\"int\"")];
        await using var server = await Server.StartAsync((_, asked) => answers[asked]);
        using var client = Client(server);
        Assert.NotNull(await client.FindAsync(SchemaRef.OfId(7), default));
        Assert.Equal(answers.Length, server.Asked.Count);
    }

    [Fact]
    public async Task Find_ARegistryThatIsAway_BlocksUntilItIsBack()
    {
        await using var server = await Server.StartAsync((_, _) => (503, ""));
        await server.CloseAsync();
        using var client = Client(server);
        var finding = client.FindAsync(SchemaRef.OfId(7), default).AsTask();
        Assert.NotSame(finding, await Task.WhenAny(finding, Task.Delay(300)));
        await server.OpenAsync((_, _) => Schema("\"int\""));
        Assert.NotNull(await finding.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Find_WhileItWaits_CanBeCancelled()
    {
        await using var server = await Server.StartAsync((_, _) => (503, ""));
        using var client = Client(server);
        using var stop = new CancellationTokenSource(200);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.FindAsync(SchemaRef.OfId(7), stop.Token).AsTask());
    }

    [Fact]
    public async Task Find_NoAccess_EndsWithTheSettingToMend()
    {
        await using var server = await Server.StartAsync((_, _) => (401, ""));
        using var client = Client(server);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => client.FindAsync(SchemaRef.OfId(7), default).AsTask());
        Assert.Contains("Schemas:User", error.Message);
    }

    [Fact]
    public async Task Find_ASchemaWithReferences_GivesThemFirst()
    {
        await using var server = await Server.StartAsync((path, _) => path switch
        {
            "/schemas/ids/1" => Schema("top", ""","references":[{"name":"a.B","subject":"b/c","version":2},{"name":"a.D","subject":"d","version":1}]"""),
            "/subjects/b/c/versions/2" or "/subjects/b%2Fc/versions/2" => Schema("b", ""","references":[{"name":"a.D","subject":"d","version":1}]"""),
            "/subjects/d/versions/1" => Schema("d"),
            "/schemas/ids/2" => Schema("loop", ""","references":[{"name":"l","subject":"loop","version":1}]"""),
            "/subjects/loop/versions/1" => Schema("loop", ""","references":[{"name":"l","subject":"loop","version":1}]"""),
            _ => (404, NotFound),
        });
        using var client = Client(server);
        Assert.Equal(["d", "b", "top"], (await client.FindAsync(SchemaRef.OfId(1), default))!.Texts);
        Assert.Equal(SchemaLanguage.Foreign, (await client.FindAsync(SchemaRef.OfId(2), default))!.Language);
    }

    [Theory]
    [InlineData(""","schemaType":"JSON" """, SchemaLanguage.Json)]
    [InlineData(""","schemaType":"PROTOBUF" """, SchemaLanguage.Foreign)]
    [InlineData(""","schemaType":"AVRO" """, SchemaLanguage.Avro)]
    public async Task Find_OtherLanguages_AreNamed(string more, SchemaLanguage language)
    {
        await using var server = await Server.StartAsync((_, _) => Schema("x", more));
        using var client = Client(server);
        Assert.Equal(language, (await client.FindAsync(SchemaRef.OfId(1), default))!.Language);
    }

    [Fact]
    public async Task Find_AnAnswerThatIsTooLarge_IsForeign()
    {
        await using var server = await Server.StartAsync((_, _) => (200, new string(' ', 3 << 20)));
        using var client = Client(server);
        Assert.Equal(SchemaLanguage.Foreign, (await client.FindAsync(SchemaRef.OfId(1), default))!.Language);
    }
}
