using System.Buffers;
using System.Text.Json;
using ScrmStream.ClickHouse;
using ScrmStream.ClickHouse.Queries;
using ScrmStream.Events;
using ScrmStream.Host.Reading;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Rebuilding;

/// <summary>
/// All stored events as records again, at the positions of the originals: partition after partition in order of offset, each record with
/// those of its events that were good, at their places. So fences and rings come out as they were. What came after the source was opened
/// is not in it, but where it lies below what was there. Read page by page; one thread polls.
/// </summary>
internal sealed class StoredEventSource : IEventSource
{
    private const int RowsPerPage = 50_000;

    private readonly ClickHouseClient _client;
    private readonly List<(SourcePartition Partition, string TopicId, long LastOffset)> _partitions;
    private readonly ArrayBufferWriter<byte> _value = new();
    private readonly long[] _taken;
    private List<JsonElement[]> _page = [];
    private int _partition, _row;
    private long _nextOffset;
    private bool _isLastPage;

    private StoredEventSource(ClickHouseClient client, List<(SourcePartition, string, long)> partitions, long rows)
    {
        (_client, _partitions, Rows) = (client, partitions, rows);
        _taken = new long[partitions.Count];
        Array.Fill(_taken, -1);
    }

    /// <summary>Rows in storage, repeated ones too.</summary>
    public long Rows { get; }

    /// <summary>Events given out since the source was opened or rewound.</summary>
    public long Given { get; private set; }

    public long Lag => _partition == _partitions.Count ? 0 : -1;

    /// <exception cref="ClickHouseException">The server refused a query.</exception>
    public static async Task<StoredEventSource> OpenAsync(ClickHouseClient client, CancellationToken cancel)
    {
        var partitions = new List<(SourcePartition, string, long)>();
        long rows = 0;
        foreach (var row in await ResultRows.ReadAsync(client, StoredEventsSql.Partitions, cancel))
        {
            var topicId = row[0].GetString()!;
            var partition = new SourcePartition(Guid.Parse(topicId), row[1].GetString()!, row[2].GetInt32());
            partitions.Add((partition, topicId, ResultRows.Long(row[4])));
            rows += ResultRows.Long(row[3]);
        }
        return new StoredEventSource(client, partitions, rows);
    }

    /// <summary>The verdicts that stand, and above which version cells go on.</summary>
    /// <exception cref="ClickHouseException">The server refused a query.</exception>
    public static async Task<PastJudgement> JudgementAsync(ClickHouseClient client, CancellationToken cancel)
    {
        var verdicts = new StoredVerdicts();
        foreach (var row in await ResultRows.ReadAsync(client, StoredEventsSql.Duplicates, cancel))
        {
            var partition = new SourcePartition(Guid.Parse(row[0].GetString()!), row[1].GetString()!, row[2].GetInt32());
            verdicts.Add(partition, ResultRows.Long(row[3]), (int)ResultRows.Long(row[4]));
        }
        var version = (await ResultRows.ReadAsync(client, StoredEventsSql.GreatestVersion, cancel))[0][0];
        return new PastJudgement(verdicts, (ulong)ResultRows.Long(version));
    }

    public SourceState Poll(RecordBatch batch, TimeSpan timeout)
    {
        while (!batch.IsFull)
        {
            if (_partition == _partitions.Count) return batch.Count > 0 ? SourceState.Open : SourceState.Ended;
            if (_row == _page.Count && !TurnPage()) continue;
            AddRecord(batch);
        }
        return SourceState.Open;
    }

    public void Commit(IReadOnlyList<NextOffset> next)
    {
        // Nothing to note: a rebuild that breaks off begins again.
    }

    public void Pause(bool paused)
    {
        if (paused) throw new NotSupportedException("Rows wait by themselves.");
    }

    public void Rewind()
    {
        (_partition, _row, _nextOffset, _isLastPage) = (0, 0, 0, false);
        _page = [];
        Array.Fill(_taken, -1);
        Given = 0;
    }

