-- The leads of customers: of each customer and pipeline one row with the whole history as known now. Merges, unmerges and late events may
-- change what is past, so a row replaces the one before; a customer that is no more has a row without leads.
CREATE TABLE IF NOT EXISTS leads_rows
(
    customer_id    UInt128,
    pipeline       LowCardinality(String),
    type           LowCardinality(String) COMMENT 'sales or service',
    version        UInt64 COMMENT 'Writer epoch in the upper 22 bits, time of publication in ms in the others',
    lead_ids       Array(String) COMMENT 'In order of their making',
    created        Array(DateTime64(3, 'UTC')),
    channels       Array(String) COMMENT 'Of the events that made the leads',
    sources        Array(String),
    campaigns      Array(String),
    inviters       Array(String),
    step_leads     Array(UInt16) COMMENT 'Steps in order of time: whose, from 1',
    step_stages    Array(String),
    step_previous  Array(String) COMMENT 'Empty where the lead was made',
    step_times     Array(DateTime64(3, 'UTC')),
    step_kinds     Array(String) COMMENT 'created, event, after, idle, reminder',
    step_reminders Array(String)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (pipeline, customer_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- Every step of every lead as known now: into which stage it came, when, by what, and when it left it.
CREATE VIEW IF NOT EXISTS stage_changes AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer,
    pipeline, type,
    lead_ids[step.1] AS lead,
    step.2 AS stage,
    nullIf(step.3, '') AS previous,
    step.4 AS time,
    step.5 AS kind,
    step.6 AS left_time,
    created[step.1] AS created_time,
    channels[step.1] AS channel, sources[step.1] AS source, campaigns[step.1] AS campaign, inviters[step.1] AS inviter,
    customer_id
FROM
(
    SELECT *, arrayJoin(arrayMap(
        i -> (
            moves[i].1, moves[i].2, moves[i].3, moves[i].4, moves[i].5,
            if(i < length(moves) AND moves[i + 1].1 = moves[i].1, toNullable(moves[i + 1].4), NULL)),
        arrayEnumerate(moves))) AS step
    FROM
    (
        SELECT *, arrayFilter(
            s -> s.5 != 'reminder', arrayZip(step_leads, step_stages, step_previous, step_times, step_kinds)) AS moves
        FROM leads_rows FINAL
    )
);

-- Reminders that came due.
CREATE VIEW IF NOT EXISTS lead_reminders AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer,
    pipeline, type, lead_ids[step.1] AS lead, step.2 AS stage, step.6 AS reminder, step.4 AS time, customer_id
FROM
(
    SELECT *, arrayJoin(arrayFilter(
        s -> s.5 = 'reminder',
        arrayZip(step_leads, step_stages, step_previous, step_times, step_kinds, step_reminders))) AS step
    FROM leads_rows FINAL
);

-- Every lead as known now, with the stage it is in.
CREATE VIEW IF NOT EXISTS leads AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer,
    pipeline, type,
    lead_ids[n] AS lead,
    n AS number,
    created[n] AS created_time,
    channels[n] AS channel, sources[n] AS source, campaigns[n] AS campaign, inviters[n] AS inviter,
    arrayLast((stage, l) -> l = n, step_stages, step_leads) AS stage,
    arrayLast((t, l, k) -> l = n AND k != 'reminder', step_times, step_leads, step_kinds) AS since,
    n = length(lead_ids) AS is_last,
    customer_id
FROM (SELECT *, arrayJoin(arrayEnumerate(lead_ids)) AS n FROM leads_rows FINAL);

-- The pipelines of the rule file that was run last: their stages in order, and which of them their funnel counts.
CREATE TABLE IF NOT EXISTS pipelines_rows
(
    pipeline     String,
    type         LowCardinality(String),
    version      UInt64 COMMENT 'When it was written, in ms',
    stages       Array(String),
    stage_titles Array(String) COMMENT 'What people call them',
    funnel       Array(String)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY pipeline;

CREATE VIEW IF NOT EXISTS pipelines AS SELECT * EXCEPT version FROM pipelines_rows FINAL;
