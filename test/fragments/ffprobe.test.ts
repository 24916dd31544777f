import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type Frame, readFragments, readFrames, SimpleFrameVisitor } from '../../src/index.js';
import { CAPTURES, captureBytes, captureFacts, splitDocuments } from '../support/captures.js';
import { MEDIA, MEDIA_NAMES, mediaPath } from '../support/media.js';
import { chunksOf, readChunks } from '../support/read-all.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';

/** What ffprobe and we can say of a frame; times in microseconds. */
interface Packet {
  readonly hash: string;
  readonly time: number | undefined;
  readonly duration: number | undefined;
  readonly flags: string;
}

describeNeeding('frames against ffprobe', [tools('ffprobe'), MEDIA], () => {
  test.each(MEDIA_NAMES)('%s', async (name) => compare(readFileSync(await mediaPath(name))));
});

describeNeeding('frames of the captures against ffprobe', [tools('ffprobe'), CAPTURES], () => {
  const withFrames = captureFacts().filter(({ fragments }) => fragments.some(({ frames }) => frames > 0));
  test.each(withFrames)('$file, document by document', async ({ file }) => {
    for (const document of splitDocuments(captureBytes(file))) await compare(document);
  });
});

async function compare(bytes: Uint8Array): Promise<void> {
  const tracks: number[] = [];
  for await (const fragment of readFragments(bytes)) {
    expect(fragment.truncated).toBe(false);
    expect(fragment.metadata !== undefined).toBe(Buffer.from(bytes).includes('AWS_KINESISVIDEO_FRAGMENT_NUMBER'));
    for (const { number } of fragment.tracks) if (!tracks.includes(number)) tracks.push(number);
  }
  const ours: Frame[] = [];
  for await (const frame of readFrames(chunksOf(bytes, 1000))) ours.push(frame);
  const { packets, tick } = ffprobe(bytes);
  expect(ours.length).toBeGreaterThan(0);
  expect(ours.length).toBe(packets.length);
  const laces = placesInBlocks(bytes);
  for (const [index, number] of tracks.entries()) {
    const theirs = packets.filter((packet) => packet.stream === index);
    const mine = ours.filter((frame) => frame.track.number === number).map(packetOf);
    expect(mine.map(({ hash }) => hash)).toEqual(theirs.map(({ hash }) => hash));
    for (const [at, packet] of theirs.entries()) {
      const { time = Number.NaN, duration, flags } = mine[at]!;
      const lace = laces.get(number)?.[at] ?? Number.NaN;
      // ffmpeg gives the flag of a Block to its first frame alone, and counts the times of the others in whole ticks.
      if (lace === 0) expect(flags).toBe(packet.flags);
      if (packet.time !== undefined) {
        expect(Math.abs(time - packet.time)).toBeLessThanOrEqual(lace === 0 ? tick / 1.9 : tick * lace);
      }
      if (packet.duration !== undefined && duration !== undefined) {
        expect(Math.abs(duration - packet.duration)).toBeLessThanOrEqual(tick);
      }
    }
  }
}

/** For each track, the place of each of its frames in its Block. */
function placesInBlocks(bytes: Uint8Array): Map<number, number[]> {
  const places = new Map<number, number[]>();
  const visitor = new SimpleFrameVisitor(({ trackNumber, frameCount }) => {
    const own = places.get(trackNumber) ?? [];
    for (let lace = 0; lace < frameCount; lace++) own.push(lace);
    places.set(trackNumber, own);
  });
  for (const element of readChunks([bytes])) element.accept(visitor);
  return places;
}

function packetOf(frame: Frame): Packet {
  const { data, storage, timestamp, duration, keyframe, discardable, codecDelay } = frame;
  const plain = storage === 'zlib' ? inflateSync(data) : data;
  if (storage !== 'zlib') expect(storage).toBe('plain');
  return {
    hash: createHash('sha256').update(plain).digest('hex'),
    // What ffmpeg tells are the times of what is decoded, which begins earlier by the codec's delay.
    time: timestamp - codecDelay,
    duration,
    flags: `${keyframe ? 'K' : '_'}${discardable ? 'D' : '_'}`,
  };
}

/** Parsers are turned off: they would put packets together or part them. */
const OPTIONS = '-v quiet -fflags +noparse+nofillin -show_packets -show_streams -show_data_hash sha256 -of json';

function ffprobe(input: Uint8Array): { packets: (Packet & { stream: number })[]; tick: number } {
  const result: {
    packets: { stream_index: number; pts?: number; duration?: number; flags: string; data_hash: string }[];
    streams: { time_base: string }[];
  } = JSON.parse(runTool('ffprobe', [...OPTIONS.split(' '), '-'], { input }));
  const ticks = result.streams.map(({ time_base }) => {
    const [numerator = 0, denominator = 1] = time_base.split('/').map(Number);
    return (numerator / denominator) * 1e6;
  });
  const packets = result.packets.map(({ stream_index: stream, pts, duration, flags, data_hash }) => ({
    stream,
    hash: data_hash.replace('SHA256:', ''),
    time: pts === undefined ? undefined : pts * (ticks[stream] ?? Number.NaN),
    duration: duration === undefined ? undefined : duration * (ticks[stream] ?? Number.NaN),
    flags: `${flags[0]}${flags.includes('D') ? 'D' : '_'}`,
  }));
  return { packets, tick: Math.max(...ticks) };
}
