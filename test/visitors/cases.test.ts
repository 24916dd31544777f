import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { ByteRun } from '../../src/ebml/byte-run.js';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Block,
  type Frame,
  type Inflate,
  inflateFrame,
  joinAccessUnits,
  Mkv,
  type MkvWarning,
  type ReadFramesOptions,
  readFragments,
  readFrames,
  writeElement,
  writeMaster,
} from '../../src/index.js';
import { writeEbmlHeader } from '../../src/testing/get-media-writer.js';
import { CAPTURES, capturePath } from '../support/captures.js';
import { describeNeeding } from '../support/tools.js';

const read = (name: string) => readFileSync(`test/cases/${name}`);

async function framesOf(name: string, options: object = {}): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readFrames(read(name), options)) frames.push(frame);
  return frames;
}

async function takeFrames(bytes: Uint8Array, options: ReadFramesOptions = {}): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readFrames(bytes, options)) frames.push(frame);
  return frames;
}

/** The length of a lace as Xiph writes it. */
function xiph({ length }: Uint8Array): Uint8Array {
  return Uint8Array.from([...new Array(Math.floor(length / 255)).fill(255), length % 255]);
}

async function rulesOf(name: string): Promise<string[]> {
  const rules = new Set<string>();
  for await (const { tracks } of readFragments(read(name))) {
    for (const track of tracks) for (const { rule } of track.disagreements) rules.add(rule);
  }
  return [...rules].sort();
}

describe('what frames say', () => {
  test.each([
    ['aac-adts--adts-cpd.mkv', ['FrameFormat']],
    ['aac-adts--adts-nocpd.mkv', ['FrameFormat']],
    ['aac-adts--raw-cpd-noaudio.mkv', ['AudioSettings']],
    ['connect-5.mkv', ['CodecId']],
    ['connect-l16--connect.mkv', ['CodecId']],
    ['cpd-level0--avcc-zero.mkv', ['ProfileLevel']],
    ['cpd-level0--hvcc-level0.mkv', ['ProfileLevel']],
    ['keyflags--all.mkv', ['KeyframeFlags']],
    ['nal-mix--h264-cpd_annexb-frames_len-inband.mkv', ['FrameFormat']],
    ['nal-mix--h264-cpd_avcc-frames_ab-bare.mkv', ['FrameFormat']],
    ['nal-per-block--slices-apart-avcc.mkv', ['AccessUnits']],
    ['sets-apart--same-time.mkv', ['AccessUnits']],
    ['sar--sar-vui.mkv', ['VideoAspect']],
    ['sps-change--stale.mkv', ['ParameterSets', 'VideoSize']],
    ['sps-vui--ends-in-timing-avcc.mkv', ['Vui']],
    ['sps-vui--reorder-too-large-annexb.mkv', ['Vui']],
    ['audio-jitter--aac48-j15.mkv', []],
    ['trailing-zero--annexb-leading-1.mkv', []],
    ['silent-audio--first-only.mkv', []],
    ['single-frame--fps1.mkv', []],
    ['alaw-only--alaw.mkv', []],
  ])('of %s disagrees with its label in: %s', async (name, rules) => {
    expect(await rulesOf(name)).toEqual(rules);
  });

  it('the head of a configuration record is made right by the parameter sets in it', async () => {
    const heads: (readonly number[] | undefined)[] = [];
    for (const name of ['cpd-level0--avcc-zero.mkv', 'cpd-level0--hvcc-level0.mkv']) {
      for await (const { track } of readFrames(read(name))) {
        const { description } = track.toVideoDecoderConfig() ?? {};
        heads.push(description && Array.from(description.subarray(0, name.includes('avcc') ? 4 : 13)));
        break;
      }
    }
    expect(heads[0]).toEqual([1, 0x64, 0, 0x0b]);
    expect(heads[1]?.[12]).toBe(60);
  });

  it('frames that are flagged as key frames are such only where decoding can begin', async () => {
    let flagged = 0;
    let real = 0;
    let all = 0;
    for await (const frame of readFrames(read('keyflags--all.mkv'))) {
      all++;
      if (frame.keyframeFlag) flagged++;
      if (frame.keyframe) real++;
    }
    expect(flagged).toBe(all);
    expect(real).toBeGreaterThan(0);
    expect(real).toBeLessThan(all / 2);
  });

  it('is told once for each track and rule', async () => {
    const told: MkvWarning[] = [];
    await framesOf('connect-5.mkv', { onWarning: (warning: MkvWarning) => told.push(warning) });
    expect(told).toMatchObject([
      { code: 'TrackMismatch', offset: 496 },
      { code: 'TrackMismatch', offset: 1527 },
    ]);
    expect(told[0]?.message).toBe('byte 496: track 1: A_AAC is written, the frames are PCM of 16 bits');
  });
});

