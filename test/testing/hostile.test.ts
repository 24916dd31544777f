import { request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CreateStreamCommand } from '@aws-sdk/client-kinesis-video';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, writeElement, writeHeader, writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { FragmentSplitter, type SplitFragment } from '../../src/testing/fragment-splitter.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { GrowingBytes } from '../../src/testing/growing-bytes.js';
import { type Acknowledgement, putMedia } from './put-media.js';
import { clients, getMedia, numbersOf, readBody, start } from './support.js';

const TRACKS = [{ number: 1, codecId: 'V_MJPEG' }];
/** What a producer sends for one fragment: its document up to the end of its Cluster. */
const fragment = (index: number, frame = Uint8Array.of(index)) =>
  writeGetMediaFragment({
    tracks: TRACKS,
    timestamp: index * 1e6,
    blocks: [{ track: 1, timestamp: index * 1e6, keyframe: true, frames: [frame] }],
  });
const HEADER = writeGetMediaFragment({ tracks: TRACKS });
const CLUSTER = concatBytes([writeHeader(Mkv.Cluster, undefined), writeElement(Mkv.Timestamp, 0)]);
/** A SimpleBlock of one empty frame. */
const SMALLEST_BLOCK = Uint8Array.of(0xa3, 0x84, 0x81, 0, 0, 0x80);
const VOID = Uint8Array.of(0xec, 0x80);
const TAG = writeMaster(Mkv.Tag, [writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'a')])]);
/** A Tags element that says to be so large. */
const tags = (size: number) => writeHeader(Mkv.Tags, size, { sizeLength: 8 });
const EMPTY_CLUSTER = writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0)]);

function repeat(bytes: Uint8Array, total: number): Uint8Array {
  const all = new Uint8Array(Math.floor(total / bytes.length) * bytes.length);
  for (let at = 0; at < all.length; at += bytes.length) all.set(bytes, at);
  return all;
}

function splitAll(splitter: FragmentSplitter, chunks: Iterable<Uint8Array>) {
  const fragments: SplitFragment[] = [];
  let error: unknown;
  const drain = () => {
    for (let event = splitter.nextIfAvailable(); event !== undefined; event = splitter.nextIfAvailable()) {
      if (event.kind === 'fragment') fragments.push(event.fragment);
    }
  };
  try {
    for (const chunk of chunks) {
      splitter.push(chunk);
      drain();
    }
    splitter.end();
    drain();
  } catch (thrown) {
    error = thrown;
  }
  return { fragments, error };
}

/** Bytes that stay in use, heap and buffers. */
function memoryInUse(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('bytes that grow and are forgotten', () => {
  it('are what was added, in whatever steps', () => {
    const step = fc.record({ add: fc.uint8Array({ maxLength: 600 }), forget: fc.nat(700) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const bytes = new GrowingBytes();
        let all = new Uint8Array(0);
        let from = 0;
        for (const { add, forget } of steps) {
          bytes.append(add);
          all = concatBytes([all, add]) as Uint8Array<ArrayBuffer>;
          from = Math.min(all.length, from + forget);
          bytes.forget(from);
          expect(bytes.length).toBe(all.length - from);
          expect(bytes.copy()).toEqual(all.subarray(from));
          expect(bytes.view(from, all.length)).toEqual(all.subarray(from));
        }
      }),
    );
  });
});

