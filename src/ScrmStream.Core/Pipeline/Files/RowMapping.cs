using System.Buffers;

namespace ScrmStream.Pipeline.Files;

/// <summary>What became of a row.</summary>
public enum RowResult : byte
{
    /// <summary>It is a record; its value was written.</summary>
    Mapped,
    /// <summary>It is left out on purpose.</summary>
    Skipped,
    /// <summary>It names the columns and holds no data.</summary>
    Header,
    /// <summary>It cannot be mapped; the reason says why.</summary>
    Refused,
}

/// <summary>Turns one row of a file into the value of one record. Called with the rows of one file in order, by one thread.</summary>
/// <param name="row">The row without its line break; not empty.</param>
/// <param name="value">Takes the record's value; what is written for a row that is not <see cref="RowResult.Mapped"/> is dropped.</param>
/// <param name="reason">Set when the row is <see cref="RowResult.Refused"/>.</param>
public delegate RowResult RowTransform(ReadOnlySpan<byte> row, IBufferWriter<byte> value, out string? reason);

/// <summary>How the rows of files become records.</summary>
/// <param name="QuotedLineBreaks">A line break between double quotes belongs to the row (CSV).</param>
/// <param name="Open">Gives the transform of a file, by its path; a header that it meets holds for that file only.</param>
public sealed record RowMapping(bool QuotedLineBreaks, Func<string, RowTransform> Open);
