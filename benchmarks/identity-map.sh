#!/usr/bin/env bash
# Three ways from an anchor to its customer in ClickHouse, timed against each other over 1,000,000 mappings and 2,000,000 events:
# the join of events_resolved, a dictionary, and events_resolved_at (funnel --known-at); and beside them the funnel over anchors,
# without any map. The answers are compared, and a merge is timed from its insert until a funnel shows it. The figures are in
# docs/decisions/0010-identity-map-by-join.md.
#
#   ./scrm clickhouse --path FOLDER --port 8123 &
#   benchmarks/identity-map.sh http://127.0.0.1:8123 [RUNS]
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
address=${1:?usage: benchmarks/identity-map.sh http://HOST:PORT [RUNS]}
runs=${2:-9}
database=bench_identity

ask_server() { curl -sS --fail-with-body "$address/" --data-binary "$1"; }
ask() { curl -sS --fail-with-body "$address/?database=$database" --data-binary "$1"; }

# A statement ends with a semicolon at the end of its line.
migrate() {
  local file text
  for file in "$root"/schemas/clickhouse/*.sql; do
    text=$(<"$file")$'\n'
    while [[ $text == *$';\n'* ]]; do
      ask "${text%%$';\n'*}"
      text=${text#*$';\n'}
    done
  done
}

# Of 1,000,000 identifiers every fifth is the root of a customer and the next four belong to it. Each was published as its own
# customer first, and members as members later. An identifier has two events on average.
fill() {
  local id="reinterpretAsUInt128(substring(SHA256(toString(n)), 1, 16))"
  local customer="reinterpretAsUInt128(substring(SHA256(toString(n - n % 5)), 1, 16))"
  local text="concat('openid:wx1:', toString(n))" numbers="(SELECT number AS n FROM numbers(1000000))"
  ask "INSERT INTO identity_history_rows (identifier_id, version, customer_id, text, known_time)
       SELECT $id, 1, $id, $text, toDateTime64('2026-01-01 00:00:00', 3, 'UTC') FROM $numbers"
  ask "INSERT INTO identity_history_rows (identifier_id, version, customer_id, text, known_time)
       SELECT $id, 2, $customer, $text, toDateTime64('2026-02-01 00:00:00', 3, 'UTC') + n FROM $numbers WHERE n % 5 > 0"
  ask "INSERT INTO events_rows (topic, partition, offset, event, event_time, channel, anchor_id, anchor)
       SELECT 'ref', 0, i, ['page_view', 'product_view', 'add_to_cart', 'order_paid'][1 + intHash32(i) % 4],
           toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + i, 'app', $id, $text
       FROM (SELECT number AS i, intHash64(number) % 1000000 AS n FROM numbers(2000000))"
  # Rows of a repeated publication are still there, as in a running system.
  ask "INSERT INTO identity_history_rows (identifier_id, version, customer_id, text, known_time)
       SELECT $id, 1, $id, $text, toDateTime64('2026-03-01 00:00:00', 3, 'UTC') FROM $numbers WHERE n % 10 = 0"
  ask "CREATE DICTIONARY map_dictionary (identifier_id UInt128, customer_id UInt128) PRIMARY KEY identifier_id
       SOURCE(CLICKHOUSE(DB '$database' QUERY 'SELECT identifier_id, assumeNotNull(customer_id) AS customer_id
           FROM $database.identity_map WHERE customer_id != identifier_id'))
       LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)"
  ask "CREATE VIEW events_by_dictionary AS SELECT *,
           dictGetOrDefault('$database.map_dictionary', 'customer_id', tuple(anchor_id), anchor_id) AS customer_id
       FROM (SELECT * FROM events_rows FINAL)"
}

funnel() {
  ask "SELECT countIf(level >= 1), countIf(level >= 2), countIf(level >= 3) FROM
       (SELECT customer_id, windowFunnel(604800000)(toUInt64(toUnixTimestamp64Milli(event_time)),
            event = 'product_view', event = 'add_to_cart', event = 'order_paid') AS level
        FROM $1 WHERE event IN ('product_view', 'add_to_cart', 'order_paid') GROUP BY customer_id)"
}

seconds() {
  local start=$EPOCHREALTIME
  "$@" >/dev/null
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }'
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

ask_server "DROP DATABASE IF EXISTS $database"
ask_server "CREATE DATABASE $database"
migrate
fill
ask "SYSTEM RELOAD DICTIONARY map_dictionary"
anchors="(SELECT *, anchor_id AS customer_id FROM events_rows FINAL)"
now="events_resolved_at(known_at = '2030-01-01 00:00:00')"
early="events_resolved_at(known_at = '2026-01-15 00:00:00')"
answer=$(funnel events_resolved)
echo "answer: join $answer, dictionary $(funnel events_by_dictionary), known at the end $(funnel "$now"), known before the merges $(funnel "$early")"
[[ $(funnel events_by_dictionary) == "$answer" && $(funnel "$now") == "$answer" ]] || { echo "the answers differ" >&2; exit 1; }

# In turns, so that a slow moment of the machine falls on all of them.
times=$(mktemp -d)
for ((i = 0; i < runs; i++)); do
  seconds funnel events_resolved >>"$times/join"
  seconds funnel "$anchors" >>"$times/no_map"
  seconds funnel events_by_dictionary >>"$times/dictionary"
  seconds funnel "$now" >>"$times/known_at_end"
  seconds funnel "$early" >>"$times/known_at_early"
  seconds ask "SYSTEM RELOAD DICTIONARY map_dictionary" >>"$times/reload"
done
join=$(median <"$times/join")
for way in join no_map dictionary known_at_end known_at_early reload; do
  awk -v way="$way" -v t="$(median <"$times/$way")" -v j="$join" 'BEGIN { printf "%-16s %.3f s, %.2f of the join\n", way, t, t / j }'
done
rm -r "$times"

# One hundred thousand identifiers change hands in one insert; the next funnel has to show it.
merge() {
  ask "INSERT INTO identity_history_rows (identifier_id, version, customer_id, text, known_time)
       SELECT reinterpretAsUInt128(substring(SHA256(toString(n)), 1, 16)), $1, reinterpretAsUInt128(substring(SHA256('0'), 1, 16)),
           concat('openid:wx1:', toString(n)), toDateTime64('2026-04-01 00:00:00', 3, 'UTC')
       FROM (SELECT number AS n FROM numbers(100000))"
}
merge_by_join() { merge 3; merged=$(funnel events_resolved); }
merge_by_dictionary() { merge 4; ask "SYSTEM RELOAD DICTIONARY map_dictionary"; funnel events_by_dictionary; }
echo "merge of 100,000 identifiers until a funnel shows it: join $(seconds merge_by_join) s"
merge_by_join
[[ $merged != "$answer" ]] || { echo "the funnel does not show the merge" >&2; exit 1; }
echo "the same with a reloaded dictionary: $(seconds merge_by_dictionary) s"
ask_server "DROP DATABASE $database"
