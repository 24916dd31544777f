import { count } from '../ebml/plural.js';
import { type AacConfig, parseAudioSpecificConfig } from '../mkv/codec/aac.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import { type H264Sps, parseH264Sps, readAvcC } from '../mkv/codec/h264.js';
import { type H265Profile, type H265Sps, parseH265Sps, readHvcC } from '../mkv/codec/h265.js';
import type { NalFormat } from '../mkv/codec/media-format.js';
import type { NalCodec } from '../mkv/codec/nal.js';
import { parseWaveFormat } from '../mkv/codec/wave-format.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { DescriptionField, DescriptionPart } from './protocol.js';

/** More parameter sets than this are not taken apart. */
const MOST_SETS = 32;

/** What a track's decoder is told, taken apart: by what its frames have shown, where they have. */
export function describeTrack(track: TrackMetadata): DescriptionPart[] {
  const { nal, aac, pcm } = track.format;
  if (nal !== undefined) return describeNals(nal);
  if (aac !== undefined)
    return [part('AudioSpecificConfig', aac.config, () => aacFields(parseAudioSpecificConfig(aac.config)))];
  if (pcm !== undefined) {
    const { coding, sampleRate, channels, basis } = pcm;
    return [
      { title: 'Samples', bytes: new Uint8Array(0), fields: fields({ coding, sampleRate, channels, knownBy: basis }) },
    ];
  }
  const { codecPrivate, codecId } = track;
  if (codecPrivate === undefined || codecPrivate.length === 0) return [];
  if (codecId === 'A_MS/ACM') return [part('WAVEFORMATEX', codecPrivate, () => waveFields(codecPrivate))];
  if (codecId === 'A_OPUS') return [part('OpusHead', codecPrivate, () => opusFields(codecPrivate))];
  return [part('CodecPrivate', codecPrivate, () => [])];
}

function describeNals({ codec, lengthSize, sets, record, inBand, sps }: NalFormat): DescriptionPart[] {
  const parts: DescriptionPart[] = [];
  if (record !== undefined) {
    const title = codec === 'h264' ? 'AVCDecoderConfigurationRecord' : 'HEVCDecoderConfigurationRecord';
    parts.push(part(title, record, () => recordFields(codec, record)));
  }
  const stored = lengthSize === 0 ? 'Annex B start codes' : `lengths of ${count(lengthSize, 'byte')}`;
  const frames = { nalUnits: stored, parameterSetsInBand: inBand, picture: sps && `${sps.width}x${sps.height}` };
  parts.push({ title: 'Frames', bytes: new Uint8Array(0), fields: fields(frames) });
  const all: [string, Uint8Array, (() => DescriptionField[])?][] = [
    ...sets.vps.map((set): [string, Uint8Array] => ['Video parameter set', set]),
    ...sets.sps.map((set): [string, Uint8Array, () => DescriptionField[]] => [
      'Sequence parameter set',
      set,
      () => spsFields(codec, set),
    ]),
    ...sets.pps.map((set): [string, Uint8Array] => ['Picture parameter set', set]),
  ];
  for (const [title, set, read] of all.slice(0, MOST_SETS)) parts.push(part(title, set, read ?? (() => [])));
  return parts;
}

function recordFields(codec: NalCodec, data: Uint8Array): DescriptionField[] {
  if (codec === 'h264') {
    const record = readAvcC(data);
    if (typeof record === 'string') return fields({ problem: record });
    return fields({
      ...h264Profile(record),
      NALUnitLength: count(record.lengthSize, 'byte'),
      sequenceParameterSets: record.sps.length,
      pictureParameterSets: record.pps.length,
    });
  }
  const record = readHvcC(data);
  if (typeof record === 'string') return fields({ problem: record });
  return fields({
    ...h265Profile(record),
    NALUnitLength: count(record.lengthSize, 'byte'),
    videoParameterSets: record.vps.length,
    sequenceParameterSets: record.sps.length,
    pictureParameterSets: record.pps.length,
  });
}

function spsFields(codec: NalCodec, set: Uint8Array): DescriptionField[] {
  if (codec === 'h264') {
    const sps = parseH264Sps(set);
    return fields({ ...h264Profile(sps), ...pictureOf(sps) });
  }
  const sps = parseH265Sps(set);
  return fields({ ...h265Profile(sps), ...pictureOf(sps) });
}

function pictureOf(sps: H264Sps | H265Sps) {
  return {
    picture: `${sps.width}x${sps.height}`,
    chroma_format_idc: named(sps.chromaFormat, ['4:0:0', '4:2:0', '4:2:2', '4:4:4']),
    bit_depth_luma: sps.bitDepthLuma,
    bit_depth_chroma: sps.bitDepthChroma,
    max_num_reorder_frames: sps.maxReorder,
    sampleAspectRatio: sps.pixelAspect?.join(':'),
    vui: sps.hintsRead ? undefined : 'cannot be read to its end',
  };
}

