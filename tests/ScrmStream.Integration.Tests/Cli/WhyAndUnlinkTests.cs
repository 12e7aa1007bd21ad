using System.Globalization;
using System.Text.Json;

namespace ScrmStream.Integration.Cli;

/// <summary>docs/tutorials/why-and-unlink.md, step by step.</summary>
public sealed class WhyAndUnlinkTests
{
    private const string Openid = "openid:wx-official-petshop:oOfficial-lin-xiaoman", Cookie = "cookie:petshop.example:C-lin-xiaoman",
        Unionid = "unionid:wx-open-petshop:oUnion-lin-xiaoman", Phone = "phone::+8615900000001";

    [LocalServersFact]
    public async Task Tutorial_AfterTheDemo_ExplainsCutsAndBindsAgain()
    {
        await using var home = new TemporaryHome();
        var config = Path.Combine(home.Scrm.Home, "config.json");
        // The embedded Kafka waits out a session of the member before, which is the demo's, before it lets the next one in; one whose own
        // session is shorter it forgets meanwhile and never answers.
        await File.WriteAllTextAsync(config, """{"Kafka": {"SessionTimeoutMs": 6000}}""");
        await home.Scrm.OutputOfAsync("demo", "--keep", "--events", "500");

        var one = JsonDocument.Parse(await Ask("why", Openid, Cookie, "--format", "json")).RootElement;
        Assert.Equal(
            [(Openid, "content_view"), (Unionid, "order_paid"), (Phone, "form_submit"), ("member_id:petshop:M-lin-xiaoman", "add_to_cart")],
            one.GetProperty("path").EnumerateArray().Select(l =>
                (l.GetProperty("from").GetString(), l.GetProperty("shown_by").GetProperty("event").GetString())));

        var refused = await home.Scrm.RunAsync("unlink", Openid, Cookie);
        Assert.Equal(1, refused.Code);
        Assert.Contains("Name the two ends of one of the links", refused.Error, StringComparison.Ordinal);
        await Ask("unlink", Unionid, Phone, "--by", "lin", "--reason", "it is her sister's phone");
        await Run();
        Assert.Equal((3, 4), (await IdentifiersOf(Openid), await IdentifiersOf(Cookie)));
        var two = await home.Scrm.RunAsync("why", Openid, Cookie);
        Assert.Equal(1, two.Code);
        Assert.Contains("by identity_unbind of the two", two.Output, StringComparison.Ordinal);
        Assert.Equal("1\tlin\tit is her sister\\'s phone\n", await Ask("sql",
            "SELECT count(), any(properties['author']), any(properties['reason']) FROM events WHERE event = 'identity_unbind' AND topic = 'scrm.decisions'"));

        var file = Path.Combine(home.Scrm.Home, "bind.ndjson");
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        await File.WriteAllTextAsync(file, """
            {"event":"phone_confirmed","event_time":NOW,"channel":"crm","identifiers":[{"kind":"unionid","scope":"wx-open-petshop","value":"oUnion-lin-xiaoman"},{"kind":"phone","value":"+8615900000001"}]}
            """.Replace("NOW", now, StringComparison.Ordinal));
        await home.Scrm.OutputOfAsync("produce", "--topic", "petshop", "--input", file);
        await Run();
        Assert.Equal(7, await IdentifiersOf(Cookie));

        Task<string> Ask(params string[] arguments) => home.Scrm.OutputOfAsync(arguments);

        Task<string> Run() => Ask("run", "--topics", "petshop", "--rules", ScrmProcess.InCheckout("schemas/rules/examples/petshop.yaml"),
            "--until-idle", "1s", "--health-port", "-1", "--config", config);

        async Task<int> IdentifiersOf(string who) =>
            JsonDocument.Parse(await Ask("customer", who, "--format", "json")).RootElement.GetProperty("identifiers").GetArrayLength();
    }
}
