-- Whoever takes a partition over asks which rows from the committed offset on are stored. The key starts with what funnels filter by, so without
-- this that question would read the offsets of the whole table; with it, those of what was inserted last.
ALTER TABLE events_rows ADD INDEX IF NOT EXISTS offsets offset TYPE minmax GRANULARITY 1;

ALTER TABLE events_rows MATERIALIZE INDEX offsets;

ALTER TABLE events_rows MODIFY COLUMN epoch
    COMMENT 'Under which writer epoch it was judged: twice the number in scrm:meta:writer of Redis and two, and one more by a process alone';
