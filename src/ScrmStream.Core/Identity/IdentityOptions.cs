using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// How identifiers are joined. Changing a limit changes customers, in the past too: they are a pure function of the evidence.
/// </summary>
public sealed class IdentityOptions
{
    /// <summary>
    /// Values of each contact kind (phone, email) per customer, where <see cref="Kinds"/> gives the kind none. Default 3, range 1 to 100.
    /// </summary>
    public int ContactValuesMax { get; set; } = 3;
    /// <summary>
    /// Other classes and limits than the kinds have by default, by the kind's word. Default: none. They decide anchors and customers:
    /// change them only together with the namespace.
    /// </summary>
    public Dictionary<string, KindOptions> Kinds { get; set; } = [];
    /// <summary>
    /// Distinct strong neighbours (for devices also: device neighbours) beyond which an identifier is quarantined. Default 50, range 2 to
    /// 10,000.
    /// </summary>
    public int NeighboursMax { get; set; } = 50;
    /// <summary>
    /// Identifiers connected by strong edges beyond which their contact edges are parked. Default 10,000, range 10 to 1,000,000.
    /// </summary>
    public int RawComponentMax { get; set; } = 10_000;
    /// <summary>More junk values than <see cref="JunkList.DefaultValues"/>, compared without regard to ASCII case.</summary>
    public List<string> JunkValues { get; set; } = [];
    /// <summary>More junk patterns: regular expressions over the whole value.</summary>
    public List<string> JunkPatterns { get; set; } = [];
    /// <summary>Calling code of phone numbers that name none. Default 86 (China), 1 to 3 digits, the first not 0.</summary>
    public string PhoneRegion { get; set; } = "86";
    /// <summary>
    /// Keys under which phones and e-mail addresses are hashed before they are stored: the first is the current one, the others are old
    /// ones under which people may still be known. Default: none, values are stored as normalised.
    /// </summary>
    public List<PersonalKeyOptions> PersonalKeys { get; set; } = [];

    /// <summary>The junk list. A phone or an address of <see cref="JunkValues"/> is junk however it is written.</summary>
    public JunkList Junk()
    {
        var normaliser = Normaliser();
        var phones = JunkValues.Select(v => normaliser.NormaliseText(IdentifierKind.Phone, v)).OfType<string>();
        var emails = JunkValues.Select(v => normaliser.NormaliseText(IdentifierKind.Email, v)).OfType<string>();
        return new JunkList([.. JunkList.DefaultValues, .. JunkValues, .. phones, .. emails], JunkPatterns);
    }

    public Normaliser Normaliser() => new(PhoneRegion);

    /// <summary>Classes and limits of all kinds, frozen.</summary>
    /// <exception cref="ArgumentException">An entry of <see cref="Kinds"/> is wrong; the message names it and says why.</exception>
    public KindTable KindTable() => new(Kinds, ContactValuesMax);

    /// <exception cref="ArgumentException">An option is outside its range; the message names it.</exception>
    public void Validate()
    {
        if (ContactValuesMax is < 1 or > 100)
            throw new ArgumentOutOfRangeException(
                nameof(ContactValuesMax), ContactValuesMax, "Identity:ContactValuesMax must be from 1 to 100.");
        if (NeighboursMax is < 2 or > 10_000)
            throw new ArgumentOutOfRangeException(nameof(NeighboursMax), NeighboursMax, "Identity:NeighboursMax must be from 2 to 10,000.");
        if (RawComponentMax is < 10 or > 1_000_000)
            throw new ArgumentOutOfRangeException(
                nameof(RawComponentMax), RawComponentMax, "Identity:RawComponentMax must be from 10 to 1,000,000.");
        if (PhoneRegion.Length is < 1 or > 3 || PhoneRegion[0] == '0' || !PhoneRegion.All(char.IsAsciiDigit))
            throw new ArgumentException($"Pipeline:Identity:PhoneRegion '{PhoneRegion}': give the 1 to 3 digits of a calling code, as 86.");
        _ = KindTable();
        _ = new PersonalKeys(PersonalKeys);
    }
}
