// The streams that are read. All of them are concatenated fragments as GetMedia sends them, always the same bytes.
import { existsSync, readFileSync } from 'node:fs';
import { writeGetMediaFragment } from '../dist/testing/get-media-writer.js';

const CAPTURES = new URL('../../shared/captures/', import.meta.url);

const VIDEO = {
  number: 1,
  codecId: 'V_MPEG4/ISO/AVC',
  codecPrivate: new Uint8Array(40).fill(1),
  video: { pixelWidth: 1280, pixelHeight: 720 },
};
const AUDIO = { number: 1, codecId: 'A_MS/ACM', audio: { samplingFrequency: 8000, channels: 1, bitDepth: 8 } };

/** xorshift32: the same numbers from 0 to `below` - 1 in every run. */
function randomNumbers(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
}

function frameOf(size, random) {
  const frame = new Uint8Array(size);
  for (let at = 0; at < size; at += 64) frame[at] = random(256);
  return frame;
}

/** Fragments until they are `length` bytes together. `blocks(fragment)` gives a fragment's frames. */
function stream(length, track, blocks, tags = []) {
  const parts = [];
  let total = 0;
  for (let index = 0; total < length; index++) {
    const part = writeGetMediaFragment({
      tracks: [track],
      tags,
      blocks: blocks(index),
      fragmentNumber: String(91343852333181432392682062607743920142267644735n + BigInt(index)),
      serverTimestamp: 1_700_000_000_000 + index * 2000,
      producerTimestamp: 1_700_000_000_000 + index * 2000,
      millisBehindNow: 0,
      continuationToken: String(91343852333181432392682062607743920142267644735n + BigInt(index)),
    });
    parts.push(part);
    total += part.length;
  }
  return new Uint8Array(Buffer.concat(parts));
}

function captured(file) {
  const url = new URL(file, CAPTURES);
  if (!existsSync(url)) return undefined;
  const bytes = readFileSync(url);
  return () => new Uint8Array(bytes);
}

/**
 * `make(length)` gives a stream of about that many bytes; `undefined` where it is not to be had. Of streams with many elements a `share` of
 * the usual length is enough.
 */
export const WORKLOADS = [
  {
    name: 'large',
    what: 'video of 25 frames a second, 8 to 60 kB each, in fragments of 2 s',
    make: (length) => {
      const random = randomNumbers(1);
      return stream(length, VIDEO, (fragment) =>
        Array.from({ length: 50 }, (_, i) => ({
          track: 1,
          timestamp: fragment * 2e6 + i * 40_000,
          keyframe: i === 0,
          frames: [frameOf(i === 0 ? 60_000 : 8000 + random(32_000), random)],
        })),
      );
    },
  },
  {
    name: 'small',
    share: 0.25,
    what: 'G.711 audio of 50 frames a second, 160 bytes each, in fragments of 2 s',
    make: (length) => {
      const random = randomNumbers(2);
      return stream(length, AUDIO, (fragment) =>
        Array.from({ length: 100 }, (_, i) => ({
          track: 1,
          timestamp: fragment * 2e6 + i * 20_000,
          keyframe: true,
          frames: [frameOf(160, random)],
        })),
      );
    },
  },
  {
    name: 'tags',
    share: 0.25,
    what: 'fragments of 10 tags and one frame of 200 bytes',
    make: (length) => {
      const random = randomNumbers(3);
      const tags = Array.from({ length: 10 }, (_, i) => [`Reading${i}`, `value ${random(1_000_000)}`]);
      return stream(
        length,
        VIDEO,
        (fragment) => [{ track: 1, timestamp: fragment * 1e6, keyframe: true, frames: [frameOf(200, random)] }],
        tags,
      );
    },
  },
  {
    name: 'capture',
    what: 'output_get_media.mkv: 5 fragments of 60 frames, 8.3 kB each',
    make: captured('output_get_media.mkv'),
    kinds: ['read', 'remux'],
  },
  {
    name: 'capture with sound',
    what: 'vogels_480.mkv: 909 frames of H.264 and 1425 of AAC; only remuxed',
    make: captured('vogels_480.mkv'),
    kinds: ['remux'],
  },
];

/** Chunk sizes, and about how many bytes are read at each. */
export const CHUNKINGS = [
  { name: '64 KiB', size: 65536, length: 16 * 2 ** 20 },
  { name: '1 KiB', size: 1024, length: 8 * 2 ** 20 },
  { name: '1 byte', size: 1, length: 2 ** 20 },
];

/** The stream in chunks, each an array of its own, as sockets give them. */
export function cut(bytes, size) {
  const chunks = [];
  if (size === 1) {
    // A million buffers of one byte would measure the garbage collector.
    const singles = Array.from({ length: 256 }, (_, value) => Buffer.from(Uint8Array.of(value).buffer));
    for (const byte of bytes) chunks.push(singles[byte]);
  } else {
    for (let at = 0; at < bytes.length; at += size) chunks.push(Buffer.from(bytes.slice(at, at + size).buffer));
  }
  return chunks;
}
