using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using ScrmStream.Pipeline;

namespace ScrmStream.Kafka;

/// <summary>
/// What a consumer has to complain about: trouble that passes is logged once per change, trouble that does not is kept and
/// thrown by the next poll. Noted by librdkafka's handlers, on any thread.
/// </summary>
internal sealed class KafkaTrouble(string servers, ILogger logger)
{
    private volatile string? _final;
    private volatile bool _isUnreachable;
    private int _lastProblem;

    public void Note(Error error)
    {
        switch (error.Code)
        {
            case ErrorCode.Local_AllBrokersDown or ErrorCode.Local_Transport or ErrorCode.Local_Resolve:
                if (_isUnreachable) return;
                _isUnreachable = true;
                KafkaLog.Unreachable(logger, servers, error.Reason);
                break;
            case ErrorCode.TopicAuthorizationFailed or ErrorCode.GroupAuthorizationFailed:
                Fail($"Kafka at {servers} refuses to be read: {error.Reason}. Check the access rights of Kafka:SaslUsername for "
                    + "the topics and the group (settings Kafka:Topics, Kafka:GroupId).");
                break;
            default:
                if (error.IsFatal) Fail($"Kafka at {servers} ended this reader: {error.Reason}. Start it again.");
                // The same problem comes with every retry; it is worth one line.
                else if (Interlocked.Exchange(ref _lastProblem, (int)error.Code) != (int)error.Code) KafkaLog.Problem(logger, error.Reason);
                break;
        }
    }

    /// <summary>Something came from a broker.</summary>
    public void NoteAnswer()
    {
        if (!_isUnreachable) return;
        _isUnreachable = false;
        KafkaLog.ReachableAgain(logger, servers);
    }

    public void Fail(string message) => _final = message;

    /// <exception cref="StoreUnavailableException">Retrying will not help.</exception>
    public void ThrowIfFinal()
    {
        if (_final is { } message) throw new StoreUnavailableException(message);
    }
}
