import { sameBytes } from '../ebml/bytes.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import { pictureShape } from '../mkv/codec/picture-shape.js';
import { parseWaveFormat } from '../mkv/codec/wave-format.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { type Mp4ErrorCode, Mp4RemuxError } from './remux-error.js';

/** What all tracks of an MP4 have. */
interface TrackSetupBase {
  /** The Matroska track it is made from. */
  readonly track: TrackMetadata;
  /** The `codecs` parameter of a MIME type, for this track (RFC 6381). */
  readonly codec: string;
  /** Ticks per second of the track's times. */
  readonly timescale: number;
  /** What the decoder is configured with: the content of avcC or hvcC, the AudioSpecificConfig; empty for G.711. */
  readonly config: Uint8Array;
}

/** A video track of an MP4. */
export interface VideoSetup extends TrackSetupBase {
  readonly kind: 'video';
  /** The sample entry. */
  readonly format: 'avc1' | 'hvc1';
  /** Of the picture, in pixels, as its parameter sets say. */
  readonly width: number;
  readonly height: number;
  /** The shape of a pixel, width and height; `undefined` where it is a square. */
  readonly pixelAspect: readonly [number, number] | undefined;
  /** How deep pictures are reordered; `undefined` where the parameter sets do not say. */
  readonly reorder: number | undefined;
  /** Width of the lengths in MP4. */
  readonly lengthSize: number;
}

/** An audio track of an MP4. */
export interface AudioSetup extends TrackSetupBase {
  readonly kind: 'audio';
  /** The sample entry. */
  readonly format: 'mp4a' | 'alaw' | 'ulaw';
  readonly channels: number;
  /** Whether frames have ADTS headers, which MP4 leaves out. */
  readonly adts: boolean;
  /** How many ticks a frame of so many bytes lasts; not an integer when the frame is cut. */
  frameDuration(size: number): number;
}

/** How a track goes into MP4. */
export type TrackSetup = VideoSetup | AudioSetup;

/** MP4 times of video: every millisecond is a whole number of them, and so are the frames of the usual rates. */
const VIDEO_TIMESCALE = 90_000;

/** Setups that have been found out: tracks are the same objects for as long as nothing about them changes. */
const found = new WeakMap<TrackMetadata, TrackSetup>();

/**
 * Finds out how a track goes into MP4, by what its frames are.
 *
 * @param track that of the frames
 * @param known the setup of the fragment before: kept where this one has no parameter sets of its own
 * @throws Mp4RemuxError when it does not
 */
export function setUpTrack(
  track: TrackMetadata,
  known: TrackSetup | undefined,
  fragment: FragmentMetadata | undefined,
): TrackSetup {
  const before = found.get(track);
  if (before !== undefined) return before;
  const setup = findSetup(track, known, fragment);
  if (setup.track === track) found.set(track, setup);
  return setup;
}

function findSetup(
  track: TrackMetadata,
  known: TrackSetup | undefined,
  fragment: FragmentMetadata | undefined,
): TrackSetup {
  const fail = (code: Mp4ErrorCode, text: string) => new Mp4RemuxError(code, text, { track, fragment });
  const { storage } = track.contentEncoding;
  if (storage !== 'plain') {
    const how = storage === 'unknown' ? 'in a way that is not known' : storage;
    throw fail('UnsupportedStreamMediaType', `frames are stored ${how}`);
  }
  const { codec, pcm, loas } = track.format;
  if (loas) throw fail('UnsupportedStreamMediaType', 'the frames are LATM in LOAS, which does not go into MP4 here');
  if (pcm?.coding === 's16')
    throw fail('UnsupportedStreamMediaType', 'the frames are PCM, which does not go into MP4 here');
  if (pcm !== undefined) return setUpG711(track, pcm.coding, pcm.channels, pcm.sampleRate);
  try {
    if (codec === 'h264' || codec === 'h265') {
      const setup = setUpVideo(track, known);
      if (setup === undefined) throw fail('MissingCodecPrivateData', 'there are no parameter sets');
      return setup;
    }
    if (codec === 'aac' || codec === 'acm') {
      const missing = track.codecPrivate === undefined || track.codecPrivate.length === 0;
      if (missing && track.format.aac === undefined) {
        throw fail('MissingCodecPrivateData', 'there is no CodecPrivate, and the frames do not say what it would');
      }
      const setup = codec === 'acm' ? (setUpWave(track) ?? setUpAac(track)) : setUpAac(track);
      if (setup !== undefined) return setup;
    }
  } catch (error) {
    if (error instanceof CodecDataError) throw fail(error.code, error.message);
    throw error;
  }
  throw fail('UnsupportedStreamMediaType', 'this codec does not go into MP4');
}

function setUpVideo(track: TrackMetadata, known: TrackSetup | undefined): VideoSetup | undefined {
  const { format } = track;
  const { nal, codecString } = format;
  if (nal === undefined) return undefined;
  const { record, sps, codec, sets } = nal;
  if (sets.sps.length === 0) {
    if (known?.kind === 'video' && isSameSource(known.track, track)) return known;
    if (format.disagreements.some(({ rule }) => rule === 'CodecPrivate')) {
      throw new CodecDataError('CodecPrivate is no configuration of this codec');
    }
    return undefined;
  }
  if (record === undefined || sps === undefined || codecString === undefined) {
    throw new CodecDataError('the sequence parameter set cannot be read');
  }
  const config = marked(codec, record);
  return {
    kind: 'video',
    format: codec === 'h264' ? 'avc1' : 'hvc1',
    track,
    codec: codecString,
    timescale: VIDEO_TIMESCALE,
    config,
    width: sps.width,
    height: sps.height,
    pixelAspect: pixelAspectOf(track, sps.pixelAspect),
    reorder: sps.maxReorder,
    lengthSize: ((config[codec === 'h264' ? 4 : 21] ?? 3) & 3) + 1,
  };
}

