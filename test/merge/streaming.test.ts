import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import * as polyfill from 'web-streams-polyfill';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  applyVisitor,
  Mkv,
  OutputSegmentMerger,
  StreamingMkvReader,
  segmentMergerStream,
  type TransformStreamConstructor,
  writeElement,
} from '../../src/index.js';
import { type GetMediaWriteOptions, writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { noise } from '../support/bytes.js';
import { chunksOf } from '../support/read-all.js';
import { merge } from './merging.js';

const TRACKS = [
  { number: 1, codecId: 'V_MPEG4/ISO/AVC', video: { pixelWidth: 160, pixelHeight: 120 }, defaultDuration: 100_000_000 },
];

function fragment(index: number, options: GetMediaWriteOptions = {}, frameSize = 1000): Uint8Array {
  const blocks = Array.from({ length: 10 }, (_, i) => ({
    track: 1,
    timestamp: index * 3_000_000 + i * 100_000,
    frames: [noise(frameSize, index * 10 + i)],
    keyframe: i === 0,
  }));
  const number = String(91343852333181432392682062607743920146159169392n + BigInt(index));
  return writeGetMediaFragment(
    {
      tracks: TRACKS,
      blocks,
      fragmentNumber: number,
      serverTimestamp: 1.5e12,
      producerTimestamp: 1.5e12,
      continuationToken: number,
      millisBehindNow: 0,
    },
    options,
  );
}

const BODY = concatBytes([0, 1, 2, 3].map((index) => fragment(index, { crc: true, seekHead: true })));

describe('the flow of bytes', () => {
  it.each([
    ['known size', {}],
    ['CRC-32', { crc: true }],
    ['unknown size', { unknownSizeCluster: true }],
  ])('lets each part of a Cluster go when it has come: %s', (_, options: GetMediaWriteOptions) => {
    for (const packClusters of [false, true]) {
      const input = concatBytes([0, 1].map((index) => fragment(index, options)));
      const reader = new StreamingMkvReader();
      let written = 0;
      const merger = new OutputSegmentMerger(
        (bytes) => {
          written += bytes.length;
        },
        { packClusters },
      );
      let inCluster = 0;
      let most = 0;
      for (const [index] of input.entries()) {
        reader.push(input.subarray(index, index + 1));
        for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
          element.accept(merger);
          // Everything of a Cluster whose first Block has come is out.
          if (element.is(Mkv.SimpleBlock) && element.kind === 'data') inCluster += element.data.length;
        }
        if (inCluster > 0) most = Math.max(most, inCluster - written);
      }
      expect(most).toBe(0);
    }
  });

  it('lets a Cluster begin before its first Block has come', () => {
    const input = fragment(0);
    const first = input.length - 10 * 1000;
    expect(merge([input.subarray(0, first)]).merger.counters.clusters).toBe(1);
  });

  it('holds a header back until its Cluster tells its time', () => {
    const input = fragment(0);
    const cluster = Buffer.from(input).indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75));
    const reader = new StreamingMkvReader();
    const parts: Uint8Array[] = [];
    const merger = new OutputSegmentMerger((bytes) => void parts.push(bytes));
    reader.push(input.subarray(0, cluster));
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      element.accept(merger);
    }
    expect(parts).toEqual([]);
  });

  it('passes frames on without copying them', () => {
    const input = concatBytes([fragment(0, {}, 50_000), fragment(1, {}, 50_000)]);
    const parts: Uint8Array[] = [];
    const merger = new OutputSegmentMerger((bytes) => void parts.push(bytes));
    const reader = new StreamingMkvReader();
    reader.push(input);
    reader.end();
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      element.accept(merger);
    }
    const copied = parts.filter(({ buffer }) => buffer !== input.buffer).reduce((sum, { length }) => sum + length, 0);
    expect(copied).toBeLessThan(2000);
    expect(parts.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(1_000_000);
  });
});

