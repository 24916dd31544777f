import { concatBytes } from '../src/ebml/writer.js';
import { writeAvcC } from '../src/mkv/codec/h264.js';
import { writeGetMediaFragment } from '../src/testing/get-media-writer.js';
import type { TrackInput } from '../src/testing/track-writer.js';
import { recordedFragments } from './seeds.js';

const hex = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'));

/** Parameter sets of H.264 (320 x 240, made by x264) and a HEVCDecoderConfigurationRecord (64 x 48, made by x265). */
export const AVC_SPS = '674d4016bb088283f60220000003002000000641e2c5b08c';
export const AVC_PPS = '68e843874b20';
export const HEVC_RECORD =
  '0101600000009000000000001ef000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003001e95940921000100294' +
  '2010101600000030090000003000003001ea0208316595952930bc05a02000003000200000300321022000100064401c073c089';
/** VPS, SPS and PPS of H.265 in Annex B (320 x 240, made by x265). */
export const HEVC_ANNEX_B =
  '0000000140010c01ffff01600000030090000003000003003c9590090000000142010101600000030090000003000003003ca00a080f165959' +
  '12930bc05a020000030002000003003210000000014401c073c189';

const G711 = hex('06000100401f0000401f0000010008000000');
const AAC = hex('1190');

function fragment(
  index: number,
  video: TrackInput,
  audio: TrackInput,
  picture: Uint8Array,
  other: Uint8Array,
): Uint8Array {
  // In decode order: a key frame, one that is shown later, two between them.
  const shown = [0, 120, 40, 80];
  return writeGetMediaFragment({
    tracks: [video, audio],
    fragmentNumber: String(index + 1),
    producerTimestamp: 1_700_000_000_000 + index * 200,
    continuationToken: String(index + 1),
    blocks: [0, 1, 2, 3].flatMap((i) => [
      {
        track: 1,
        timestamp: (index * 200 + (shown[i] ?? 0)) * 1000,
        keyframe: i === 0,
        frames: [i === 0 ? picture : other],
      },
      { track: 2, timestamp: (index * 200 + i * 40) * 1000, keyframe: true, frames: [new Uint8Array(10).fill(i)] },
    ]),
  });
}

/** Streams of small frames of every codec that is remuxed, and the recording. */
export function mediaSeeds(): Uint8Array[] {
  const avc = writeAvcC([hex(AVC_SPS)], [hex(AVC_PPS)]);
  const h264: TrackInput = {
    number: 1,
    codecId: 'V_MPEG4/ISO/AVC',
    codecPrivate: avc,
    video: { pixelWidth: 320, pixelHeight: 240 },
  };
  const h265: TrackInput = { ...h264, codecId: 'V_MPEGH/ISO/HEVC', codecPrivate: hex(HEVC_RECORD) };
  const aac: TrackInput = {
    number: 2,
    codecId: 'A_AAC',
    codecPrivate: AAC,
    audio: { samplingFrequency: 48_000, channels: 2 },
  };
  const g711: TrackInput = {
    number: 2,
    codecId: 'A_MS/ACM',
    codecPrivate: G711,
    audio: { samplingFrequency: 8000, channels: 1 },
  };
  const { codecPrivate: _, ...bare } = h264;
  const annexB = hex(`00000001${AVC_SPS}00000001${AVC_PPS}00000165888400`);
  const streams = [
    [h264, aac, hex('0000000465888400'), hex('00000003419a24')],
    [h264, g711, hex('0000000465888400'), hex('00000003419a24')],
    [bare, g711, annexB, hex('00000001419a24')],
    [h265, aac, hex('0000000526018f0a10'), hex('000000040201d011')],
    [{ ...h265, codecPrivate: hex(HEVC_ANNEX_B) }, g711, hex('0000000126018f0a10'), hex('000000010201d011')],
  ] as const;
  return [
    ...streams.map(([video, audio, key, other]) =>
      concatBytes([0, 1, 2].map((index) => fragment(index, video, audio, key, other))),
    ),
    concatBytes(streams.map(([video, audio, key, other], index) => fragment(index, video, audio, key, other))),
    concatBytes(recordedFragments(3, 100_000)).subarray(0, 16_000),
  ].map((bytes) => Uint8Array.from(bytes));
}
