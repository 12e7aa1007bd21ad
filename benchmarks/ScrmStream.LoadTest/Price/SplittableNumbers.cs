namespace ScrmStream.LoadTest.Price;

/// <summary>
/// The numbers of Java's <c>SplittableRandom</c>, so that one seed gives the events here that the programs which ScrmStream is compared
/// with are given.
/// </summary>
internal sealed class SplittableNumbers(long seed)
{
    private ulong _state = (ulong)seed;

    /// <summary>From 0 to below the bound, which is 1 at least.</summary>
    public int Next(int bound)
    {
        unchecked
        {
            var number = (int)Bits();
            var last = bound - 1;
            if ((bound & last) == 0) return number & last;
            // What lies beyond the last whole multiple of the bound is drawn again; the sum then overflows.
            for (var drawn = (int)((uint)number >> 1); drawn + last - (number = drawn % bound) < 0;) drawn = (int)(Bits() >> 1);
            return number;
        }
    }

    private uint Bits()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 33)) * 0x62A9D9ED799705F5;
        z = (z ^ (z >> 28)) * 0xCB24D0A5C88C35B3;
        return (uint)(z >> 32);
    }
}
