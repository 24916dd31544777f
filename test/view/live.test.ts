import { createServer, type Server } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { EnvelopeReader, EnvelopeRecord } from '../../src/view/live-envelope.js';
import type { ConnectionEvent } from '../../src/view/protocol.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { fragmentInput } from '../support/kvs-documents.js';
import { isOver, open } from './support.js';

const EVENT: ConnectionEvent = { kind: 'retry', at: 1, message: 'again' };

function record(kind: number, content: Uint8Array): Uint8Array {
  const header = new Uint8Array(5);
  header[0] = kind;
  new DataView(header.buffer).setUint32(1, content.length);
  return concatBytes([header, content]);
}

function eventRecord(event: ConnectionEvent): Uint8Array {
  return record(EnvelopeRecord.event, new TextEncoder().encode(JSON.stringify(event)));
}

describe('an envelope', () => {
  it('gives its events and bytes in order, however it is split', () => {
    const item = fc.oneof(fc.constant(EVENT), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(item), arbitraryChunking(), (items, chunking) => {
        const records = items.map((each) =>
          each instanceof Uint8Array ? record(EnvelopeRecord.bytes, each) : eventRecord(each),
        );
        const reader = new EnvelopeReader();
        const found = split(concatBytes(records), chunking).flatMap((chunk) => reader.push(new Uint8Array(chunk)));
        const text = (all: readonly (Uint8Array | ConnectionEvent)[]) =>
          all.map((each) => (each instanceof Uint8Array ? Buffer.from(each).toString('hex') : '|')).join('');
        expect(text(found.map((each) => (each.kind === 'bytes' ? each.bytes : each.event)))).toBe(text(items));
      }),
    );
  });

  it('that is none is an error', () => {
    const html = new TextEncoder().encode('<!doctype html>');
    expect(() => new EnvelopeReader().push(new Uint8Array(html))).toThrow('something else than a stream');
    const strange = record(EnvelopeRecord.event, new TextEncoder().encode('{"kind":"else"}'));
    expect(() => new EnvelopeReader().push(new Uint8Array(strange))).toThrow('not known');
  });
});

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Serves an envelope; gives its address, and functions that send and end. */
async function serve() {
  let write: (bytes: Uint8Array) => void = () => {};
  let end = () => {};
  const connected = new Promise<void>((resolve) => {
    const server = createServer((_, response) => {
      response.writeHead(200);
      response.flushHeaders();
      write = (bytes) => response.write(bytes);
      end = () => response.end();
      resolve();
    });
    servers.push(server);
  });
  const server = servers.at(-1);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server?.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}/live`,
    connected,
    send: (bytes: Uint8Array) => write(bytes),
    end: () => end(),
  };
}

const document = (index: number) => record(EnvelopeRecord.bytes, writeGetMediaFragment(fragmentInput(index)));

describe('a stream that grows', () => {
  it('shows each fragment as it comes, keeps the newest, and says how far it is behind', async () => {
    const { url, connected, send, end } = await serve();
    const now = Number(fragmentInput(0).producerTimestamp);
    const opened = await open(
      { kind: 'live', url, name: 'door' },
      { window: { maxFragments: 3 }, now: () => now + 5000 },
    );
    const { model, until, inspection } = opened;
    await connected;
    send(eventRecord({ kind: 'open', at: now }));
    send(document(0));
    await until(({ fragments }) => fragments.length === 1);
    expect(model.state).toMatchObject({ phase: 'live', size: undefined, clock: 'producer' });
    expect(model.fragment(0)).toMatchObject({ open: true, frames: 3, fragmentNumber: fragmentInput(0).fragmentNumber });
    // It lasts 80 ms: two steps of its pictures.
    expect(model.delay).toBe(4920);
    for (let index = 1; index < 10; index++) {
      send(document(index));
      await until(({ fragments, firstFragment }) => firstFragment + fragments.length > index);
      expect(model.fragments.length).toBeLessThanOrEqual(4);
      expect(model.fragment(index - 1)?.open).toBe(false);
    }
    send(
      eventRecord({
        kind: 'reconnect',
        at: now,
        reason: 'ended',
        message: undefined,
        delayMs: 10,
        afterFragmentNumber: '1',
      }),
    );
    send(eventRecord({ kind: 'end', at: now, error: undefined }));
    end();
    await until(isOver);
    expect(model.state).toMatchObject({ phase: 'done', error: undefined });
    expect(model.events.map(({ kind }) => kind)).toEqual(['open', 'reconnect', 'end']);
    expect(model.firstFragment).toBe(7);
    expect(model.frames.first).toBe(21);
    const { elements, total } = await inspection.ask('children', { parent: undefined, from: 0, count: 100 });
    expect(total).toBe(6);
    expect(elements[0]?.offset).toBe(model.firstOffset);
    expect((await inspection.ask('bytes', { offset: model.firstOffset, length: 4 })).length).toBe(4);
    expect((await inspection.ask('bytes', { offset: 0, length: 4 })).length).toBe(0);
  });

  it('keeps no more bytes than it may, but the newest fragment', async () => {
    const { url, connected, send, end } = await serve();
    const { model, until } = await open({ kind: 'live', url, name: 'door' }, { window: { maxBytes: 100 } });
    await connected;
    for (let index = 0; index < 5; index++) send(document(index));
    await until(({ fragments, firstFragment }) => firstFragment + fragments.length === 5);
    end();
    await until(isOver);
    expect(model.fragments.length).toBeLessThanOrEqual(2);
    expect(model.state.error).toBe('the process that reads the stream has gone');
  });

  it('goes on to have findings, for as long as it is watched', async () => {
    const { url, connected, send, end } = await serve();
    const { model, until } = await open({ kind: 'live', url, name: 'door' }, { limits: { findings: 1 } });
    await connected;
    for (const index of [9, 8, 7, 6, 5]) send(document(index));
    send(eventRecord({ kind: 'end', at: 0, error: undefined }));
    end();
    await until(isOver);
    expect(model.findings.filter(({ rule }) => rule === 'FragmentNumber')).toHaveLength(4);
    expect(model.state.limits).toEqual([]);
  });

  it('that cannot be read says why', async () => {
    const { url, connected, send, end } = await serve();
    const { model, until } = await open({ kind: 'live', url, name: 'door' });
    await connected;
    send(eventRecord({ kind: 'end', at: 0, error: 'GetMedia: AccessDeniedException: no' }));
    end();
    await until(isOver);
    expect(model.state).toMatchObject({ phase: 'failed', error: 'GetMedia: AccessDeniedException: no' });
  });
});