describe('the sink', () => {
  it('is waited for', async () => {
    const parts: Uint8Array[] = [];
    let busy = 0;
    const merger = new OutputSegmentMerger(async (bytes) => {
      busy++;
      expect(busy).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      parts.push(bytes.slice());
      busy--;
    });
    let taken = 0;
    async function* source() {
      for (const chunk of chunksOf(BODY, 5000)) {
        expect(busy).toBe(0);
        taken++;
        yield chunk;
      }
    }
    await applyVisitor(source(), merger);
    expect(taken).toBe(Math.ceil(BODY.length / 5000));
    expect(Buffer.compare(concatBytes(parts), merge(BODY).bytes)).toBe(0);
  });

  it('gets its bytes in order also from a caller that does not wait', async () => {
    const parts: Uint8Array[] = [];
    const merger = new OutputSegmentMerger(async (bytes) => {
      await new Promise((resolve) => setTimeout(resolve, bytes.length % 3));
      parts.push(bytes.slice());
    });
    const reader = new StreamingMkvReader();
    reader.push(BODY);
    reader.end();
    const all: unknown[] = [];
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      all.push(element.accept(merger));
    }
    await Promise.all(all);
    expect(Buffer.compare(concatBytes(parts), merge(BODY).bytes)).toBe(0);
  });

  it.each([
    ['throws', false],
    ['rejects', true],
  ])('stops everything when it %s', async (_, rejects) => {
    for (const fatal of [1, 2, 7, 20]) {
      let calls = 0;
      const error = new Error('no more room');
      const merger = new OutputSegmentMerger(() => {
        if (++calls < fatal) return rejects ? Promise.resolve() : undefined;
        if (rejects) return Promise.reject(error);
        throw error;
      });
      let cancelled = false;
      const source = (function* () {
        try {
          yield* chunksOf(BODY, 1000);
        } finally {
          cancelled = true;
        }
      })();
      await expect(applyVisitor(source, merger)).rejects.toBe(error);
      expect(calls).toBe(fatal);
      expect(cancelled).toBe(true);
      await expect(applyVisitor(BODY, merger)).rejects.toBe(error);
      expect(calls).toBe(fatal);
    }
  });
});

describe('segmentMergerStream', () => {
  async function collect(readable: ReadableStream<Uint8Array>): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (const reader = readable.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return concatBytes(parts);
      parts.push(value);
    }
  }

  function source(body: Uint8Array, size: number, Class = globalThis.ReadableStream): ReadableStream<Uint8Array> {
    const chunks = chunksOf(body, size);
    return new Class<Uint8Array>({
      pull(controller) {
        const { done, value } = chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
    });
  }

  it.each([1, 100, 4096, 1 << 20])('merges what is piped through it, in chunks of %i bytes', async (size) => {
    const stream = segmentMergerStream({ packClusters: true });
    const bytes = await collect(source(BODY, size).pipeThrough(stream));
    expect(Buffer.compare(bytes, merge(BODY, { packClusters: true }).bytes)).toBe(0);
    expect(stream.merger.counters).toMatchObject({ documentsIn: 4, documentsOut: 1, clusters: 4, frames: 40 });
  });

  it('works with a polyfill', async () => {
    const TransformStream: TransformStreamConstructor = polyfill.TransformStream;
    const stream = segmentMergerStream({ TransformStream });
    const body = new polyfill.ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunksOf(BODY, 1000)) controller.enqueue(chunk);
        controller.close();
      },
    });
    const parts: Uint8Array[] = [];
    // @ts-expect-error the polyfill's types know of no streams that only look alike
    for await (const part of body.pipeThrough(stream)) parts.push(part);
    expect(Buffer.compare(concatBytes(parts), merge(BODY).bytes)).toBe(0);
  });

  it('ends early when it stops', async () => {
    const stream = segmentMergerStream({ stopAtFirstNonMatchingSegment: true });
    const bytes = await collect(source(concatBytes([BODY, BODY]), 1000).pipeThrough(stream));
    expect(Buffer.compare(bytes, merge(BODY).bytes)).toBe(0);
    expect(stream.merger.stopped?.offset).toBe(BODY.length);
  });

  it('fails when the bytes are wrong', async () => {
    const wrong = concatBytes([BODY, writeElement(Mkv.TagName, 'x')]);
    await expect(collect(source(wrong.fill(0, 5000, 6000), 1000).pipeThrough(segmentMergerStream()))).rejects.toThrow(
      /byte \d+/,
    );
  });

  it('takes no more than is asked of it', async () => {
    let taken = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        taken++;
        controller.enqueue(fragment(taken));
      },
    });
    const reader = body.pipeThrough(segmentMergerStream()).getReader();
    for (let i = 0; i < 20; i++) await reader.read();
    expect(taken).toBeLessThan(24);
    await reader.cancel();
  });
});

it('merges 2 GiB in less than 64 MiB more of memory', () => {
  const output = execFileSync(
    process.execPath,
    ['--expose-gc', new URL('./merge-much.mjs', import.meta.url).pathname, String(2 * 1024 ** 3)],
    { encoding: 'utf8' },
  );
  const { bytes, clusters, documentsOut, growth } = JSON.parse(output);
  expect(bytes).toBeGreaterThan(2 * 1024 ** 3 - 1e6);
  expect(documentsOut).toBe(1);
  expect(clusters).toBeGreaterThan(1000);
  expect(growth).toBeLessThan(64 * 1024 ** 2);
});
