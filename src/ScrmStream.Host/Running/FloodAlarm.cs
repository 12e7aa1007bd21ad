using System.Globalization;
using Microsoft.Extensions.Logging;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>Says in the log when a flood of bad events begins and when it ends. Called by one thread.</summary>
internal sealed partial class FloodAlarm(ILogger logger)
{
    private bool _isOpen;

    public void Tick(StreamPipeline pipeline)
    {
        var flood = pipeline.Flood.Look();
        if (flood.IsOpen == _isOpen) return;
        _isOpen = flood.IsOpen;
        if (_isOpen) Began(logger, flood.Share.ToString("P0", CultureInfo.InvariantCulture), (long)flood.Since.TotalSeconds);
        else Ended(logger);
    }

    [LoggerMessage(5001, LogLevel.Error,
        "{Share} of what comes has been bad for {Seconds} s: reading is slowed down, nothing is lost. "
        + "\"scrmstream dead-letters list\" shows what it is")]
    private static partial void Began(ILogger logger, string share, long seconds);

    [LoggerMessage(5002, LogLevel.Information, "Good events come again: reading goes on at full speed")]
    private static partial void Ended(ILogger logger);
}
