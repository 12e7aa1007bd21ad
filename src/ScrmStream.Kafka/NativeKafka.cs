using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace ScrmStream.Kafka;

/// <summary>
/// The few calls of librdkafka that Confluent.Kafka does not offer: polling and publishing many records at once, the note beside
/// a committed offset, and the mock cluster. They go to the library that Confluent.Kafka has loaded. Layouts and names are librdkafka's
/// public interface (rdkafka.h, rdkafka_mock.h).
/// </summary>
internal static unsafe partial class NativeKafka
{
    private const string Library = "librdkafka";

    public const int NoError = 0;
    public const int PartitionEof = -191;
    public const int Fatal = -150;
    public const int Producer = 0;
    public const int AnyPartition = -1;
    public const int CopyPayload = 2;

    /// <summary><c>rd_kafka_message_t</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public int Error;
        public nint Topic;
        public int Partition;
        public byte* Value;
        public nuint ValueBytes;
        public byte* Key;
        public nuint KeyBytes;
        public long Offset;
        public nint Private;

        public readonly ReadOnlySpan<byte> ValueSpan => new(Value, checked((int)ValueBytes));
        public readonly ReadOnlySpan<byte> KeySpan => new(Key, checked((int)KeyBytes));
    }

    /// <summary><c>rd_kafka_topic_partition_t</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TopicPartition
    {
        public nint Topic;
        public int Partition;
        public long Offset;
        public byte* Metadata;
        public nuint MetadataBytes;
        public nint Opaque;
        public int Error;
        public nint Private;
    }

    /// <summary><c>rd_kafka_topic_partition_list_t</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TopicPartitionList
    {
        public int Count;
        public int Size;
        public TopicPartition* Elements;
    }

    static NativeKafka() => NativeLibrary.SetDllImportResolver(typeof(NativeKafka).Assembly, Load);

    /// <summary>The client's own handle (<c>rd_kafka_t*</c>), kept alive until it is released.</summary>
    public static SafeHandle HandleOf(IClient client) => (SafeHandle)LibrdkafkaHandle(client.Handle);

    [LibraryImport(Library, EntryPoint = "rd_kafka_queue_get_consumer")]
    public static partial nint ConsumerQueue(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_queue_destroy")]
    public static partial void DestroyQueue(nint queue);

    [LibraryImport(Library, EntryPoint = "rd_kafka_consume_batch_queue")]
    public static partial nint Consume(nint queue, int timeoutMs, Message** messages, nuint count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_message_destroy")]
    public static partial void Destroy(Message* message);

    // Reads two fields: so short that leaving the managed world costs more than the call.
    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rd_kafka_message_timestamp")]
    public static partial long Timestamp(Message* message, int* type);

    /// <summary>The headers belong to the message; most messages have none.</summary>
    [LibraryImport(Library, EntryPoint = "rd_kafka_message_headers")]
    public static partial int Headers(Message* message, nint* headers);

    [LibraryImport(Library, EntryPoint = "rd_kafka_header_get_last")]
    public static partial int LastHeader(nint headers, byte* name, byte** value, nuint* length);

    [LibraryImport(Library, EntryPoint = "rd_kafka_header_get_all")]
    public static partial int HeaderAt(nint headers, nuint index, byte** name, byte** value, nuint* length);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_name")]
    private static partial nint TopicNamePointer(nint topic);

    public static string TopicName(nint topic) => Marshal.PtrToStringUTF8(TopicNamePointer(topic))!;

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_partition_list_new")]
    public static partial TopicPartitionList* NewList(int size);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_partition_list_destroy")]
    public static partial void Destroy(TopicPartitionList* list);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_partition_list_add", StringMarshalling = StringMarshalling.Utf8)]
    public static partial TopicPartition* Add(TopicPartitionList* list, string topic, int partition);

    [LibraryImport(Library, EntryPoint = "rd_kafka_offsets_store")]
    public static partial int StoreOffsets(nint client, TopicPartitionList* offsets);

    [LibraryImport(Library, EntryPoint = "rd_kafka_committed")]
    public static partial int Committed(nint client, TopicPartitionList* partitions, int timeoutMs);

    [LibraryImport(Library, EntryPoint = "rd_kafka_err2str")]
    private static partial nint ErrorTextPointer(int error);

    public static string ErrorText(int error) => Marshal.PtrToStringUTF8(ErrorTextPointer(error)) ?? $"error {error}";

    /// <summary>Memory that librdkafka frees itself.</summary>
    [LibraryImport(Library, EntryPoint = "rd_kafka_mem_malloc")]
    public static partial byte* Allocate(nint client, nuint bytes);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_new")]
    public static partial nint NewSettings();

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Set(nint settings, string name, string value, byte* error, nuint errorBytes);

    [LibraryImport(Library, EntryPoint = "rd_kafka_new")]
    public static partial nint NewClient(int type, nint settings, byte* error, nuint errorBytes);

    [LibraryImport(Library, EntryPoint = "rd_kafka_destroy")]
    public static partial void DestroyClient(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set_opaque")]
    public static partial void SetOpaque(nint settings, nint opaque);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set_dr_msg_cb")]
    public static partial void SetDeliveryReport(nint settings, delegate* unmanaged[Cdecl]<nint, Message*, nint, void> report);

    /// <summary>With 0 nothing is logged.</summary>
    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set_log_cb")]
    public static partial void SetLogger(nint settings, nint logger);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_new", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint NewTopic(nint client, string topic, nint settings);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_destroy")]
    public static partial void DestroyTopic(nint topic);

    /// <summary>Returns how many were taken; the others have their error.</summary>
    [LibraryImport(Library, EntryPoint = "rd_kafka_produce_batch")]
    public static partial int Produce(nint topic, int partition, int flags, Message* messages, int count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_flush")]
    public static partial int Flush(nint client, int timeoutMs);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_new")]
    public static partial nint NewMockCluster(nint client, int brokers);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_destroy")]
    public static partial void DestroyMockCluster(nint cluster);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    private static partial nint MockBootstrapsPointer(nint cluster);

    public static string MockBootstraps(nint cluster) => Marshal.PtrToStringUTF8(MockBootstrapsPointer(cluster))!;

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_topic_create", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CreateMockTopic(nint cluster, string topic, int partitions, int replicas);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_group_initial_rebalance_delay_ms")]
    public static partial void SetMockRebalanceDelay(nint cluster, int delayMs);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_set_controller_id")]
    public static partial void SetMockController(nint cluster, int brokerId);

    // Confluent.Kafka keeps the handle to itself; the package's version is pinned, and a start without it fails at once.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_LibrdkafkaHandle")]
    [return: UnsafeAccessorType("Confluent.Kafka.Impl.SafeKafkaHandle, Confluent.Kafka")]
    private static extern object LibrdkafkaHandle(Handle handle);

    // The package ships a library for other C libraries too; take the first that loads, as Confluent.Kafka does.
    private static nint Load(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library) return 0;
        foreach (var file in (string[])[Library, "centos8-librdkafka", "alpine-librdkafka"])
        {
            if (NativeLibrary.TryLoad(file, typeof(IClient).Assembly, path, out var handle)) return handle;
        }
        return 0;
    }
}
