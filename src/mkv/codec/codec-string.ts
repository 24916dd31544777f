import { readAvcC } from './h264.js';
import { readHvcC } from './h265.js';
import { eachNal, isAnnexB, type NalCodec, nalKind } from './nal.js';
import { type CodecTrack, codecOf } from './track-codec.js';
import { waveExtra, waveTag } from './wave-format.js';

const NO_BYTES = new Uint8Array(0);

/**
 * The codec string of a track, as WebCodecs and Media Source Extensions take it (RFC 6381 and the codecs' registrations): `avc1.64001f`,
 * `hvc1.1.6.L93.B0`, `mp4a.40.2`, `opus`, `vp8`, `vp09.00.31.08`, `av01.0.04M.08`, `alaw`, `ulaw`, `pcm-s16` …
 *
 * @param keyframe the track's first key frame: tells it where CodecPrivate does not (VP9 without any; H.264 and H.265 in Annex B)
 * @returns `undefined` where it can't be told: another codec, CodecPrivate missing or invalid
 */
export function codecStringOf(track: CodecTrack, keyframe?: Uint8Array): string | undefined {
  const { codecId, audio } = track;
  const codec = codecOf(codecId);
  const data = track.codecPrivate ?? NO_BYTES;
  switch (codec) {
    case 'h264':
    case 'h265':
      return nalString(codec, data, keyframe);
    case 'vp9':
      return vp9String(track, data, keyframe);
    case 'av1':
      return av1String(data);
    case 'aac':
      return aacString(codecId, data);
    case 'acm': {
      const tag = waveTag(data);
      const bits = (data[14] ?? 0) + (data[15] ?? 0) * 256;
      if (tag === 0xff) return aacString(codecId, waveExtra(data));
      return tag === 6 ? 'alaw' : tag === 7 ? 'ulaw' : tag === 1 || tag === 3 ? pcmString(tag === 3, bits) : undefined;
    }
    case 'pcm-int':
    case 'pcm-float':
      return pcmString(codec === 'pcm-float', audio?.bitDepth);
    default:
      return codec;
  }
}

/**
 * What a WebCodecs decoder's configuration has as `description`: AVCC, HVCC, AudioSpecificConfig, or the headers that Opus, Vorbis and
 * FLAC keep in CodecPrivate; a view. `undefined` where there is none, as with H.264 and H.265 in Annex B, whose frames a decoder without
 * description takes as they are.
 */
export function decoderDescription(track: CodecTrack): Uint8Array | undefined {
  const data = track.codecPrivate;
  if (data === undefined || data.length === 0) return undefined;
  switch (codecOf(track.codecId)) {
    case 'h264':
    case 'h265':
      return isAnnexB(data) ? undefined : data;
    case 'aac':
    case 'opus':
    case 'vorbis':
    case 'flac':
      return data;
    case 'acm': {
      const extra = waveExtra(data);
      return waveTag(data) === 0xff && extra.length > 0 ? extra : undefined;
    }
    default:
      return undefined;
  }
}

const hex = (value: number) => value.toString(16).padStart(2, '0');
const decimal = (value: number) => String(value).padStart(2, '0');

/** That of the first sequence parameter set: in CodecPrivate, else in the key frame. Without any, the head of AVCC or HVCC has to do. */
function nalString(codec: NalCodec, data: Uint8Array, keyframe: Uint8Array | undefined): string | undefined {
  if (data.length === 0 || isAnnexB(data)) {
    const sps = firstSps(codec, data) ?? firstSps(codec, keyframe ?? data);
    return sps === undefined ? undefined : stringOfSps(codec, sps);
  }
  if (data[0] !== 1) return undefined;
  const sps = spsOfRecord(codec, data);
  return (sps === undefined ? undefined : stringOfSps(codec, sps)) ?? stringOfHead(codec, data);
}

/** The codec string that a sequence parameter set says; `undefined` when it is too short for one. */
export function stringOfSps(codec: NalCodec, sps: Uint8Array): string | undefined {
  return stringOfHead(codec, codec === 'h264' ? sps : unescapeNal(sps).subarray(2));
}

/** The first sequence parameter set of AVCC or HVCC; `undefined` when there is none, or the record cannot be read. */
function spsOfRecord(codec: NalCodec, data: Uint8Array): Uint8Array | undefined {
  const record = codec === 'h264' ? readAvcC(data) : readHvcC(data);
  return typeof record === 'string' ? undefined : record.sps[0];
}

/**
 * The strings are made of bytes that stand at the same place in a parameter set as in AVCC and HVCC, so nothing has to be parsed
 * for them: profile_idc, the flags after it and level_idc; for H.265 the 12 bytes of the general profile, tier and level.
 */
