"""Writes events with Debian's python3-avro: write.py SCHEMA EVENTS CODEC OUTPUT. EVENTS has one event as JSON a line.

OUTPUT becomes an Avro file; with the codec frames:FINGERPRINT a text file instead, of one datum a line, as hexadecimal digits, in
single-object encoding with that fingerprint (16 digits).
"""
import io
import json
import struct
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


def write_frames(fingerprint):
    header = b"\xc3\x01" + struct.pack("<Q", int(fingerprint, 16))
    with open(output, "w", encoding="ascii") as lines:
        for line in open(events_file, encoding="utf-8"):
            datum = io.BytesIO()
            avro.io.DatumWriter(schema).write(to_avro(json.loads(line)), avro.io.BinaryEncoder(datum))
            lines.write((header + datum.getvalue()).hex() + "\n")


def write_file():
    with avro.datafile.DataFileWriter(open(output, "wb"), avro.io.DatumWriter(), schema, codec=codec) as writer:
        for line in open(events_file, encoding="utf-8"):
            writer.append(to_avro(json.loads(line)))


if codec.startswith("frames:"):
    write_frames(codec.removeprefix("frames:"))
else:
    write_file()