describe('Amazon Connect', () => {
  it('sends PCM, known from the first frame on, in the one track object of all fragments', async () => {
    const frames = await framesOf('connect-5.mkv');
    expect(frames).toHaveLength(170);
    expect(new Set(frames.map(({ track }) => track)).size).toBe(2);
    const [first] = frames;
    expect(first?.track.codecString).toBe('pcm-s16');
    expect(first?.track.toAudioDecoderConfig()).toEqual({ codec: 'pcm-s16', sampleRate: 8000, numberOfChannels: 1 });
    expect(frames.every(({ duration, keyframe }) => duration === 64_000 && keyframe)).toBe(true);
    expect(first?.producerTimestamp?.toISOString()).toBe('2024-09-18T16:41:28.724Z');
    const hash = createHash('sha256');
    for (const frame of frames) if (frame.track.number === 1) hash.update(frame.toEncodedChunk().data);
    expect(hash.digest('hex')).toMatch(/^b7f39b2c.*fc890541c0$/);
  });

  it('fragments say so too', async () => {
    for await (const { tracks, clusterTimestamp, frames } of readFragments(read('connect-5.mkv'))) {
      expect(tracks.map(({ codecString }) => codecString)).toEqual(['pcm-s16', 'pcm-s16']);
      expect(clusterTimestamp).toBe(frames[0]?.timestamp);
    }
  });
});

describe('access units over several Blocks', () => {
  test.each([
    ['sets-apart--same-time.mkv', 22],
    ['nal-per-block--slices-apart-avcc.mkv', 40],
  ])('of %s are joined: %i Blocks, 20 frames', async (name, blocks) => {
    const apart = await framesOf(name);
    const joined = await framesOf(name, { joinAccessUnits: true });
    expect([apart.length, joined.length]).toEqual([blocks, 20]);
    expect(new Set(joined.map(({ timestamp }) => timestamp)).size).toBe(20);
    expect(joined.filter(({ keyframe }) => keyframe)).toHaveLength(2);
    expect(joinAccessUnits(apart).map(({ data }) => data)).toEqual(joined.map(({ data }) => data));
    const sum = (frames: readonly Frame[]) => frames.reduce((bytes, { size }) => bytes + size, 0);
    expect(sum(joined)).toBe(sum(apart));
    for (const frame of joined) frame.toEncodedChunk();
  });

  it('a frame without a picture is no chunk', async () => {
    const [first] = await framesOf('sets-apart--same-time.mkv');
    expect(() => first?.toEncodedChunk()).toThrow(expect.objectContaining({ code: 'InvalidMediaFrame' }));
  });
});

