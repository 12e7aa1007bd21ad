-- Which rules concluded what was published: the fingerprint that `scrmstream rules check` prints. Rows of before have none.
ALTER TABLE tag_changes_rows ADD COLUMN IF NOT EXISTS rules LowCardinality(String) COMMENT 'Fingerprint of the rules that concluded it';

ALTER TABLE score_changes_rows ADD COLUMN IF NOT EXISTS rules LowCardinality(String) COMMENT 'Fingerprint of the rules that concluded it';

ALTER TABLE actions_rows ADD COLUMN IF NOT EXISTS rules LowCardinality(String) COMMENT 'Fingerprint of the rules that decided it';

ALTER TABLE leads_rows ADD COLUMN IF NOT EXISTS rules LowCardinality(String) COMMENT 'Fingerprint of the rules that tell this history';

CREATE OR REPLACE VIEW tag_changes AS
SELECT lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer, tag, value, previous, since, rules, customer_id
FROM tag_changes_rows FINAL;

CREATE OR REPLACE VIEW score_changes AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer,
    score, value_micro / 1e6 AS value, grade, previous, since, rules, value_micro, customer_id
FROM score_changes_rows FINAL;

CREATE OR REPLACE VIEW actions AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer, action, at, decided, recipient, outcome, reason,
    concat(customer, '-', toString(toUnixTimestamp64Milli(at)), '-', action) AS id, rules, customer_id
FROM actions_rows FINAL;

CREATE OR REPLACE VIEW stage_changes AS
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
    rules, customer_id
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

CREATE OR REPLACE VIEW leads AS
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
    rules, customer_id
FROM (SELECT *, arrayJoin(arrayEnumerate(lead_ids)) AS n FROM leads_rows FINAL);
