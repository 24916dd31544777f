import { concatBytes } from '../../src/ebml/writer.js';
import { readFragments } from '../../src/fragments/read.js';
import type { ByteStream } from '../../src/mkv/byte-stream.js';
import { joinNals, splitNals } from '../../src/mkv/codec/nal.js';
import { nalConfigOf } from '../../src/mkv/codec/nal-config.js';
import type { TrackMetadata } from '../../src/mkv/track.js';
import type { BlockInput } from '../../src/testing/block-writer.js';
import { type GetMediaWriteOptions, writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import type { TrackInput } from '../../src/testing/track-writer.js';
import type { Frame } from '../../src/visitors/frame.js';

/** A file's tracks and frames. */
export interface Media {
  readonly tracks: readonly TrackMetadata[];
  readonly frames: readonly Frame[];
}

/** Reads a Matroska file whole. */
export async function readMedia(stream: ByteStream): Promise<Media> {
  const frames: Frame[] = [];
  let tracks: readonly TrackMetadata[] = [];
  for await (const fragment of readFragments(stream)) {
    if (tracks.length === 0) tracks = fragment.tracks;
    frames.push(...fragment.frames);
  }
  return { tracks, frames };
}

/** How media is wrapped into fragments. */
export interface WrapOptions extends GetMediaWriteOptions {
  /** Is added to all times, in microseconds; default 0. */
  readonly offset?: number | undefined;
  /** How long a fragment of audio alone is, in microseconds. */
  readonly audioFragment?: number | undefined;
  /** Changes a TrackEntry. */
  readonly track?: ((track: TrackInput) => TrackInput) | undefined;
  /** Changes the bytes of a frame. */
  readonly frame?: ((data: Uint8Array, frame: Frame) => Uint8Array) | undefined;
  /** Number of the first fragment; default 1. */
  readonly firstNumber?: number | undefined;
}

/** A producer's fragment and the frames in it. */
export interface WrappedFragment {
  readonly bytes: Uint8Array;
  readonly frames: readonly Frame[];
}

/** The media as GetMedia sends it: a fragment for each key frame of the video, in decode order. */
export function wrapAsGetMedia(media: Media, options: WrapOptions = {}): WrappedFragment[] {
  const { offset = 0, audioFragment = 1e6, track: changeTrack = (track) => track, frame: changeFrame } = options;
  const hasVideo = media.tracks.some((track) => track.type === 'video');
  const groups: Frame[][] = [];
  for (const frame of media.frames) {
    const first = groups.at(-1)?.[0];
    const begins = hasVideo
      ? frame.track.type === 'video' && frame.keyframe
      : first !== undefined && frame.timestamp - first.timestamp >= audioFragment;
    if (first === undefined || (begins && groups.at(-1)?.some(({ track }) => track === frame.track))) groups.push([]);
    groups.at(-1)?.push(frame);
  }
  const tracks = media.tracks.map((track) => changeTrack(trackInput(track)));
  return groups.map((frames, index) => {
    const number = index + (options.firstNumber ?? 1);
    const producerTimestamp = Math.round((frames[0]!.timestamp + offset) / 1000);
    const blocks = frames.map(
      (frame): BlockInput => ({
        track: frame.track.number,
        timestamp: frame.timestamp + offset,
        frames: [changeFrame === undefined ? frame.data : changeFrame(frame.data, frame)],
        keyframe: frame.keyframe,
      }),
    );
    const bytes = writeGetMediaFragment(
      {
        tracks,
        blocks,
        fragmentNumber: String(91343852333181432392682062607743920146270339000n + BigInt(number)),
        serverTimestamp: producerTimestamp + 500,
        producerTimestamp,
        millisBehindNow: 0,
        continuationToken: String(number),
      },
      { crc: true, ...options },
    );
    return { bytes, frames };
  });
}

/** One body of all fragments. */
export function bodyOf(fragments: readonly WrappedFragment[]): Uint8Array {
  return concatBytes(fragments.map(({ bytes }) => bytes));
}

function trackInput(track: TrackMetadata): TrackInput {
  const { number, codecId, codecPrivate, defaultDuration, video, audio } = track;
  return {
    number,
    codecId,
    codecPrivate,
    defaultDuration: defaultDuration === undefined ? undefined : Math.round(defaultDuration * 1000),
    ...(video === undefined ? {} : { video: { pixelWidth: video.pixelWidth, pixelHeight: video.pixelHeight } }),
    ...(audio === undefined
      ? {}
      : { audio: { samplingFrequency: audio.samplingFrequency, channels: audio.channels, bitDepth: audio.bitDepth } }),
  };
}

/** Stores frames with lengths of another width; CodecPrivate, AVCC or HVCC, says so. */
export function withLengthSize(lengthSize: number): WrapOptions {
  return {
    track: (track) => {
      if (track.video === undefined || track.codecPrivate === undefined) return track;
      const codecPrivate = track.codecPrivate.slice();
      const at = track.codecId === 'V_MPEGH/ISO/HEVC' ? 21 : 4;
      codecPrivate[at] = (codecPrivate[at]! & 0xfc) | (lengthSize - 1);
      return { ...track, codecPrivate };
    },
    frame: (data, { track }) => (track.type === 'video' ? joinNals(splitNals(data, 4), lengthSize) : data),
  };
}

/**
 * Stores frames and CodecPrivate in Annex B.
 *
 * @param options.startCode width of the start codes
 * @param options.sets where the parameter sets are: in CodecPrivate, or in the first frame of all
 */
export function asAnnexB(options: { startCode: 3 | 4; sets: 'private' | 'frame' }): WrapOptions {
  const write = (units: readonly Uint8Array[]) =>
    concatBytes(units.flatMap((unit) => [Uint8Array.of(0, 0, 0, 1).subarray(4 - options.startCode), unit]));
  let sent = false;
  return {
    track: (track) => {
      const config = track.video === undefined ? undefined : nalConfigOf(track);
      if (config === undefined) return track;
      const sets = write([...config.vps, ...config.sps, ...config.pps]);
      return { ...track, codecPrivate: options.sets === 'private' ? sets : undefined };
    },
    frame: (data, { track }) => {
      const config = track.type === 'video' ? nalConfigOf(track) : undefined;
      if (config === undefined) return data;
      const units = splitNals(data, config.lengthSize);
      if (options.sets === 'private' || sent) return write(units);
      sent = true;
      return write([...config.vps, ...config.sps, ...config.pps, ...units]);
    },
  };
}