describe('a source with very many elements', () => {
  it.each([
    [
      'Cue points',
      writeMaster(
        Mkv.Cues,
        Array.from({ length: 20_000 }, (_, i) => cuePoint(i)),
      ),
    ],
    ['elements behind the Cluster', repeat(VOID, 300_000)],
    ['Tags', repeat(writeMaster(Mkv.Tags, [TAG]), 500_000)],
  ])('is taken with its %s', async (_, elements) => {
    const { fragments, error } = splitAll(new FragmentSplitter(), [
      concatBytes([HEADER, elements, EMPTY_CLUSTER, elements]),
    ]);
    expect(error).toBeUndefined();
    expect(fragments).toHaveLength(1);
    expect(Buffer.compare(fragments[0]!.head, concatBytes([HEADER, elements]))).toBe(0);
    expect(Buffer.compare(fragments[0]!.tail, elements)).toBe(0);
    const server = await start({ streams: { camera: { source: concatBytes([HEADER, EMPTY_CLUSTER, elements]) } } });
    expect(server.stream('camera').fragments).toHaveLength(1);
  });

  it('takes no more memory than its bytes, however small they are', () => {
    const chunks = 100;
    for (const [before, element] of [
      [CLUSTER, SMALLEST_BLOCK],
      [new Uint8Array(0), VOID],
      [tags(2 ** 40), TAG],
    ] as const) {
      const splitter = new FragmentSplitter();
      splitter.push(concatBytes([HEADER, before]));
      const chunk = repeat(element, 65_520);
      const atFirst = memoryInUse();
      for (let i = 0; i < chunks; i++) splitter.push(chunk.slice());
      expect(memoryInUse() - atFirst).toBeLessThan(3 * chunks * chunk.length);
    }
  });

  it('shares the header of a document among its fragments', () => {
    const header = concatBytes([HEADER, writeElement(Mkv.Void, new Uint8Array(100_000))]);
    const { fragments } = splitAll(new FragmentSplitter(), [header, repeat(EMPTY_CLUSTER, 8000)]);
    expect(fragments.length).toBe(Math.floor(8000 / EMPTY_CLUSTER.length));
    expect(new Set(fragments.map(({ head }) => head)).size).toBe(1);
  });
});

describe('PutMedia of what never ends', () => {
  it.each([
    ['a Cluster of small Blocks', concatBytes([HEADER, CLUSTER]), SMALLEST_BLOCK, 1],
    [
      'a Cluster of large Blocks',
      concatBytes([HEADER, CLUSTER]),
      writeElement(Mkv.SimpleBlock, new Uint8Array(60_000).fill(0x81)),
      1,
    ],
    ['a header', HEADER, VOID, 1],
    ['Tags', concatBytes([HEADER, tags(2 ** 40)]), TAG, 1],
    ['what stands behind a Cluster', concatBytes([HEADER, EMPTY_CLUSTER]), VOID, 2],
    ['one Block', concatBytes([HEADER, CLUSTER, writeHeader(Mkv.SimpleBlock, 2 ** 40)]), new Uint8Array(1000), 1],
  ])('ends at the largest fragment there is: %s', async (_, first, element, whole) => {
    const fragmentBytes = 300_000;
    const server = await start({ streams: { camera: {} }, limits: { fragmentBytes } });
    const put = putMedia(server.endpoint);
    put.call.write(fragment(0));
    put.call.write(first);
    const chunk = repeat(element, 65_536);
    let sent = 0;
    for (; put.acknowledgements.at(-1)?.EventType !== 'ERROR' && sent < 20 * fragmentBytes; sent += chunk.length) {
      await Promise.race([new Promise((resolve) => put.call.write(chunk, resolve)), put.done]);
    }
    put.call.end();
    await put.done;
    expect(put.acknowledgements.at(-1)).toMatchObject({ EventType: 'ERROR', ErrorId: 4001 });
    expect(server.stream('camera').fragments).toHaveLength(whole);
  });

  it('forgets the oldest fragments when there are too many bytes', async () => {
    const server = await start({ streams: { camera: {} }, retentionBytes: 100_000 });
    const put = putMedia(server.endpoint);
    for (let index = 0; index < 40; index++) put.call.write(fragment(index, new Uint8Array(10_000)));
    put.call.end();
    await put.done;
    const persisted = put.acknowledgements.filter(({ EventType }) => EventType === 'PERSISTED');
    expect(persisted).toHaveLength(40);
    const stored = server.stream('camera').fragments;
    expect(stored.length).toBeGreaterThanOrEqual(4);
    expect(stored.length).toBeLessThanOrEqual(9);
    expect(stored.at(-1)?.fragmentNumber).toBe(persisted.at(-1)?.FragmentNumber);
  });
});

