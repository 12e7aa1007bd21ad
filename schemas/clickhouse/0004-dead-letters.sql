-- Records and events that were set aside, with their bytes as they came.
CREATE TABLE IF NOT EXISTS dead_letters_rows
(
    topic_id    UUID,
    topic       LowCardinality(String),
    partition   Int32,
    offset      Int64,
    `index`     Int32 COMMENT 'Place in the record''s array; -1: the record as a whole',
    record_time Nullable(DateTime64(3, 'UTC')),
    reason      LowCardinality(String),
    detail      String,
    raw         String
)
ENGINE = ReplacingMergeTree
ORDER BY (topic_id, topic, partition, offset, `index`)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS dead_letters AS
SELECT * FROM dead_letters_rows FINAL;
