import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type AudioDataLike,
  type AudioSamples,
  type Codecs,
  type MediaProblem,
  type ReadAudioOptions,
  readAudio,
} from '../../src/decode/index.js';
import { readFragments } from '../../src/index.js';
import { join, type MadeFrame, pcmDocument, pcmOf } from './audio-documents.js';
import { chunksOf } from './chunks.js';

const CONNECT = new Uint8Array(readFileSync('test/cases/connect-5.mkv'));
const CUSTOMER = 'b7f39b2cb3ceb81070bfd48dc300015e92b8758fedb1dbd827bf25fc890541c0';
const AGENT = '4146b7487ee2d587481ffb95f5a5348bd4d5b9fd7bc45864e0ded479de7af886';

interface ReadSound {
  readonly samples: Int16Array;
  readonly blocks: AudioSamples<'s16'>[];
  readonly problems: MediaProblem[];
}

async function read(
  source: Parameters<typeof readAudio>[0],
  options: ReadAudioOptions<'s16'> = {},
): Promise<ReadSound> {
  const blocks: AudioSamples<'s16'>[] = [];
  const problems: MediaProblem[] = [];
  for await (const block of readAudio(source, { ...options, onProblem: (problem) => problems.push(problem) })) {
    expect(block.data).toHaveLength(block.numberOfFrames * block.numberOfChannels);
    blocks.push(block);
  }
  return { samples: Int16Array.from(blocks.flatMap(({ data }) => Array.from(data))), blocks, problems };
}

function sha256(samples: Int16Array): string {
  return createHash('sha256').update(pcmOf(samples)).digest('hex');
}

/** Samples that count up, so that each shows where it belongs. */
function counting(from: number, length: number): number[] {
  return Array.from({ length }, (_, index) => ((from + index) % 30_000) + 1);
}

/** Frames of 64 ms at 8 kHz, as Amazon Connect sends them, at these times. */
function counted(times: readonly number[], track = 1, length = 512): MadeFrame[] {
  return times.map((time, index) => ({ track, time, data: pcmOf(counting(index * length, length)) }));
}

function inClusters(frames: readonly MadeFrame[], size: number): MadeFrame[][] {
  return Array.from({ length: Math.ceil(frames.length / size) }, (_, i) => frames.slice(i * size, (i + 1) * size));
}

const ONE = [{ number: 1 }];

