-- What was decided for actions: one row per occurrence, announced before the view that says so. A repeat has the same key.
CREATE TABLE IF NOT EXISTS actions_rows
(
    customer_id UInt128                COMMENT 'The customer then',
    action      LowCardinality(String) COMMENT 'Its name in the rule file',
    at          DateTime64(3, 'UTC')   COMMENT 'The moment that the action waited for, in event time',
    decided     DateTime64(3, 'UTC')   COMMENT 'The moment it was decided for: the same, or the end of the quiet hours',
    recipient   LowCardinality(String) COMMENT 'customer or staff',
    outcome     LowCardinality(String) COMMENT 'sent or suppressed',
    reason      LowCardinality(String) COMMENT 'Why it was suppressed: over, once, cap, or a name under never; else empty'
)
ENGINE = ReplacingMergeTree
ORDER BY (action, at, customer_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS actions AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer, action, at, decided, recipient, outcome, reason,
    concat(customer, '-', toString(toUnixTimestamp64Milli(at)), '-', action) AS id, customer_id
FROM actions_rows FINAL;