/** Names of H.264 table A.1's profiles, by profile_idc. */
const H264_PROFILES: Readonly<Record<number, string>> = {
  66: 'Baseline',
  77: 'Main',
  88: 'Extended',
  100: 'High',
  110: 'High 10',
  122: 'High 4:2:2',
  244: 'High 4:4:4 Predictive',
};

/** constraint_set1_flag: with Baseline, what is left of it. */
const CONSTRAINED = 0x40;
/** constraint_set3_flag: with level_idc 11, level 1b (H.264 section A.3.1). */
const LEVEL_1B = 0x10;

function h264Profile({ profile, compatibility, level }: { profile: number; compatibility: number; level: number }) {
  const bare = H264_PROFILES[profile];
  const name = profile === 66 && (compatibility & CONSTRAINED) !== 0 ? 'Constrained Baseline' : bare;
  const is1b = level === 11 && (compatibility & LEVEL_1B) !== 0 && profile < 100;
  return {
    profile_idc: name === undefined ? profile : `${profile} (${name})`,
    constraint_flags: `0x${compatibility.toString(16).padStart(2, '0')}`,
    level_idc: `${level} (${is1b ? '1b' : level / 10})`,
  };
}

/** Names of H.265 annex A's profiles, by general_profile_idc. */
const H265_PROFILES: Readonly<Record<number, string>> = {
  1: 'Main',
  2: 'Main 10',
  3: 'Main Still Picture',
  4: 'Format Range Extensions',
  5: 'High Throughput',
  6: 'Multiview Main',
  7: 'Scalable Main',
  9: 'Screen Content Coding Extensions',
};

function h265Profile({ profile, tier, level }: H265Profile) {
  const name = H265_PROFILES[profile];
  return {
    general_profile_idc: name === undefined ? profile : `${profile} (${name})`,
    general_tier_flag: named(tier, ['Main', 'High']),
    general_level_idc: `${level} (${level / 30})`,
  };
}

const OBJECT_TYPES: Readonly<Record<number, string>> = {
  1: 'AAC Main',
  2: 'AAC LC',
  3: 'AAC SSR',
  4: 'AAC LTP',
  5: 'SBR',
  29: 'PS',
  23: 'ER AAC LD',
  39: 'ER AAC ELD',
  42: 'USAC',
};

function aacFields(config: AacConfig): DescriptionField[] {
  const { objectType, samplingFrequency, outputSamplingFrequency, channelConfiguration, channels, sbr, ps } = config;
  const name = OBJECT_TYPES[objectType];
  return fields({
    audioObjectType: name === undefined ? objectType : `${objectType} (${name})`,
    samplingFrequency: `${samplingFrequency} Hz`,
    outputSamplingFrequency: `${outputSamplingFrequency} Hz`,
    channelConfiguration,
    channels,
    frameLength: `${config.frameLength} samples`,
    sbr,
    ps,
  });
}

function waveFields(data: Uint8Array): DescriptionField[] {
  const { formatTag, channels, samplingFrequency, blockAlign, bitsPerSample } = parseWaveFormat(data);
  const name = { 1: 'PCM', 3: 'float', 6: 'A-law', 7: 'mu-law', 255: 'AAC' }[formatTag];
  return fields({
    wFormatTag: name === undefined ? formatTag : `${formatTag} (${name})`,
    nChannels: channels,
    nSamplesPerSec: samplingFrequency,
    nBlockAlign: blockAlign,
    wBitsPerSample: bitsPerSample,
  });
}

/** RFC 7845 section 5.1. */
function opusFields(data: Uint8Array): DescriptionField[] {
  if (data.length < 19) return [];
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return fields({
    version: view.getUint8(8),
    channelCount: view.getUint8(9),
    preSkip: `${view.getUint16(10, true)} samples`,
    inputSampleRate: `${view.getUint32(12, true)} Hz`,
    outputGain: `${view.getInt16(16, true) / 256} dB`,
    channelMappingFamily: view.getUint8(18),
  });
}

function named(value: number, names: readonly string[]): string {
  const name = names[value];
  return name === undefined ? String(value) : `${value} (${name})`;
}

function fields(values: Readonly<Record<string, string | number | boolean | undefined>>): DescriptionField[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value) }],
  );
}

/** A part whose bytes may be anything. */
function part(title: string, bytes: Uint8Array, read: () => DescriptionField[]): DescriptionPart {
  const copy = new Uint8Array(bytes);
  try {
    return { title, bytes: copy, fields: read() };
  } catch (error) {
    if (!(error instanceof CodecDataError)) throw error;
    return { title, bytes: copy, fields: fields({ problem: error.message }) };
  }
}
