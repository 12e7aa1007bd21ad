using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;

namespace ScrmStream.Tests.Pipeline;

/// <summary>What the cell of an identifier in quarantine says from flush to flush.</summary>
public sealed class QuarantineFlushTests
{
    private readonly CustomerState _state = new(new IdentityOptions { NeighboursMax = 2 });
    private readonly FlushBuilder _builder;
    private int _day;

    public QuarantineFlushTests() => _builder = new FlushBuilder(
        _state, new CustomerPublisher(_state, RuleSet.Empty, new MemoryViewStore(), 1, TimeProvider.System), 1);

    /// <summary>Left standing, the flag would make every process that reads the cell publish all its neighbours again, for ever.</summary>
    [Fact]
    public void Turned_IsUnsettledUntilItsFlushIsPublished()
    {
        Meet("openid:a:1");
        Meet("openid:a:2");
        Assert.False(FlushHub());
        Meet("openid:a:3");
        Assert.True(FlushHub());
        Meet("openid:a:4");
        Assert.False(FlushHub());
    }

    private void Meet(string openId)
    {
        var (person, phone) = (Node(IdentifierKind.OpenId, openId), Node(IdentifierKind.Phone, "phone::shop"));
        _state.Graph.Link(person, phone, ++_day, default);
        _state.FollowQuarantine();
        _state.Mark(person, CellFlags.Dirty | CellFlags.Membership);
        _state.Mark(phone, CellFlags.Dirty | CellFlags.Membership);
    }

    // Whether the stored cell of the shop's phone says that it is unsettled.
    private bool FlushHub()
    {
        var slice = new FlushSlice();
        var phone = new IdentifierId(_state.Graph.Nodes[Node(IdentifierKind.Phone, "phone::shop")].Id);
        _builder.Begin();
        Assert.True(_builder.NextCells(slice));
        var cell = slice.Arena[slice.Cells.Single(c => c.Id == phone).Content];
        _builder.Published();
        return (cell[CellCodec.HeadBytes - 1] & CellCodec.Unsettled) != 0;
    }

    private int Node(IdentifierKind kind, string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        var node = _state.Intern(kind, utf8, Fingerprint.Of(utf8));
        _state[node].Flags |= CellFlags.Loaded;
        return node;
    }
}
