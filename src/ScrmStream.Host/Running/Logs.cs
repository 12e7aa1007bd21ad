using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace ScrmStream.Host.Running;

/// <summary>The process's log: plain lines on standard error; SCRMSTREAM_LOG sets the level (Information by default).</summary>
public static class Logs
{
    public static ILoggerFactory Create()
    {
        var said = Environment.GetEnvironmentVariable("SCRMSTREAM_LOG");
        var level = Enum.TryParse<LogLevel>(said, ignoreCase: true, out var given) ? given : LogLevel.Information;
        return LoggerFactory.Create(builder => builder.SetMinimumLevel(level)
            .AddSimpleConsole(o => (o.SingleLine, o.TimestampFormat, o.ColorBehavior) = (true, "HH:mm:ss ", LoggerColorBehavior.Disabled))
            .Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace));
    }
}