describe('a call of Amazon Connect', () => {
  test('each direction is the PCM of its frames, by number and by name', async () => {
    for (const [track, hash] of [
      ['AUDIO_FROM_CUSTOMER', CUSTOMER],
      [1, CUSTOMER],
      ['AUDIO_TO_CUSTOMER', AGENT],
      [2, AGENT],
      [undefined, CUSTOMER],
    ] as const) {
      const { samples, blocks, problems } = await read(CONNECT, { track });
      expect(samples).toHaveLength(87_040 / 2);
      expect(sha256(samples)).toBe(hash);
      expect(problems).toEqual([]);
      expect(blocks[0]).toMatchObject({ sampleRate: 8000, numberOfChannels: 1, isSilence: false });
      expect(blocks[0]?.producerTimestamp?.toISOString()).toBe('2024-09-18T16:41:28.724Z');
      expect(blocks[0]?.fragment?.fragmentNumber).toMatch(/^\d+$/);
    }
  });

  test('both directions are the channels of one, in the order asked for', async () => {
    const from = await read(CONNECT, { track: 1 });
    const to = await read(CONNECT, { track: 2 });
    const both = await read(CONNECT, { track: ['AUDIO_TO_CUSTOMER', 1] });
    expect(both.samples).toHaveLength(174_080 / 2);
    expect(both.blocks[0]?.tracks.map(({ name }) => name)).toEqual(['AUDIO_TO_CUSTOMER', 'AUDIO_FROM_CUSTOMER']);
    expect(both.samples.filter((_, index) => index % 2 === 0)).toEqual(to.samples);
    expect(both.samples.filter((_, index) => index % 2 === 1)).toEqual(from.samples);
  });

  test('floating point is the same divided by full scale', async () => {
    const { samples } = await read(CONNECT);
    const floats: number[] = [];
    for await (const { data } of readAudio(CONNECT, { format: 'f32' })) floats.push(...data);
    expect(floats).toEqual(Array.from(samples, (sample) => sample / 32_768));
  });

  test('from fragments, and from chunks of any size, it is the same', async () => {
    const list = [];
    for await (const fragment of readFragments(CONNECT)) list.push(fragment);
    for (const source of [readFragments(CONNECT), list, chunksOf(CONNECT, 1000), chunksOf(CONNECT, 7)]) {
      expect(sha256((await read(source)).samples)).toBe(CUSTOMER);
    }
  });

  test('it ends before the fragment in which a tag changes', async () => {
    const changed = withOtherContact(CONNECT, 3);
    for (const track of [1, 2]) {
      const { samples } = await read(changed, { track, endOn: 'ContactId' });
      expect(samples.length * 2).toBe(52_224);
      expect(samples).toEqual((await read(CONNECT, { track })).samples.slice(0, 52_224 / 2));
    }
    expect((await read(readFragments(changed), { endOn: 'ContactId' })).samples.length * 2).toBe(52_224);
    expect((await read(changed, { endOn: 'Other' })).samples.length * 2).toBe(87_040);
    expect((await read(changed)).samples.length * 2).toBe(87_040);
  });
});

/** The recording with another ContactId from a fragment on. */
function withOtherContact(bytes: Uint8Array, from: number): Uint8Array {
  const copy = Buffer.from(bytes);
  let index = 0;
  for (let at = copy.indexOf('ContactId'); at >= 0; at = copy.indexOf('ContactId', at + 9), index++) {
    // Behind the name: id and size of TagString, then the value.
    if (index >= from) copy[at + 'ContactId'.length + 4] = 'z'.charCodeAt(0);
  }
  expect(index).toBe(5);
  return new Uint8Array(copy);
}

