using Confluent.Kafka;

namespace ScrmStream.Kafka;

/// <summary>
/// Looks every interval whether an assigned topic has been deleted and created again while it is read: librdkafka goes on at
/// the old offset then. Asks in the background; used by the poll thread.
/// </summary>
internal sealed class TopicIdWatch
{
    private static readonly TimeSpan LookNowPause = TimeSpan.FromMilliseconds(200);
    private readonly KafkaTopics _topics;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private long _lookedAt;
    private TimeSpan _wait;
    private Task<IReadOnlyDictionary<string, Guid>>? _look;

    public TopicIdWatch(KafkaTopics topics, TimeProvider time, TimeSpan interval)
    {
        _topics = topics;
        _time = time;
        _interval = _wait = interval;
        _lookedAt = time.GetTimestamp();
    }

    /// <summary>Something is wrong with a topic: the next look is soon.</summary>
    public void LookNow() => _wait = LookNowPause;

    /// <summary>The ids of the topics after a look that found another id than the assigned one; else null.</summary>
    public IReadOnlyDictionary<string, Guid>? Changed(AssignedPartitions assigned)
    {
        if (_look is null)
        {
            if (_time.GetElapsedTime(_lookedAt) < _wait) return null;
            _lookedAt = _time.GetTimestamp();
            var names = assigned.ToList().ConvertAll(p => p.Source.Topic).Distinct().ToList();
            if (names.Count > 0) _look = _topics.IdsAsync(names);
            return null;
        }
        if (!_look.IsCompleted) return null;
        var look = _look;
        _look = null;
        // No answer: the broker is away and its topics are as they were; the next look is an interval later.
        if (!look.IsCompletedSuccessfully)
        {
            _ = look.Exception;
            return null;
        }
        _wait = _interval;
        var ids = look.Result;
        var isChanged = assigned.ToList().Exists(p => ids.TryGetValue(p.Source.Topic, out var id) && id != p.Source.TopicId);
        return isChanged ? ids : null;
    }
}