describe('PutMedia of damage', () => {
  const damage = Buffer.alloc(100);
  it('keeps the fragments that came whole in the same chunk', async () => {
    for (const behind of [damage, concatBytes([fragment(3).subarray(0, 60), damage])]) {
      const server = await start({ streams: { camera: {} } });
      const put = putMedia(server.endpoint);
      put.call.end(concatBytes([fragment(0), fragment(1), fragment(2), behind]));
      await put.done;
      const kinds = put.acknowledgements.map(({ EventType }: Acknowledgement) => EventType);
      expect(kinds.filter((kind) => kind === 'PERSISTED')).toHaveLength(3);
      expect(put.acknowledgements.at(-1)).toMatchObject({ EventType: 'ERROR', ErrorId: 4006 });
      expect(numbersOf(await readBody(await getMedia(server.endpoint)))).toEqual(
        put.acknowledgements.filter(({ EventType }) => EventType === 'PERSISTED').map((ack) => ack.FragmentNumber),
      );
    }
  });

  it('keeps the same fragments in every chunking', () => {
    const bytes = concatBytes([fragment(0), fragment(1), damage]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes.length }), { maxLength: 20 }), (cuts) => {
        const places = [0, ...[...new Set(cuts)].sort((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        const { fragments, error } = splitAll(new FragmentSplitter(), chunks);
        expect(fragments.map(({ timestamp }) => timestamp)).toEqual([0, 1000]);
        expect(error).toMatchObject({ name: 'MkvParseError' });
      }),
    );
  });

  it('acknowledges Clusters without a Timestamp, each under its own number', async () => {
    const server = await start({ streams: { camera: {} } });
    const put = putMedia(server.endpoint);
    const bare = writeMaster(Mkv.Cluster, [SMALLEST_BLOCK]);
    put.call.end(concatBytes([HEADER, bare, bare]));
    await put.done;
    const kinds = put.acknowledgements.map(({ EventType }) => EventType);
    expect(kinds).toEqual(Array(2).fill(['BUFFERING', 'RECEIVED', 'PERSISTED']).flat());
    expect(new Set(server.stream('camera').fragments.map(({ fragmentNumber }) => fragmentNumber)).size).toBe(2);
  });

  it('refuses times that no clock has', async () => {
    const server = await start({ streams: { camera: {} } });
    const put = putMedia(server.endpoint, { 'x-amzn-fragment-timecode-type': 'ABSOLUTE' });
    const late = writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 2 ** 53 - 1)]);
    put.call.end(concatBytes([HEADER, EMPTY_CLUSTER, late]));
    await put.done;
    expect(put.acknowledgements.at(-1)).toMatchObject({ EventType: 'ERROR', ErrorId: 4007 });
    expect(server.stream('camera').fragments).toHaveLength(1);
  });
});

describe('times that are none', () => {
  const scaled = (timestampScale: number) =>
    writeGetMediaFragment(
      { tracks: TRACKS, timestamp: 0, blocks: [{ track: 1, timestamp: 0, frames: [Uint8Array.of(1)] }] },
      { timestampScale },
    );

  it('loops over a source whose TimestampScale is 0', async () => {
    // Written with a scale of 1 that is made 0: the writer refuses to divide by it.
    const source = Uint8Array.from(scaled(1));
    const at = Buffer.from(source).indexOf(Buffer.of(0x2a, 0xd7, 0xb1));
    source[at + 4] = 0;
    const server = await start({ streams: { camera: { source, loop: 3 } } });
    expect((await readBody(await getMedia(server.endpoint))).map(({ clusterTimestamps }) => clusterTimestamps)).toEqual(
      [[0], [1], [2]],
    );
  });

  it('says so when a loop comes to a time that Matroska does not have', async () => {
    const last = writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 2 ** 53 - 1)]);
    const source = concatBytes([HEADER, EMPTY_CLUSTER, last]);
    await expect(start({ streams: { camera: { source, loop: 2100 } } })).rejects.toThrow(RangeError);
  });
});

describe('requests that nobody should make', () => {
  it('keeps no more of long names than a name has', async () => {
    const server = await start({ limits: false });
    const body = JSON.stringify({ StreamName: 'x'.repeat(1_000_000) });
    for (let i = 0; i < 20; i++) {
      const answer = await fetch(`${server.endpoint}/describeStream`, { method: 'POST', body });
      expect(answer.status).toBe(404);
      await answer.text();
    }
    expect(server.requests).toHaveLength(20);
    expect(server.requests.every(({ stream }) => stream.length <= 256)).toBe(true);
    const made = await fetch(`${server.endpoint}/createStream`, { method: 'POST', body });
    expect(made.status).toBe(400);
    expect((await made.text()).length).toBeLessThan(2000);
  });

  it('makes only so many streams', async () => {
    const server = await start({ streams: { camera: {} }, limits: { streams: 3 } });
    const { control } = clients(server.endpoint);
    const create = (StreamName: string) => control.send(new CreateStreamCommand({ StreamName }));
    await create('a');
    await create('b');
    await expect(create('c')).rejects.toMatchObject({ name: 'AccountStreamLimitExceededException' });
    server.deleteStream('a');
    await create('c');
  });
});

