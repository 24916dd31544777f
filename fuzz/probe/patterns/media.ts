import { AVC_PPS, AVC_SPS, HEVC_ANNEX_B, HEVC_RECORD } from '../../media-seeds.js';
import {
  cluster,
  hex,
  info,
  join,
  type Many,
  repeat,
  segment,
  simpleBlock,
  type TrackFields,
  times,
  trackEntry,
  tracks,
} from '../build.js';
import { type Pattern, pattern } from '../pattern.js';

const code = hex('00000001');
const sps = hex(AVC_SPS);
const pps = hex(AVC_PPS);
const two = (value: number) => Uint8Array.of((value >> 8) & 255, value & 255);
/** A parameter set that is another for each number. */
const distinct = (set: Uint8Array, i: number) =>
  join(set, Uint8Array.of(0x80 | (i & 127), 0x80 | ((i >> 7) & 127), 0x80 | ((i >> 14) & 127)));
const sized = (unit: Uint8Array) => join(Uint8Array.of(0, 0, unit.length >> 8, unit.length & 255), unit);
const annexB = (units: readonly Uint8Array[]) => join(...units.flatMap((unit) => [code, unit]));
const key = hex('65888400');

const stream = (track: TrackFields, frames: Many<Uint8Array>) => {
  const list = frames instanceof Uint8Array ? [frames] : frames;
  const blocks = list.map((frame, i) => simpleBlock(frame, Math.min(i * 3, 32_000)));
  return segment(info(), tracks(trackEntry(track)), cluster(0, blocks));
};
const h265 = { codecId: 'V_MPEGH/ISO/HEVC' };
const avcC = (sets: readonly Uint8Array[]) =>
  join(
    hex('014d4016ff'),
    Uint8Array.of(0xe0 | Math.min(31, sets.length)),
    ...sets.slice(0, 31).flatMap((set) => [two(set.length), set]),
    Uint8Array.of(1),
    two(pps.length),
    pps,
  );
const audio = (codecId: string, codecPrivate?: Uint8Array): TrackFields =>
  codecPrivate === undefined ? { audio: true, codecId } : { audio: true, codecId, codecPrivate };

