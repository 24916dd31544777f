import { createHash } from 'node:crypto';
import { FragmentListConsumer } from '../../src/client/fragment-list-consumer.js';
import { GetMediaConsumer } from '../../src/client/get-media-consumer.js';
import type { Fragment } from '../../src/fragments/fragment.js';
import { type GetMediaWriteOptions, writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { FakeArchive } from '../../test/client/support/fake-archive.js';
import { FakeClock } from '../../test/client/support/fake-clock.js';
import { FakeService } from '../../test/client/support/fake-service.js';
import { type StoredFragment, seeded } from '../../test/client/support/stored-stream.js';
import { noise } from '../../test/support/bytes.js';
import type { Place } from './flips.js';

/** The consumers whose readings are made wrong. */
export type ConsumerKind = 'GetMediaConsumer' | 'FragmentListConsumer';

const COUNT = 5;
const EPOCH = 1_700_000_000_000;
const DURATION_MS = 160;
const RANGE = { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date(2 * EPOCH) } as const;

/** Fragments of one stream, as a service keeps them: two tracks. */
export function consumedStream(options: GetMediaWriteOptions): StoredFragment[] {
  return Array.from({ length: COUNT }, (_, index) => {
    const number = String(91343852333181432682062607743920142267644735n * 1000n + BigInt(index));
    const time = EPOCH + index * DURATION_MS;
    const bytes = writeGetMediaFragment(
      {
        tracks: [
          {
            number: 1,
            codecId: 'V_VP8',
            name: 'video',
            video: { pixelWidth: 320, pixelHeight: 240 },
            codecPrivate: noise(20, 1),
          },
          { number: 2, codecId: 'A_OPUS', name: 'audio', audio: { samplingFrequency: 48_000, channels: 1 } },
        ],
        fragmentNumber: number,
        serverTimestamp: time + 40,
        producerTimestamp: time,
        continuationToken: number,
        millisBehindNow: 0,
        blocks: [0, 1, 2, 3].map((i) => ({
          track: 1 + (i % 2),
          timestamp: (index * 4 + i) * 40_000,
          keyframe: i < 2,
          frames: [vp8(index * 4 + i, i < 2)],
        })),
      },
      options,
    );
    return {
      number,
      token: number,
      availableAt: 0,
      producedAt: time,
      receivedAt: time + 40,
      bytes,
      frames: 4,
      identity: number,
    };
  });
}

/** A frame whose bytes say whether it is a key frame. */
function vp8(seed: number, keyframe: boolean): Uint8Array {
  const frame = noise(40, seed);
  frame[0] = ((frame[0] ?? 0) & 0xfe) | (keyframe ? 0 : 1);
  return frame;
}

/** The same fragment with one bit wrong, counted from the beginning of its document. */
function withBit(fragment: StoredFragment, bit: number): StoredFragment {
  const bytes = fragment.bytes.slice();
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return { ...fragment, bytes };
}

/** All of a fragment that one wrong bit of how it is described can change: tracks, times, and the frames themselves. */
function lineOf({ fragmentNumber, tracks, frames }: Fragment): string {
  const described = tracks.map(({ number, type, codecId, codecPrivate, name, video, audio }) => [
    number,
    type,
    codecId,
    name,
    codecPrivate === undefined ? '' : Buffer.from(codecPrivate).toString('hex'),
    video?.pixelWidth,
    video?.pixelHeight,
    audio?.samplingFrequency,
    audio?.channels,
  ]);
  const read = frames.map(({ track, timestamp, keyframe, data }) => [
    track.number,
    timestamp,
    keyframe,
    createHash('md5').update(data).digest('hex'),
  ]);
  return JSON.stringify([fragmentNumber, described, read]);
}

/** What a consumer has handed out, and whether it has told anything. */
interface Consumed {
  readonly lines: readonly string[];
  readonly told: boolean;
  /** How often media were asked for. */
  readonly calls: number;
}

/**
 * What a consumer makes of a stream of which one fragment has a wrong bit the first time that it comes.
 *
 * @param place of the fragment
 * @param bit counted from the beginning of its document; `undefined`: nothing is wrong
 */
export async function consume(
  kind: ConsumerKind,
  stream: readonly StoredFragment[],
  place: number,
  bit: number | undefined,
): Promise<Consumed> {
  return kind === 'GetMediaConsumer' ? readLive(stream, place, bit) : readStored(stream, place, bit);
}

async function readLive(stream: readonly StoredFragment[], place: number, bit: number | undefined): Promise<Consumed> {
  const clock = new FakeClock();
  const service = new FakeService(clock, stream);
  let isSent = false;
  service.alter = (fragment) => {
    if (isSent || bit === undefined || fragment !== stream[place]) return fragment;
    isSent = true;
    return withBit(fragment, bit);
  };
  let told = false;
  const consumer = new GetMediaConsumer({
    streamName: 'stream',
    client: service.control,
    createMediaClient: service.createMediaClient,
    start: { type: 'EARLIEST' },
    clock,
    verifyCrc: true,
    random: seeded(3),
    onGap: () => {
      told = true;
    },
  });
  const lines: string[] = [];
  const last = stream.at(-1)?.number;
  const work = async () => {
    for await (const fragment of consumer) {
      lines.push(lineOf(fragment));
      if (fragment.fragmentNumber === last) break;
    }
  };
  await clock.run(work());
  return { lines, told, calls: service.selectors().length };
}

async function readStored(stream: readonly StoredFragment[], place: number, bit: number | undefined) {
  const clock = new FakeClock();
  const archive = new FakeArchive(clock, stream, seeded(1));
  archive.told = () => ({ size: undefined, durationMs: DURATION_MS });
  archive.replaced = (number, time) => {
    const fragment = stream[place];
    const isWrong = bit !== undefined && fragment?.number === number && time === 1;
    return isWrong ? withBit(fragment, bit).bytes : undefined;
  };
  let told = false;
  const consumer = new FragmentListConsumer({
    streamName: 'stream',
    client: archive.control,
    createArchivedMediaClient: archive.createArchivedMediaClient,
    range: RANGE,
    clock,
    verifyCrc: true,
    random: seeded(3),
    onFailure: () => {
      told = true;
    },
  });
  const lines: string[] = [];
  const work = async () => {
    for await (const fragment of consumer) lines.push(lineOf(fragment));
  };
  await clock.run(work());
  const calls = archive.calls.filter(({ operation }) => operation === 'GetMediaForFragmentList').length;
  return { lines, told, calls };
}

/**
 * Which of the places nobody is told of, though what is handed out differs, when their bit is wrong once.
 *
 * @param place of the fragment whose bits the places are, from the beginning of its document
 */
export async function findConsumerSilences(
  kind: ConsumerKind,
  stream: readonly StoredFragment[],
  place: number,
  bits: readonly Place[],
): Promise<Place[]> {
  const { lines } = await consume(kind, stream, place, undefined);
  const silences: Place[] = [];
  for (const each of bits) {
    const consumed = await consume(kind, stream, place, each.bit);
    if (!consumed.told && consumed.lines.join() !== lines.join()) silences.push(each);
  }
  return silences;
}