function stringOfHead(codec: NalCodec, bytes: Uint8Array): string | undefined {
  if (bytes.length < (codec === 'h264' ? 4 : 13)) return undefined;
  if (codec === 'h264') return `avc1.${hex(bytes[1]!)}${hex(bytes[2]!)}${hex(bytes[3]!)}`;
  const general = bytes[1]!;
  // ISO/IEC 14496-15 annex E.3: the compatibility flags in reverse order, the constraint flags without the zeros at their end.
  let compatibility = 0;
  for (let i = 31; i >= 0; i--) compatibility = compatibility * 2 + ((bytes[2 + (i >> 3)]! >> (7 - (i & 7))) & 1);
  let constraints = '';
  for (let i = 11, used = false; i >= 6; i--) {
    used ||= bytes[i] !== 0;
    if (used) constraints = `.${bytes[i]!.toString(16).toUpperCase()}${constraints}`;
  }
  const space = ['', 'A', 'B', 'C'][general >> 6];
  const tier = (general & 32) === 0 ? 'L' : 'H';
  return `hvc1.${space}${general & 31}.${compatibility.toString(16)}.${tier}${bytes[12]}${constraints}`;
}

function firstSps(codec: NalCodec, data: Uint8Array): Uint8Array | undefined {
  let sps: Uint8Array | undefined;
  if (isAnnexB(data)) {
    eachNal(data, 0, (start, end) => {
      if (sps === undefined && nalKind(codec, data[start]!) === 'sps') sps = data.subarray(start, end);
    });
  }
  return sps;
}

/** Drops each byte 3 that follows two zeros (H.265 section 7.4.2), as far as the profile reaches. */
export function unescapeNal(nal: Uint8Array): Uint8Array {
  return nal.subarray(0, 32).filter((byte, at) => byte !== 3 || at < 2 || nal[at - 1] !== 0 || nal[at - 2] !== 0);
}

/** The bytes of `av1C`; the form of the string is that of the AV1 ISOBMFF binding section 5. */
function av1String(data: Uint8Array): string | undefined {
  if (data.length < 4 || data[0] !== 0x81) return undefined;
  const [level, flags] = [data[1]!, data[2]!];
  const depth = (flags & 0x40) === 0 ? 8 : (flags & 0x20) === 0 ? 10 : 12;
  return `av01.${level >> 5}.${decimal(level & 31)}${(flags & 0x80) === 0 ? 'M' : 'H'}.${decimal(depth)}`;
}

/** The largest luma picture, in units of 1024 pixels, of VP9's levels 1, 1.1, 2, 2.1, 3, 3.1, 4 and 5. */
const VP9_SIZES = [36, 72, 120, 240, 540, 960, 2176, 8704];
const VP9_LEVELS = [10, 11, 20, 21, 30, 31, 40, 50, 60];

/** CodecPrivate is a list of features: id, length, value (the VP9 codec mapping of WebM); without it the key frame's header tells. */
function vp9String({ video }: CodecTrack, data: Uint8Array, keyframe: Uint8Array | undefined): string | undefined {
  const features: (number | undefined)[] = [];
  for (let at = 0; at + 2 < data.length; at += 2 + data[at + 1]!) features[data[at]!] = data[at + 2]!;
  let [, profile, level, depth] = features;
  if (profile === undefined) {
    const [byte = 0, , , , next = 0] = keyframe ?? NO_BYTES;
    profile = ((byte >> 5) & 1) | ((byte >> 3) & 2);
    // Frame marker, a frame of its own, a key frame; profile 3 has a reserved bit before.
    if (byte >> 6 !== 2 || (profile < 3 ? byte & 12 : byte & 6) !== 0) return undefined;
    depth = profile < 2 ? 8 : (next >> (profile === 2 ? 7 : 6)) & 1 ? 12 : 10;
  }
  const size = (video?.pixelWidth ?? 0) * (video?.pixelHeight ?? 0);
  level ??= VP9_LEVELS[VP9_SIZES.filter((largest) => size > largest * 1024).length]!;
  return `vp09.${decimal(profile)}.${decimal(level)}.${decimal(depth ?? (profile < 2 ? 8 : 10))}`;
}

/** The audio object type that an AudioSpecificConfig begins with (ISO/IEC 14496-3 section 1.6.2.1). */
function aacString(codecId: string, data: Uint8Array): string | undefined {
  const [first, second = 0] = data;
  if (first !== undefined) return `mp4a.40.${first >> 3 < 31 ? first >> 3 : 32 + ((first & 7) << 3) + (second >> 5)}`;
  // The older CodecIDs name the profile: A_AAC/MPEG4/LC/SBR.
  const [, , profile, extension] = codecId.split('/');
  if (extension === 'SBR') return 'mp4a.40.5';
  return profile === 'LC' ? 'mp4a.40.2' : profile === 'MAIN' ? 'mp4a.40.1' : undefined;
}

/** Little-endian samples, which are the only ones that the WebCodecs registry has names for. */
function pcmString(float: boolean, bits: number | undefined): string | undefined {
  if (float) return bits === 32 ? 'pcm-f32' : undefined;
  if (bits === 8) return 'pcm-u8';
  return bits === 16 || bits === 24 || bits === 32 ? `pcm-s${bits}` : undefined;
}
