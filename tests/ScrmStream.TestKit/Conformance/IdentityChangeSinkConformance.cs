using System.Text;
using System.Text.Json;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.TestKit.Conformance;

/// <summary>What every <see cref="IIdentityChangeSink"/> does. Each test opens a sink that nothing was written to.</summary>
public abstract class IdentityChangeSinkConformance
{
    /// <summary>A sink, and what reads back its records: at least so many, those of an identifier in the order in which they lie.</summary>
    protected abstract Task<(IIdentityChangeSink Sink, Func<int, Task<IReadOnlyList<string>>> Read)> OpenAsync();

    [StoreFact]
    public async Task Write_EveryField_ReadsBack()
    {
        var (sink, read) = await OpenAsync();
        var (cookie, unionId) = (StoreSamples.Id("cookie::猫 \"1\""), StoreSamples.Id("unionid:wx:u"));
        await sink.WriteAsync([Change("cookie::猫 \"1\"", unionId, 7, true, cookie)], CancellationToken.None);
        await sink.WriteAsync([], CancellationToken.None);
        await sink.WriteAsync(
            [Change("cookie::猫 \"1\"", null, 8, true, unionId), Change("unionid:wx:u", unionId, 3, true, null), Change("phone::p", unionId, 9, false, null)],
            CancellationToken.None);

        var records = (await read(4)).Select(r => JsonDocument.Parse(r).RootElement).ToArray();
        Assert.Equal(4, records.Length);
        Assert.Equal(
            $$"""{"id":"{{cookie}}-7-{{unionId}}","identifier":"{{cookie}}","text":"cookie::猫 \"1\"","customer":"{{unionId}}","previous":"{{cookie}}","version":7,"known_at":1700000000123}""",
            records.First(r => Version(r) == 7).GetRawText().Replace("\\u0022", "\\\""));
        var nobody = records.Single(r => Version(r) == 8);
        Assert.Equal(($"{cookie}-8-nobody", JsonValueKind.Null), (nobody.GetProperty("id").GetString(), nobody.GetProperty("customer").ValueKind));
        // Null says that it was nobody's; what is not known is absent.
        Assert.Equal(JsonValueKind.Null, records.Single(r => Version(r) == 3).GetProperty("previous").ValueKind);
        Assert.False(records.Single(r => Version(r) == 9).TryGetProperty("previous", out _));
    }

    [StoreFact]
    public async Task Write_SeveralChangesOfAnIdentifier_StayInOrder()
    {
        var (sink, read) = await OpenAsync();
        for (ulong version = 1; version <= 40; version++)
            await sink.WriteAsync([.. Enumerable.Range(0, 5).Select(i => Change($"cookie::{i}", StoreSamples.Id($"u{version % 3}"), version, false, null))],
                CancellationToken.None);
        var versions = (await read(200)).Select(r => JsonDocument.Parse(r).RootElement).ToLookup(r => r.GetProperty("text").GetString(), Version);
        Assert.Equal(5, versions.Count);
        Assert.All(versions, of => Assert.Equal(Enumerable.Range(1, 40).Select(v => (ulong)v), of));
    }

    [StoreFact]
    public async Task Write_CallsAtTheSameTime_LoseNothing()
    {
        var (sink, read) = await OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(call => Task.Run(() => sink.WriteAsync(
            [.. Enumerable.Range(0, 100).Select(i => Change($"cookie::{call}-{i}", null, 1, false, null))], CancellationToken.None))));
        var texts = (await read(800)).Select(r => JsonDocument.Parse(r).RootElement.GetProperty("text").GetString());
        Assert.Equal(800, texts.Distinct().Count());
    }

    private static ulong Version(JsonElement record) => record.GetProperty("version").GetUInt64();

    private static IdentityChange Change(string text, IdentifierId? customer, ulong version, bool hasPrevious, IdentifierId? previous) => new(
        new IdentityMapping(StoreSamples.Id(text), Encoding.UTF8.GetBytes(text), customer, version, 1_700_000_000_123), hasPrevious, previous);
}
