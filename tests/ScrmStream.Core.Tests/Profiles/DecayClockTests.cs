using ScrmStream.Profiles;
using Xunit;

namespace ScrmStream.Tests.Profiles;

public sealed class DecayClockTests
{
    private const long DayMs = 86_400_000;

    [Fact]
    public void Weight_AtWholeHalfLives_IsAnExactPowerOfTwo()
    {
        var clock = new DecayClock(14 * DayMs);
        for (var halfLives = 0; halfLives < 32; halfLives++)
        {
            Assert.Equal(1L << (31 + halfLives), clock.Weight((5 * 32 + halfLives) * 14 * DayMs));
        }
        Assert.Equal(1L << 31, clock.Weight(-32 * 14 * DayMs));
        Assert.Equal(-1, clock.EpochOf(-1));
    }

    [Fact]
    public void Weight_OfAnyTimeAndHalfLife_AgreesWithPow()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var halfLifeMs = random.NextInt64(DecayClock.HalfLifeMsMin, DecayClock.HalfLifeMsMax + 1);
            var clock = new DecayClock(halfLifeMs);
            var timeMs = random.NextInt64(-1_000_000_000_000, 4_000_000_000_000);
            var since = timeMs - (long)clock.EpochOf(timeMs) * 32 * halfLifeMs;
            Assert.InRange(since, 0, 32 * halfLifeMs - 1);
            var expected = Math.Pow(2, 31 + (double)since / halfLifeMs);
            Assert.InRange(clock.Weight(timeMs) / expected, 1 - 3e-10, 1 + 3e-10);
        }
    }

    [Fact]
    public void Weight_OfLaterTime_IsNeverSmallerInAnEpoch()
    {
        var clock = new DecayClock(DecayClock.HalfLifeMsMin);
        var weights = Enumerable.Range(0, 32 * 60_000).Select(ms => clock.Weight(ms)).ToArray();
        for (var i = 1; i < weights.Length; i++) Assert.True(weights[i] >= weights[i - 1], $"at {i} ms");
    }

    [Fact]
    public void Decay_OverAnyTime_AgreesWithPow()
    {
        var random = new Random(2);
        for (var i = 0; i < 5_000; i++)
        {
            var halfLifeMs = random.NextInt64(DecayClock.HalfLifeMsMin, DecayClock.HalfLifeMsMax + 1);
            var from = random.NextInt64(0, 2_000_000_000_000);
            var to = from + random.NextInt64(-20 * halfLifeMs, 20 * halfLifeMs);
            var expected = 123_456_789 * Math.Pow(0.5, (to - from) / (double)halfLifeMs);
            Assert.InRange(new DecayClock(halfLifeMs).Decay(123_456_789, from, to) / expected, 1 - 1e-13, 1 + 1e-13);
        }
    }

    [Fact]
    public void Read_OfAWeightedSum_GivesTheDecayedValue()
    {
        var clock = new DecayClock(7 * DayMs);
        var at = 1_760_000_000_000;
        var weighted = 20_000_000.0 * clock.Weight(at);
        Assert.Equal(20_000_000, clock.Read(weighted, clock.EpochOf(at), at), 0.01);
        Assert.Equal(10_000_000, clock.Read(weighted, clock.EpochOf(at), at + 7 * DayMs), 0.01);
        Assert.Equal(20_000_000 / Math.Pow(2, 40), clock.Read(weighted, clock.EpochOf(at), at + 280 * DayMs), 1e-9);
        Assert.Equal(0, clock.Read(weighted, clock.EpochOf(at), at + 100_000 * DayMs));
    }

    [Fact]
    public void Log2_OfAnyNumber_AgreesWithMath()
    {
        var random = new Random(3);
        for (var i = 0; i < 10_000; i++)
        {
            var value = Math.Exp(random.NextDouble() * 80 - 40);
            Assert.Equal(Math.Log2(value), PowersOfTwo.Log2(value), 2e-14);
        }
        Assert.Equal(3, PowersOfTwo.Log2(8));
    }

    [Theory]
    [InlineData(59_999)]
    [InlineData(401 * DayMs)]
    public void Constructor_HalfLifeOutOfRange_Throws(long halfLifeMs) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new DecayClock(halfLifeMs));

    [Fact]
    public void Weight_WithoutDivisions_IsThatOfDivisionsAtEveryBoundary()
    {
        var random = new Random(7);
        for (var i = 0; i < 2_000; i++)
        {
            var halfLifeMs = i < 3 ? new[] { DecayClock.HalfLifeMsMin, DecayClock.HalfLifeMsMax, 14 * DayMs }[i]
                : random.NextInt64(DecayClock.HalfLifeMsMin, DecayClock.HalfLifeMsMax + 1);
            var clock = new DecayClock(halfLifeMs);
            var epoch = random.Next(-50, 50);
            var startMs = epoch * halfLifeMs * DecayClock.HalfLivesPerEpoch;
            for (var whole = 0; whole < DecayClock.HalfLivesPerEpoch; whole++)
            {
                // A weight doubles with each half-life, to the bit at its start, and never falls in between.
                Assert.Equal(1L << (31 + whole), clock.Weight(startMs + whole * halfLifeMs, epoch));
                Assert.True(clock.Weight(startMs + (whole + 1) * halfLifeMs - 1, epoch) <= 1L << Math.Min(62, 32 + whole) || whole == 31);
                Assert.True(clock.IsIn(epoch, startMs + whole * halfLifeMs));
            }
            Assert.False(clock.IsIn(epoch, startMs - 1));
            Assert.False(clock.IsIn(epoch, startMs + 32 * halfLifeMs));
            Assert.Equal((epoch, epoch - 1), (clock.EpochOf(startMs), clock.EpochOf(startMs - 1)));
        }
    }
}
