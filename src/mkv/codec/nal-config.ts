import { CodecDataError } from './codec-error.js';
import { readAvcC, writeAvcC } from './h264.js';
import { readHvcC, writeHvcC } from './h265.js';
import { eachNal, isAnnexB, type NalCodec, nalKind, splitNals } from './nal.js';
import { type CodecTrack, codecOf } from './track-codec.js';

/** How the frames of an H.264 or H.265 track are stored, and the parameter sets that CodecPrivate has. */
export interface NalConfig {
  readonly codec: NalCodec;
  /** Width of the length before each NAL unit of a frame, 1 to 4 bytes; 0 for Annex B. */
  readonly lengthSize: number;
  /** NAL units without length or start code, as views; `vps` is empty for H.264. */
  readonly vps: readonly Uint8Array[];
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/**
 * Reads the CodecPrivate of an H.264 or H.265 track: AVCC or HVCC, or parameter sets in Annex B. Without CodecPrivate the frames are
 * taken to be in Annex B.
 *
 * @returns `undefined` for every other codec
 * @throws CodecDataError when CodecPrivate is neither
 */
export function nalConfigOf(track: CodecTrack): NalConfig | undefined {
  const config = readNalConfig(track);
  if (typeof config === 'string') throw new CodecDataError(config);
  return config;
}

/**
 * The same without an error.
 *
 * @returns what is wrong when CodecPrivate is neither; `undefined` for every other codec
 */
export function readNalConfig({ codecId, codecPrivate }: CodecTrack): NalConfig | string | undefined {
  const codec = codecOf(codecId);
  if (codec !== 'h264' && codec !== 'h265') return undefined;
  const data = codecPrivate ?? new Uint8Array(0);
  if (data.length === 0 || isAnnexB(data)) {
    return { codec, lengthSize: 0, ...parameterSets(codec, splitNals(data, 0, 'InvalidCodecPrivateData')) };
  }
  const record = codec === 'h264' ? readAvcC(data) : readHvcC(data);
  return typeof record === 'string' ? record : { codec, vps: [], ...record };
}

/** Sorts out the parameter sets among NAL units; of equal ones the first. */
export function parameterSets(codec: NalCodec, units: readonly Uint8Array[]): Pick<NalConfig, 'vps' | 'sps' | 'pps'> {
  const sets: { vps: Uint8Array[]; sps: Uint8Array[]; pps: Uint8Array[] } = { vps: [], sps: [], pps: [] };
  const known = new Set<string>();
  for (const unit of units) {
    const kind = nalKind(codec, unit[0] ?? 0);
    if (kind !== 'vps' && kind !== 'sps' && kind !== 'pps') continue;
    const key = keyOf(unit);
    if (!known.has(key)) sets[kind].push(unit);
    known.add(key);
  }
  return sets;
}

const CHARACTERS = 4096;

/** The bytes as a string of as many characters, to look them up by. */
export function keyOf(bytes: Uint8Array): string {
  let key = '';
  for (let at = 0; at < bytes.length; at += CHARACTERS) {
    key += String.fromCharCode(...bytes.subarray(at, at + CHARACTERS));
  }
  return key;
}

/**
 * Builds AVCC or HVCC from parameter sets.
 *
 * @param lengthSize width of the length before each NAL unit of a frame, 1, 2 or 4 bytes
 * @throws CodecDataError when there is no sequence parameter set, or one is invalid
 */
export function writeDecoderConfig(
  config: Pick<NalConfig, 'codec' | 'vps' | 'sps' | 'pps'>,
  lengthSize = 4,
): Uint8Array {
  return config.codec === 'h264'
    ? writeAvcC(config.sps, config.pps, lengthSize)
    : writeHvcC(config.vps, config.sps, config.pps, lengthSize);
}

/**
 * Whether decoding can start at a frame: an IDR picture of H.264, an IRAP picture of H.265.
 *
 * @throws CodecDataError when the frame is not stored with that length size
 */
export function isNalKeyframe(codec: NalCodec, frame: Uint8Array, lengthSize: number): boolean {
  let key = false;
  eachNal(frame, lengthSize, (start) => {
    key ||= nalKind(codec, frame[start]!) === 'key';
  });
  return key;
}
