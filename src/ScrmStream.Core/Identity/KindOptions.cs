using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>What the configuration says of one kind of identifier; what it leaves out follows from the class.</summary>
public sealed class KindOptions
{
    /// <summary>
    /// <c>account</c>, <c>app</c>, <c>contact</c> or <c>device</c>. Default: <see cref="IdentifierKinds.DefaultClass"/>.
    /// </summary>
    public string? Class { get; set; }
    /// <summary>
    /// Values of the kind that one customer may have. Default 1, for contacts <see cref="IdentityOptions.ContactValuesMax"/>, range 1 to
    /// 100; devices have no limit.
    /// </summary>
    public int? ValuesMax { get; set; }
    /// <summary>True: the limit holds in each scope; false: over all scopes. Default true, for contacts false.</summary>
    public bool? PerScope { get; set; }
}