describe('times', () => {
  test('a gap is silence of its length, to the sample, and is told', async () => {
    const frames = counted([0, 64, 128, 1000, 1064]);
    const { samples, blocks, problems } = await read(pcmDocument(ONE, [frames]));
    expect(samples).toHaveLength(8000 + 2 * 512);
    expect(samples.slice(0, 3 * 512)).toEqual(Int16Array.from(counting(0, 3 * 512)));
    expect(samples.slice(3 * 512, 8000).every((sample) => sample === 0)).toBe(true);
    expect(samples.slice(8000)).toEqual(Int16Array.from(counting(3 * 512, 2 * 512)));
    expect(problems).toMatchObject([{ code: 'NO_MEDIA', from: 192_000, to: 1_000_000 }]);
    expect(blocks.filter(({ isSilence }) => isSilence).map(({ timestamp }) => timestamp)).toEqual([192_000]);
  });

  test('a gap is left out on request, and is told', async () => {
    const frames = counted([0, 64, 128, 1000, 1064]);
    const { samples, blocks, problems } = await read(pcmDocument(ONE, [frames]), { gaps: 'report' });
    expect(samples).toEqual(Int16Array.from(counting(0, 5 * 512)));
    expect(blocks.map(({ timestamp }) => timestamp)).toEqual([0, 64_000, 128_000, 1_000_000, 1_064_000]);
    expect(problems).toMatchObject([{ code: 'NO_MEDIA', from: 192_000, to: 1_000_000 }]);
  });

  test('a leap that is longer than the longest silence is passed over, and is told', async () => {
    const frames = inClusters(counted([0, 64, 1_700_000_000_000, 1_700_000_000_064]), 2);
    const { samples, problems } = await read(pcmDocument(ONE, frames));
    expect(samples).toEqual(Int16Array.from(counting(0, 4 * 512)));
    expect(problems).toHaveLength(1);
    const long = await read(pcmDocument(ONE, inClusters(counted([0, 64, 10_000, 10_064]), 2)), { maxSilence: 1e6 });
    expect(long.samples).toEqual(samples);
  });

  test.each([[6], [1]])('fragments of %i frames whose times all begin at 0 lie one behind the other', async (size) => {
    const documents = Array.from({ length: 10 }, (_, document) => {
      const data = counted(Array.from({ length: 60 }, (_each, index) => index)).slice(document * size);
      return pcmDocument(ONE, [data.slice(0, size).map((frame, index) => ({ ...frame, time: index * 64 }))]);
    });
    const { samples, problems } = await read(join(documents));
    expect(samples).toEqual(Int16Array.from(counting(0, 10 * size * 512)));
    expect(problems).toHaveLength(9);
  });

  test('both tracks of a stream that begins again stay side by side', async () => {
    const tracks = [{ number: 1 }, { number: 2 }];
    const documents = Array.from({ length: 5 }, () =>
      pcmDocument(tracks, [
        [0, 64, 128].flatMap((time) => [
          { track: 1, time, data: pcmOf(counting(time, 512)) },
          { track: 2, time, data: pcmOf(counting(time, 512)) },
        ]),
      ]),
    );
    const { samples } = await read(join(documents), { track: [1, 2] });
    expect(samples).toHaveLength(5 * 3 * 512 * 2);
    expect(samples.filter((_, i) => i % 2 === 0)).toEqual(samples.filter((_, i) => i % 2 === 1));
  });

  test('an hour of jittering times does not drift, and no sample is lost', async () => {
    const count = Math.floor(3600 / 0.064);
    let state = 1;
    const jitter = () => {
      state = (state * 48_271) % 2_147_483_647;
      return Math.round((state / 2_147_483_647 - 0.5) * 30);
    };
    const silence = pcmOf(counting(0, 512));
    const frames = Array.from({ length: count }, (_, index) => ({
      track: 1,
      time: Math.max(0, index * 64 + jitter()),
      data: silence,
    }));
    let length = 0;
    let worst = 0;
    let step = 0;
    let next = 0;
    for await (const block of readAudio(pcmDocument(ONE, inClusters(frames, 100)), {
      onProblem: ({ message }) => expect.fail(message),
    })) {
      worst = Math.max(worst, Math.abs(block.timestamp - (length / 8) * 1000));
      if (length > 0) step = Math.max(step, Math.abs(block.timestamp - next));
      length += block.numberOfFrames;
      next = block.timestamp + block.numberOfFrames * 125;
    }
    expect(length).toBe(count * 512);
    expect(step).toBeLessThan(1);
    expect(worst).toBeLessThan(20_000);
  }, 30_000);

  test('a producer whose clock is slow is followed: no gap, and the end where its times say', async () => {
    // 200 parts in a million: 120 ms in ten minutes.
    const count = 9375;
    const frames = Array.from({ length: count }, (_, index) => ({
      track: 1,
      time: Math.round(index * 64 * 1.0002),
      data: pcmOf(counting(0, 512)),
    }));
    let length = 0;
    const document = pcmDocument(ONE, inClusters(frames, 100));
    for await (const block of readAudio(document, { onProblem: ({ message }) => expect.fail(message) })) {
      length += block.numberOfFrames;
    }
    expect(Math.abs(length / 8 - count * 64 * 1.0002)).toBeLessThan(20);
  }, 30_000);
});