describe('frames stored with zlib', () => {
  it('are inflated on request, and are then like others', async () => {
    const stored = await framesOf('muxers--mm-zlib.mkv');
    const found = await Promise.all(stored.map((frame) => inflateFrame(frame)));
    expect(stored.map(({ storage }) => storage)).toContain('zlib');
    expect(new Set(found.map(({ storage }) => storage))).toEqual(new Set(['plain']));
    expect(new Set(found.map(({ track }) => track)).size).toBe(2);
    const sizes = found.map((frame) => frame.toEncodedChunk().data.length);
    expect(sizes.every((size) => size > 0)).toBe(true);
    const own = await Promise.all(stored.map((frame) => inflateFrame(frame, { inflate: (data) => inflateSync(data) })));
    expect(own.map(({ data }) => data)).toEqual(found.map(({ data }) => data));
    expect(found.map(({ timestamp }) => timestamp)).toEqual(stored.map(({ timestamp }) => timestamp));
    expect(() => stored[0]?.toEncodedChunk()).toThrow('the frame is stored zlib');
  });

  const inflate: Inflate = (data, maxSize) => inflateSync(data, { maxOutputLength: maxSize });

  it('are like others where the reader is given something to inflate them with', async () => {
    const bytes = read('muxers--mm-zlib.mkv');
    const wanted = await Promise.all((await framesOf('muxers--mm-zlib.mkv')).map((frame) => inflateFrame(frame)));
    const frames = await framesOf('muxers--mm-zlib.mkv', { inflate });
    const facts = (list: readonly Frame[]) =>
      list.map(({ data, timestamp, keyframe, duration, storage }) => [data, timestamp, keyframe, duration, storage]);
    expect(facts(frames)).toEqual(facts(wanted));
    expect(frames.map((frame) => frame.toEncodedChunk())).toEqual(wanted.map((frame) => frame.toEncodedChunk()));
    expect(new Set(frames.map(({ track }) => track)).size).toBe(2);
    const small: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += 1000) small.push(bytes.subarray(at, at + 1000));
    for await (const fragment of readFragments(small, { inflate })) {
      expect(facts(fragment.frames)).toEqual(facts(frames));
      expect(fragment.tracks.map(({ contentEncoding }) => contentEncoding.storage)).toEqual(['plain', 'plain']);
    }
  });

  it('have headers put back before and behind, laced or not, in every Segment', async () => {
    const contents = fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { minLength: 1, maxLength: 5 });
    const header = fc.uint8Array({ maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(contents, header, header, async (frames, inner, outer) => {
        const strip = (order: number, bytes: Uint8Array) =>
          writeMaster(Mkv.ContentEncoding, [
            writeElement(Mkv.ContentEncodingOrder, order),
            writeMaster(Mkv.ContentCompression, [
              writeElement(Mkv.ContentCompAlgo, 3),
              writeElement(Mkv.ContentCompSettings, bytes),
            ]),
          ]);
        const compress = writeMaster(Mkv.ContentEncoding, [
          writeElement(Mkv.ContentEncodingOrder, 1),
          writeMaster(Mkv.ContentCompression, [writeElement(Mkv.ContentCompAlgo, 0)]),
        ]);
        // What zlib data begin with is always the same here.
        const zlibHeader = deflateSync(new Uint8Array(0)).subarray(0, Math.min(2, outer.length));
        const stored = frames.map((frame) => deflateSync(frame).subarray(zlibHeader.length));
        const laces = stored.length === 1 ? [] : [Uint8Array.of(stored.length - 1), ...stored.slice(0, -1).map(xiph)];
        const block = concatBytes([
          Uint8Array.of(0x81, 0, 7, 0x80 | (stored.length === 1 ? 0 : 2)),
          ...laces,
          ...stored,
        ]);
        const segment = writeMaster(Mkv.Segment, [
          writeMaster(Mkv.Tracks, [
            writeMaster(Mkv.TrackEntry, [
              writeElement(Mkv.TrackNumber, 1),
              writeElement(Mkv.TrackType, 17),
              writeMaster(Mkv.ContentEncodings, [strip(0, inner), compress, strip(2, zlibHeader)]),
            ]),
          ]),
          writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 1), writeElement(Mkv.SimpleBlock, block)]),
        ]);
        const bytes = concatBytes([writeEbmlHeader(), segment, segment]);
        const found: Frame[] = [];
        for await (const frame of readFrames(bytes, { inflate })) found.push(frame);
        const wanted = frames.map((frame) => concatBytes([inner, frame]));
        expect(found.map(({ data }) => data)).toEqual([...wanted, ...wanted]);
        expect(new Set(found.map(({ track }) => track)).size).toBe(1);
        expect(found.every(({ timestamp, size, data }) => timestamp === 8000 && size === data.length)).toBe(true);
        const [first] = frames.length === 1 ? await takeFrames(bytes) : [];
        if (first !== undefined) expect((await inflateFrame(first)).data).toEqual(wanted[0]);
      }),
      { numRuns: 40 },
    );
  });

  it('are an error in words where they cannot be inflated, a gap with recover', async () => {
    const refuse = () => {
      throw new Error('no');
    };
    const bytes = read('muxers--mm-zlib.mkv');
    await expect(takeFrames(bytes, { inflate: refuse })).rejects.toMatchObject({
      code: 'InvalidBlock',
      message: expect.stringMatching(/^byte \d+: a frame cannot be inflated: no/),
    });
    const gaps: string[] = [];
    const left = await takeFrames(bytes, { inflate: refuse, recover: true, onGap: ({ reason }) => gaps.push(reason) });
    const all = await takeFrames(bytes);
    expect(left).toHaveLength(all.filter(({ storage }) => storage === 'plain').length);
    expect(gaps).toHaveLength(all.filter(({ storage, index }) => storage !== 'plain' && index === 0).length);
    expect(gaps.length).toBeGreaterThan(0);
    const bomb = { inflate: () => new Uint8Array(16 * 2 ** 20 + 1) };
    await expect(takeFrames(bytes, bomb)).rejects.toThrow('more than 16777216 bytes');
  });

  it('are refused when they are more than they may be, or no zlib data', async () => {
    const [stored] = await framesOf('muxers--mm-zlib.mkv');
    if (stored === undefined) throw new Error('no frame');
    const { size } = await inflateFrame(stored);
    await expect(inflateFrame(stored, { maxSize: size - 1 })).rejects.toThrow(`more than ${size - 1} bytes`);
    expect((await inflateFrame(stored, { maxSize: size })).size).toBe(size);
    const inflate = () => new Uint8Array(100);
    await expect(inflateFrame(stored, { inflate, maxSize: 99 })).rejects.toThrow('more than 99 bytes');
    const broken = stored.withData(
      new Block(new ByteRun(Uint8Array.of(0x81, 0, 0, 0, 1, 2, 3)), 0, 7, 0, true),
      stored.track,
    );
    await expect(inflateFrame(broken)).rejects.toThrow(expect.objectContaining({ code: 'InvalidMediaFrame' }));
  });
});

test('durations of laced frames come from the codec', async () => {
  const frames = await framesOf('muxers--mm-webm.webm', { track: 'audio' });
  expect(frames.slice(0, 3).map(({ timestamp }) => timestamp)).toEqual([0, 20_000, 40_000]);
  // The last one is cut by its BlockDuration.
  expect(frames.slice(0, -1).every(({ duration }) => duration === 20_000)).toBe(true);
});

describeNeeding('the wall clock of frames', [CAPTURES], () => {
  it('is the fragment’s, and how far they are behind its Cluster', async () => {
    const times: (string | undefined)[] = [];
    for await (const frame of readFrames(readFileSync(capturePath('output_get_media.mkv')))) {
      times.push(frame.producerTimestamp?.toISOString());
      expect(frame.cluster.timestampScale).toBe(1_000_000);
      expect(frame.fragment?.clusterTimestamp).toBe(frame.cluster.timestamp);
    }
    expect([times[59], times[299]]).toEqual(['2017-11-28T06:55:10.480Z', '2017-11-28T06:55:18.480Z']);
  });
});
