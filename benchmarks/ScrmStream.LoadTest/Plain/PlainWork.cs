using System.Globalization;
using System.Text.Json;
using StackExchange.Redis;

namespace ScrmStream.LoadTest.Plain;

/// <summary>
/// The reference job as it is usually written: a class per event, dictionaries of strings, one awaited HSET per event, rows as JSON. No
/// identity rules, no fences, nothing that survives the process.
/// </summary>
/// <param name="redis">Null: nothing is written to Redis.</param>
/// <param name="clickHouse">Null: no rows are written.</param>
internal sealed class PlainWork(IDatabase? redis, HttpClient? clickHouse)
{
    private const int RowsPerInsert = 50_000;

    /// <summary>The table that it writes.</summary>
    public const string Table = "plain_events";

    private readonly Dictionary<string, PlainCustomer> _byIdentifier = [];
    private readonly List<PlainRow> _rows = [];
    private long _nextId;

    public long Events { get; private set; }

    public async Task CreateTableAsync()
    {
        if (clickHouse is null) return;
        await ExecuteAsync($"DROP TABLE IF EXISTS {Table}", "");
        await ExecuteAsync(CreateTable(Table), "");
    }

    /// <summary>The statement that creates the table, under any name.</summary>
    public static string CreateTable(string name) => $"""
        CREATE TABLE {name} (event_id String, event LowCardinality(String), event_time Int64, channel LowCardinality(String),
            anchor String, customer Int64, session_id String, page String, amount_fen Int64)
        ENGINE = MergeTree ORDER BY (event, event_time)
        """;

    /// <exception cref="InvalidDataException">It is no event of the reference topic.</exception>
    public async Task AcceptAsync(byte[] value)
    {
        var e = JsonSerializer.Deserialize<PlainEvent>(value) ?? throw new InvalidDataException("null is no event");
        var customer = Resolve(e.Identifiers);
        customer.Apply(e);
        Events++;
        if (redis is not null) await redis.HashSetAsync($"plain:{{{customer.Id}}}", FieldsOf(customer));
        if (clickHouse is null) return;
        _rows.Add(new PlainRow(
            e.EventId, e.Event, e.EventTime, e.Channel, e.Identifiers[0].Key, customer.Id, e.SessionId, e.Page, e.AmountFen));
        if (_rows.Count == RowsPerInsert) await InsertAsync();
    }

    /// <summary>Writes the rows that are left.</summary>
    public async Task WriteRestAsync()
    {
        if (_rows.Count > 0) await InsertAsync();
    }

    /// <summary>What every engine has to agree on.</summary>
    public PlainAnswer Answer()
    {
        var customers = _byIdentifier.Values.Select(c => c.Root()).ToHashSet();
        return new PlainAnswer(
            Events, _byIdentifier.Count, customers.Count, customers.Sum(c => c.Tags().Count()), customers.Sum(c => c.PaidFen));
    }

    private PlainCustomer Resolve(IReadOnlyList<PlainIdentifier> identifiers)
    {
        PlainCustomer? customer = null;
        foreach (var identifier in identifiers)
            if (_byIdentifier.TryGetValue(identifier.Key, out var found)) customer = customer?.Merge(found.Root()) ?? found.Root();
        customer ??= new PlainCustomer(++_nextId);
        foreach (var identifier in identifiers) _byIdentifier.TryAdd(identifier.Key, customer);
        return customer;
    }

    private static HashEntry[] FieldsOf(PlainCustomer customer) =>
    [
        new("score", customer.Score.ToString("0.00", CultureInfo.InvariantCulture)), new("grade", customer.Grade),
        new("last_seen", customer.LastSeenMs), new("paid_fen", customer.PaidFen), new("tags", string.Join(',', customer.Tags())),
    ];

    private async Task InsertAsync()
    {
        await ExecuteAsync($"INSERT INTO {Table} FORMAT JSONEachRow", string.Join('\n', _rows.Select(r => JsonSerializer.Serialize(r))));
        _rows.Clear();
    }

    private async Task ExecuteAsync(string query, string body)
    {
        using var answer = await clickHouse!.PostAsync($"?query={Uri.EscapeDataString(query)}", new StringContent(body));
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"ClickHouse: {await answer.Content.ReadAsStringAsync()}");
    }
}

/// <summary>What a run came to.</summary>
internal sealed record PlainAnswer(long Events, int Identifiers, int Customers, int Tags, long PaidFen)
{
    /// <summary>As the programs that it is compared with print theirs.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"events={Events} identifiers={Identifiers} customers={Customers} tags={Tags} paid_fen={PaidFen}");
}
