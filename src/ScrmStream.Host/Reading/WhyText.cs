using System.Globalization;

namespace ScrmStream.Host.Reading;

/// <summary>The answer of <c>why</c> for people: the way from top to bottom, an event between two identifiers.</summary>
internal static class WhyText
{
    public static void Write(WhyAnswer answer, TextWriter to)
    {
        if (answer.OneCustomer) to.WriteLine($"{answer.A.Identifier} and {answer.B.Identifier} are one customer, {Whose(answer.A)}.");
        else to.WriteLine($"{answer.A.Identifier} ({Whose(answer.A)}) and {answer.B.Identifier} ({Whose(answer.B)}) are not one customer:\n"
            + $"{answer.Reason}.");
        if (answer.Path.Count > 0) to.WriteLine();
        WritePath(answer.Path, to);
    }

    /// <summary>Just the links.</summary>
    public static void WritePath(IReadOnlyList<WhyLink> path, TextWriter to)
    {
        if (path.Count > 0) to.WriteLine($"  {path[0].From}");
        foreach (var link in path)
        {
            to.WriteLine($"   {(link.Joins ? '|' : 'X')}  {Shown(link)}");
            if (link.Cut is not null) to.WriteLine($"   X  {link.Cut.Why}");
            to.WriteLine($"  {link.To}");
        }
    }

    private static string Whose(WhyEnd end) => end.Customer ?? "nobody's";

    private static string Shown(WhyLink link)
    {
        var (name, topic, partition, id, offset, index) = link.ShownBy;
        var place = topic is null ? $"partition id {id}" : $"{topic}[{partition}]";
        return string.Create(CultureInfo.InvariantCulture,
            $"{TimeText.Show(link.FirstTime)}  {name ?? "an event"} at {place} offset {offset}, index {index}");
    }
}
