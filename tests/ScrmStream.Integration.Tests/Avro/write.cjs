// Writes events with npm avsc: node write.cjs AVSC_MODULE SCHEMA EVENTS CODEC OUTPUT. EVENTS has one event as JSON a line, OUTPUT becomes an
// Avro file.
const [, , library, schemaFile, eventsFile, codec, output] = process.argv;
const fs = require('fs');
const avro = require(library);
const { type, toAvro } = require('./events.cjs')(avro, schemaFile);

const encoder = avro.createFileEncoder(output, type, { codec, blockSize: 1000 });
for (const line of fs.readFileSync(eventsFile, 'utf8').split('\n')) {
  if (line) encoder.write(toAvro(JSON.parse(line)));
}
encoder.end();
