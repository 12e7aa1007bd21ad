"""Writes events with Debian's python3-avro: write.py SCHEMA EVENTS CODEC OUTPUT. EVENTS has one event as JSON a line."""
import json
import sys

import avro.datafile
import avro.io
import avro.schema

schema_file, events_file, codec, output = sys.argv[1:]
# Times stay numbers: with the logical type this library wants dates, which do not hold every value.
text = open(schema_file, encoding="utf-8").read().replace('"logicalType": "timestamp-millis"', '"was": "timestamp-millis"')
schema = avro.schema.parse(text)
CAMPAIGN = ("source", "medium", "name", "content", "term")


def to_avro(event):
    datum = {field.name: event.get(field.name) for field in schema.fields}
    datum["identifiers"] = [
        {"kind": i["kind"], "scope": i.get("scope", ""), "value": i["value"], "verified": i.get("verified", True)}
        for i in event["identifiers"]
    ]
    datum["properties"] = event.get("properties", {})
    if datum["campaign"] is not None:
        datum["campaign"] = {name: datum["campaign"].get(name) for name in CAMPAIGN}
    if datum["share"] is not None:
        datum["share"] = {name: datum["share"].get(name) for name in ("from", "depth")}
    return datum


with avro.datafile.DataFileWriter(open(output, "wb"), avro.io.DatumWriter(), schema, codec=codec) as writer:
    for line in open(events_file, encoding="utf-8"):
        writer.append(to_avro(json.loads(line)))
