namespace ScrmStream.Rules;

/// <summary>A rule file that is refused. The message is <c>file:line:column: reason</c>; lines and columns count from 1.</summary>
public sealed class RuleFileException(string file, int line, int column, string reason)
    : Exception($"{file}:{line}:{column}: {reason}")
{
    public string File { get; } = file;
    public int Line { get; } = line;
    public int Column { get; } = column;
    public string Reason { get; } = reason;
}

/// <summary>What is wrong inside one expression; the reader of the file turns it into a <see cref="RuleFileException"/>.</summary>
internal sealed class ExpressionException(int position, string reason) : Exception(reason)
{
    /// <summary>Characters from the start of the expression.</summary>
    public int Position { get; } = position;
}
