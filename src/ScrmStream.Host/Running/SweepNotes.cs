using Microsoft.Extensions.Logging;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Running;

/// <summary>Says in the log how customers follow new rules. Called by one thread.</summary>
internal sealed partial class SweepNotes(ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private bool _isSweeping;
    private long _began, _said;

    public void Tick(StreamPipeline pipeline)
    {
        var isNow = pipeline.IsSweeping;
        if (isNow != _isSweeping)
        {
            _isSweeping = isNow;
            if (isNow) (_began, _said) = (time.GetTimestamp(), time.GetTimestamp());
            if (isNow) Began(logger, pipeline.Rules.Fingerprint);
            else Ended(logger, (long)time.GetElapsedTime(_began).TotalMilliseconds);
        }
        if (!isNow || time.GetElapsedTime(_said) < Interval) return;
        _said = time.GetTimestamp();
        GoesOn(logger, pipeline.SweptParts, pipeline.SweepParts);
    }

    [LoggerMessage(5031, LogLevel.Information, "Customers follow the rules {Fingerprint}")]
    private static partial void Began(ILogger logger, string fingerprint);

    [LoggerMessage(5032, LogLevel.Information, "Customers follow new rules: this process has done {Done} parts of {Parts}")]
    private static partial void GoesOn(ILogger logger, int done, int parts);

    [LoggerMessage(5033, LogLevel.Information, "All customers have followed the new rules, after {Milliseconds} ms")]
    private static partial void Ended(ILogger logger, long milliseconds);
}
