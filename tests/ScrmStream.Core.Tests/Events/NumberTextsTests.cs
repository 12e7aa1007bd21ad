using System.Globalization;
using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Tests.Events;

/// <summary>Compared with the framework's own text of a number, which is the shortest that reads back as the same.</summary>
public sealed class NumberTextsTests
{
    private static string Text(double number)
    {
        Span<byte> target = stackalloc byte[NumberTexts.BytesMax];
        return Encoding.ASCII.GetString(target[..NumberTexts.Write(number, target)]);
    }

    private static string Text(long number)
    {
        Span<byte> target = stackalloc byte[NumberTexts.BytesMax];
        return Encoding.ASCII.GetString(target[..NumberTexts.Write(number, target)]);
    }

    private static void AssertAsTheFrameworks(double number) => Assert.Equal(number.ToString("R", CultureInfo.InvariantCulture), Text(number));

    [Theory]
    [InlineData(0.15, "0.15")]
    [InlineData(-0.29, "-0.29")]
    [InlineData(5, "5")]
    [InlineData(1990.5, "1990.5")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1E-05")]
    [InlineData(999_999_999_999_999, "999999999999999")]
    [InlineData(0, "0")]
    [InlineData(-0.0, "-0")]
    [InlineData(double.Epsilon, "5E-324")]
    [InlineData(double.MinValue, "-1.7976931348623157E+308")]
    public void Write_ADouble_IsTheShortestText(double number, string text) => Assert.Equal(text, Text(number));

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Write_AWholeNumber_IsItsDigits(long number) => Assert.Equal(number.ToString(CultureInfo.InvariantCulture), Text(number));

    [Fact]
    public void Write_DecimalsAndTheirNeighbours_AreTheFrameworksText()
    {
        var random = new Random(20261122);
        for (var i = 0; i < 50_000; i++)
        {
            var number = Math.Round((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-5, 17)), random.Next(0, 9));
            AssertAsTheFrameworks(number);
            AssertAsTheFrameworks(Math.BitIncrement(number));
            AssertAsTheFrameworks(Math.BitDecrement(number));
        }
    }

    [Fact]
    public void Write_PowersOfTen_AreTheFrameworksText()
    {
        for (var power = -20; power <= 30; power++)
        {
            AssertAsTheFrameworks(Math.Pow(10, power));
            AssertAsTheFrameworks(-3 * Math.Pow(10, power));
        }
    }

    [Fact]
    public void Write_RandomBits_AreTheFrameworksText()
    {
        var random = new Random(1);
        for (var i = 0; i < 50_000; i++)
        {
            var number = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            if (double.IsFinite(number)) AssertAsTheFrameworks(number);
        }
    }
}
