/**
 * Makes examples/recording/camera.mkv, a GetMedia body as a camera would fill it, and camera.json, the facts of what was put in.
 * It needs ffmpeg with libx264. Run it with `npm run recording`; the files are committed, so this is only for changing them.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MkvDataElement } from '../src/mkv/element.js';
import { Mkv } from '../src/mkv/elements.js';
import { StreamingMkvReader } from '../src/mkv/reader.js';
import type { BlockInput } from '../src/testing/block-writer.js';
import { type GetMediaFragmentInput, type TagPair, writeGetMediaFragment } from '../src/testing/get-media-writer.js';
import type { TrackInput } from '../src/testing/track-writer.js';

const OUTPUT = 'examples/recording';
const SECONDS = 10;
const FRAME_RATE = 25;
const SAMPLE_RATE = 48_000;
const SAMPLES_PER_FRAME = 1024;
/** Where fragments begin, in seconds: each with a key frame. */
const STARTS = [0, 1.4, 2.8, 4, 6, 7.2, 8.4, 9.2];
const PRODUCER_START = Date.parse('2024-05-01T12:00:00.250Z');
const FIRST_NUMBER = 91343852333181432392682062607743920146270339185n;

const PERSISTENT: TagPair[] = [
  ['Lat', '47.608013N'],
  ['Lon', '122.335167W'],
];
/** What the producer says of single fragments, besides. */
const TAGS: readonly (readonly TagPair[])[] = [
  [['Camera', 'Eingang Süd']],
  [],
  [
    ['Motion', 'true'],
    ['Motion', 'false'],
    ['Motion', 'true'],
  ],
  [['AWS_KINESISVIDEO_IMAGE_PREFIX', 'door/']],
  [],
  [['Motion', 'false']],
  [],
  [['Note', '']],
];

const VIDEO = ['-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=${FRAME_RATE}:duration=${SECONDS}`];
const X264 = ['-c:v', 'libx264', '-preset', 'veryslow', '-profile:v', 'main', '-pix_fmt', 'yuv420p', '-crf', '33'];
const CLOSED = ['-bf', '2', '-g', '1000', '-sc_threshold', '0', '-x264-params', 'open-gop=0:threads=1'];
const AUDIO = ['-f', 'lavfi', '-i', `sine=frequency=440:beep_factor=4:sample_rate=${SAMPLE_RATE}:duration=${SECONDS}`];
const AAC = ['-c:a', 'aac', '-ac', '1', '-b:a', '32k'];

interface Encoded {
  readonly codecPrivate: Uint8Array;
  /** In the order of the file, which is that of decoding; times in milliseconds. */
  readonly frames: readonly { readonly timestamp: number; readonly keyframe: boolean; readonly data: Uint8Array }[];
}

function encode(folder: string, name: string, args: readonly string[]): Encoded {
  const file = join(folder, name);
  const bitexact = ['-threads', '1', '-fflags', '+bitexact', '-flags', '+bitexact'];
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...args, ...bitexact, file], { stdio: 'inherit' });
  const reader = new StreamingMkvReader();
  reader.push(readFileSync(file));
  reader.end();
  let codecPrivate = new Uint8Array(0);
  let cluster = 0;
  const frames = [];
  for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
    if (!(element instanceof MkvDataElement)) continue;
    if (element.is(Mkv.CodecPrivate)) codecPrivate = element.data.slice();
    if (element.is(Mkv.Timestamp)) cluster = element.value;
    if (!element.is(Mkv.SimpleBlock) && !element.is(Mkv.Block)) continue;
    const block = element.value;
    const keyframe = element.is(Mkv.SimpleBlock) ? block.keyframe : false;
    frames.push({ timestamp: cluster + block.relativeTimestamp, keyframe, data: block.frame(0) });
  }
  return { codecPrivate, frames };
}

