using System.Text;
using ScrmStream.Profiles;
using Xunit;

namespace ScrmStream.Tests.Profiles;

public sealed class MicroTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("12", "12")]
    [InlineData("-0.5", "-0.5")]
    [InlineData("0.000001", "0.000001")]
    [InlineData("19.900", "19.9")]
    [InlineData("999999999999999999", "999999999999999999")]
    public void Format_OfAParsedNumber_IsItsShortestText(string text, string shortest)
    {
        Assert.True(Micro.TryParseExact(text, out var micro));
        var utf8 = new byte[Micro.TextBytesMax];
        Assert.Equal(shortest, Encoding.ASCII.GetString(utf8, 0, Micro.Format(micro, utf8)));
    }

    [Theory]
    [InlineData("0.0000001")]
    [InlineData("1000000000000000000")]
    [InlineData("1e5")]
    [InlineData("1,000")]
    [InlineData("")]
    public void TryParseExact_WhatIsNoRuleNumber_IsRefused(string text) => Assert.False(Micro.TryParseExact(text, out _));

    [Fact]
    public void TryFrom_Double_IsTheNearestMicro()
    {
        Assert.True(Micro.TryFrom(19.99, out var micro));
        Assert.Equal(19_990_000, micro);
        Assert.True(Micro.TryFrom(1e300, out micro));
        Assert.Equal((Int128)1e25, micro);
        Assert.False(Micro.TryFrom(double.NaN, out _));
        Assert.False(Micro.TryFrom(double.PositiveInfinity, out _));
    }

    [Fact]
    public void Format_TheGreatestSums_FitsTheRoom()
    {
        var utf8 = new byte[Micro.TextBytesMax];
        Assert.Equal(Int128.MaxValue.ToString()[..^6] + "." + Int128.MaxValue.ToString()[^6..],
            Encoding.ASCII.GetString(utf8, 0, Micro.Format(Int128.MaxValue, utf8)));
    }
}
