import { createHash } from 'node:crypto';
import { concatBytes } from '../../src/ebml/writer.js';
import { type ReadFragmentsOptions, readFragments, readFrames } from '../../src/fragments/read.js';
import { Mkv } from '../../src/mkv/elements.js';
import { MkvParseError } from '../../src/mkv/parse-error.js';
import { StreamingMkvReader } from '../../src/mkv/reader.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { noise } from '../../test/support/bytes.js';

/** How a stream is read. */
export const MODES: Readonly<Record<string, ReadFragmentsOptions>> = {
  default: {},
  strict: { strict: true },
  recover: { recover: true },
};

/** Where in an element a bit stands. */
export type Part = 'id' | 'size' | 'value';

/** A bit of a stream that is no payload. */
export interface Place {
  /** Counted from the beginning of the stream, the most significant of a byte first. */
  readonly bit: number;
  /** Of the element that it stands in. */
  readonly element: string;
  /** Where that begins. */
  readonly offset: number;
  readonly part: Part;
}

/** What one wrong bit does that nobody is told of. */
export interface Silence extends Place {
  readonly mode: string;
  /** Of the elements, or the fragments and frames, what is not as it was. */
  readonly what: 'elements' | 'fragments' | 'frames';
}

/** What a reading gave. */
interface Reading {
  readonly lines: readonly string[];
  readonly told: boolean;
}

/** Three fragments as GetMedia sends them, of two tracks. */
export function flippedStream(unknownSizeCluster: boolean): Uint8Array {
  const fragments = [0, 1, 2].map((index) => {
    const number = String(91343852333181432392682062607743920142267644735n + BigInt(index));
    return writeGetMediaFragment(
      {
        tracks: [
          { number: 1, codecId: 'V_VP8', name: 'video', video: { pixelWidth: 320, pixelHeight: 240 } },
          { number: 2, codecId: 'A_OPUS', name: 'audio', audio: { samplingFrequency: 48_000, channels: 1 } },
        ],
        tags: [['Lat', '47.608013N']],
        fragmentNumber: number,
        serverTimestamp: 1_700_000_000_000 + index * 160,
        producerTimestamp: 1_700_000_000_000 + index * 160,
        continuationToken: number,
        millisBehindNow: 0,
        blocks: [0, 1, 2, 3].map((i) => ({
          track: 1 + (i % 2),
          timestamp: (index * 4 + i) * 40_000,
          keyframe: i < 2,
          frames: [noise(100, index * 4 + i)],
        })),
      },
      { timestampScale: 500_000, unknownSizeCluster, voidSize: 20 },
    );
  });
  return concatBytes(fragments);
}

/** The bits of the stream that are no payload: all but those of frames. */
export function placesIn(stream: Uint8Array): Place[] {
  const places: Place[] = [];
  const reader = new StreamingMkvReader();
  reader.push(stream);
  reader.end();
  for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
    if (element.kind === 'end') continue;
    const { type, offset, headerSize, dataSize } = element;
    const idLength = Math.ceil(Math.log2(type.id) / 8);
    const isPayload = type === Mkv.SimpleBlock || type === Mkv.Block;
    const valueSize = element.kind === 'start' ? 0 : isPayload ? 4 : dataSize;
    for (let bit = 8 * offset; bit < 8 * (offset + headerSize + (valueSize ?? 0)); bit++) {
      const at = (bit >> 3) - offset;
      const part = at < idLength ? 'id' : at < headerSize ? 'size' : 'value';
      places.push({ bit, element: type.name ?? 'unknown', offset, part });
    }
  }
  return places;
}

