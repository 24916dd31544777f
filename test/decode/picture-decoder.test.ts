import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type Codecs,
  type DecoderCallbacks,
  type EncodedChunkInit,
  type EncodedChunkLike,
  type MediaProblem,
  readPictures,
  type VideoFrameLike,
} from '../../src/decode/index.js';
import { withOwnTimes } from '../../src/decode/native-decoder.js';
import { readFrames } from '../../src/index.js';

const RECORDING = new URL('../../examples/recording/camera.mkv', import.meta.url);

class FakeChunk implements EncodedChunkLike {
  readonly type: 'key' | 'delta';
  readonly timestamp: number;

  constructor({ type, timestamp }: EncodedChunkInit) {
    this.type = type;
    this.timestamp = timestamp;
  }
}

class FakeFrame implements VideoFrameLike {
  readonly format = 'RGBA';
  readonly duration = null;
  readonly codedWidth = 1;
  readonly codedHeight = 1;
  readonly displayWidth = 1;
  readonly displayHeight = 1;
  readonly visibleRect = null;
  readonly timestamp: number;
  closed = false;

  constructor(_: unknown, { timestamp }: { readonly timestamp: number }) {
    this.timestamp = timestamp;
  }

  allocationSize = () => 4;
  copyTo = async () => [{ offset: 0, stride: 4 }];

  close(): void {
    this.closed = true;
  }
}

/** Nothing is decoded with it. */
class NoDecoder {
  readonly state = 'closed';
  readonly decodeQueueSize = 0;
  ondequeue = null;
  configure(): void {}
  decode(): void {}
  async flush(): Promise<void> {}
  close(): void {}
}

interface Behaviour {
  /** How many turns of the event loop a picture takes from `decode` to its callback. */
  readonly turns?: number;
  /** How many turns behind its end `flush` goes on calling back. */
  readonly late?: number;
  /** Which of the chunks give no picture, counted from 0. */
  readonly swallows?: (index: number) => boolean;
}

/**
 * Codecs that are done with each chunk as soon as they have it, and call back in a turn of their own, as a native decoder does whose thread is
 * faster than the source.
 */
