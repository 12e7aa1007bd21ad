namespace ScrmStream.Identity;

/// <summary>
/// How identifiers are joined. Changing a limit changes customers, in the past too: they are a pure function of the evidence.
/// </summary>
public sealed class IdentityOptions
{
    /// <summary>Values of one contact kind (phone, email) per customer. Default 3, range 1 to 100.</summary>
    public int ContactValuesMax { get; set; } = 3;
    /// <summary>
    /// Strong neighbours (of a device also: device neighbours) beyond which an identifier is parked. Default 50, range 2 to 10,000.
    /// </summary>
    public int NeighboursMax { get; set; } = 50;
    /// <summary>More junk values than <see cref="JunkList.DefaultValues"/>, compared without regard to ASCII case.</summary>
    public List<string> JunkValues { get; set; } = [];
    /// <summary>More junk patterns than <see cref="JunkList.DefaultPatterns"/>: regular expressions over the whole value.</summary>
    public List<string> JunkPatterns { get; set; } = [];

    public JunkList Junk() => new([.. JunkList.DefaultValues, .. JunkValues], [.. JunkList.DefaultPatterns, .. JunkPatterns]);

    public void Validate()
    {
        if (ContactValuesMax is < 1 or > 100)
            throw new ArgumentOutOfRangeException(
                nameof(ContactValuesMax), ContactValuesMax, "Identity:ContactValuesMax must be from 1 to 100.");
        if (NeighboursMax is < 2 or > 10_000)
            throw new ArgumentOutOfRangeException(nameof(NeighboursMax), NeighboursMax, "Identity:NeighboursMax must be from 2 to 10000.");
    }
}
