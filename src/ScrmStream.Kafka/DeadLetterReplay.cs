using System.Globalization;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>Which letters to put back, and where.</summary>
/// <param name="Reason">Null: of any reason.</param>
/// <param name="Topic">Only of records that came from it; null: of any.</param>
/// <param name="ReplaysMax">Records that were put back so often already stay where they are. At least 1.</param>
/// <param name="Max">At most so many, oldest first in each partition.</param>
/// <param name="To">Another topic than the one each came from; null: back where it came from.</param>
public sealed record ReplaySelection(
    string? Reason = null, string? Topic = null, int ReplaysMax = 1, long Max = long.MaxValue, string? To = null);

/// <summary>What became of the letters on the topic; each is counted once.</summary>
/// <param name="Already">An earlier run has put them back, or another letter says the same.</param>
/// <param name="Cut">Only their beginning was kept.</param>
/// <param name="RejectedAgain">Put back so often already that they stay.</param>
/// <param name="Inseparable">One event of a record whose other events were accepted, in a form that it cannot be taken out of.</param>
/// <param name="TopicGone">The topic they came from is not there any more.</param>
/// <param name="Left">Not selected, or only its row was refused, and the event counts.</param>
public sealed record ReplayResult(
    long Letters, long PutBack, long Already, long Cut, long RejectedAgain, long Inseparable, long TopicGone, long Left)
{
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public string ToJson() => JsonSerializer.Serialize(this, Snake);
}

/// <summary>
/// Puts the records of the dead-letter topic back where they came from, each exactly once whatever happens in between: records and the
/// notes that say so (topic <c>...replayed</c> beside the letters) are one transaction. The letters stay. Used by one thread.
/// </summary>
public sealed class DeadLetterReplay : IDisposable
{
    private const int LettersPerTransaction = 500;
    private const string ContentType = "content-type";
    private static readonly string RefusedByTables = JsonNamingPolicy.SnakeCaseLower.ConvertName(nameof(RejectReason.RefusedByTables));

    // They say how a record was packed; of an event that was taken out of it they would be wrong.
    private static readonly string[] PackingHeaders = ["content-encoding"];

    private readonly KafkaOptions _options;
    private readonly KafkaTopics _topics;
    private readonly KafkaTransactions? _transactions;
    private readonly Dictionary<string, int> _partitions = [];
    private long _letters, _putBack, _already, _cut, _again, _inseparable, _gone, _left;
    private int _open;

    private DeadLetterReplay(KafkaOptions options, KafkaTopics topics, KafkaTransactions? transactions) =>
        (_options, _topics, _transactions) = (options, topics, transactions);

    /// <summary>The topic of the notes: one per letter that was put back, key = its origin.</summary>
    public static string NoteTopicOf(KafkaOptions options) => $"{options.DeadLetterTopic}.replayed";

    /// <param name="isTrial">Only looks and counts: nothing is put back, and a run that is under way is not disturbed.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses.</exception>
    public static async Task<DeadLetterReplay> OpenAsync(KafkaOptions options, bool isTrial = false)
    {
        options.Validate();
        var topics = KafkaTopics.Connect(options);
        try
        {
            await topics.WaitForBrokerAsync();
            var name = $"{options.DeadLetterTopic}.replay";
            var transactions = isTrial ? null : await KafkaTransactions.OpenAsync(options, name, NoteTopicOf(options));
            return new DeadLetterReplay(options, topics, transactions);
        }
        catch
        {
            topics.Dispose();
            throw;
        }
    }

