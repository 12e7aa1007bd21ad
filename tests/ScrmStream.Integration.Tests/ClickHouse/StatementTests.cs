using System.Text;
using ScrmStream.ClickHouse.Embedded;
using Xunit;

namespace ScrmStream.Integration.ClickHouse;

public sealed class StatementTests
{
    [Theory]
    [InlineData("SELECT 1", "Select", null)]
    [InlineData(" -- FORMAT CSV\n/* x */ select ';' FORMAT JSON ;", "Select", "JSON")]
    [InlineData("SELECT format('{}', 1)", "Select", null)]
    [InlineData("SELECT 'it''s' AS `a``b` FORMAT TSV SETTINGS max_threads = 1", "Select", "TSV")]
    [InlineData("INSERT INTO t VALUES (1, 'FORMAT')", "Other", null)]
    [InlineData("INSERT INTO t SELECT 1 FORMAT Null", "Other", null)]
    [InlineData("CREATE TABLE t (format String) ENGINE = Memory", "Other", null)]
    [InlineData("", "Other", null)]
    public void Read_WholeStatement_KnowsKindAndFormat(string sql, string kind, string? format)
    {
        var statement = Statement.Read(Encoding.UTF8.GetBytes(sql), isWhole: true);
        Assert.Equal(kind, statement.Kind.ToString());
        Assert.Equal(format, statement.Format);
        Assert.False(statement.HasSecond);
    }

    [Theory]
    [InlineData("INSERT INTO t FORMAT CSV\n1,2\n", "INSERT INTO t ", "CSV", "1,2\n")]
    [InlineData("insert into t (`a format`, b) settings x = 'FORMAT y' format RowBinary\n\n1",
        "insert into t (`a format`, b) settings x = 'FORMAT y' ", "RowBinary", "\n1")]
    [InlineData("INSERT INTO t FORMAT Values (1)", "INSERT INTO t ", "Values", "(1)")]
    public void Read_InsertWithData_CutsHeadFormatAndData(string sql, string head, string format, string data)
    {
        var bytes = Encoding.UTF8.GetBytes(sql);
        var statement = Statement.Read(bytes, isWhole: false);
        Assert.Equal(StatementKind.InsertWithData, statement.Kind);
        Assert.Equal((head, format, data), (sql[..statement.HeadEnd], statement.Format, sql[statement.DataStart..]));
    }

    [Fact]
    public void Read_EveryPrefixOfAnInsert_WaitsForTheWholeFormat()
    {
        var bytes = Encoding.UTF8.GetBytes("INSERT INTO t (a) FORMAT RowBinary\n");
        for (var length = 0; length < bytes.Length; length++)
            Assert.Equal(StatementKind.Unfinished, Statement.Read(bytes.AsSpan(0, length), isWhole: false).Kind);
        Assert.Equal("RowBinary", Statement.Read(bytes, isWhole: false).Format);
    }

    [Fact]
    public void Read_TwoStatements_SaysSo() => Assert.True(Statement.Read("SELECT 1; SELECT 2"u8, isWhole: true).HasSecond);
}
