using ScrmStream.Events;
using ScrmStream.Events.Avro;
using ScrmStream.Pipeline.Files;

namespace ScrmStream.Host.Importing;

/// <summary>Writes the events of an import into a file, for <c>replay</c> and <c>produce</c>.</summary>
public static class ImportFile
{
    private const int RefusalsShown = 5;

    /// <summary>Returns how many events were written, and how many rows could not become one.</summary>
    /// <param name="warn">Is told of the first refused rows, with file and line.</param>
    public static (long Events, long Refused) Write(
        IReadOnlyList<string> inputs, RowMapping mapping, int rowBytesMax, string output, Action<string> warn)
    {
        var (events, refused) = (0L, 0L);
        using var file = new BufferedStream(File.Create(output), 1 << 16);
        foreach (var path in inputs)
        {
            using var records = new FileRecords(path, rowBytesMax, mapping, new SchemaCatalog(new EventLimits()));
            while (records.TryRead(out var record))
            {
                if (record.Refusal is { } reason)
                {
                    if (refused++ < RefusalsShown) warn($"{path}:{record.Line + 1}: {reason}");
                    continue;
                }
                file.Write(record.Value);
                file.WriteByte((byte)'\n');
                events++;
            }
        }
        return (events, refused);
    }
}