function isSameSource(a: TrackMetadata, b: TrackMetadata): boolean {
  return a.codecId === b.codecId && sameBytes(a.codecPrivate ?? NO_BYTES, b.codecPrivate ?? NO_BYTES);
}

const NO_BYTES = new Uint8Array(0);

/** AVCC or HVCC with the bits set that the standard wants. */
function marked(codec: 'h264' | 'h265', record: Uint8Array): Uint8Array {
  const config = record.slice();
  if (codec === 'h264') {
    // Reserved bits, which some producers leave at 0.
    config[4] = (config[4] ?? 0) | 0xfc;
    config[5] = (config[5] ?? 0) | 0xe0;
    return config;
  }
  // "hvc1" says that all parameter sets are here (array_completeness).
  let at = 23;
  for (let arrays = config[22] ?? 0; arrays > 0 && at + 3 <= config.length; arrays--) {
    const type = config[at]! & 63;
    if (type >= 32 && type <= 34) config[at]! |= 0x80;
    let count = config[at + 1]! * 256 + config[at + 2]!;
    for (at += 3; count > 0 && at + 2 <= config.length; count--) at += 2 + config[at]! * 256 + config[at + 1]!;
  }
  return config;
}

/** The shape of a pixel, where the source says that it is no square. */
function pixelAspectOf(
  track: TrackMetadata,
  said: readonly [number, number] | undefined,
): readonly [number, number] | undefined {
  const shape = pictureShape(track.video, track.format.nal?.sps);
  if (shape === undefined) return undefined;
  const { width, height, displayWidth, displayHeight } = shape;
  const across = displayWidth * height;
  const down = displayHeight * width;
  // Sizes are whole numbers of pixels: half a percent is what they may be off.
  if (said !== undefined && isNear(across * said[1], down * said[0])) return isNear(...said) ? undefined : said;
  if (isNear(across, down) || across > down * 16 || down > across * 16) return undefined;
  const divisor = greatestDivisor(across, down);
  return [across / divisor, down / divisor];
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) * 200 <= b;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

function setUpWave(track: TrackMetadata): AudioSetup | undefined {
  const codec = track.format.codecString;
  if (codec !== 'alaw' && codec !== 'ulaw') return undefined;
  const { channels, samplingFrequency } = parseWaveFormat(track.codecPrivate ?? NO_BYTES);
  return setUpG711(track, codec, channels, samplingFrequency);
}

function setUpG711(track: TrackMetadata, codec: 'alaw' | 'ulaw', channels: number, timescale: number): AudioSetup {
  return {
    kind: 'audio',
    format: codec,
    track,
    codec,
    timescale,
    config: NO_BYTES,
    channels,
    adts: false,
    frameDuration: (size) => size / channels,
  };
}

/** Audio object types that players know: Main, LC, SSR, LTP, and of the error-resilient ones LC, LD and ELD (ISO/IEC 14496-3 table 1.17). */
const OBJECT_TYPES: readonly number[] = [1, 2, 3, 4, 17, 23, 39];

/** Channel configurations that are reserved (ISO/IEC 14496-3 table 1.19), and 14, with which ffmpeg 5 reads nothing of a file. */
const REFUSED_CHANNELS: readonly number[] = [8, 9, 10, 14, 15];

function setUpAac(track: TrackMetadata): AudioSetup | undefined {
  const { aac, codecString } = track.format;
  if (aac === undefined || codecString?.startsWith('mp4a.') !== true) return undefined;
  const { config, info, adts } = aac;
  if (info === undefined) throw new CodecDataError('CodecPrivate is no AudioSpecificConfig');
  if (!OBJECT_TYPES.includes(info.coreObjectType)) return undefined;
  if (REFUSED_CHANNELS.includes(info.channelConfiguration)) return undefined;
  const { samplingFrequency, channels, frameLength } = info;
  return {
    kind: 'audio',
    format: 'mp4a',
    track,
    codec: codecString,
    timescale: samplingFrequency,
    config,
    channels: channels ?? track.audio?.channels ?? 2,
    adts,
    frameDuration: () => frameLength,
  };
}

/** Whether samples of both can stand behind each other with one sample entry. */
export function sameSetup(a: TrackSetup, b: TrackSetup): boolean {
  if (a === b) return true;
  return (
    a.format === b.format &&
    a.timescale === b.timescale &&
    a.track.number === b.track.number &&
    sameBytes(a.config, b.config) &&
    (a.kind === 'video' ? sameAspect(a, b) : b.kind === 'audio' && a.channels === b.channels)
  );
}

function sameAspect(a: VideoSetup, b: TrackSetup): boolean {
  const square = [1, 1] as const;
  const [across, down] = a.pixelAspect ?? square;
  const [otherAcross, otherDown] = (b.kind === 'video' ? b.pixelAspect : undefined) ?? square;
  return across * otherDown === down * otherAcross;
}
