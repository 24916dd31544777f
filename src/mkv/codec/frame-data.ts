import { readAdtsHeader } from './aac.js';
import { CodecDataError } from './codec-error.js';
import type { MediaFormat, NalFormat } from './media-format.js';
import { joinNals, type NalCodec, nalKind, splitNals } from './nal.js';
import { isTight, knownLengthSize } from './nal-format.js';

/**
 * The data of a frame in the format that a decoder's configuration says: NAL units behind lengths where there is a description, else in Annex
 * B, where key frames begin with the parameter sets that they do not have themselves; AAC without ADTS headers where there is a description.
 *
 * @param description AVCC, HVCC or AudioSpecificConfig
 * @param keyframe whether decoding may begin at the frame
 * @returns the data itself where it is right as it is, else a copy
 * @throws CodecDataError `InvalidMediaFrame` when it is not what the codec wants, or has no picture
 */
export function frameDataFor(
  format: MediaFormat,
  data: Uint8Array,
  description: Uint8Array | undefined,
  keyframe: boolean,
): Uint8Array {
  const { nal, aac, loas } = format;
  if (loas) throw new CodecDataError('frames of AAC in LATM, which no decoder here takes', 'InvalidMediaFrame');
  if (nal !== undefined) return nalsFor(nal, data, lengthSizeOf(nal.codec, description), keyframe);
  return aac?.adts === true && description !== undefined ? withoutAdts(data) : data;
}

/** Width of the lengths that AVCC or HVCC says; 0 for none, which means Annex B. */
function lengthSizeOf(codec: NalCodec, description: Uint8Array | undefined): number {
  if (description === undefined || description.length === 0) return 0;
  return ((description[codec === 'h264' ? 4 : 21] ?? 3) & 3) + 1;
}

function nalsFor(nal: NalFormat, data: Uint8Array, wanted: number, keyframe: boolean): Uint8Array {
  const { codec, sets } = nal;
  const lengthSize = knownLengthSize(data, nal.lengthSize);
  const units = splitNals(data, lengthSize);
  const kinds = units.map((unit) => nalKind(codec, unit[0]!));
  if (!kinds.some((kind) => kind === 'slice' || kind === 'key')) {
    throw new CodecDataError('a frame without a picture', 'InvalidMediaFrame');
  }
  const needsSets = wanted === 0 && keyframe && sets.sps.length > 0 && !kinds.includes('sps');
  if (needsSets) {
    // An access unit delimiter stays the first of its access unit.
    const first = isDelimiter(codec, units[0]!) ? 1 : 0;
    const all = [...units.slice(0, first), ...sets.vps, ...sets.sps, ...sets.pps, ...units.slice(first)];
    return joinNals(all, 0);
  }
  if (lengthSize === wanted && (wanted === 0 || isTight(data, lengthSize))) return data;
  return joinNals(units, wanted);
}

/** Whether a NAL unit is an access unit delimiter. */
export function isDelimiter(codec: NalCodec, unit: Uint8Array): boolean {
  const first = unit[0] ?? 0;
  return codec === 'h264' ? (first & 31) === 9 : ((first >> 1) & 63) === 35;
}

/**
 * A frame of AAC without its ADTS header, a view.
 *
 * @throws CodecDataError `InvalidMediaFrame` when it has several
 */
export function withoutAdts(data: Uint8Array): Uint8Array {
  const header = readAdtsHeader(data);
  if (header === undefined) return data;
  if (header.frameSize < data.length) {
    throw new CodecDataError('several frames of AAC, each with a header, in one frame', 'InvalidMediaFrame');
  }
  return data.subarray(header.size);
}
