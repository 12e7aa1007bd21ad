-- What was published about customers' tags and scores. A repeat has the same customer, name, value and time, and is shown once.
CREATE TABLE IF NOT EXISTS tag_changes_rows
(
    customer_id UInt128,
    tag         LowCardinality(String),
    value       Nullable(String) COMMENT 'NULL: the tag is gone',
    previous    Nullable(String),
    since       DateTime64(3, 'UTC') COMMENT 'The customer''s latest event time at which this was concluded'
)
ENGINE = ReplacingMergeTree
ORDER BY (tag, since, customer_id, isNull(value), ifNull(value, ''))
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS tag_changes AS
SELECT lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer, tag, value, previous, since, customer_id
FROM tag_changes_rows FINAL;

CREATE TABLE IF NOT EXISTS score_changes_rows
(
    customer_id UInt128,
    score       LowCardinality(String),
    value_micro Int64 COMMENT 'Millionths of a point',
    grade       Nullable(String) COMMENT 'NULL: below the lowest grade',
    previous    Nullable(String),
    since       DateTime64(3, 'UTC') COMMENT 'The customer''s latest event time at which this was concluded'
)
ENGINE = ReplacingMergeTree
ORDER BY (score, since, customer_id, isNull(grade), ifNull(grade, ''))
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS score_changes AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer,
    score, value_micro / 1e6 AS value, grade, previous, since, value_micro, customer_id
FROM score_changes_rows FINAL;
