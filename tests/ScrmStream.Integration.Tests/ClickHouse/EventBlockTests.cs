using System.Text;
using ScrmStream.ClickHouse.Blocks;
using ScrmStream.Events;
using ScrmStream.Identity;

namespace ScrmStream.Integration.ClickHouse;

/// <summary>What a block of <c>events_rows</c> holds of people, without a server.</summary>
public sealed class EventBlockTests
{
    private const string Record = """
        {"event":"page_view","event_time":1772334000000,"identifiers":[{"kind":"cookie","value":"c1"},
         {"kind":"phone","value":"139-1234-5678"},{"kind":"email","value":"Ann.Lee@example.cn","verified":false}]}
        """;

    [Fact]
    public void Add_WithAKey_HoldsNoPlainPhoneOrAddressInAnyColumn()
    {
        var block = Block(new IdentityOptions { PersonalKeys = [Key("k1")] });
        Assert.Contains("phone::k1.", block, StringComparison.Ordinal);
        Assert.Contains("email::k1.", block, StringComparison.Ordinal);
        Assert.DoesNotContain("12345678", block, StringComparison.Ordinal);
        Assert.DoesNotContain("1234-5678", block, StringComparison.Ordinal);
        Assert.DoesNotContain("ann.lee", block, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Add_WhileKeysAreRotated_NamesAnIdentifierUnderEachKey()
    {
        var block = Block(new IdentityOptions { PersonalKeys = [Key("k2"), Key("k1")] });
        Assert.Contains("phone::k2.", block, StringComparison.Ordinal);
        Assert.Contains("phone::k1.", block, StringComparison.Ordinal);
        Assert.Contains("email::k2.", block, StringComparison.Ordinal);
        Assert.DoesNotContain("email::k1.", block, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_WithoutAKey_HoldsTheNormalForms()
    {
        var block = Block(new IdentityOptions());
        Assert.Contains("phone::+8613912345678", block, StringComparison.Ordinal);
        Assert.Contains("email::ann.lee@example.cn", block, StringComparison.Ordinal);
    }

    private static PersonalKeyOptions Key(string id) => new() { Id = id, Key = "000102030405060708090a0b0c0d0e0f" };

    private static string Block(IdentityOptions identity)
    {
        var batch = new EventBatch(new RecordBatch(1, 1 << 16));
        batch.Records.Add(new SourcePartition(Guid.Empty, "test", 0), 0, -1, Encoding.UTF8.GetBytes(Record));
        new JsonEventDecoder(new EventLimits()).Decode(batch);
        new IdentifierScreen(identity).Apply(batch);
        using var block = new EventBlock();
        block.Add(batch);
        Assert.Equal(1, block.Block.Rows);
        return Encoding.Latin1.GetString(block.Block.ToArray());
    }
}
