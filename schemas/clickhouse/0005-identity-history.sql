-- Every mapping that was ever published, so that the map can be read as it was known at a time. Written before identity_map_rows by an
-- insert of its own: a materialized view would miss a block whose first attempt stopped between the two tables, for the repeat of that
-- block is dropped as a duplicate before it reaches the view.
--
-- A mapping that is published again after a crash has the same key and a later time; the earliest is kept, so a repeat changes nothing.
CREATE TABLE IF NOT EXISTS identity_history_rows
(
    identifier_id UInt128,
    version       UInt64,
    customer_id   Nullable(UInt128) COMMENT 'NULL: nobody''s',
    text          String COMMENT 'Stored text kind:scope:value',
    known_time    DateTime64(3, 'UTC') COMMENT 'When it was published; 1970: before this table was made',
    earliness     UInt64 MATERIALIZED toUInt64(9223372036854775807 - toUnixTimestamp64Milli(known_time))
)
ENGINE = ReplacingMergeTree(earliness)
ORDER BY (identifier_id, version, isNull(customer_id), ifNull(customer_id, toUInt128(0)))
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS identity_history AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(identifier_id)))) AS identifier,
    text,
    if(customer_id IS NULL, NULL, lower(hex(reverse(reinterpretAsFixedString(ifNull(customer_id, toUInt128(0))))))) AS customer,
    version,
    known_time,
    identifier_id,
    customer_id
FROM identity_history_rows FINAL;

-- Events with the customer as known at a time: events_resolved_at(known_at = '2026-03-01 12:00:00'), UTC. Of each identifier the mapping
-- with the highest version published by then counts; an anchor that had none is its own customer, as in events_resolved.
CREATE VIEW IF NOT EXISTS events_resolved_at AS
SELECT
    e.*,
    lower(hex(reverse(reinterpretAsFixedString(e.anchor_id)))) AS anchor_hex,
    ifNull(m.root_id, e.anchor_id) AS customer_id,
    lower(hex(reverse(reinterpretAsFixedString(ifNull(m.root_id, e.anchor_id))))) AS customer
FROM (SELECT * EXCEPT (epoch, is_deleted) FROM events_rows FINAL) AS e
LEFT ANY JOIN
(
    -- A Nullable argument would make argMax pass over the rows that say nobody's.
    SELECT identifier_id, toNullable(argMax(ifNull(customer_id, identifier_id), version)) AS root_id
    FROM identity_history_rows
    WHERE known_time <= {known_at:DateTime64(3, 'UTC')}
    GROUP BY identifier_id
    HAVING root_id != identifier_id
) AS m ON m.identifier_id = e.anchor_id;

-- What is known already. Mappings that were replaced before are gone; these count as known from the beginning.
INSERT INTO identity_history_rows (identifier_id, version, customer_id, text, known_time)
SELECT identifier_id, version, customer_id, text, toDateTime64(0, 3, 'UTC') FROM identity_map_rows;
