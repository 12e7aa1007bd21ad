using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using ScrmStream.Events;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>One line of the books: what came to a stage is what it passed on, rejected and still has.</summary>
public sealed record BooksLine(string Stage, string Unit, long In, long Out, long Rejected, long Pending);

/// <summary>The books of a running process as people and programs read them.</summary>
/// <param name="Stages">In the order in which a record meets them.</param>
/// <param name="Rejected">What is durable of it, by reason.</param>
/// <param name="Repeated">Rows and letters among those written whose records were read and judged again.</param>
/// <param name="Difference">By how much the books are off; never anything but 0.</param>
public sealed record RunningBooks(
    IReadOnlyList<BooksLine> Stages, IReadOnlyDictionary<string, long> Rejected, long RowsWritten, long LettersWritten, long Repeated,
    long Difference)
{
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(3);

    public static RunningBooks Of(StageBooks books)
    {
        var reasons = Enum.GetValues<RejectReason>();
        var counts = new long[reasons.Length];
        var page = books.Look(counts);
        var rejected = reasons.Where(r => counts[(int)r] > 0)
            .ToDictionary(r => JsonNamingPolicy.SnakeCaseLower.ConvertName(r.ToString()), r => counts[(int)r]);
        return new RunningBooks(
            LinesOf(page), rejected, page.RowsWritten, page.LettersWritten, page.Repeated, page.Difference);
    }

    /// <summary>Asks the process whose health server is at a loopback port; null: nobody answers there.</summary>
    public static async Task<RunningBooks?> AskAsync(int port, CancellationToken cancel)
    {
        using var http = new HttpClient { Timeout = AnswerWithin };
        try
        {
            var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/books");
            return await http.GetFromJsonAsync<RunningBooks>(address, Snake, cancel);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException
            || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    public string ToJson() => JsonSerializer.Serialize(this, Snake);

    private static BooksLine[] LinesOf(BooksPage page)
    {
        var folded = page.DecodedEvents - page.DecidingEvents;
        return
        [
            new("decode", "records", page.PolledRecords, page.PolledRecords - page.DecodingRecords, 0, page.DecodingRecords),
            new("decode", "events", page.DecodedEvents + page.DecodedRejects, page.DecodedEvents, page.DecodedRejects, 0),
            new("decide", "events", page.DecodedEvents, folded, 0, page.DecidingEvents),
            new("write", "events", folded, page.AcceptedEvents, page.DuplicateEvents, page.WritingEvents),
            new("write", "letters", page.DecodedRejects, page.CommittedRejects, 0, page.DecidingRejects + page.WritingRejects),
            new("commit", "records", page.PolledRecords, page.CommittedRecords, 0, page.PendingRecords),
        ];
    }
}
