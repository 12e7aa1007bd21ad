using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Blocks;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

[Collection(ClickHouseCollection.Name)]
public sealed class ClickHouseMigrationsTests(ClickHouseFixture clickHouse)
{
    [Fact]
    public void All_Files_AreNumberedWithoutGapsAndHaveNoClock()
    {
        Assert.Equal(Enumerable.Range(1, ClickHouseMigrations.All.Count), ClickHouseMigrations.All.Select(m => m.Number));
        Assert.All(ClickHouseMigrations.All, m =>
        {
            Assert.DoesNotMatch(@"(?i)\b(now64?|today|rand\w*|generateUUIDv\d)\s*\(", m.Sql);
            // May run twice: it makes what is missing, says it again, or copies rows under keys of their own.
            Assert.All(m.Statements, s => Assert.Matches(
                @"(?i)IF NOT EXISTS|OR REPLACE|INSERT INTO \w+ \([^)]*\)\s+SELECT|MATERIALIZE INDEX|MODIFY COLUMN \w+\s+COMMENT", s));
        });
    }

    [ClickHouseFact]
    public async Task Apply_Again_DoesNothing()
    {
        using var client = new ClickHouseClient(clickHouse.Options());
        Assert.Equal(ClickHouseMigrations.All.Count, await ClickHouseMigrations.ApplyAsync(client, CancellationToken.None));
        Assert.Equal(0, await ClickHouseMigrations.ApplyAsync(client, CancellationToken.None));
        Assert.Equal(string.Join(',', ClickHouseMigrations.All.Select(m => m.Number)), await client.TextAsync(
            "SELECT arrayStringConcat(groupArray(toString(number)), ',') FROM (SELECT number FROM schema_migrations ORDER BY number)"));
    }

    [ClickHouseFact]
    public async Task Apply_StoppedHalfway_GoesOn()
    {
        using var client = new ClickHouseClient(clickHouse.Options());
        await ClickHouseMigrations.ApplyAsync(client, [], CancellationToken.None);
        await client.CommandAsync(ClickHouseMigrations.All[0].Statements.First(), CancellationToken.None);
        Assert.Equal(ClickHouseMigrations.All.Count, await ClickHouseMigrations.ApplyAsync(client, CancellationToken.None));
    }

    [ClickHouseFact]
    public async Task Apply_FileChangedAfterwards_IsRefusedByName()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var changed = ClickHouseMigrations.All.Select(m => m.Number == 2
            ? new ClickHouseMigration(2, m.Name, m.Sql + "-- more\n") : m).ToList();
        var error = await Assert.ThrowsAsync<ClickHouseSchemaException>(() => ClickHouseMigrations.ApplyAsync(client, changed,
            CancellationToken.None));
        Assert.Contains("0002-identity.sql was changed", error.Message, StringComparison.Ordinal);
    }

    [ClickHouseFact]
    public async Task Apply_DatabaseOfANewerBuild_IsRefused()
    {
        using var client = await clickHouse.ClientWithSchemaAsync();
        var error = await Assert.ThrowsAsync<ClickHouseSchemaException>(
            () => ClickHouseMigrations.ApplyAsync(client, ClickHouseMigrations.All.Take(2).ToList(), CancellationToken.None));
        Assert.Contains("older than the database", error.Message, StringComparison.Ordinal);
    }

    [ClickHouseFact]
    public async Task Insert_TableMissing_FailsAtOnceAndSaysSo()
    {
        using var client = new ClickHouseClient(clickHouse.Options());
        await ClickHouseMigrations.ApplyAsync(client, [], CancellationToken.None);
        using var block = new NativeBlock(new NativeTable("nowhere", new NativeColumn("a", "Int32"))) { Rows = 1 };
        block.Buffers[0].Int32(1);
        var error = await Assert.ThrowsAsync<ClickHouseException>(() => client.InsertAsync(block, null, CancellationToken.None));
        Assert.Equal((60, ClickHouseErrorKind.Schema), (error.Code, error.Kind));
        Assert.Contains("schema", error.Message, StringComparison.Ordinal);
    }
}