    public void Describe(List<PartitionStanding> standings)
    {
        for (var i = 0; i < _partitions.Count; i++)
            standings.Add(new PartitionStanding(_partitions[i].Partition, Volatile.Read(ref _taken[i]), i < _partition, IsHistory: false));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // False: the partition is read, and the next one begins. A page may end inside a record: its last record is left for the next page.
    private bool TurnPage()
    {
        if (_isLastPage)
        {
            (_partition, _row, _nextOffset, _isLastPage) = (_partition + 1, 0, 0, false);
            _page = [];
            return false;
        }
        var (partition, topicId, lastOffset) = _partitions[_partition];
        var sql = StoredEventsSql.Page(topicId, partition.Topic, partition.Partition, _nextOffset, lastOffset, RowsPerPage);
        _page = ResultRows.ReadAsync(_client, sql, CancellationToken.None).GetAwaiter().GetResult();
        _row = 0;
        _isLastPage = _page.Count < RowsPerPage;
        if (_page.Count == 0) return false;
        var last = OffsetOf(_page[^1]);
        _nextOffset = _isLastPage ? last + 1 : last;
        if (!_isLastPage && OffsetOf(_page[0]) < last) _page.RemoveAll(row => OffsetOf(row) == last);
        return true;
    }

    private void AddRecord(RecordBatch batch)
    {
        var first = _page[_row];
        var offset = OffsetOf(first);
        var end = _row;
        while (end < _page.Count && OffsetOf(_page[end]) == offset) end++;
        _value.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_value)) Write(json, _page.GetRange(_row, end - _row));
        var time = first[StoredEventsSql.RecordTimeColumn];
        var timeMs = time.ValueKind == JsonValueKind.Null ? -1 : ResultRows.Long(time);
        var hints = new RecordHints(RecordFormat.Json, RecordPacking.None);
        batch.Add(_partitions[_partition].Partition, offset, timeMs, _value.WrittenSpan, hints);
        Volatile.Write(ref _taken[_partition], offset + 1);
        Given += end - _row;
        _row = end;
    }

    // An array keeps the places of its events; what was rejected is null there, and rejected once more without a letter.
    private static void Write(Utf8JsonWriter json, List<JsonElement[]> rows)
    {
        var isArray = rows.Count > 1 || IndexOf(rows[0]) > 0;
        if (isArray) json.WriteStartArray();
        var place = 0;
        foreach (var row in rows)
        {
            for (; isArray && place < IndexOf(row); place++) json.WriteNullValue();
            place++;
            json.WriteStartObject();
            CustomerEvents.WriteWhat(json, row);
            WriteIdentifiers(json, row);
            json.WriteEndObject();
        }
        if (isArray) json.WriteEndArray();
    }

    private static void WriteIdentifiers(Utf8JsonWriter json, JsonElement[] row)
    {
        json.WriteStartArray("identifiers");
        var written = 0;
        foreach (var column in (int[])[StoredEventsSql.IdentifiersColumn, StoredEventsSql.UnverifiedColumn])
        {
            foreach (var text in row[column].EnumerateArray())
            {
                CustomerEvents.WriteIdentifier(json, text.GetString()!, isVerified: column == StoredEventsSql.IdentifiersColumn);
                written++;
            }
        }
        // How many an unbind names says what it takes apart, junk among them; nobody knows this kind.
        var name = System.Text.Encoding.UTF8.GetBytes(row[1].GetString()!);
        if (IdentifierScreen.IsUnbind(name) || IdentifierScreen.IsRelease(name))
            for (; written < ResultRows.Long(row[StoredEventsSql.NamedColumn]); written++) WriteDropped(json);
        json.WriteEndArray();
    }

    private static void WriteDropped(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("kind", "dropped");
        json.WriteString("value", "dropped");
        json.WriteEndObject();
    }

    private static long OffsetOf(JsonElement[] row) => ResultRows.Long(row[StoredEventsSql.OffsetColumn]);

    private static int IndexOf(JsonElement[] row) => (int)ResultRows.Long(row[StoredEventsSql.IndexColumn]);
}
