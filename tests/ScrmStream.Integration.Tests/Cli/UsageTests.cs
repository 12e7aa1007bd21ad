namespace ScrmStream.Integration.Cli;

/// <summary>Exit codes and messages, without any server.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly ScrmProcess _scrm = new(Directory.CreateTempSubdirectory("scrm-home-").FullName);

    public void Dispose() => Directory.Delete(_scrm.Home, recursive: true);

    [Theory]
    [InlineData("customer phone::+8613912345678")]
    [InlineData("leads --score intent")]
    [InlineData("why phone::+8613912345678 cookie:web:c")]
    [InlineData("unlink phone::+8613912345678 cookie:web:c")]
    [InlineData("identities conflicts")]
    [InlineData("identities quarantined")]
    [InlineData("identities release phone::+8613912345678")]
    [InlineData("funnel a>b")]
    [InlineData("sql SELECT+1")]
    [InlineData("dead-letters list")]
    [InlineData("doctor")]
    [InlineData("status")]
    [InlineData("run --topics events")]
    public async Task Verb_NeitherUpNorAddress_EndsWith3AndSaysWhatToDo(string line)
    {
        var outcome = await _scrm.RunAsync(line.Split(' '));
        Assert.Equal(3, outcome.Code);
        Assert.Contains("./scrm up", outcome.Error + outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("funnel a>b --window 7x", "7x")]
    [InlineData("funnel a>>b", "empty step")]
    [InlineData("funnel a>b --from yesterday", "--from 'yesterday'")]
    [InlineData("funnel a>b --by nope", "--by nope")]
    [InlineData("customer nobody", "KIND:SCOPE:VALUE")]
    [InlineData("why phone::+8613912345678 nobody", "'nobody'")]
    [InlineData("unlink shoe_size::44 phone::+8613912345678", "'shoe_size::44'")]
    [InlineData("unlink phone::+8613912345678 cookie:web:c --at soon", "--at 'soon'")]
    [InlineData("unlink phone::+8613912345678 cookie:web:c --at 2099-01-01", "--at 2099-01-01")]
    [InlineData("identities release phone::+8613912345678 --at 1970-01-02", "--at 1970-01-02")]
    [InlineData("identities conflicts --limit 0", "--limit 0")]
    [InlineData("identities simulate", "--limits")]
    [InlineData("identities simulate --limits missing.json", "missing.json")]
    [InlineData("identities simulate --limits missing.json --examples 1001", "--examples 1001")]
    [InlineData("identities release nobody", "'nobody'")]
    [InlineData("customer shoe_size::44", "KIND:SCOPE:VALUE")]
    [InlineData("customer phone::400-700-1234", "give it in E.164, such as +8613912345678")]
    [InlineData("customer email::ann", "give it plain, such as ann@example.cn")]
    [InlineData("customer phone::138-0013-8000", "junk")]
    [InlineData("leads --top 0", "--top 0")]
    [InlineData("dead-letters list --limit 0", "--limit 0")]
    [InlineData("up --kafka-partitions 0", "--kafka-partitions 0")]
    [InlineData("status --namespace Shop", "--namespace 'Shop'")]
    [InlineData("status --config missing.json", "missing.json")]
    [InlineData("funnel", "argument missing")]
    [InlineData("funnel a>b --stages", "--stages takes no steps")]
    [InlineData("ledger", "--rules")]
    [InlineData("ledger --rules missing.yaml", "missing.yaml")]
    [InlineData("sql SELECT+1 --format xml", "xml")]
    [InlineData("dead-letters list --reason bad_mood", "bad_mood")]
    [InlineData("nonsense", "nonsense")]
    public async Task Verb_WrongUse_EndsWith2AndNamesIt(string line, string named)
    {
        var outcome = await _scrm.RunAsync(line.Split(' '));
        Assert.Contains(named, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(2, outcome.Code);
    }

    [Theory]
    [InlineData("run --topics events")]
    [InlineData("customer cookie::c1")]
    [InlineData("replay --input events.ndjson --output out")]
    public async Task Verb_BadKey_EndsWith2AndNamesTheSetting(string line)
    {
        var config = Config("""{"Pipeline": {"Identity": {"PersonalKeys": [{"Id": "k1", "Key": "c2hvcnQ="}]}}}""");
        var outcome = await _scrm.RunAsync([.. line.Split(' '), "--config", config]);
        Assert.Contains("Pipeline:Identity:PersonalKeys:0:Key is 5 bytes", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("c2hvcnQ", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(2, outcome.Code);
    }

    [Theory]
    [InlineData("""{"shoe_size": {"ValuesMax": 2}}""", "Pipeline:Identity:Kinds:shoe_size: there is no such kind")]
    [InlineData("""{"cookie": {"ValuesMax": 2}}""", "Pipeline:Identity:Kinds:cookie:ValuesMax: a device belongs to one customer or to nobody")]
    [InlineData("""{"phone": {"ValuesMax": "two"}}""", "Pipeline:Identity:Kinds:phone cannot be read")]
    [InlineData("""{"phone": {"PerScope": "sometimes"}}""", "Pipeline:Identity:Kinds:phone cannot be read")]
    [InlineData("""{"phone": "account"}""", "Pipeline:Identity:Kinds:phone cannot be read")]
    [InlineData("""{"phone": {"Class": "account", "ValueMax": 2}}""", "Pipeline:Identity:Kinds:phone:ValueMax: there is no such setting")]
    [InlineData("""["phone"]""", "Pipeline:Identity:Kinds:0 cannot be read")]
    [InlineData("\"phone\"", "Pipeline:Identity:Kinds 'phone': give a map")]
    public async Task Verb_BadKinds_EndsWith2AndNamesTheSettingAndTheReason(string kinds, string message)
    {
        var config = KindsConfig(kinds);
        var outcome = await _scrm.RunAsync("customer", "cookie::c1", "--config", config);
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(2, outcome.Code);
    }

    [Fact]
    public async Task Replay_TwoMemberIdsAllowed_IsOneCustomer()
    {
        static string Touch(string member) =>
            $$"""{"event":"page_view","event_time":1772334000000,"identifiers":[{"kind":"member_id","scope":"s","value":"{{member}}"},{"kind":"phone","value":"13912345678"}]}""";
        var input = Path.Combine(_scrm.Home, "events.ndjson");
        await File.WriteAllLinesAsync(input, [Touch("m1"), Touch("m2")]);
        foreach (var (allowed, customers) in new[] { (1, 2), (2, 1) })
        {
            var config = KindsConfig($"{{\"Member_Id\": {{\"ValuesMax\": {allowed}}}}}");
            await _scrm.OutputOfAsync("replay", "--input", input, "--output", _scrm.Home, "--config", config);
            Assert.Equal(customers, (await File.ReadAllLinesAsync(Path.Combine(_scrm.Home, "customers.ndjson"))).Length);
        }
    }

    private string KindsConfig(string kinds) => Config("""{"Pipeline": {"Identity": {"Kinds": """ + kinds + "}}}");

    [Fact]
    public async Task Replay_WithAKey_WritesHashesAndJoinsEveryWritingOfANumber()
    {
        static string Touch(string identifiers) =>
            $$"""{"event":"page_view","event_time":1772334000000,"identifiers":[{"kind":"phone","value":{{identifiers}}]}""";
        var input = Path.Combine(_scrm.Home, "events.ndjson");
        await File.WriteAllLinesAsync(input, [Touch("\"139 1234 5678\"}"), Touch("\"0086-139-1234-5678\"},{\"kind\":\"cookie\",\"value\":\"c\"}")]);
        var config = Config("""{"Pipeline": {"Identity": {"PersonalKeys": [{"Id": "k1", "Key": "000102030405060708090a0b0c0d0e0f"}]}}}""");
        await _scrm.OutputOfAsync("replay", "--input", input, "--output", _scrm.Home, "--config", config);
        var customer = Assert.Single(await File.ReadAllLinesAsync(Path.Combine(_scrm.Home, "customers.ndjson")));
        Assert.Matches(@"\{""kind"":""phone"",""scope"":"""",""value"":""k1\.[0-9a-f]{64}""\},\{""kind"":""cookie""", customer);
        Assert.Contains("\"events\":2", customer, StringComparison.Ordinal);
        Assert.DoesNotContain("12345678", customer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sql_NobodyAtTheAddress_EndsWith3AndNamesTheSetting()
    {
        var outcome = await _scrm.RunAsync("sql", "SELECT 1", "--clickhouse", "http://127.0.0.1:1", "--config", Config("""{"ClickHouse": {"ReachTimeoutMs": 200}}"""));
        Assert.Equal(3, outcome.Code);
        Assert.Contains("--clickhouse", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Funnel_Explain_PrintsSqlWithoutAServer()
    {
        var sql = await _scrm.OutputOfAsync("funnel", "a > b", "--window", "1h", "--from", "2024-05-01", "--explain");
        Assert.Contains("windowFunnel(3600000)", sql, StringComparison.Ordinal);
        // A date without an offset is of Asia/Shanghai: 2024-04-30T16:00Z.
        Assert.Contains("fromUnixTimestamp64Milli(1714492800000, 'UTC')", sql, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Funnel_KnownAt_AsksTheMapOfThen()
    {
        var sql = await _scrm.OutputOfAsync("funnel", "a > b", "--known-at", "2024-05-01T08:30:00.250", "--explain");
        Assert.Contains("FROM events_resolved_at(known_at = '2024-05-01 00:30:00.250')", sql, StringComparison.Ordinal);
        // A date is the end of its day in Asia/Shanghai.
        sql = await _scrm.OutputOfAsync("funnel", "a > b", "--known-at", "2024-05-01", "--by", "channel", "--explain");
        Assert.Contains("FROM events_resolved_at(known_at = '2024-05-01 15:59:59.999')", sql, StringComparison.Ordinal);
        Assert.DoesNotContain("events_resolved ", sql, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RulesCheck_RightFile_ListsRules()
    {
        var output = await _scrm.OutputOfAsync("rules", "check", ScrmProcess.InCheckout("schemas/rules/examples/taobao.yaml"));
        Assert.Contains("tag\tbuyer\tyes or no", output, StringComparison.Ordinal);
        Assert.Contains("score\tinterest\thalves in 7d", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RulesCheck_WrongFile_EndsWith2AndNamesFileLineAndColumn()
    {
        var file = Path.Combine(_scrm.Home, "wrong.yaml");
        await File.WriteAllTextAsync(file, "tags:\n  - tag: x\n    when: count(shoe_size = 1) >= 1\n");
        var outcome = await _scrm.RunAsync("rules", "check", file);
        Assert.Equal(2, outcome.Code);
        Assert.Matches($@"{file}:3:\d+: unknown field 'shoe_size'", outcome.Error);
    }

    [Theory]
    [InlineData("up")]
    [InlineData("down")]
    [InlineData("status")]
    [InlineData("doctor")]
    [InlineData("customer")]
    [InlineData("leads")]
    [InlineData("ledger")]
    [InlineData("funnel")]
    [InlineData("sql")]
    [InlineData("rules check")]
    [InlineData("dead-letters list")]
    [InlineData("why")]
    [InlineData("unlink")]
    [InlineData("identities conflicts")]
    [InlineData("identities quarantined")]
    [InlineData("identities release")]
    public async Task Help_OfVerb_DescribesEveryOption(string verb)
    {
        var help = await _scrm.OutputOfAsync([.. verb.Split(' '), "--help"]);
        Assert.Contains("Description:", help, StringComparison.Ordinal);
        var options = help[help.IndexOf("Options:", StringComparison.Ordinal)..].Split('\n')
            .Where(l => l.StartsWith("  -", StringComparison.Ordinal));
        Assert.All(options, line => Assert.Matches(@"^  -.+?  +\S.+", line));
    }

    private string Config(string json)
    {
        var file = Path.Combine(_scrm.Home, "config.json");
        File.WriteAllText(file, json);
        return file;
    }
}
