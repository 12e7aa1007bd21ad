using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

[Collection(ClickHouseCollection.Name)]
public sealed class EmbeddedServerTests(ClickHouseFixture clickHouse)
{
    [ClickHouseFact]
    public async Task Ping_ServerRuns_SaysOk()
    {
        Assert.Equal("Ok.\n", await clickHouse.Http.GetStringAsync(new Uri(clickHouse.Address, "/ping")));
        Assert.Equal("Ok.\n", await clickHouse.Http.GetStringAsync(clickHouse.Address));
    }

    [ClickHouseFact]
    public async Task Query_FormatOfHeader_IsUsedAndNamed()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post,
            clickHouse.Address) { Content = new StringContent("SELECT 1 AS a, 'x' AS b") };
        request.Headers.Add("X-ClickHouse-Format", "JSONCompact");
        using var response = await clickHouse.Http.SendAsync(request);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("JSONCompact", response.Headers.GetValues("X-ClickHouse-Format").Single());
        Assert.NotEmpty(response.Headers.GetValues("X-ClickHouse-Query-Id").Single());
        Assert.Contains("[1, \"x\"]", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [ClickHouseTheory]
    [InlineData("SELECT nowhere", 404, "47")]
    [InlineData("SELEKT 1", 400, "62")]
    [InlineData("SELECT * FROM missing_table", 404, "60")]
    [InlineData("SELECT throwIf(1)", 500, "395")]
    [InlineData("SELECT 1; SELECT 2", 400, "62")]
    public async Task Query_Wrong_AnswersStatusCodeAndText(string sql, int status, string code)
    {
        using var response = await PostAsync("/", sql);
        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        Assert.Equal(code, response.Headers.GetValues("X-ClickHouse-Exception-Code").Single());
        Assert.StartsWith($"Code: {code}. DB::Exception: ", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [ClickHouseFact]
    public async Task Settings_OfOneRequest_DoNotReachTheNext()
    {
        const string ask = "SELECT value FROM system.settings WHERE name = 'max_block_size'";
        var before = await TextAsync("/", ask);
        Assert.Equal("4321\n", await TextAsync("/?max_block_size=4321", ask));
        Assert.Equal(before, await TextAsync("/", ask));
    }

    [ClickHouseFact]
    public async Task Database_OfOneRequest_DoesNotReachTheNext()
    {
        await TextAsync("/", "CREATE DATABASE IF NOT EXISTS other");
        Assert.Equal("other\n", await TextAsync("/?database=other", "SELECT currentDatabase()"));
        Assert.Equal("default\n", await TextAsync("/", "SELECT currentDatabase()"));
    }

    [ClickHouseFact]
    public async Task Get_Writing_IsRefused()
    {
        using var response = await clickHouse.Http.GetAsync(new Uri(clickHouse.Address, "/?query=CREATE%20DATABASE%20by_get"));
        Assert.Equal("164", response.Headers.GetValues("X-ClickHouse-Exception-Code").Single());
    }

    [ClickHouseFact]
    public async Task Parameter_WithTabAndQuote_ArrivesWhole()
    {
        var value = Uri.EscapeDataString(@"a\tb'c");
        Assert.Equal("5\n", await TextAsync($"/?param_x={value}", "SELECT length({x:String})"));
    }

    [ClickHouseFact]
    public async Task Compression_BothWays_GivesTheSameBytes()
    {
        await TextAsync("/", "CREATE TABLE packed (a UInt32) ENGINE = MergeTree ORDER BY a");
        using var content = new ByteArrayContent(Gzip("INSERT INTO packed FORMAT CSV\n1\n2\n3\n"));
        content.Headers.ContentEncoding.Add("gzip");
        using var stored = await clickHouse.Http.PostAsync(clickHouse.Address, content);
        Assert.Equal(HttpStatusCode.OK, stored.StatusCode);

        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(clickHouse.Address, "/?enable_http_compression=1"))
        {
            Content = new StringContent("SELECT a FROM packed ORDER BY a FORMAT CSV"),
        };
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        using var response = await clickHouse.Http.SendAsync(request);
        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
        using var unpacked = new StreamReader(new GZipStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress));
        Assert.Equal("1\n2\n3\n", await unpacked.ReadToEndAsync());
    }

    [ClickHouseTheory]
    [InlineData("JSONEachRow")]
    [InlineData("JSONCompact")]
    [InlineData("CSVWithNames")]
    public async Task Query_LongResult_IsOneWholeDocument(string format)
    {
        var text = await TextAsync($"/?default_format={format}", "SELECT number AS n FROM numbers(300000)");
        var numbers = text.Split('\n').Count(line => line.Any(char.IsAsciiDigit) && !line.Contains("rows", StringComparison.Ordinal)
            && !line.Contains("elapsed", StringComparison.Ordinal) && !line.Contains("bytes", StringComparison.Ordinal));
        Assert.Equal(300_000, numbers - (format == "JSONCompact" ? 1 : 0)); // the meta part names the type UInt64
        if (format == "CSVWithNames") Assert.Equal(0, text.LastIndexOf("\"n\"", StringComparison.Ordinal));
    }

    [ClickHouseFact]
    public async Task Insert_CutInsideARow_StoresNothing()
    {
        await TextAsync("/", "CREATE TABLE cut (a UInt64) ENGINE = MergeTree ORDER BY a");
        using var response = await clickHouse.Http.PostAsync(
            new Uri(clickHouse.Address, "/?query=INSERT%20INTO%20cut%20FORMAT%20RowBinary"), new ByteArrayContent(new byte[20]));
        Assert.Equal("33", response.Headers.GetValues("X-ClickHouse-Exception-Code").Single());
        Assert.Equal("0\n", await TextAsync("/", "SELECT count() FROM cut"));
    }

    [ClickHouseFact]
    public async Task Requests_ManyAtOnce_AllAnswerTheirOwn()
    {
        await TextAsync("/", "CREATE TABLE many (a UInt64) ENGINE = MergeTree ORDER BY a");
        var answers = await Task.WhenAll(Enumerable.Range(0, 48).Select(async i =>
        {
            if (i % 3 == 0) await TextAsync("/?query=INSERT%20INTO%20many%20FORMAT%20CSV", $"{i}\n");
            return await TextAsync($"/?max_block_size={1000 + i}", $"SELECT {i}, getSetting('max_block_size')");
        }));
        for (var i = 0; i < answers.Length; i++)
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{i}\t{1000 + i}\n"), answers[i]);
        Assert.Equal("16\n", await TextAsync("/", "SELECT count() FROM many"));
    }

    private async Task<string> TextAsync(string target, string body)
    {
        using var response = await PostAsync(target, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return text;
    }

    private async Task<HttpResponseMessage> PostAsync(string target, string body) =>
        await clickHouse.Http.PostAsync(new Uri(clickHouse.Address, target), new StringContent(body));

    private static byte[] Gzip(string text)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionMode.Compress)) gzip.Write(Encoding.UTF8.GetBytes(text));
        return bytes.ToArray();
    }
}