function quickCodecs({ turns = 1, late = 0, swallows = () => false }: Behaviour) {
  const counts = { inside: 0, mostInside: 0, given: 0 };
  class QuickDecoder {
    readonly #callbacks: DecoderCallbacks<VideoFrameLike>;
    #waiting: Promise<void>[] = [];
    state: 'unconfigured' | 'configured' | 'closed' = 'unconfigured';
    readonly decodeQueueSize = 0;
    ondequeue: ((event: Event) => unknown) | null = null;

    constructor(callbacks: DecoderCallbacks<VideoFrameLike>) {
      this.#callbacks = callbacks;
    }

    configure(): void {
      this.state = 'configured';
    }

    decode({ timestamp }: EncodedChunkLike): void {
      if (swallows(counts.given++)) return;
      counts.mostInside = Math.max(counts.mostInside, ++counts.inside);
      const call = async () => {
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        counts.inside--;
        this.#callbacks.output(new FakeFrame(undefined, { timestamp }));
      };
      this.#waiting.push(call());
    }

    async flush(): Promise<void> {
      if (late === 0) await Promise.all(this.#waiting);
      this.#waiting = [];
    }

    close(): void {
      this.state = 'closed';
    }
  }
  const codecs: Codecs = {
    VideoDecoder: QuickDecoder,
    EncodedVideoChunk: FakeChunk,
    AudioDecoder: NoDecoder,
    EncodedAudioChunk: FakeChunk,
  };
  return { codecs, counts };
}

async function read(behaviour: Behaviour, every: 'frame' | '1s' = 'frame') {
  const bytes = new Uint8Array(readFileSync(RECORDING));
  const expected: number[] = [];
  for await (const { timestamp } of readFrames(bytes, { track: 'video' })) expected.push(timestamp);
  expected.sort((a, b) => a - b);
  const { codecs, counts } = quickCodecs(behaviour);
  const problems: MediaProblem[] = [];
  const times: number[] = [];
  for await (const picture of readPictures(bytes, { codecs, every, onProblem: (problem) => problems.push(problem) })) {
    times.push(picture.timestamp);
  }
  return { expected, times, problems, counts };
}

describe('a decoder that is faster than the source', () => {
  it.each([1, 5])('gives all pictures, %i turns of the event loop after its frame', async (turns) => {
    const { expected, times, problems, counts } = await read({ turns });
    expect(expected.length).toBe(250);
    expect(problems).toEqual([]);
    expect(times).toEqual(expected);
    // What is decoded and not called back yet costs megabytes each.
    expect(counts.mostInside).toBeLessThan(80);
  });

  it('gives all pictures where it calls back after `flush` has settled', async () => {
    const { times, problems } = await read({ turns: 3, late: 3 }, '1s');
    expect(problems).toEqual([]);
    expect(times.length).toBe(10);
  });

  it('costs what it leaves out alone the rest of its group, and is told of', async () => {
    const { expected, times, problems } = await read({ swallows: (index) => index === 100 });
    expect(problems.every(({ code }) => code === 'MEDIA_ERROR')).toBe(true);
    expect(problems.length).toBeGreaterThan(0);
    expect(times.length).toBeLessThan(expected.length);
    expect(times.length).toBeGreaterThan(expected.length - 60);
    const missing = expected.filter((time) => !times.includes(time));
    for (const time of missing) {
      expect(problems.some(({ from, to }) => from <= time && time <= to)).toBe(true);
    }
  });

  it('ends where it never gives anything, and tells of all', async () => {
    const { expected, times, problems } = await read({ swallows: () => true });
    expect(times).toEqual([]);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(expected.length);
  });
});

describe('withOwnTimes', () => {
  /** In decode order: a key frame, B-frames behind the picture that they need, and the same again. */
  const GIVEN = [0, 120, 40, 80, 160, 280, 200, 240];
  const SHOWN = [...GIVEN].sort((a, b) => a - b);

  /** The times that pictures have, given the times that the native decoder calls them and the order in which it does. */
  function retimed(given: readonly number[], called: readonly number[]): number[] {
    let callbacks: DecoderCallbacks<VideoFrameLike> | undefined;
    class Native extends NoDecoder {
      constructor(init: DecoderCallbacks<VideoFrameLike>) {
        super();
        callbacks = init;
      }
    }
    const times: number[] = [];
    const frames: FakeFrame[] = [];
    const Decoder = withOwnTimes(Native, FakeFrame);
    const decoder = new Decoder({ output: ({ timestamp }) => times.push(timestamp), error: () => {} });
    given.forEach((timestamp, index) => {
      decoder.decode({ type: index % 4 === 0 ? 'key' : 'delta', timestamp });
    });
    for (const timestamp of called) {
      const frame = new FakeFrame(undefined, { timestamp });
      frames.push(frame);
      callbacks?.output(frame);
    }
    return times;
  }

  it('gives pictures that are called by the times of decode order their own', () => {
    expect(retimed(GIVEN, GIVEN)).toEqual(SHOWN);
  });

  it('leaves pictures that have their own times as they are', () => {
    expect(retimed(GIVEN, SHOWN)).toEqual(SHOWN);
    // Also behind one that does not come.
    expect(retimed(GIVEN, [0, 40, 80, 160, 200, 240, 280])).toEqual([0, 40, 80, 160, 200, 240, 280]);
  });

  it('knows pictures that are called back before earlier ones', () => {
    const called = [0, 120, 40, 80, 280, 240, 160, 200];
    expect(retimed(GIVEN, called)).toEqual([0, 40, 80, 120, 200, 280, 160, 240]);
  });
});
