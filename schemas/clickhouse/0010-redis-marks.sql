-- How far Redis has come, by marks that are set in Redis first and copied here. Of the highest generation the highest mark holds. Redis with a
-- lower one, or with none, was emptied or rolled back; `rebuild` begins a new generation.
CREATE TABLE IF NOT EXISTS redis_marks_rows
(
    generation UInt64 COMMENT 'Grows with each rebuild',
    mark       UInt64 COMMENT 'Grows while a process runs'
)
ENGINE = ReplacingMergeTree(mark)
ORDER BY generation;
