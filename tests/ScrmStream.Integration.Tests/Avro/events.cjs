// Canonical events for npm avsc: the type of a schema's file, and what it wants for an event as JSON has it. Long values are BigInts, so
// that none is rounded.
const fs = require('fs');

module.exports = (avro, schemaFile) => {
  const long = avro.types.LongType.__with({
    fromBuffer: (buffer) => buffer.readBigInt64LE(),
    toBuffer: (n) => { const b = Buffer.alloc(8); b.writeBigInt64LE(BigInt(n)); return b; },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (n) => typeof n === 'bigint' || Number.isSafeInteger(n),
    compare: (a, b) => (a === b ? 0 : a < b ? -1 : 1),
  });
  const type = avro.Type.forSchema(JSON.parse(fs.readFileSync(schemaFile)), { registry: { long }, wrapUnions: true });

  const branch = (name, value) => (value === undefined || value === null ? null : { [name]: value });
  const property = (value) =>
    typeof value === 'string' ? { string: value }
      : typeof value === 'boolean' ? { boolean: value }
        : Number.isInteger(value) ? { long: value } : { double: value };

  function toAvro(e) {
    const event = {
      event_id: branch('string', e.event_id),
      event: e.event,
      event_time: e.event_time,
      received_time: branch('long', e.received_time),
      channel: e.channel,
      identifiers: e.identifiers.map((i) => ({ kind: i.kind, scope: i.scope || '', value: i.value, verified: i.verified !== false })),
      session_id: branch('string', e.session_id),
      page: branch('string', e.page),
      referrer: branch('string', e.referrer),
      campaign: null,
      share: null,
      amount_fen: branch('long', e.amount_fen),
      currency: branch('string', e.currency),
      properties: Object.fromEntries(Object.entries(e.properties || {}).map(([k, v]) => [k, property(v)])),
    };
    if (e.campaign) {
      const fields = ['source', 'medium', 'name', 'content', 'term'];
      event.campaign = { 'scrmstream.events.v1.Campaign': Object.fromEntries(fields.map((f) => [f, branch('string', e.campaign[f])])) };
    }
    if (e.share) event.share = { 'scrmstream.events.v1.Share': { from: branch('string', e.share.from), depth: branch('int', e.share.depth) } };
    return event;
  }

  return { type, toAvro };
};
