using ScrmStream.ClickHouse;

namespace ScrmStream.Host.Commands;

/// <summary>What a query's refusal is to a person: the server's message on standard error, exit code 1.</summary>
internal static class ClickHouseErrors
{
    private const int UnknownDatabase = 81;

    public static async Task<int> GuardAsync(Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (ClickHouseException e) when (e.Code == UnknownDatabase)
        {
            var said = e.Message.Split(" (UNKNOWN_DATABASE)")[0];
            await Console.Error.WriteLineAsync($"scrmstream: {said} Nothing was run in this namespace yet: \"run\" creates its tables.");
            return Exits.Failed;
        }
        catch (ClickHouseException e)
        {
            await Console.Error.WriteLineAsync($"scrmstream: {e.Message}");
            return Exits.Failed;
        }
    }
}
