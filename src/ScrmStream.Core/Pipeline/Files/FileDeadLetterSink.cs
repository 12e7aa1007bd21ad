using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using ScrmStream.Events;

namespace ScrmStream.Pipeline.Files;

/// <summary>
/// Puts rejected records into a file, one JSON object a line: <c>reason</c>, <c>detail</c>, <c>topic</c>, <c>topic_id</c>,
/// <c>partition</c>, <c>offset</c>, <c>index</c> (-1: the record as a whole), <c>timestamp</c> (Unix milliseconds, absent when
/// unknown), and the record in <c>raw</c> when it is UTF-8, else in <c>raw_base64</c>. Not thread safe.
/// </summary>
public sealed class FileDeadLetterSink : IDeadLetterSink, IDisposable
{
    private static readonly string[] Reasons =
        Array.ConvertAll(Enum.GetNames<RejectReason>(), JsonNamingPolicy.SnakeCaseLower.ConvertName);

    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly FileStream _file;
    private readonly ArrayBufferWriter<byte> _lines = new(4096);

    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    /// <param name="isContinued">Goes on behind what the file holds already.</param>
    public FileDeadLetterSink(string path, bool isContinued = false) =>
        _file = new FileStream(path, isContinued ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.Read);

    /// <summary>Letters written.</summary>
    public long Written { get; private set; }

    /// <exception cref="StoreUnavailableException">The file cannot be written (no space); it may end in part of a line.</exception>
    public async Task WriteAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
    {
        if (letters.Count == 0) return;
        _lines.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_lines, Format))
        {
            foreach (var letter in letters)
            {
                WriteLetter(writer, letter);
                writer.Flush();
                _lines.Write("\n"u8);
                writer.Reset();
            }
        }
        try
        {
            await _file.WriteAsync(_lines.WrittenMemory, cancel);
            // Acknowledged means that it outlives the machine, as a letter on a topic does.
            _file.Flush(flushToDisk: true);
        }
        catch (IOException e)
        {
            throw new StoreUnavailableException($"{_file.Name} cannot be written: {e.Message}", e);
        }
        Written += letters.Count;
    }

    public void Dispose() => _file.Dispose();

    private static void WriteLetter(Utf8JsonWriter writer, in DeadLetter letter)
    {
        writer.WriteStartObject();
        writer.WriteString("reason"u8, Reasons[(int)letter.Reason]);
        writer.WriteString("detail"u8, letter.Detail);
        writer.WriteString("topic"u8, letter.Position.Partition.Topic);
        writer.WriteString("topic_id"u8, letter.Position.Partition.TopicId);
        writer.WriteNumber("partition"u8, letter.Position.Partition.Partition);
        writer.WriteNumber("offset"u8, letter.Position.Offset);
        writer.WriteNumber("index"u8, letter.Position.Index);
        if (letter.TimestampMs >= 0) writer.WriteNumber("timestamp"u8, letter.TimestampMs);
        if (Utf8.IsValid(letter.Raw.Span)) writer.WriteString("raw"u8, letter.Raw.Span);
        else writer.WriteBase64String("raw_base64"u8, letter.Raw.Span);
        writer.WriteEndObject();
    }
}
