using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// Class, limit and strength of each kind of identifier: the defaults with what the configuration says on top, frozen. Arrays by the
/// kind's number, so that a look-up costs a load. Thread safe.
/// </summary>
public sealed class KindTable
{
    /// <summary>What <see cref="ValuesMaxOf"/> says of kinds without a limit.</summary>
    public const int NoLimit = int.MaxValue;

    private const int ValuesMaxMost = 100;

    private static readonly string[] ClassWords = ["account", "app", "contact", "bridge", "device"];

    private readonly IdentifierClass[] _classes = new IdentifierClass[IdentifierKinds.Count];
    private readonly int[] _valuesMax = new int[IdentifierKinds.Count];
    private readonly bool[] _isPerScope = new bool[IdentifierKinds.Count];
    private readonly byte[] _ranks = new byte[IdentifierKinds.Count];

    /// <param name="told">What the configuration says, by the kind's word in any case.</param>
    /// <param name="contactValuesMax">Values of a contact kind that is told no limit of its own.</param>
    /// <exception cref="ArgumentException">An entry is wrong or contradicts itself; the message names the setting and says why.</exception>
    public KindTable(IReadOnlyDictionary<string, KindOptions> told, int contactValuesMax)
    {
        var kinds = Enum.GetValues<IdentifierKind>();
        var silent = new KindOptions();
        foreach (var kind in kinds) Set(kind, kind.DefaultClass(), silent, contactValuesMax);
        foreach (var (word, options) in told)
        {
            var kind = Kind(word);
            Set(kind, CheckedClass(kind, options), options, contactValuesMax);
        }
        var strongestFirst = kinds.OrderBy(k => (int)_classes[(int)k]).ThenBy(k => (int)k).ToArray();
        for (var rank = 0; rank < strongestFirst.Length; rank++) _ranks[(int)strongestFirst[rank]] = (byte)rank;
    }

    public IdentifierClass ClassOf(IdentifierKind kind) => _classes[(int)kind];

    public bool IsDevice(IdentifierKind kind) => _classes[(int)kind] == IdentifierClass.Device;

    public bool IsContact(IdentifierKind kind) => _classes[(int)kind] == IdentifierClass.Contact;

    /// <summary>Values that one customer may have, per scope where <see cref="IsPerScope"/>; else <see cref="NoLimit"/>.</summary>
    public int ValuesMaxOf(IdentifierKind kind) => _valuesMax[(int)kind];

    /// <summary>The limit holds in each scope; otherwise over all scopes.</summary>
    public bool IsPerScope(IdentifierKind kind) => _isPerScope[(int)kind];

    /// <summary>The kind's place in the order of class, then kind; 0 is the strongest, and no two kinds share one.</summary>
    public int RankOf(IdentifierKind kind) => _ranks[(int)kind];

    /// <summary>
    /// Strength: class, kind, then scope and value of the stored texts in order of their bytes; negative when <paramref name="a"/> is
    /// stronger.
    /// </summary>
    public int CompareStrength(IdentifierKind kindA, ReadOnlySpan<byte> a, IdentifierKind kindB, ReadOnlySpan<byte> b)
    {
        if (kindA != kindB) return RankOf(kindA) - RankOf(kindB);
        var byScope = IdentifierText.Scope(a, kindA).SequenceCompareTo(IdentifierText.Scope(b, kindB));
        return byScope != 0 ? byScope : IdentifierText.Value(a, kindA).SequenceCompareTo(IdentifierText.Value(b, kindB));
    }

    private void Set(IdentifierKind kind, IdentifierClass ofClass, KindOptions options, int contactValuesMax)
    {
        var isLimited = ofClass <= IdentifierClass.Contact;
        if (!isLimited) CheckNoLimit(kind, ofClass, options);
        else if (options.ValuesMax is < 1 or > ValuesMaxMost)
            throw Wrong(kind, $":ValuesMax {options.ValuesMax}: give 1 to {ValuesMaxMost}.");
        var isContact = ofClass == IdentifierClass.Contact;
        _classes[(int)kind] = ofClass;
        _valuesMax[(int)kind] = isLimited ? options.ValuesMax ?? (isContact ? contactValuesMax : 1) : NoLimit;
        _isPerScope[(int)kind] = isLimited && (options.PerScope ?? !isContact);
    }

    private static IdentifierKind Kind(string word)
    {
        if (IdentifierKinds.TryParse(System.Text.Encoding.UTF8.GetBytes(word.ToLowerInvariant()), out var kind)) return kind;
        var known = string.Join(", ", Enum.GetValues<IdentifierKind>().Select(k => k.Word()));
        throw new ArgumentException($"Pipeline:Identity:Kinds:{word}: there is no such kind; give one of {known}.");
    }

    private static IdentifierClass CheckedClass(IdentifierKind kind, KindOptions options)
    {
        if (options is { Class: null, ValuesMax: null, PerScope: null })
            throw Wrong(kind, " says nothing: give it Class, ValuesMax or PerScope, or leave it out.");
        if (options.Class is null) return kind.DefaultClass();
        var told = (IdentifierClass)Array.FindIndex(ClassWords, w => w.Equals(options.Class, StringComparison.OrdinalIgnoreCase));
        if (!Enum.IsDefined(told)) throw Wrong(kind, $":Class '{options.Class}': give account, app, contact or device.");
        if (kind.IsBridge() != (told == IdentifierClass.Bridge))
            throw Wrong(kind, $":Class '{options.Class}': pending_id is the one bridge, for cells are stored in a form that depends on it; "
                + (kind.IsBridge() ? "leave the setting out." : "give account, app, contact or device."));
        if (kind.IsPersonal() && told == IdentifierClass.Device)
            throw Wrong(kind, $":Class '{options.Class}': while keys are rotated one {kind.Word()} has several texts that stand for the "
                + "same person, and a device stands for nobody for certain; give account, app or contact.");
        return told;
    }

    private static void CheckNoLimit(IdentifierKind kind, IdentifierClass ofClass, KindOptions options)
    {
        if (options.ValuesMax is null && options.PerScope is null) return;
        var setting = options.ValuesMax is null ? "PerScope" : "ValuesMax";
        throw Wrong(kind, ofClass == IdentifierClass.Bridge
            ? $":{setting}: a bridge links whom it meets for {EvidenceGraph.BridgeDays} days; a limit has no effect. Leave the setting out."
            : $":{setting}: a device belongs to one customer or to nobody; a limit has no effect. Leave the setting out, or give the kind "
                + "the Class account, app or contact.");
    }

    private static ArgumentException Wrong(IdentifierKind kind, string what) => new($"Pipeline:Identity:Kinds:{kind.Word()}{what}");
}
