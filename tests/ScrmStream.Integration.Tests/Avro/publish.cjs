// Publishes events with npm kafkajs: node publish.cjs KAFKAJS_MODULE BROKER TOPIC FILE [AVSC_MODULE SCHEMA NUMBER]. With a schema FILE has one
// event as JSON a line, and npm avsc writes each behind the frame of a registry with the schema's number. Without, it has one value a line, as
// hexadecimal digits.
const [, , kafkaLibrary, broker, topic, file, avroLibrary, schemaFile, number] = process.argv;
const fs = require('fs');
const { Kafka, Partitioners, logLevel } = require(kafkaLibrary);

function encoder() {
  if (!avroLibrary) return (line) => Buffer.from(line, 'hex');
  const { type, toAvro } = require('./events.cjs')(require(avroLibrary), schemaFile);
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(Number(number), 1);
  return (line) => Buffer.concat([frame, type.toBuffer(toAvro(JSON.parse(line)))]);
}

(async () => {
  const toValue = encoder();
  const lines = fs.readFileSync(file, 'utf8').split('\n').filter((line) => line);
  const producer = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR }).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages: lines.map((line, i) => ({ key: `k${i}`, value: toValue(line) })) });
  await producer.disconnect();
})().catch((e) => { console.error(e); process.exit(1); });
