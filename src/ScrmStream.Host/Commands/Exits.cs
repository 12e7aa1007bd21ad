using System.CommandLine;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Settings;
using ScrmStream.Pipeline;
using ScrmStream.Rules;

namespace ScrmStream.Host.Commands;

/// <summary>The exit codes of every verb, and the one place where an error becomes a message and a code.</summary>
public static class Exits
{
    public const int Done = 0, Failed = 1, Usage = 2, OutOfReach = 3;

    /// <summary>Runs a verb's work; expected errors are printed on standard error in one line, with the fix in it.</summary>
    public static async Task<int> GuardAsync(Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is SettingsException or RuleFileException or ArgumentException
            or FileNotFoundException or DirectoryNotFoundException)
        {
            return Say(e.Message, Usage);
        }
        catch (StoreUnavailableException e)
        {
            return Say(e.Message, OutOfReach);
        }
        catch (ClickHouseSchemaException e)
        {
            return Say(e.Message, OutOfReach);
        }
        catch (ClickHouseException e)
        {
            return Say(e.Message, e.Kind is ClickHouseErrorKind.Access or ClickHouseErrorKind.Schema ? OutOfReach : Failed);
        }
        catch (TimeoutException e)
        {
            return Say(e.Message, Failed);
        }
        catch (OperationCanceledException)
        {
            return Say("stopped", Failed);
        }
    }

    /// <summary>Gives a command its guarded work.</summary>
    public static void Runs(this Command command, Func<ParseResult, CancellationToken, Task<int>> work) =>
        command.SetAction((parsed, cancel) => GuardAsync(() => work(parsed, cancel)));

    /// <summary>Says that no address is known for a server, and what to do.</summary>
    public static StoreUnavailableException NoAddress(string server, string option) =>
        new($"No address of {server}: run ./scrm up to start one on this machine, or give {option} host:port.");

    private static int Say(string message, int code)
    {
        Console.Error.WriteLine($"scrmstream: {message}");
        return code;
    }
}