/** CodecPrivate and frames: parameter sets, NAL units, headers of audio. */
export const MEDIA: readonly Pattern[] = [
  pattern('H.264: CodecPrivate of distinct parameter sets in Annex B', (n) =>
    stream({ codecPrivate: annexB([...times(n, (i) => distinct(sps, i)), pps]) }, join(code, key)),
  ),
  pattern('H.264: CodecPrivate of one parameter set again and again', (n) =>
    stream({ codecPrivate: annexB([...times(n, () => sps), pps]) }, join(code, key)),
  ),
  pattern('H.264: CodecPrivate of distinct picture parameter sets', (n) =>
    stream({ codecPrivate: annexB([sps, ...times(n, (i) => distinct(pps, i))]) }, join(code, key)),
  ),
  pattern('H.264: distinct parameter sets in a frame', (n) =>
    stream({}, annexB([...times(n, (i) => distinct(sps, i)), pps, key])),
  ),
  pattern('H.264: distinct parameter sets, one in each frame', (n) =>
    stream(
      {},
      times(n, (i) => annexB([distinct(sps, i), pps, key])),
    ),
  ),
  pattern('H.264: parameter sets x NAL units', (n) =>
    stream(
      { codecPrivate: annexB([...times(n, (i) => distinct(sps, i)), pps]) },
      annexB(times(n, (i) => (i % 2 === 0 ? hex('4101') : hex('6788')))),
    ),
  ),
  pattern('H.264: parameter sets x key frames', (n) =>
    stream(
      { codecPrivate: annexB([...times(n, (i) => distinct(sps, i)), pps]) },
      times(n, () => annexB([key])),
    ),
  ),
  pattern('H.264: parameter sets x key frames, lengths', (n) =>
    stream(
      { codecPrivate: annexB([...times(n, (i) => distinct(sps, i)), pps]) },
      times(n, () => sized(key)),
    ),
  ),
  pattern('H.264: AVCC of one long set x key frames', (n) =>
    stream(
      { codecPrivate: avcC([join(sps, new Uint8Array(Math.min(4000, n * 100)).fill(0x55))]) },
      times(n, () => sized(key)),
    ),
  ),
  pattern('H.264: NAL units of a byte', (n) =>
    stream({ codecPrivate: avcC([sps]) }, join(times(n, () => sized(hex('41'))))),
  ),
  pattern('H.264: NAL units without bytes', (n) => stream({ codecPrivate: avcC([sps]) }, repeat(n, hex('00000000')))),
  pattern('H.264: NAL units of a byte in Annex B', (n) =>
    stream({ codecPrivate: avcC([sps]) }, repeat(n, hex('00000141'))),
  ),
  pattern('H.264: start codes', (n) => stream({}, repeat(n, hex('000001')))),
  pattern('H.264: zeros in Annex B', (n) => stream({}, join(code, key, new Uint8Array(n)))),
  pattern('H.264: zeros before a start code', (n) => stream({}, join(new Uint8Array(n), code, key))),
  pattern('H.264: frames of zeros', (n) =>
    stream(
      {},
      times(n, () => new Uint8Array(30)),
    ),
  ),
  pattern('H.264: a parameter set of emulation bytes', (n) =>
    stream({ codecPrivate: annexB([join(hex('674d4016'), repeat(n, hex('000003'))), pps]) }, join(code, key)),
  ),
  pattern('H.264: a parameter set of zeros and ones', (n) =>
    stream({ codecPrivate: annexB([join(hex('674d4016'), repeat(n, hex('80'))), pps]) }, join(code, key)),
  ),
  pattern('H.264: SEI units', (n) =>
    stream(
      { codecPrivate: avcC([sps]) },
      join(
        times(n, () => sized(hex('060580'))),
        sized(key),
      ),
    ),
  ),
  pattern('H.264: access unit delimiters', (n) =>
    stream(
      { codecPrivate: avcC([sps]) },
      join(
        times(n, () => sized(hex('0910'))),
        sized(key),
      ),
    ),
  ),
  pattern('H.264: access units in a Block each slice', (n) =>
    stream(
      { codecPrivate: avcC([sps]) },
      times(n, () => sized(hex('41e0'))),
    ),
  ),
  pattern('H.264: frames of the other NAL format', (n) =>
    stream(
      { codecPrivate: avcC([sps]) },
      times(n, () => join(code, key)),
    ),
  ),
  pattern('H.264: no CodecPrivate and no parameter sets', (n) =>
    stream(
      {},
      times(n, () => join(code, key)),
    ),
  ),
  pattern('H.265: CodecPrivate of distinct parameter sets', (n) =>
    stream(
      { ...h265, codecPrivate: join(hex(HEVC_ANNEX_B), annexB(times(n, (i) => distinct(hex('4201'), i)))) },
      hex('0000000526018f0a10'),
    ),
  ),
  pattern('H.265: distinct parameter sets in frames', (n) =>
    stream(
      h265,
      times(n, (i) => join(hex(HEVC_ANNEX_B), code, distinct(hex('4201'), i), code, hex('26018f'))),
    ),
  ),
  pattern('H.265: HVCC of many arrays', (n) =>
    stream({ ...h265, codecPrivate: join(hex(HEVC_RECORD), repeat(n, hex('a00000'))) }, hex('0000000526018f0a10')),
  ),
  pattern('H.265: NAL units of two bytes', (n) =>
    stream({ ...h265, codecPrivate: hex(HEVC_RECORD) }, join(times(n, () => sized(hex('0201'))))),
  ),
  pattern('AAC: ADTS frames', (n) =>
    stream(
      audio('A_AAC'),
      times(n, () => hex('fff15080011ffc2110')),
    ),
  ),
  pattern('AAC: many ADTS frames in a Block', (n) => stream(audio('A_AAC'), repeat(n, hex('fff15080011ffc2110')))),
  pattern('AAC: beginnings of ADTS headers', (n) => stream(audio('A_AAC'), repeat(n, hex('fff1')))),
  pattern('AAC: a long AudioSpecificConfig', (n) =>
    stream(audio('A_AAC', join(hex('1190'), new Uint8Array(n))), hex('2110')),
  ),
  pattern('G.711', (n) =>
    stream(
      audio('A_MS/ACM', hex('06000100401f0000401f0000010008000000')),
      times(n, () => new Uint8Array(20)),
    ),
  ),
  pattern('G.711: a long WAVEFORMATEX', (n) =>
    stream(audio('A_MS/ACM', join(hex('06000100401f0000401f0000010008000000'), new Uint8Array(n))), hex('55')),
  ),
  pattern('PCM', (n) =>
    stream(
      audio('A_PCM/INT/LIT'),
      times(n, () => new Uint8Array(8)),
    ),
  ),
  pattern('Opus', (n) =>
    stream(
      audio('A_OPUS', hex('4f707573486561640102380180bb0000000000')),
      times(n, () => hex('fcfffe')),
    ),
  ),
  pattern('Opus: many frames in a packet', (n) =>
    stream(
      audio('A_OPUS', hex('4f707573486561640102380180bb0000000000')),
      times(n, () => join(hex('ffbf'), new Uint8Array(40))),
    ),
  ),
  pattern('Vorbis: a CodecPrivate of many sizes', (n) =>
    stream(audio('A_VORBIS', join(hex('02'), new Uint8Array(n).fill(255))), hex('00')),
  ),
  pattern('MP3', (n) =>
    stream(
      audio('A_MPEG/L3'),
      times(n, () => hex('fffb9064')),
    ),
  ),
  pattern('AC-3', (n) =>
    stream(
      audio('A_AC3'),
      times(n, () => hex('0b7700001e')),
    ),
  ),
  pattern('FLAC', (n) => stream(audio('A_FLAC', join(hex('664c6143'), repeat(n, hex('04000000')))), hex('fff8'))),
  pattern('VP9', (n) =>
    stream(
      { codecId: 'V_VP9' },
      times(n, () => hex('82498342')),
    ),
  ),
  pattern('AV1', (n) =>
    stream(
      { codecId: 'V_AV1' },
      times(n, () => hex('1200')),
    ),
  ),
  pattern('AV1: many units in a frame', (n) => stream({ codecId: 'V_AV1' }, repeat(n, hex('1200')))),
  pattern('MJPEG: markers', (n) => stream({ codecId: 'V_MJPEG' }, join(hex('ffd8'), repeat(n, hex('ffe00002'))))),
];