const sha256 = (parts: readonly Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

function make(folder: string): void {
  const keyTimes = ['-force_key_frames', STARTS.join(',')];
  const video = encode(folder, 'video.mkv', [...VIDEO, ...X264, ...CLOSED, ...keyTimes]);
  const audio = encode(folder, 'audio.mkv', [...AUDIO, ...AAC]);
  const tracks: TrackInput[] = [
    {
      number: 1,
      uid: 0x5d8e_0c1f_2b3a_4958n,
      name: 'camera',
      codecId: 'V_MPEG4/ISO/AVC',
      codecPrivate: video.codecPrivate,
      defaultDuration: 1e9 / FRAME_RATE,
      video: { pixelWidth: 320, pixelHeight: 240 },
    },
    {
      number: 2,
      uid: 0x11a7_44c2_90fe_6d03n,
      name: 'microphone',
      codecId: 'A_AAC',
      codecPrivate: audio.codecPrivate,
      audio: { samplingFrequency: SAMPLE_RATE, channels: 1, bitDepth: 16 },
    },
  ];
  const videoBlocks = video.frames.map(
    ({ timestamp, keyframe, data }): BlockInput => ({
      track: 1,
      timestamp: timestamp * 1000,
      keyframe,
      frames: [data],
    }),
  );
  // The encoder's first frame is its delay and holds no sound of the source.
  const audioBlocks = audio.frames.slice(1).map(
    ({ data }, i): BlockInput => ({
      track: 2,
      timestamp: Math.round((i * SAMPLES_PER_FRAME * 1000) / SAMPLE_RATE) * 1000,
      keyframe: true,
      frames: [data],
    }),
  );
  const fragments = STARTS.map((start, index): GetMediaFragmentInput => {
    const next = STARTS[index + 1] ?? SECONDS;
    const isWithin = ({ timestamp }: BlockInput) => timestamp >= start * 1e6 && timestamp < next * 1e6;
    const number = FIRST_NUMBER + BigInt(index) * 4_951_760_157n;
    const producerTimestamp = PRODUCER_START + start * 1000;
    return {
      tracks,
      tags: [...PERSISTENT, ...(TAGS[index] ?? [])],
      fragmentNumber: String(number),
      producerTimestamp,
      serverTimestamp: producerTimestamp + 180 + index * 7,
      timestamp: start * 1e6,
      blocks: interleave(videoBlocks.filter(isWithin), audioBlocks.filter(isWithin)),
      millisBehindNow: Math.round((SECONDS - next) * 1000),
      continuationToken: String(number + 3n),
    };
  });
  const documents = fragments.map((fragment) =>
    writeGetMediaFragment(fragment, { crc: true, seekHead: true, voidSize: 60 }),
  );
  writeFileSync(join(OUTPUT, 'camera.mkv'), Buffer.concat(documents));
  const frames = fragments.flatMap((fragment) => fragment.blocks ?? []).flatMap((block) => block.frames);
  const facts = {
    file: 'camera.mkv',
    bytes: documents.reduce((sum, { length }) => sum + length, 0),
    sha256: sha256(documents),
    source: [VIDEO, AUDIO].map((args) => args.at(-1)),
    tracks: tracks.map(({ codecPrivate, uid, ...rest }) => ({
      ...rest,
      uid: String(uid),
      codecPrivate: Buffer.from(codecPrivate ?? []).toString('hex'),
    })),
    fragments: fragments.map((fragment, index) => describe(fragment, documents[index] ?? new Uint8Array(0))),
    frames: frames.length,
    frameBytes: frames.reduce((sum, { length }) => sum + length, 0),
    allFramesSha256: sha256(frames),
  };
  writeFileSync(join(OUTPUT, 'camera.json'), `${JSON.stringify(facts, undefined, 1)}\n`);
}

/** Blocks in the order in which a camera sends them: sound never waits for pictures that are shown later but decoded before. */
function interleave(video: readonly BlockInput[], audio: readonly BlockInput[]): BlockInput[] {
  const rest = [...audio];
  const blocks: BlockInput[] = [];
  for (const [i, picture] of video.entries()) {
    const decoded = (video[0]?.timestamp ?? 0) + (i * 1e6) / FRAME_RATE;
    while (rest[0] !== undefined && rest[0].timestamp < decoded) blocks.push(...rest.splice(0, 1));
    blocks.push(picture);
  }
  return [...blocks, ...rest];
}

function describe(fragment: GetMediaFragmentInput, document: Uint8Array) {
  const blocks = fragment.blocks ?? [];
  const iso = (moment: Date | number | undefined) => new Date(moment ?? Number.NaN).toISOString();
  return {
    fragmentNumber: fragment.fragmentNumber,
    producerTimestamp: iso(fragment.producerTimestamp),
    serverTimestamp: iso(fragment.serverTimestamp),
    millisBehindNow: fragment.millisBehindNow,
    continuationToken: fragment.continuationToken,
    tags: fragment.tags,
    bytes: document.length,
    timestamp: fragment.timestamp,
    frames: [1, 2].map((track) => {
      const own = blocks.filter((block) => block.track === track);
      return {
        track,
        count: own.length,
        timestamps: own.map((block) => block.timestamp),
        keyframes: own.filter((block) => block.keyframe).length,
        sha256: sha256(own.flatMap((block) => block.frames)),
      };
    }),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'kvs-recording-'));
try {
  make(folder);
} finally {
  rmSync(folder, { recursive: true });
}