describe('several tracks', () => {
  const TRACKS = [
    { number: 1, name: 'left' },
    { number: 2, name: 'right', channels: 2 },
    { number: 3, name: 'silent' },
  ];

  test('where one has nothing its channels are silent', async () => {
    const frames = [
      { track: 1, time: 0, data: pcmOf(counting(0, 512)) },
      { track: 2, time: 32, data: pcmOf([...counting(0, 512), ...counting(0, 512)]) },
      { track: 1, time: 64, data: pcmOf(counting(512, 512)) },
    ];
    const { samples, blocks } = await read(pcmDocument(TRACKS, [frames]), { track: ['left', 'right'] });
    expect(blocks[0]?.numberOfChannels).toBe(3);
    expect(samples).toHaveLength(1024 * 3);
    expect(Array.from(samples.slice(0, 3))).toEqual([1, 0, 0]);
    expect(Array.from(samples.slice(256 * 3, 256 * 3 + 6))).toEqual([257, 1, 2, 258, 3, 4]);
    expect(Array.from(samples.slice(-3))).toEqual([1024, 0, 0]);
  });

  test('one that never has frames does not hold the others for longer than ten seconds', async () => {
    const document = pcmDocument(TRACKS, inClusters(counted(Array.from({ length: 300 }, (_, i) => i * 64)), 10));
    let bytes = 0;
    const source = chunksOf(document, 1000);
    for await (const { timestamp } of readAudio(watched(), { track: ['left', 'silent'] })) {
      // Up to a second is looked at to begin with.
      if (timestamp === 0) expect(bytes).toBeLessThan(11.5 * 16_000 * 1.1);
    }
    async function* watched() {
      for await (const chunk of source) {
        bytes += chunk.length;
        yield chunk;
      }
    }
    expect((await read(document, { track: ['left', 'silent'] })).samples).toHaveLength(300 * 512 * 2);
    const { samples } = await read(readFragments(document), { track: ['left', 'silent'] });
    expect(samples).toHaveLength(300 * 512 * 2);
  });

  test('channels are made of one, or of several', async () => {
    const stereo = pcmDocument([{ number: 1, channels: 2 }], [[{ track: 1, time: 0, data: pcmOf([10, 20, -30, 50]) }]]);
    expect(Array.from((await read(stereo, { channels: 1 })).samples)).toEqual([15, 10]);
    const mono = pcmDocument(ONE, [[{ track: 1, time: 0, data: pcmOf([10, 20]) }]]);
    expect(Array.from((await read(mono, { channels: 2 })).samples)).toEqual([10, 10, 20, 20]);
  });
});

describe('another sampling frequency', () => {
  test.each([16_000, 11_025, 48_000])('a tone keeps its pitch and place at %i', async (sampleRate) => {
    const tone = (rate: number, length: number, from = 0) =>
      Array.from({ length }, (_, i) => Math.round(10_000 * Math.sin((2 * Math.PI * 440 * (from + i)) / rate)));
    const frames = Array.from({ length: 50 }, (_, i) => ({
      track: 1,
      time: i * 64,
      data: pcmOf(tone(8000, 512, i * 512)),
    }));
    const { samples, blocks } = await read(pcmDocument(ONE, [frames]), { sampleRate });
    expect(blocks[0]).toMatchObject({ sampleRate, timestamp: 0 });
    expect(samples).toHaveLength(Math.round((50 * 512 * sampleRate) / 8000));
    const wanted = tone(sampleRate, samples.length);
    // Not where the tone begins and ends at once.
    const errors = wanted.slice(2000, -2000).map((sample, i) => Math.abs(sample - samples[i + 2000]!));
    expect(errors.reduce((worst, error) => Math.max(worst, error), 0)).toBeLessThan(20);
  });

  test('a gap keeps its place', async () => {
    const { samples } = await read(pcmDocument(ONE, [counted([0, 64, 1000])]), { sampleRate: 16_000 });
    expect(samples).toHaveLength(16_000 + 1024);
    expect(samples.slice(2048 + 100, 16_000).every((sample) => sample === 0)).toBe(true);
  });

  test('tracks of different frequencies are brought to that of the first', async () => {
    const frames = [
      { track: 1, time: 0, data: pcmOf(counting(0, 800)) },
      { track: 2, time: 0, data: pcmOf(counting(0, 1600)) },
    ];
    const document = pcmDocument([{ number: 1 }, { number: 2, rate: 16_000 }], [frames]);
    const { samples, blocks } = await read(document, { track: [1, 2] });
    expect(blocks[0]?.sampleRate).toBe(8000);
    expect(samples).toHaveLength(1600);
  });

  test('resamplers are ended, also when the loop is left', async () => {
    let open = 0;
    const resampler = async (channels: number) => {
      open++;
      return {
        full: (samples: Float32Array) => new Float32Array(samples.length * 2 * channels),
        destroy: () => open--,
      };
    };
    for await (const _ of readAudio(CONNECT, { sampleRate: 16_000, resampler })) break;
    expect(open).toBe(0);
    for await (const _ of readAudio(CONNECT, { sampleRate: 16_000, resampler }));
    expect(open).toBe(0);
  });
});