/** What nobody is told of when the bits are wrong, one at a time, in each mode. */
export async function findSilences(stream: Uint8Array, places: readonly Place[]): Promise<Silence[]> {
  const silences: Silence[] = [];
  for (const [mode, options] of Object.entries(MODES)) {
    const [elements, fragments, frames] = [
      readElements(stream, options),
      await list(stream, options),
      await listFrames(stream, options),
    ];
    for (const place of places) {
      const damaged = stream.slice();
      const at = place.bit >> 3;
      damaged[at] = (damaged[at] ?? 0) ^ (0x80 >> (place.bit & 7));
      const isOwn = place.part === 'value';
      const own = ` at ${place.offset} `;
      const found = readElements(damaged, options);
      if (!found.told && !isSame(elements.lines, found.lines, (line) => isOwn && line.includes(own))) {
        silences.push({ ...place, mode, what: 'elements' });
      }
      // A value may be the time of all frames, or the name of their track.
      const isLoose = isOwn && place.element !== 'SimpleBlock';
      const others: readonly [Silence['what'], Reading, Reading][] = [
        ['fragments', fragments, await list(damaged, options)],
        ['frames', frames, await listFrames(damaged, options)],
      ];
      for (const [what, whole, other] of others) {
        const differ = isOwn ? (isLoose ? ownValues(whole, other) : 1) : 0;
        if (!other.told && !differsIn(whole.lines, other.lines, differ)) {
          silences.push({ ...place, mode, what });
        }
      }
    }
  }
  return silences;
}

/** How many lines a value may change. */
function ownValues(whole: Reading, other: Reading): number {
  const payload = (reading: Reading) => reading.lines.map((line) => /payload \S+/.exec(line)?.[0]).join();
  // All of them, but none of the frames' bytes.
  return payload(whole) === payload(other) ? Number.POSITIVE_INFINITY : 0;
}

function differsIn(whole: readonly string[], other: readonly string[], most: number): boolean {
  if (whole.length !== other.length) return false;
  return whole.filter((line, i) => line !== other[i]).length <= most;
}

function isSame(whole: readonly string[], other: readonly string[], isOwn: (line: string) => boolean): boolean {
  if (whole.length !== other.length) return false;
  return whole.every((line, i) => line === other[i] || (isOwn(line) && placeOf(line) === placeOf(other[i] ?? '')));
}

/** The line of an element without its data. */
function placeOf(line: string): string {
  return line.slice(0, line.lastIndexOf(' '));
}

function readElements(bytes: Uint8Array, options: ReadFragmentsOptions): Reading {
  let told = false;
  const note = () => {
    told = true;
  };
  const lines: string[] = [];
  const reader = new StreamingMkvReader({ ...options, onGap: note, onWarning: note });
  try {
    reader.push(bytes);
    reader.end();
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      const { kind, type, offset, headerSize, dataSize } = element;
      const data = element.kind === 'data' ? createHash('md5').update(element.data).digest('hex') : '';
      lines.push(`${kind} ${type.name} at ${offset} ${headerSize} ${dataSize} ${data}`);
    }
    if (reader.truncated) note();
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    note();
  }
  return { lines, told };
}

async function list(bytes: Uint8Array, options: ReadFragmentsOptions): Promise<Reading> {
  return collect(options, async (watched, lines, note) => {
    for await (const each of readFragments(bytes, watched)) {
      if (each.truncated) note();
      const tracks = each.tracks.map(({ number, codecId, name }) => [number, codecId, name]);
      const frames = each.frames.map(({ data }) => createHash('md5').update(data).digest('hex'));
      const { fragmentNumber, continuationToken, tags } = each;
      lines.push(
        `${JSON.stringify([fragmentNumber, continuationToken, tags, tracks, each.frames.map(({ timestamp }) => timestamp)])} payload ${frames.join()}`,
      );
    }
  });
}

async function listFrames(bytes: Uint8Array, options: ReadFragmentsOptions): Promise<Reading> {
  return collect(options, async (watched, lines) => {
    for await (const { timestamp, keyframe, track, data } of readFrames(bytes, watched)) {
      const sum = createHash('md5').update(data).digest('hex');
      lines.push(`${track.number} ${track.codecId} ${timestamp} ${keyframe} payload ${sum}`);
    }
  });
}

async function collect(
  options: ReadFragmentsOptions,
  read: (options: ReadFragmentsOptions, lines: string[], note: () => void) => Promise<void>,
): Promise<Reading> {
  let told = false;
  const note = () => {
    told = true;
  };
  const lines: string[] = [];
  try {
    await read({ ...options, expectTrailingTags: true, onGap: note, onWarning: note }, lines, note);
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    note();
  }
  return { lines, told };
}
