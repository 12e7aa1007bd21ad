using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace ScrmStream.Kafka;

/// <summary>
/// Publishes small keyed records of one topic, many with one native call, without a managed object per record. Each is acknowledged by
/// all replicas and written once (idempotent), in order per partition. Used by one thread at a time.
/// </summary>
/// <remarks>
/// librdkafka copies what it is given, and reports failures only (<c>delivery.report.only.error</c>): what is neither waiting nor
/// reported has been acknowledged.
/// </remarks>
internal sealed unsafe class NativeProducer : IDisposable
{
    private const int ErrorBytes = 512;
    private const int FlushSliceMs = 100;
    private const int RecordsMax = 1024;

    private readonly KafkaOptions _options;
    private readonly nint _client;
    private readonly nint _topic;
    private readonly NativeKafka.Message[] _messages;
    // The library's callback finds this object by it.
    private GCHandle _self;
    // Given to the library since the last flush.
    private long _records, _bytes;
    private long _failed;
    private int _firstError;

    /// <exception cref="InvalidOperationException">librdkafka refuses the settings.</exception>
    public NativeProducer(KafkaOptions options, string topic)
    {
        _options = options;
        _messages = new NativeKafka.Message[Math.Min(RecordsMax, options.PublishQueueRecordsMax)];
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
        var error = stackalloc byte[ErrorBytes];
        var settings = NativeKafka.NewSettings();
        foreach (var (name, value) in options.Producer()) Set(settings, name, value, error);
        Set(settings, "delivery.report.only.error", "true", error);
        NativeKafka.SetOpaque(settings, GCHandle.ToIntPtr(_self));
        NativeKafka.SetDeliveryReport(settings, &OnFailed);
        // Errors that matter arrive with the records they concern.
        NativeKafka.SetLogger(settings, 0);
        _client = NativeKafka.NewClient(NativeKafka.Producer, settings, error, ErrorBytes);
        if (_client == 0) throw new InvalidOperationException($"Kafka producer: {Marshal.PtrToStringUTF8((nint)error)}");
        _topic = NativeKafka.NewTopic(_client, topic, 0);
    }

    /// <summary>Records of one call at most.</summary>
    public int CallRecordsMax => _messages.Length;

    /// <summary>
    /// Hands records over, value and key of each one after the other in <paramref name="bytes"/>, which may be reused on return. Waits
    /// for acknowledgements when the queue's limits would be passed.
    /// </summary>
    /// <param name="keyBytes">The length of every key.</param>
    /// <param name="ends">Where each record ends; at most <see cref="CallRecordsMax"/>.</param>
    /// <exception cref="KafkaException">A record cannot be sent: it is larger than the limit, say.</exception>
    public void Publish(ReadOnlySpan<byte> bytes, int keyBytes, ReadOnlySpan<int> ends)
    {
        if (_records + ends.Length > _options.PublishQueueRecordsMax || _bytes + bytes.Length > _options.PublishQueueKilobytesMax * 1024L)
            Wait(CancellationToken.None);
        fixed (byte* start = bytes)
        fixed (NativeKafka.Message* messages = _messages)
        {
            var at = start;
            for (var i = 0; i < ends.Length; i++)
            {
                var end = start + ends[i];
                messages[i] = new NativeKafka.Message
                {
                    Value = at, ValueBytes = (nuint)(end - at - keyBytes), Key = end - keyBytes, KeyBytes = (nuint)keyBytes,
                };
                at = end;
            }
            var taken = NativeKafka.Produce(_topic, NativeKafka.AnyPartition, NativeKafka.CopyPayload, messages, ends.Length);
            _records += taken;
            _bytes += bytes.Length;
            for (var i = 0; taken < ends.Length && i < ends.Length; i++)
                if (messages[i].Error != NativeKafka.NoError) throw new KafkaException((ErrorCode)messages[i].Error);
        }
    }

    /// <summary>Returns when everything handed over is acknowledged.</summary>
    /// <returns>Null, or what failed for good: how many records, and why the first.</returns>
    public string? Flush(CancellationToken cancel)
    {
        Wait(cancel);
        return _failed == 0 ? null : $"{_failed} records were not acknowledged (first: {NativeKafka.ErrorText(_firstError)})";
    }

    /// <summary>Waits for nothing: <see cref="Flush"/> first.</summary>
    public void Dispose()
    {
        NativeKafka.DestroyTopic(_topic);
        NativeKafka.DestroyClient(_client);
        _self.Free();
    }

    // Every record ends acknowledged or, after the delivery time-out, failed.
    private void Wait(CancellationToken cancel)
    {
        while (NativeKafka.Flush(_client, FlushSliceMs) != NativeKafka.NoError) cancel.ThrowIfCancellationRequested();
        (_records, _bytes) = (0, 0);
    }

    private static void Set(nint settings, string name, string value, byte* error)
    {
        if (NativeKafka.Set(settings, name, value, error, ErrorBytes) != 0)
            throw new InvalidOperationException($"Kafka producer: {Marshal.PtrToStringUTF8((nint)error)}");
    }

    // Called inside Flush, on its thread.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnFailed(nint client, NativeKafka.Message* message, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is not NativeProducer producer || message->Error == NativeKafka.NoError) return;
        if (producer._failed++ == 0) producer._firstError = message->Error;
    }
}
