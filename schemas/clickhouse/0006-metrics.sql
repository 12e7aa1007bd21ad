-- Metrics of the trade, one view each, defined in words in metrics.md beside this file. They take their period and names as parameters:
-- SELECT * FROM repurchase_rate(start = '2026-03-01', end = '2026-04-01'). Times are UTC; a start counts, an end does not. Rates are parts of
-- one; NULL where there is nothing to divide by. Customers are those known now.

-- 互动率: of the leads that were dispatched in the period, how many answered behind that.
CREATE VIEW IF NOT EXISTS interaction_rate AS
SELECT count() AS assigned, countIf(has_answer) AS engaged, if(assigned = 0, NULL, engaged / assigned) AS rate
FROM
(
    SELECT lead, minIf(time, stage = {assigned:String}) AS dispatched, maxIf(time, stage = {engaged:String}) >= dispatched
        AND countIf(stage = {engaged:String}) > 0 AS has_answer
    FROM stage_changes
    WHERE pipeline = {pipeline:String}
    GROUP BY customer_id, lead
    HAVING countIf(stage = {assigned:String}) > 0
        AND dispatched >= {start:DateTime64(3, 'UTC')} AND dispatched < {end:DateTime64(3, 'UTC')}
);

-- 复购率: of the customers who bought in the period, how many had bought at least twice by its end.
CREATE VIEW IF NOT EXISTS repurchase_rate AS
SELECT count() AS buyers, countIf(orders >= 2) AS repeated, if(buyers = 0, NULL, repeated / buyers) AS rate
FROM
(
    SELECT customer_id, count() AS orders, max(event_time) AS last_order
    FROM events_resolved
    WHERE event = 'order_paid' AND event_time < {end:DateTime64(3, 'UTC')}
    GROUP BY customer_id
    HAVING last_order >= {start:DateTime64(3, 'UTC')}
);

-- 留存: of the customers first seen in the period, how many did something again so many days later, within so many days.
CREATE VIEW IF NOT EXISTS retention_rate AS
SELECT count() AS customers, countIf(came_back) AS retained, if(customers = 0, NULL, retained / customers) AS rate
FROM
(
    SELECT
        customer_id, min(event_time) AS first,
        arrayExists(
            t -> t >= first + toIntervalDay({after_days:UInt32})
                AND t < first + toIntervalDay({after_days:UInt32} + {within_days:UInt32}), groupArray(event_time)) AS came_back
    FROM events_resolved
    GROUP BY customer_id
    HAVING first >= {start:DateTime64(3, 'UTC')} AND first < {end:DateTime64(3, 'UTC')}
);

-- 流失: of the customers who were active in the days before the last ones, how many were not in the last ones.
CREATE VIEW IF NOT EXISTS churn_rate AS
SELECT count() AS active, countIf(is_lost) AS lost, if(active = 0, NULL, lost / active) AS rate
FROM
(
    SELECT customer_id, max(event_time) <= {at:DateTime64(3, 'UTC')} - toIntervalDay({days:UInt32}) AS is_lost
    FROM events_resolved
    WHERE event_time <= {at:DateTime64(3, 'UTC')} AND event_time > {at:DateTime64(3, 'UTC')} - toIntervalDay(2 * {days:UInt32})
    GROUP BY customer_id
    HAVING min(event_time) <= {at:DateTime64(3, 'UTC')} - toIntervalDay({days:UInt32})
);

-- 成交周期: from the making of a lead to its first coming into a stage, of the leads that first came there in the period.
CREATE VIEW IF NOT EXISTS sales_cycle AS
SELECT count() AS leads, if(leads = 0, NULL, avg(days)) AS mean_days, if(leads = 0, NULL, quantileExact(0.5)(days)) AS median_days
FROM
(
    SELECT (toUnixTimestamp64Milli(min(time)) - toUnixTimestamp64Milli(any(created_time))) / 86400000 AS days
    FROM stage_changes
    WHERE pipeline = {pipeline:String} AND stage = {stage:String}
    GROUP BY customer_id, lead
    HAVING min(time) >= {start:DateTime64(3, 'UTC')} AND min(time) < {end:DateTime64(3, 'UTC')}
);

-- 响应时长: from a question to the first answer behind it. Questions in a row wait together, from the first of them. Events are named in
-- lists: response_time(questions = ['consult'], answers = ['message_sent'], ...).
CREATE VIEW IF NOT EXISTS response_time AS
SELECT
    count() AS questions, countIf(answered) AS answered_questions,
    if(answered_questions = 0, NULL, quantileExactIf(0.5)(minutes, answered)) AS median_minutes,
    if(questions = 0, NULL, countIf(answered AND minutes <= 60) / questions) AS within_an_hour
FROM
(
    SELECT
        arrayJoin(arrayFilter(
            i -> NOT timeline[i].2 AND (i = 1 OR timeline[i - 1].2), arrayEnumerate(timeline))) AS i,
        arraySort(groupArray((toUnixTimestamp64Milli(event_time), has({answers:Array(String)}, event)))) AS timeline,
        arrayFirst(e -> e.2 AND e.1 >= timeline[i].1, arraySlice(timeline, i)) AS answer,
        answer.2 AS answered,
        (answer.1 - timeline[i].1) / 60000 AS minutes
    FROM events_resolved
    WHERE has(arrayConcat({questions:Array(String)}, {answers:Array(String)}), event)
    GROUP BY customer_id
)
WHERE fromUnixTimestamp64Milli(timeline[i].1, 'UTC') >= {start:DateTime64(3, 'UTC')}
    AND fromUnixTimestamp64Milli(timeline[i].1, 'UTC') < {end:DateTime64(3, 'UTC')};

-- LTV: what each customer has brought by a time. Money is integer fen; a refund's amount counts against it, whatever its sign.
CREATE VIEW IF NOT EXISTS customer_value AS
SELECT
    lower(hex(reverse(reinterpretAsFixedString(customer_id)))) AS customer,
    countIf(event = 'order_paid') AS orders,
    sumIf(ifNull(amount_fen, 0), event = 'order_paid') AS paid_fen,
    sumIf(abs(ifNull(amount_fen, 0)), event = 'refund') AS refunded_fen,
    paid_fen - refunded_fen AS value_fen,
    minIf(event_time, event = 'order_paid') AS first_order,
    maxIf(event_time, event = 'order_paid') AS last_order,
    customer_id
FROM events_resolved
WHERE event IN ('order_paid', 'refund') AND event_time < {end:DateTime64(3, 'UTC')}
GROUP BY customer_id;

-- 客单价: what a buyer paid in the period, and what an order came to (笔单价).
CREATE VIEW IF NOT EXISTS average_spend AS
SELECT
    uniqExact(customer_id) AS buyers, count() AS orders, sum(ifNull(amount_fen, 0)) AS paid_fen,
    if(buyers = 0, NULL, paid_fen / buyers) AS per_buyer_fen, if(orders = 0, NULL, paid_fen / orders) AS per_order_fen
FROM events_resolved
WHERE event = 'order_paid' AND event_time >= {start:DateTime64(3, 'UTC')} AND event_time < {end:DateTime64(3, 'UTC')};
