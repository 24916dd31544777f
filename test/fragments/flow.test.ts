import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type ByteStream, Mkv, MkvParseError, readFragments, readFrames } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { fragmentInput } from '../support/kvs-documents.js';
import { chunksOf, readChunks } from '../support/read-all.js';

const { blocks = [] } = fragmentInput(0);
const STREAM = concatBytes(
  [0, 1, 2, 3].map((index) => {
    const input = fragmentInput(index);
    const grouped = (input.blocks ?? []).map((block, at) => ({ ...block, group: at === 1 }));
    return writeGetMediaFragment({ ...input, blocks: grouped }, { crc: index % 2 === 0 });
  }),
);

/** Where the last byte of each frame is, and that of each fragment's trailing Tags. */
const FRAME_ENDS: number[] = [];
const FRAGMENT_ENDS: number[] = [];
for (const element of readChunks([STREAM])) {
  if (element.kind === 'data' && element.is(Mkv.SimpleBlock)) {
    FRAME_ENDS.push(element.offset + element.headerSize + element.dataSize);
  } else if (element.kind === 'end' && element.is(Mkv.BlockGroup)) {
    FRAME_ENDS.push(element.offset);
  } else if (element.kind === 'end' && element.is(Mkv.Segment)) {
    FRAGMENT_ENDS.push(element.offset);
  }
}

/** A source that tells how much has been taken from it. */
class Source {
  taken = 0;
  takenBytes = 0;
  cancelled = false;
  reason: unknown;
  readonly #chunks: Iterator<Uint8Array>;
  readonly #hang: boolean;

  constructor(chunks: Iterable<Uint8Array>, hang = false) {
    this.#chunks = chunks[Symbol.iterator]();
    this.#hang = hang;
  }

  #next(): Uint8Array | undefined {
    const { done, value } = this.#chunks.next();
    if (done === true) return undefined;
    this.taken++;
    this.takenBytes += value.length;
    return value;
  }

  *generator(): Generator<Uint8Array, void> {
    try {
      for (let chunk = this.#next(); chunk !== undefined; chunk = this.#next()) yield chunk;
    } finally {
      this.cancelled = true;
    }
  }

  async *asyncGenerator(): AsyncGenerator<Uint8Array, void> {
    yield* this.generator();
  }

  readable(): ReadableStream<Uint8Array> {
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      const chunk = this.#next();
      if (chunk !== undefined) controller.enqueue(chunk);
      else if (this.#hang) await new Promise(() => {});
      else controller.close();
    };
    const cancel = (reason: unknown) => {
      this.cancelled = true;
      this.reason = reason;
    };
    return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
  }
}

const KINDS: [string, (source: Source) => ByteStream][] = [
  ['an iterable', (source) => source.generator()],
  ['an async iterable', (source) => source.asyncGenerator()],
  ['a ReadableStream', (source) => source.readable()],
];

test('the stream of these tests has what they speak of', () => {
  expect(FRAME_ENDS).toHaveLength(4 * blocks.length);
  expect(FRAGMENT_ENDS).toHaveLength(4);
});