describe('what cannot be read', () => {
  test('a track that is not there', async () => {
    await expect(read(CONNECT, { track: 'AGENT' })).rejects.toMatchObject({ name: 'DecodeError', code: 'NoTrack' });
    await expect(read(CONNECT, { track: [1, 7] })).rejects.toMatchObject({ code: 'NoTrack' });
    expect((await read(pcmDocument(ONE, []))).samples).toHaveLength(0);
  });

  test.each([
    { sampleRate: 0 },
    { sampleRate: 8000.5 },
    { channels: 0 },
    { channels: 33 },
    { maxSilence: -1 },
    { track: [] },
  ])('the option %o', async (options) => {
    await expect(read(CONNECT, options)).rejects.toThrow(RangeError);
  });

  test('bytes that are wrong, a source that fails, an abort', async () => {
    await expect(read(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))).rejects.toMatchObject({ name: 'MkvParseError' });
    async function* failing() {
      yield CONNECT.subarray(0, 20_000);
      throw new Error('the source failed');
    }
    await expect(read(failing())).rejects.toThrow('the source failed');
    const stop = new AbortController();
    const reading = async () => {
      for await (const _ of readAudio(CONNECT, { signal: stop.signal })) stop.abort(new Error('stop'));
    };
    await expect(reading()).rejects.toThrow('stop');
  });

  test('a source that gives nothing can be aborted', async () => {
    const stop = new AbortController();
    let cancelled = false;
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(CONNECT.subarray(0, 20_000)),
      cancel: () => {
        cancelled = true;
      },
    });
    setTimeout(() => stop.abort(new Error('stop')), 50);
    await expect(read(source, { signal: stop.signal })).rejects.toThrow('stop');
    await expect.poll(() => cancelled).toBe(true);
  });

  test('a decoder that fails at a frame: it alone is silent and told of, and all sound is closed', async () => {
    let open = 0;
    let decoders = 0;
    const codecs = fakeCodecs(
      (count) => {
        open += count;
      },
      (count) => {
        decoders += count;
      },
    );
    const aac = new Uint8Array(readFileSync('test/cases/aac-adts--adts-cpd.mkv'));
    const whole = await read(aac, { codecs: codecs(-1) });
    expect(whole.problems).toEqual([]);
    const { samples, problems } = await read(aac, { codecs: codecs(7) });
    // Once: what it leaves is not told of as a gap too.
    expect(problems.map(({ code }) => code)).toEqual(['MEDIA_ERROR']);
    expect(samples).toHaveLength(whole.samples.length);
    expect(samples.slice(7 * 1024, 8 * 1024).every((sample) => sample === 0)).toBe(true);
    expect(samples.filter((sample) => sample === 0)).toHaveLength(1024);
    for await (const _ of readAudio(aac, { codecs: codecs(-1) })) break;
    expect([open, decoders]).toEqual([0, 0]);
  });
});

