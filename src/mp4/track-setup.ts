import { sameBytes } from '../ebml/bytes.js';
import { parseAudioSpecificConfig } from '../mkv/codec/aac.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import { codecStringOf, decoderDescription } from '../mkv/codec/codec-string.js';
import { parseH264Sps } from '../mkv/codec/h264.js';
import { parseH265Sps } from '../mkv/codec/h265.js';
import { splitNals } from '../mkv/codec/nal.js';
import { type NalConfig, nalConfigOf, parameterSets, writeDecoderConfig } from '../mkv/codec/nal-config.js';
import { codecOf } from '../mkv/codec/track-codec.js';
import { parseWaveFormat } from '../mkv/codec/wave-format.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { actualLengthSize, CONVERTED_LENGTH_SIZE } from './payload.js';
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
  /** How deep pictures are reordered; `undefined` where the parameter sets do not say. */
  readonly reorder: number | undefined;
  /** How the source stores frames: width of the lengths, 0 for Annex B. */
  readonly sourceLengthSize: number;
  /** Width of the lengths in MP4. */
  readonly lengthSize: number;
}

/** An audio track of an MP4. */
export interface AudioSetup extends TrackSetupBase {
  readonly kind: 'audio';
  /** The sample entry. */
  readonly format: 'mp4a' | 'alaw' | 'ulaw';
  readonly channels: number;
  /** How many ticks a frame of so many bytes lasts; not an integer when the frame is cut. */
  frameDuration(size: number): number;
}

/** How a track goes into MP4. */
export type TrackSetup = VideoSetup | AudioSetup;

/** MP4 times of video: every millisecond is a whole number of them, and so are the frames of the usual rates. */
const VIDEO_TIMESCALE = 90_000;

/**
 * Finds out how a track goes into MP4.
 *
 * @param keyframe the first key frame of the fragment, for what CodecPrivate does not say
 * @param known the setup of the fragment before: kept where this one has no parameter sets of its own
 * @throws Mp4RemuxError when it does not
 */
export function setUpTrack(
  track: TrackMetadata,
  keyframe: Uint8Array | undefined,
  known: TrackSetup | undefined,
  fragment: FragmentMetadata | undefined,
): TrackSetup {
  const fail = (code: Mp4ErrorCode, text: string) => new Mp4RemuxError(code, text, { track, fragment });
  const { storage } = track.contentEncoding;
  if (storage !== 'plain') throw fail('UnsupportedStreamMediaType', `frames are stored ${storage}`);
  const codec = codecOf(track.codecId);
  const missing = track.codecPrivate === undefined || track.codecPrivate.length === 0;
  try {
    if (codec === 'h264' || codec === 'h265') {
      const setup = setUpVideo(track, keyframe, known);
      if (setup === undefined) throw fail('MissingCodecPrivateData', 'there are no parameter sets');
      return setup;
    }
    if (codec === 'aac' || codec === 'acm') {
      if (missing) throw fail('MissingCodecPrivateData', 'there is no CodecPrivate');
      const setup = setUpAudio(track);
      if (setup !== undefined) return setup;
    }
  } catch (error) {
    if (error instanceof CodecDataError) throw fail(error.code, error.message);
    throw error;
  }
  throw fail('UnsupportedStreamMediaType', 'this codec does not go into MP4');
}

function setUpVideo(
  track: TrackMetadata,
  keyframe: Uint8Array | undefined,
  known: TrackSetup | undefined,
): VideoSetup | undefined {
  const stored = nalConfigOf(track);
  if (stored === undefined) return undefined;
  const sourceLengthSize = keyframe === undefined ? stored.lengthSize : actualLengthSize(keyframe, stored.lengthSize);
  let sets: Pick<NalConfig, 'vps' | 'sps' | 'pps'> = stored;
  if (stored.lengthSize === 0 || stored.sps.length === 0) {
    const within = keyframe === undefined ? [] : splitNals(keyframe, sourceLengthSize);
    const own = parameterSets(stored.codec, within);
    // A key frame that brings parameter sets brings all that it needs.
    if (own.sps.length > 0) sets = { vps: own.vps.length > 0 ? own.vps : stored.vps, sps: own.sps, pps: own.pps };
    if (sets.sps.length === 0) return known?.kind === 'video' && isSameSource(known.track, track) ? known : undefined;
  }
  const [sps] = sets.sps;
  if (sps === undefined) return undefined;
  // Annex B is converted, and so are lengths of 3 bytes, which MP4 does not have.
  const lengthSize = [1, 2, 4].includes(sourceLengthSize) ? sourceLengthSize : CONVERTED_LENGTH_SIZE;
  const keeps = stored.sps.length > 0 && lengthSize === stored.lengthSize;
  const config = decoderConfig(track, { ...sets, codec: stored.codec }, keeps, lengthSize);
  const { width, height, maxReorder } = stored.codec === 'h264' ? parseH264Sps(sps) : parseH265Sps(sps);
  return {
    kind: 'video',
    format: stored.codec === 'h264' ? 'avc1' : 'hvc1',
    track,
    codec: codecStringOf({ codecId: track.codecId, codecPrivate: config }) ?? '',
    timescale: VIDEO_TIMESCALE,
    config,
    width,
    height,
    reorder: maxReorder,
    sourceLengthSize,
    lengthSize,
  };
}

function isSameSource(a: TrackMetadata, b: TrackMetadata): boolean {
  return a.codecId === b.codecId && sameBytes(a.codecPrivate ?? NO_BYTES, b.codecPrivate ?? NO_BYTES);
}

const NO_BYTES = new Uint8Array(0);

/** AVCC or HVCC: the producer's own where it fits the frames, with the bits set that the standard wants. */
function decoderConfig(
  track: TrackMetadata,
  sets: Pick<NalConfig, 'codec' | 'vps' | 'sps' | 'pps'>,
  keeps: boolean,
  lengthSize: number,
): Uint8Array {
  const own = track.codecPrivate;
  if (!keeps || own === undefined) return writeDecoderConfig(sets, lengthSize);
  const config = own.slice();
  if (sets.codec === 'h264') {
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

function setUpAudio(track: TrackMetadata): AudioSetup | undefined {
  const codec = codecStringOf(track);
  if (codec === 'alaw' || codec === 'ulaw') {
    const { channels, samplingFrequency } = parseWaveFormat(track.codecPrivate ?? NO_BYTES);
    return {
      kind: 'audio',
      format: codec,
      track,
      codec,
      timescale: samplingFrequency,
      config: NO_BYTES,
      channels,
      frameDuration: (size) => size / channels,
    };
  }
  const config = decoderDescription(track);
  if (codec?.startsWith('mp4a.') !== true || config === undefined) return undefined;
  const { samplingFrequency, channels, frameLength } = parseAudioSpecificConfig(config);
  return {
    kind: 'audio',
    format: 'mp4a',
    track,
    codec,
    timescale: samplingFrequency,
    config,
    channels: channels ?? track.audio?.channels ?? 2,
    frameDuration: () => frameLength,
  };
}

/** Whether samples of both can stand behind each other with one sample entry. */
export function sameSetup(a: TrackSetup, b: TrackSetup): boolean {
  return (
    a.format === b.format &&
    a.timescale === b.timescale &&
    a.track.number === b.track.number &&
    sameBytes(a.config, b.config) &&
    (a.kind === 'video' || b.kind === 'video' || a.channels === b.channels)
  );
}
