using ScrmStream.Rules.Stages;
using ScrmStream.Rules.Sql;

namespace ScrmStream.ClickHouse;

/// <summary>The table that tells analysts which pipelines of leads there are, in what stages, and what their funnels count.</summary>
public static class PipelineTable
{
    /// <summary>Writes the pipelines of the rules that are run; the schema is there already.</summary>
    /// <param name="nowMs">Unix milliseconds; what is written later holds.</param>
    /// <exception cref="ClickHouseException">The server refuses it.</exception>
    public static async Task WriteAsync(
        ClickHouseClient client, IReadOnlyList<LeadPipeline> pipelines, long nowMs, CancellationToken cancel)
    {
        foreach (var pipeline in pipelines)
        {
            await client.CommandAsync(
                $"INSERT INTO pipelines_rows SELECT {SqlText.Quote(pipeline.Name)}, {SqlText.Quote(pipeline.Type)}, {nowMs}, "
                + $"{Texts(pipeline.States)}, {Texts(pipeline.StateDescriptions)}, {Texts(pipeline.Funnel)}", cancel);
        }
    }

    private static string Texts(IReadOnlyList<string> texts) =>
        texts.Count == 0 ? "CAST([], 'Array(String)')" : $"[{string.Join(", ", texts.Select(SqlText.Quote))}]";
}
