using ScrmStream.Host.Reading;

namespace ScrmStream.Integration.Cli;

public sealed class ResultTableTests
{
    [Theory]
    [InlineData("plain 猫粮 🐱", "plain 猫粮 🐱")]
    [InlineData("a\nb", "a\nb")]
    [InlineData("\u001b[2J\u001b]0;owned\u0007", "·[2J·]0;owned·")]
    [InlineData("\0\u0008\u009bA\r", "···A·")]
    public void Harmless_TextOfStrangers_CannotSteerATerminal(string text, string shown) =>
        Assert.Equal(shown, ResultTable.Harmless(text));
}
