using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using ScrmStream.Events.Avro;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka.Schemas;

/// <summary>
/// Asks a schema registry (Confluent's interface, which Karapace, Redpanda and Apicurio speak too) for schemas by number or GUID. A
/// registry that is away, or answers what is no answer, is asked again with growing pauses until it answers or the call is cancelled.
/// Thread safe.
/// </summary>
public sealed class SchemaRegistry : ISchemaSource, IDisposable
{
    private const int AnswerBytesMax = 2 * 1024 * 1024;
    private const int ReferencesMax = 64, ReferenceDepthMax = 8;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly string _address;
    private readonly TimeSpan _requestTimeout;
    private readonly int _retryDelayMs, _retryDelayMaxMs;

    /// <exception cref="ArgumentException">An option is wrong; the message names it.</exception>
    public SchemaRegistry(SchemaOptions options, TimeProvider time, ILogger log)
    {
        options.Validate();
        (_time, _log, _address) = (time, log, options.Registry.TrimEnd('/'));
        _requestTimeout = TimeSpan.FromMilliseconds(options.RequestTimeoutMs);
        (_retryDelayMs, _retryDelayMaxMs) = (options.RetryDelayMs, options.RetryDelayMaxMs);
        _http = new HttpClient(Transport(options)) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = AnswerBytesMax };
        _http.DefaultRequestHeaders.Accept.ParseAdd("application/vnd.schemaregistry.v1+json, application/json");
        if (options.Token is { } token) _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (options.User is not { } user) return;
        var signIn = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{options.Password}"));
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", signIn);
    }

    /// <exception cref="StoreUnavailableException">The registry refuses access, which no waiting mends.</exception>
    public async ValueTask<WrittenSchema?> FindAsync(SchemaRef schema, CancellationToken cancel)
    {
        var path = schema.Kind switch
        {
            SchemaRefKind.Id => $"/schemas/ids/{schema.Word}",
            SchemaRefKind.Guid => $"/schemas/guids/{schema.Word}",
            _ => null, // a registry does not know schemas by their fingerprint
        };
        if (path is null || await AskAsync(path, cancel) is not { } answer) return null;
        var texts = new List<string>();
        return answer.Language != SchemaLanguage.Avro || await CollectAsync(answer, texts, ReferenceDepthMax, cancel)
            ? new WrittenSchema(answer.Language, [.. texts])
            : new WrittenSchema(SchemaLanguage.Foreign);
    }

    public void Dispose() => _http.Dispose();

    // First what a schema refers to, then the schema. False when a reference leads nowhere, in a circle, or there are too many.
    private async Task<bool> CollectAsync(SchemaAnswer answer, List<string> texts, int depth, CancellationToken cancel)
    {
        if (depth == 0) return false;
        foreach (var (subject, version) in answer.References)
        {
            if (texts.Count >= ReferencesMax) return false;
            var next = await AskAsync($"/subjects/{Uri.EscapeDataString(subject)}/versions/{version}", cancel);
            if (next is null || !await CollectAsync(next, texts, depth - 1, cancel)) return false;
        }
        if (!texts.Contains(answer.Text)) texts.Add(answer.Text);
        return texts.Count <= ReferencesMax;
    }

    // Null: the registry says that there is none.
    private async Task<SchemaAnswer?> AskAsync(string path, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                limit.CancelAfter(_requestTimeout);
                var answer = await AskOnceAsync(path, limit.Token);
                if (attempt > 1) KafkaLog.RegistryReachableAgain(_log, _address);
                return answer;
            }
            catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
            {
                return new SchemaAnswer(SchemaLanguage.Foreign, "", []);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or JsonException
                || (e is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                var why = e is OperationCanceledException ? "no answer in time" : e.Message;
                if (attempt == 1) KafkaLog.RegistryUnreachable(_log, _address, why);
                var delay = Math.Min((long)_retryDelayMs << Math.Min(attempt - 1, 20), _retryDelayMaxMs);
                await Task.Delay(TimeSpan.FromMilliseconds(delay), _time, cancel);
            }
        }
    }

    private async Task<SchemaAnswer?> AskOnceAsync(string path, CancellationToken cancel)
    {
        using var response = await _http.GetAsync(_address + path, cancel);
        var body = await response.Content.ReadAsByteArrayAsync(cancel);
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            throw new StoreUnavailableException(
                $"The schema registry {_address} refuses access ({(int)response.StatusCode}): "
                + "check Schemas:User, Schemas:Password and Schemas:Token.");
        if (response.IsSuccessStatusCode) return SchemaAnswer.Read(body);
        // A 404 of something else at that address, a proxy or a wrong path, says nothing of the schema: records would be lost by it.
        if (response.StatusCode == HttpStatusCode.NotFound && SchemaAnswer.SaysNotFound(body)) return null;
        throw new HttpRequestException($"{path} was answered with {(int)response.StatusCode}");
    }

    private static SocketsHttpHandler Transport(SchemaOptions options)
    {
        var handler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        if (options.CertificateAuthorityFile is not { } file) return handler;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        return handler;
    }
}