    /// <summary>The letters on the topic; empty when there is no such topic.</summary>
    public async IAsyncEnumerable<StoredLetter> LettersAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        var partitions = await _topics.PartitionsOfAsync(_options.DeadLetterTopic);
        foreach (var record in TopicReader.Read(_options, _options.DeadLetterTopic, partitions, cancel))
            if (StoredLetter.Of(record) is { } letter) yield return letter;
    }

    /// <summary>Origins of the letters that were put back so far.</summary>
    public async Task<HashSet<string>> PutBackAsync(CancellationToken cancel)
    {
        var partitions = await _topics.PartitionsOfAsync(NoteTopicOf(_options));
        var notes = TopicReader.Read(_options, NoteTopicOf(_options), partitions, cancel);
        return [.. notes.Select(note => Encoding.UTF8.GetString(note.Message.Key ?? []))];
    }

    /// <summary>Returns when all of them are back and noted.</summary>
    /// <param name="progress">Called after each transaction.</param>
    /// <exception cref="StoreUnavailableException">Kafka went away; a later run goes on where this one was.</exception>
    public async Task<ReplayResult> RunAsync(ReplaySelection selection, Action<ReplayResult> progress, CancellationToken cancel)
    {
        var done = await PutBackAsync(cancel);
        await foreach (var letter in LettersAsync(cancel))
        {
            _letters++;
            if (!await IsToPutBackAsync(letter, selection, done)) continue;
            done.Add(letter.Origin);
            _putBack++;
            if (_transactions is null) continue;
            PutBack(letter, selection.To, _transactions);
            if (++_open == LettersPerTransaction) Commit(progress);
        }
        Commit(progress);
        return Result();
    }

    public void Dispose()
    {
        _transactions?.Dispose();
        _topics.Dispose();
    }

    private void Commit(Action<ReplayResult> progress)
    {
        if (_open == 0) return;
        _transactions!.Commit();
        _open = 0;
        progress(Result());
    }

    private ReplayResult Result() => new(_letters, _putBack, _already, _cut, _again, _inseparable, _gone, _left);

    private async Task<bool> IsToPutBackAsync(StoredLetter letter, ReplaySelection selection, HashSet<string> done)
    {
        var isSelected = (selection.Reason is null || selection.Reason == letter.Reason)
            && (selection.Topic is null || selection.Topic == letter.Topic)
            // Its event counts already, and would count twice.
            && letter.Reason != RefusedByTables;
        if (!isSelected) return No(ref _left);
        if (done.Contains(letter.Origin)) return No(ref _already);
        if (letter.IsCut) return No(ref _cut);
        if (letter.Replays >= selection.ReplaysMax) return No(ref _again);
        // The letter of one event that holds the whole record would bring its accepted siblings a second time.
        if (letter.Index >= 0 && letter.IsWholeRecord) return No(ref _inseparable);
        if (await PartitionsAsync(selection.To ?? letter.Topic) == 0) return No(ref _gone);
        return _putBack < selection.Max || No(ref _left);

        static bool No(ref long count)
        {
            count++;
            return false;
        }
    }

    private async ValueTask<int> PartitionsAsync(string topic)
    {
        if (_partitions.TryGetValue(topic, out var count)) return count;
        return _partitions[topic] = await _topics.PartitionsOfAsync(topic);
    }

    // An event that was taken out of its record may have left an envelope behind, which a header or the topic's setting still names: then
    // it says itself what it is.
    private static void SetType(Headers headers, byte[] value)
    {
        var said = headers.LastOrDefault(h => h.Key.Equals(ContentType, StringComparison.OrdinalIgnoreCase))?.GetValueBytes();
        if (said is not null && RecordHints.FormatOf(said) is RecordFormat.Json or RecordFormat.Avro) return;
        foreach (var name in headers.Select(h => h.Key).Where(n => n.Equals(ContentType, StringComparison.OrdinalIgnoreCase)).ToList())
            headers.Remove(name);
        headers.Add(ContentType, value is [(byte)'{', ..] ? "application/json"u8.ToArray() : "avro/binary"u8.ToArray());
    }

    private void PutBack(StoredLetter letter, string? to, KafkaTransactions transactions)
    {
        var topic = to ?? letter.Topic;
        var headers = new Headers();
        foreach (var (name, value) in letter.OwnHeaders)
        {
            var isOurs = name is StoredLetter.ReplaysHeader or StoredLetter.OriginHeader;
            var isWrong = !letter.IsWholeRecord && PackingHeaders.Contains(name, StringComparer.OrdinalIgnoreCase);
            if (!isOurs && !isWrong) headers.Add(name, value);
        }
        if (!letter.IsWholeRecord) SetType(headers, letter.Value);
        headers.Add(StoredLetter.OriginHeader, Encoding.UTF8.GetBytes(letter.FirstOrigin));
        headers.Add(StoredLetter.ReplaysHeader, Encoding.UTF8.GetBytes((letter.Replays + 1).ToString(CultureInfo.InvariantCulture)));
        var message = new Message<byte[]?, byte[]?> { Key = letter.Key, Value = letter.Value, Headers = headers };
        // The same record's verdict depends on its timestamp, so it keeps it.
        if (letter.TimestampMs >= 0) message.Timestamp = new Timestamp(letter.TimestampMs, TimestampType.CreateTime);
        var isSamePartition = to is null && letter.Partition < _partitions[topic];
        transactions.Publish(topic, isSamePartition ? letter.Partition : null, message);
        transactions.Note(letter.Origin, []);
    }
}