describe.each(KINDS)('from %s', (_, open) => {
  it('gives a frame when its last byte was taken, and takes no more while the consumer is busy', async () => {
    for (const size of [1, 7, 100]) {
      const source = new Source(chunksOf(STREAM, size));
      const seen: number[] = [];
      for await (const frame of readFrames(open(source))) {
        expect(frame.data.length).toBe(frame.size);
        seen.push(source.taken);
        await new Promise((done) => setImmediate(done));
        expect(source.taken).toBe(seen.at(-1));
      }
      expect(seen).toEqual(FRAME_ENDS.map((end) => Math.ceil(end / size)));
    }
  });

  it('gives a fragment when the last byte of its trailing Tags was taken', async () => {
    for (const size of [1, 7, 100]) {
      const source = new Source(chunksOf(STREAM, size));
      const seen: number[] = [];
      for await (const fragment of readFragments(open(source))) {
        expect(fragment.continuationToken).toBeDefined();
        seen.push(source.taken);
      }
      expect(seen).toEqual(FRAGMENT_ENDS.map((end) => Math.ceil(end / size)));
    }
  });

  it('gives everything that one chunk holds before it takes another', async () => {
    const source = new Source([STREAM, STREAM]);
    const seen: number[] = [];
    for await (const _frame of readFrames(open(source))) seen.push(source.taken);
    expect(seen).toEqual([...FRAME_ENDS.map(() => 1), ...FRAME_ENDS.map(() => 2)]);
  });

  it('cancels the source when the loop is left', async () => {
    for (const read of [readFrames, readFragments]) {
      const source = new Source(chunksOf(STREAM, 50));
      for await (const _item of read(open(source))) break;
      expect(source.cancelled).toBe(true);
      expect(source.takenBytes).toBeLessThan(STREAM.length / 2);
    }
  });

  it('cancels the source when the consumer throws, and when the bytes are wrong', async () => {
    const thrown = new Source(chunksOf(STREAM, 50));
    const failing = async () => {
      for await (const _frame of readFrames(open(thrown))) throw new Error('enough');
    };
    await expect(failing()).rejects.toThrow('enough');
    expect(thrown.cancelled).toBe(true);

    const wrong = new Source([STREAM.subarray(0, FRAME_ENDS[0]), new Uint8Array(100), STREAM]);
    const frames: number[] = [];
    const reading = async () => {
      for await (const frame of readFrames(open(wrong))) frames.push(frame.size);
    };
    await expect(reading()).rejects.toThrow(MkvParseError);
    expect(frames).toHaveLength(1);
    expect(wrong.cancelled).toBe(true);
  });

  it('rejects with the reason of a signal that is aborted before, or between two frames', async () => {
    const before = new Source([STREAM]);
    const reason = new Error('stop');
    await expect(readFrames(open(before), { signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason);
    expect(before.taken).toBe(0);

    const between = new Source([STREAM]);
    const controller = new AbortController();
    const seen: number[] = [];
    const reading = async () => {
      for await (const frame of readFrames(open(between), { signal: controller.signal })) {
        seen.push(frame.timestamp);
        if (seen.length === 2) controller.abort(reason);
      }
    };
    await expect(reading()).rejects.toBe(reason);
    expect(seen).toHaveLength(2);
    expect(between.cancelled).toBe(true);
  });
});

describe('from a stream that has gone silent', () => {
  it.each([
    ['readFrames', readFrames],
    ['readFragments', readFragments],
  ] as const)('%s ends when its signal is aborted', async (_, read) => {
    const source = new Source([STREAM.subarray(0, 100)], true);
    const controller = new AbortController();
    const reason = new Error('too long');
    const reading = read(source.readable(), { signal: controller.signal }).next();
    await sleep(5);
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    expect(source.cancelled).toBe(true);
    expect(source.reason).toBe(reason);
  });
});

it('takes no more than it needs for a consumer of 10 ms a frame', async () => {
  const source = new Source(chunksOf(STREAM, 16));
  let frames = 0;
  for await (const _frame of readFrames(source.readable())) {
    await sleep(10);
    expect(source.taken).toBe(Math.ceil((FRAME_ENDS[frames] ?? 0) / 16));
    frames++;
  }
  expect(frames).toBe(12);
});

it('answers several calls of next() in order', async () => {
  const source = new Source(chunksOf(STREAM, 5));
  const frames = readFrames(source.readable());
  const results = await Promise.all(Array.from({ length: 14 }, () => frames.next()));
  const times: number[] = [];
  for await (const frame of readFrames(STREAM)) times.push(frame.timestamp);
  expect(results.map(({ value }) => value?.timestamp)).toEqual([...times, undefined, undefined]);
  expect(results.map(({ done }) => done)).toEqual([...times.map(() => false), true, true]);
});
