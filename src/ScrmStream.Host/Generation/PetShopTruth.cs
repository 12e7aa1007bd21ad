using System.Text.Encodings.Web;
using System.Text.Json;

namespace ScrmStream.Host.Generation;

/// <summary>What a right engine finds in a generated stream with the rules of schemas/rules/examples/petshop.yaml.</summary>
/// <param name="Rejected">Events by the word of the reason; repeats are <c>duplicate</c>.</param>
/// <param name="Rows">Rows of the table of events: the accepted ones.</param>
/// <param name="Identifiers">Distinct identifiers, junk not counted.</param>
/// <param name="Tags">Customers that have a tag, whatever its value.</param>
/// <param name="TagValues">Customers by value, of the tags that have values.</param>
/// <param name="TagsTotal">Tags over all customers.</param>
public sealed record PetShopTruth(
    long Records, long Events, long Accepted, IReadOnlyDictionary<string, long> Rejected, long Rows, long Identifiers, long Customers,
    long PaidFen, long RepeatBuyers, IReadOnlyDictionary<string, long> Tags,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> TagValues, long TagsTotal, HeroineTruth Heroine)
{
    /// <summary>Leads that reached each step of the funnel of stages behind the steps before.</summary>
    public IReadOnlyDictionary<string, long> LeadFunnel { get; init; } = new Dictionary<string, long>();
    /// <summary>Leads that bought without the steps before.</summary>
    public long DirectDeals { get; init; }

    private static readonly JsonSerializerOptions Snake = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public string ToJson() => JsonSerializer.Serialize(this, Snake);
}

/// <summary>The heroine at the end of the story: one customer.</summary>
/// <param name="Identifiers">Stored texts.</param>
/// <param name="Tags">Tag and value; "1" where a tag has none.</param>
public sealed record HeroineTruth(IReadOnlyList<string> Identifiers, IReadOnlyDictionary<string, string> Tags, long Events, long PaidFen);