test('a decoder that is faster than the source is not given all of it before the event loop turns', async () => {
  let [inside, most] = [0, 0];
  class Chunk {
    readonly type = 'key';
    readonly timestamp: number;
    constructor({ timestamp }: { timestamp: number }) {
      this.timestamp = timestamp;
    }
  }
  class Decoder {
    readonly state = 'configured';
    readonly decodeQueueSize = 0;
    ondequeue = null;
    readonly #output: (data: AudioDataLike) => void;
    #last: Promise<void> = Promise.resolve();
    constructor({ output }: { output: (data: AudioDataLike) => void }) {
      this.#output = output;
    }
    configure() {}
    decode({ timestamp }: Chunk) {
      most = Math.max(most, ++inside);
      const data = {
        format: 'f32',
        timestamp,
        sampleRate: 48_000,
        numberOfFrames: 1024,
        numberOfChannels: 1,
        allocationSize: () => 4096,
        copyTo: () => {},
        close: () => {},
      };
      const call = async () => {
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
        this.#output(data);
      };
      this.#last = call();
    }
    async flush() {
      await this.#last;
    }
    close() {}
  }
  class NoVideo extends Decoder {
    constructor() {
      super({ output: () => {} });
    }
  }
  const codecs: Codecs = {
    AudioDecoder: Decoder,
    EncodedAudioChunk: Chunk,
    VideoDecoder: NoVideo,
    EncodedVideoChunk: Chunk,
  };
  const { problems, samples } = await read(new Uint8Array(readFileSync('examples/recording/camera.mkv')), { codecs });
  expect(problems).toEqual([]);
  expect(samples.length).toBeGreaterThan(460 * 1024);
  expect(most).toBeLessThan(100);
});

/** Classes of WebCodecs that give 1024 samples for each chunk and fail at the one with this number. */
function fakeCodecs(onData: (count: number) => void, onDecoder: (count: number) => void): (broken: number) => Codecs {
  return (broken) => {
    const bad = new Set<string>();
    let chunks = 0;
    class Chunk {
      readonly type = 'key';
      readonly timestamp: number;
      readonly key: string;
      constructor({ timestamp, data }: { timestamp: number; data: Uint8Array }) {
        this.timestamp = timestamp;
        this.key = Buffer.from(data).toString('base64');
        if (chunks++ === broken) bad.add(this.key);
      }
    }
    class Decoder {
      state: 'unconfigured' | 'configured' | 'closed' = 'unconfigured';
      decodeQueueSize = 0;
      ondequeue = null;
      readonly #callbacks: { output: (data: never) => void; error: (error: Error) => void };
      constructor(callbacks: { output: (data: never) => void; error: (error: Error) => void }) {
        this.#callbacks = callbacks;
        onDecoder(1);
      }
      configure() {
        this.state = 'configured';
      }
      decode(chunk: unknown) {
        if (!(chunk instanceof Chunk) || this.state !== 'configured') throw new Error('closed');
        if (bad.has(chunk.key)) {
          this.close();
          this.#callbacks.error(new Error('bad frame'));
          return;
        }
        onData(1);
        const bytes = new Uint8Array(new Float32Array(1024).fill(0.5).buffer);
        const data = {
          format: 'f32',
          timestamp: chunk.timestamp,
          sampleRate: 16_000,
          numberOfFrames: 1024,
          numberOfChannels: 1,
          allocationSize: () => 4096,
          copyTo: (to: Uint8Array) => to.set(bytes),
          close: () => onData(-1),
        };
        this.#callbacks.output(data as never);
      }
      async flush() {}
      close() {
        if (this.state !== 'closed') onDecoder(-1);
        this.state = 'closed';
      }
    }
    return { AudioDecoder: Decoder, EncodedAudioChunk: Chunk, VideoDecoder: Decoder, EncodedVideoChunk: Chunk };
  };
}
