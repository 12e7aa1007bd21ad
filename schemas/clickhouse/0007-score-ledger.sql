-- The ledger of scores, as "ledger" wrote it last: every contribution of every customer, computed by the engine's own code. One partition per
-- score and snapshot; a snapshot counts once it is complete, and the ones before are dropped then.
CREATE TABLE IF NOT EXISTS score_ledger_rows
(
    score       LowCardinality(String),
    snapshot    UInt64 COMMENT 'When it was begun, in ms',
    customer_id UInt128,
    line        UInt32 COMMENT 'From 1; 0: what max, min and limits take away or add',
    as_of       DateTime64(3, 'UTC') COMMENT 'The time of the value',
    event_time  DateTime64(3, 'UTC'),
    event       LowCardinality(String),
    event_id    String,
    rule_line   UInt32 COMMENT 'Where the entry of points stands in the rule file',
    rule        LowCardinality(String) COMMENT 'The entry in canonical form',
    adds_micro  Int64 COMMENT 'Millionths of a point',
    caps_leave  Float64 COMMENT 'From 0 to 1',
    age_leaves  Float64 COMMENT 'From 0 to 1',
    worth_micro Int64 COMMENT 'The three multiplied, rounded so that all lines of a customer are its score'
)
ENGINE = ReplacingMergeTree
PARTITION BY (score, snapshot)
-- FINAL compares keys across partitions, so the key has all of the partition's.
ORDER BY (score, snapshot, customer_id, line)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS score_ledger_snapshots
(
    score    String,
    snapshot UInt64,
    rules    String COMMENT 'Fingerprint of the rule file: the version of all its rules',
    fades    String COMMENT 'How points lose worth with age'
)
ENGINE = ReplacingMergeTree(snapshot)
ORDER BY score;

CREATE VIEW IF NOT EXISTS score_ledger AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(l.customer_id)))) AS customer,
    l.score AS score, l.as_of AS as_of, l.line AS line, l.event_time AS event_time, l.event AS event, l.event_id AS event_id,
    s.rules AS rule_version, l.rule_line AS rule_line, l.rule AS rule, s.fades AS fades,
    l.adds_micro / 1e6 AS adds, l.caps_leave AS caps_leave, l.age_leaves AS age_leaves, l.worth_micro / 1e6 AS worth,
    l.worth_micro AS worth_micro, l.customer_id AS customer_id
FROM (SELECT * FROM score_ledger_rows FINAL) AS l
INNER JOIN (SELECT * FROM score_ledger_snapshots FINAL) AS s ON s.score = l.score AND s.snapshot = l.snapshot;
