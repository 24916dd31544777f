import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { joinNals, splitNals } from '../../src/mkv/codec/nal.js';
import { type Mp4Segment, type Mp4StreamOptions, mp4SegmentStream, remuxToMp4 } from '../../src/mp4/index.js';
import type { Frame } from '../../src/visitors/frame.js';
import { ffmpeg } from '../support/ffmpeg-media.js';
import { type Media, readMedia } from '../support/kvs-media.js';
import {
  decodeMessages,
  findBoxes,
  parseWithMp4box,
  probePackets,
  readBoxes,
  sampleRanges,
  sha256,
} from '../support/mp4-judges.js';

const PICTURE = (size: string) => `-f lavfi -i testsrc2=s=${size}:r=25:d=3`;
const SOUND = (rate: number) => `-f lavfi -i sine=f=440:r=${rate}:d=3`;
const X264 = '-c:v libx264 -preset veryfast -g 25 -pix_fmt yuv420p';
const X265 = '-c:v libx265 -preset ultrafast -pix_fmt yuv420p';

/** Sources made with ffmpeg: 3 s, a key frame every second. */
export const SOURCES = {
  h264: `${PICTURE('160x120')} ${X264} -x264-params bframes=3:b-pyramid=normal:b-adapt=0:ref=4`,
  'h264 without B': `${PICTURE('160x120')} ${X264} -bf 0`,
  'h264 open GOP': `${PICTURE('160x120')} ${X264} -x264-params open-gop=1:bframes=3:b-adapt=0:scenecut=0`,
  'h264 small units': `${PICTURE('32x32')} ${X264} -qp 40 -bsf:v filter_units=remove_types=6`,
  'h264 aac': `${PICTURE('160x120')} ${SOUND(48000)} ${X264} -bf 2 -c:a aac -b:a 48k`,
  'h264 alaw': `${PICTURE('160x120')} ${SOUND(8000)} ${X264} -bf 2 -c:a pcm_alaw`,
  'h264 mulaw': `${PICTURE('160x120')} ${SOUND(8000)} ${X264} -bf 2 -c:a pcm_mulaw -ac 2`,
  h265: `${PICTURE('160x120')} ${X265} -x265-params log-level=none:keyint=25:open-gop=0:bframes=4:b-pyramid=1`,
  'h265 open GOP': `${PICTURE('160x120')} ${X265} -x265-params log-level=none:keyint=25:open-gop=1:bframes=4:b-adapt=0`,
  'h265 aac': `${PICTURE('160x120')} ${SOUND(44100)} ${X265} -x265-params log-level=none:keyint=25 -c:a aac -b:a 48k`,
  aac: `${SOUND(44100)} -c:a aac -b:a 48k -ac 2`,
  alaw: `${SOUND(8000)} -c:a pcm_alaw`,
} as const;

export type SourceName = keyof typeof SOURCES;

/** Makes a source in a folder and reads it. */
export async function makeSource(folder: string, name: SourceName): Promise<Media> {
  const file = join(folder, `${name.replace(/\W/g, '-')}.mkv`);
  ffmpeg(`${SOURCES[name]} ${file}`);
  return readMedia(new Uint8Array(readFileSync(file)));
}

/** What an MP4 is to have of a source. */
export interface Expected {
  readonly frames: readonly Frame[];
  /** Numbers of the tracks, in the order of the MP4's. */
  readonly tracks: readonly number[];
  /** Is added to the source's times, in microseconds. */
  readonly offset?: number;
  /** Width of the lengths of NAL units in the MP4; default 4. */
  readonly lengthSize?: number;
  /** Whether the first video frame may have parameter sets before it. */
  readonly setsInFirstFrame?: boolean;
}

/** Frames without what a conversion may add: the parameter sets in the first one. */
function expectedHash(frame: Frame, lengthSize: number): string {
  const { data, track } = frame;
  if (track.type !== 'video' || lengthSize === 4) return sha256(data);
  return sha256(joinNals(splitNals(data, 4), lengthSize));
}

/**
 * Compares an MP4 with the source's frames by what independent readers find in it: ffprobe the packets, ffmpeg that it decodes, mp4box
 * the tracks, and a walk over all boxes that samples fill the media data exactly.
 */
export function judgeMp4(bytes: Uint8Array, file: string, expected: Expected): void {
  writeFileSync(file, bytes);
  const { frames, tracks, offset = 0, lengthSize = 4 } = expected;
  const packets = probePackets(file);
  tracks.forEach((number, stream) => {
    const found = packets.filter((packet) => packet.stream === stream);
    const wanted = frames.filter(({ track }) => track.number === number);
    expect(found.map(({ keyframe }) => keyframe)).toEqual(
      wanted.map((frame) => frame.track.type === 'audio' || frame.keyframe),
    );
    const from = expected.setsInFirstFrame === true && wanted[0]?.track.type === 'video' ? 1 : 0;
    expect(found.slice(from).map(({ hash }) => hash)).toEqual(
      wanted.slice(from).map((frame) => expectedHash(frame, lengthSize)),
    );
    found.forEach((packet, index) => {
      const frame = wanted[index]!;
      // To the millisecond: Matroska's own rounding of audio is half of one.
      const tolerance = frame.track.type === 'audio' ? 1000 : 12;
      expect(Math.abs(packet.pts * 1e6 - frame.timestamp - offset)).toBeLessThanOrEqual(tolerance);
      expect(packet.dts).toBeLessThanOrEqual(packet.pts);
      if (index > 0) expect(packet.dts).toBeGreaterThan(found[index - 1]!.dts);
    });
  });
  expect(new Set(packets.map(({ stream }) => stream)).size).toBe(tracks.length);
  expect(decodeMessages(file)).toBe('');
  expect(parseWithMp4box(bytes).tracks.length).toBe(tracks.length);
  judgeLayout(bytes);
}

/** Samples fill the media data, without holes and overlaps. */
export function judgeLayout(bytes: Uint8Array): void {
  const media = findBoxes(readBoxes(bytes), 'mdat').map(({ body, end }) => ({ start: body, end }));
  const ranges = sampleRanges(bytes);
  const joined: { start: number; end: number }[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && last.end === range.start) last.end = range.end;
    else joined.push({ ...range });
  }
  expect(joined).toEqual(media);
}

/** All segments of a stream. */
export async function segmentsOf(
  bytes: Uint8Array | readonly Uint8Array[],
  options?: Mp4StreamOptions,
): Promise<Mp4Segment[]> {
  const segments: Mp4Segment[] = [];
  for await (const segment of mp4SegmentStream(bytes, options)) segments.push(segment);
  return segments;
}

/** The bytes of all segments. */
export function joinSegments(segments: readonly Mp4Segment[]): Uint8Array {
  return concatBytes(segments.map(({ bytes }) => bytes));
}

/** The ways to make an MP4 of a stream. */
export const KINDS = {
  fragmented: async (bytes: Uint8Array, options?: Mp4StreamOptions) => joinSegments(await segmentsOf(bytes, options)),
  progressive: async (bytes: Uint8Array, options?: Mp4StreamOptions) => {
    const parts: Uint8Array[] = [];
    await remuxToMp4(bytes, (part) => void parts.push(part), options);
    return concatBytes(parts);
  },
  'moov last': async (bytes: Uint8Array, options?: Mp4StreamOptions) => {
    const parts: Uint8Array[] = [];
    await remuxToMp4(bytes, (part) => void parts.push(part), { ...options, moov: 'last' });
    return concatBytes(parts);
  },
};

/** The names of these ways. */
export const KIND_NAMES = Object.keys(KINDS) as readonly (keyof typeof KINDS)[];
