using System.Globalization;

namespace ScrmStream.ClickHouse.Embedded;

/// <summary>
/// The engine's configuration file: small caches and pools, and merges that yield, because it shares the machine with the pipeline.
/// </summary>
internal static class EngineConfig
{
    /// <summary>Writes the file beside the data and returns its path.</summary>
    public static string Write(EmbeddedServerOptions options, string folder)
    {
        var path = Path.Combine(folder, "scrmstream-engine.xml");
        File.WriteAllText(path, Text(options));
        return path;
    }

    // A part of one insert is compact, one file instead of one per column that each has to be made and synchronised; merged parts are wide.
    // Statistics of columns help planning joins, and would cost each insert.
    private static string Text(EmbeddedServerOptions options) => string.Create(CultureInfo.InvariantCulture, $"""
        <clickhouse>
          <background_pool_size>2</background_pool_size>
          <background_merges_mutations_concurrency_ratio>1</background_merges_mutations_concurrency_ratio>
          <os_threads_nice_value_merge_mutate>15</os_threads_nice_value_merge_mutate>
          <background_move_pool_size>1</background_move_pool_size>
          <background_fetches_pool_size>1</background_fetches_pool_size>
          <background_common_pool_size>1</background_common_pool_size>
          <background_buffer_flush_schedule_pool_size>1</background_buffer_flush_schedule_pool_size>
          <background_schedule_pool_size>2</background_schedule_pool_size>
          <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
          <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
          <mark_cache_size>67108864</mark_cache_size>
          <index_mark_cache_size>8388608</index_mark_cache_size>
          <primary_index_cache_size>67108864</primary_index_cache_size>
          <uncompressed_cache_size>0</uncompressed_cache_size>
          <mmap_cache_size>128</mmap_cache_size>
          <compiled_expression_cache_size>16777216</compiled_expression_cache_size>
          <max_server_memory_usage>{options.EngineMemoryBytesMax}</max_server_memory_usage>
          <merge_tree>
            <auto_statistics_types></auto_statistics_types>
            <merge_selector_base>24</merge_selector_base>
            <min_bytes_for_wide_part>134217728</min_bytes_for_wide_part>
            <fsync_after_insert>{(options.FsyncInserts ? 1 : 0)}</fsync_after_insert>
            <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
            <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
            <number_of_free_entries_in_pool_to_execute_optimize_entire_partition
              >1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
          </merge_tree>
        </clickhouse>
        """);
}
