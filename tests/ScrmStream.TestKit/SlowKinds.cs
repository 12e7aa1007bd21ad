using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using static ScrmStream.TestKit.SlowIdentity;

namespace ScrmStream.TestKit;

/// <summary>Classes, limits and strength of the kinds, looked up in the design's table and the options each time.</summary>
public sealed class SlowKinds(IdentityOptions options)
{
    private static readonly string[] Classes = ["account", "app", "contact", "bridge", "device"];

    public bool IsDevice(Id id) => ClassOf(id) == "device";

    public bool IsContact(Id id) => ClassOf(id) == "contact";

    public int Class(Id id) => Array.IndexOf(Classes, ClassOf(id));

    public int Strength(Id a, Id b)
    {
        if (Class(a) != Class(b)) return Class(a).CompareTo(Class(b));
        if (a.Kind != b.Kind) return a.Kind.CompareTo(b.Kind);
        var byScope = Bytes(a.Scope).AsSpan().SequenceCompareTo(Bytes(b.Scope));
        return byScope != 0 ? byScope : Bytes(a.Value).AsSpan().SequenceCompareTo(Bytes(b.Value));
    }

    public Id Anchor(Sighting sighting) => sighting.Ids.Order(Comparer<Id>.Create(Strength)).First();

    public bool WithinLimits(IEnumerable<Id> ids) =>
        ids.Where(i => ClassOf(i) is not ("bridge" or "device"))
            .GroupBy(i => (i.Kind, Scope: Told(i).PerScope ?? !IsContact(i) ? i.Scope : "all of them"))
            .All(g => g.Count() <= (Told(g.First()).ValuesMax ?? (IsContact(g.First()) ? options.ContactValuesMax : 1)));

    private string ClassOf(Id id) => Told(id).Class ?? id.Kind.Word() switch
    {
        "unionid" or "external_userid" or "member_id" or "login_id" => "account",
        "openid" => "app",
        "phone" or "email" => "contact",
        "pending_id" => "bridge",
        _ => "device",
    };

    private KindOptions Told(Id id) => options.Kinds.GetValueOrDefault(id.Kind.Word(), new KindOptions());

    private static byte[] Bytes(string s) => Encoding.UTF8.GetBytes(s);
}
