using System.Globalization;
using ScrmStream.Profiles;

namespace ScrmStream.Rules.Sql;

/// <summary>
/// What a query is made of while rules are written into it: functions, aggregates of each customer's events, and columns made of these.
/// Equal ones are written once. One thread; one query.
/// </summary>
/// <param name="file">All rules that refer to each other.</param>
internal sealed class SqlScope(RuleFileSyntax file)
{
    /// <summary>The moment that is asked about, Unix milliseconds.</summary>
    public const string AsOf = "as_of";
    /// <summary>An earlier moment, where it is asked when something last held.</summary>
    public const string Earlier = "t";

    private readonly List<(string Name, string Sql)> _functions = [];
    private readonly Dictionary<string, string> _aggregates = [];
    private readonly List<(string Name, string Sql)> _columns = [];

    public RuleFileSyntax File => file;
    public CalendarZone Zone => file.Zone;

    /// <summary>Definitions for the query's WITH, each after those it uses.</summary>
    public IReadOnlyList<(string Name, string Sql)> Functions => _functions;
    /// <summary>By SQL, their names.</summary>
    public IReadOnlyDictionary<string, string> Aggregates => _aggregates;
    /// <summary>Each after those it uses.</summary>
    public IReadOnlyList<(string Name, string Sql)> Columns => _columns;

    /// <summary>The moment that conditions are written about.</summary>
    public string At { get; private set; } = AsOf;

    /// <summary>Conditions are written about an earlier moment.</summary>
    public bool LooksBack => At == Earlier;

    /// <summary>While looking back: the arrays of times at which a condition may have become true.</summary>
    public List<string> Candidates { get; } = [];

    /// <summary>Writes something about an earlier moment.</summary>
    public string LookingBack(Func<string> write)
    {
        Candidates.Clear();
        At = Earlier;
        var sql = write();
        At = AsOf;
        return sql;
    }

    /// <summary>A function of the query, by the name it is called by.</summary>
    public string Function(string name, string lambda)
    {
        if (_functions.TrueForAll(f => f.Name != name)) _functions.Add((name, lambda));
        return name;
    }

    /// <summary>The name of an aggregate over a customer's events.</summary>
    public string Aggregate(string kind, string sql)
    {
        if (!_aggregates.TryGetValue(sql, out var name)) _aggregates.Add(sql, name = $"{kind}_{_aggregates.Count + 1}");
        return name;
    }

    /// <summary>The quoted name of a column that is made of aggregates and of columns before it.</summary>
    public string Column(string name, Func<string> write)
    {
        var quoted = SqlText.Name(name);
        if (_columns.Exists(c => c.Name == quoted)) return quoted;
        _columns.Add((quoted, write()));
        return quoted;
    }

    /// <summary>A whole number of any width.</summary>
    public static string Number(Int128 number) => number >= long.MinValue && number <= long.MaxValue
        ? number.ToString(CultureInfo.InvariantCulture) : $"toInt256('{number.ToString(CultureInfo.InvariantCulture)}')";

    /// <summary>A comparison that is false where a side is NULL.</summary>
    public static string Compare(string left, Comparison comparison, Int128 right) =>
        $"ifNull({left} {comparison.Symbol()} {Number(right)}, 0)";
}