describe('who may call', () => {
  interface Answer {
    readonly status: number | undefined;
    readonly allowed: string | undefined;
    readonly error: string | undefined;
  }

  /** A call with headers that a browser sets and a program cannot. */
  function call(endpoint: string, headers: Record<string, string>, method = 'POST'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const made = request(`${endpoint}/listStreams`, { method, headers }, (response) => {
        response.resume();
        const { 'access-control-allow-origin': allowed, 'x-amzn-errortype': error } = response.headers;
        response.on('end', () => resolve({ status: response.statusCode, allowed, error: error?.toString() }));
      });
      made.on('error', reject);
      made.end(method === 'POST' ? '{}' : undefined);
    });
  }

  const refused = { status: 403, allowed: undefined, error: 'AccessDeniedException' };

  it('takes calls to the loopback address alone', async () => {
    const server = await start({ limits: false });
    const port = new URL(server.endpoint).port;
    for (const host of ['127.0.0.1', `localhost:${port}`, '[::1]', '127.1.2.3:80', 'LOCALHOST', 'a.localhost']) {
      expect(await call(server.endpoint, { Host: host }), host).toMatchObject({ status: 200, error: undefined });
    }
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      '10.0.0.1',
      'localhost.evil',
      '%',
    ]) {
      expect(await call(server.endpoint, { Host: host }), host).toEqual(refused);
    }
    expect(server.requests.every(({ operation }) => operation === 'ListStreams')).toBe(true);
    expect(server.requests).toHaveLength(6);
  });

  it('takes calls of pages of the loopback address alone', async () => {
    const server = await start({ limits: false });
    for (const origin of ['http://localhost:5173', 'http://127.0.0.1', 'https://[::1]:8443', 'http://app.localhost']) {
      const answer = { status: 200, allowed: origin, error: undefined };
      expect(await call(server.endpoint, { Origin: origin }), origin).toEqual(answer);
      expect(await call(server.endpoint, { Origin: origin }, 'OPTIONS'), origin).toEqual({ ...answer, status: 204 });
    }
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost.evil.example',
      'x',
      'file://',
      'http://10.0.0.1',
    ]) {
      expect(await call(server.endpoint, { Origin: origin }), origin).toEqual(refused);
      expect(await call(server.endpoint, { Origin: origin }, 'OPTIONS'), origin).toEqual(refused);
    }
    expect(await call(server.endpoint, {})).toEqual({ status: 200, allowed: undefined, error: undefined });
  });

  it('does nothing of what a foreign page asks for', async () => {
    const server = await start({ streams: { camera: { source: fragment(0) } } });
    const headers = { Origin: 'https://evil.example' };
    const body = JSON.stringify({ StreamARN: server.stream('camera').arn, StreamName: undefined });
    const answer = await fetch(`${server.endpoint}/deleteStream`, { method: 'POST', headers, body });
    expect(answer.status).toBe(403);
    expect(server.stream('camera').fragments).toHaveLength(1);
    const put = putMedia(server.endpoint, headers);
    put.call.end(fragment(1));
    expect((await put.done).status).toBe(403);
    expect(server.stream('camera').fragments).toHaveLength(1);
  });

  it('takes calls of the pages and by the names that the options allow', async () => {
    const allowed = { allowedOrigins: ['https://app.example', 'null'], allowedHosts: ['Kinesis.Local'] };
    const server = await start({ limits: false, ...allowed });
    for (const origin of allowed.allowedOrigins) {
      expect((await call(server.endpoint, { Origin: origin })).allowed).toBe(origin);
    }
    expect(await call(server.endpoint, { Origin: 'https://app.example:444' })).toEqual(refused);
    expect((await call(server.endpoint, { Host: 'kinesis.local:80' })).status).toBe(200);
    const open = await start({ limits: false, allowedOrigins: ['*'], host: '0.0.0.0' });
    expect(open.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await call(open.endpoint, { Origin: 'https://any.example' })).allowed).toBe('https://any.example');
    expect((await call(open.endpoint, { Host: '10.0.0.1:80' })).status).toBe(200);
    expect((await call(open.endpoint, { Host: 'evil.example' })).status).toBe(403);
  });
});

function cuePoint(index: number): Uint8Array {
  return writeMaster(Mkv.CuePoint, [
    writeElement(Mkv.CueTime, index),
    writeMaster(Mkv.CueTrackPositions, [writeElement(Mkv.CueTrack, 1), writeElement(Mkv.CueClusterPosition, index)]),
  ]);
}
