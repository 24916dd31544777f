import { writeElement, writeMaster } from '../ebml/writer.js';
import { Mkv } from '../mkv/elements.js';

/** A track as a producer describes it: a TrackEntry (RFC 9559 section 5.1.4.1). What is left out is not written. */
export interface TrackInput {
  /** TrackNumber, 1 and up. */
  readonly number: number;
  /** TrackUID; default: the track's number. */
  readonly uid?: number | bigint | undefined;
  /** TrackType: `'video'`, `'audio'`, `'subtitle'`, `'metadata'`; default: by `video` and `audio`, else `'metadata'`. */
  readonly type?: 'video' | 'audio' | 'subtitle' | 'metadata' | undefined;
  /** Name. */
  readonly name?: string | undefined;
  /** CodecID, for example `V_MPEG4/ISO/AVC`. */
  readonly codecId: string;
  /** CodecName. */
  readonly codecName?: string | undefined;
  /** CodecPrivate. */
  readonly codecPrivate?: Uint8Array | undefined;
  /** Language. */
  readonly language?: string | undefined;
  /** DefaultDuration: nanoseconds per frame. */
  readonly defaultDuration?: number | undefined;
  /** CodecDelay in nanoseconds. */
  readonly codecDelay?: number | undefined;
  /** SeekPreRoll in nanoseconds. */
  readonly seekPreRoll?: number | undefined;
  /** Video settings. */
  readonly video?: VideoInput | undefined;
  /** Audio settings. */
  readonly audio?: AudioInput | undefined;
  /** Bytes that every frame of the track begins with and that its blocks leave out (header-stripping compression). */
  readonly strippedHeader?: Uint8Array | undefined;
}

/** The Video element (RFC 9559 section 5.1.4.1.28). */
export interface VideoInput {
  /** PixelWidth: the width of the encoded pictures. */
  readonly pixelWidth: number;
  /** PixelHeight: the height of the encoded pictures. */
  readonly pixelHeight: number;
  /** DisplayWidth, in pixels, where pictures are to be shown in another width than they are encoded in. */
  readonly displayWidth?: number | undefined;
  /** DisplayHeight, in pixels, where pictures are to be shown in another height than they are encoded in. */
  readonly displayHeight?: number | undefined;
}

/** The Audio element (RFC 9559 section 5.1.4.1.29). */
export interface AudioInput {
  /** In Hz. */
  readonly samplingFrequency: number;
  /** Channels: how many there are. */
  readonly channels: number;
  /** BitDepth: bits of a sample, for PCM. */
  readonly bitDepth?: number | undefined;
}

const TRACK_TYPES = { video: 1, audio: 2, subtitle: 17, metadata: 33 } as const;
const HEADER_STRIPPING = 3;

/** Writes a TrackEntry. Throws as `writeElement` when a value is out of range. */
export function writeTrackEntry(track: TrackInput): Uint8Array {
  const { video, audio, strippedHeader } = track;
  const type = track.type ?? (video !== undefined ? 'video' : audio !== undefined ? 'audio' : 'metadata');
  const children: Uint8Array[] = [
    writeElement(Mkv.TrackNumber, track.number),
    writeElement(Mkv.TrackUID, track.uid ?? track.number),
    writeElement(Mkv.TrackType, TRACK_TYPES[type]),
  ];
  if (track.name !== undefined) children.push(writeElement(Mkv.Name, track.name));
  if (track.language !== undefined) children.push(writeElement(Mkv.Language, track.language));
  children.push(writeElement(Mkv.CodecID, track.codecId));
  if (track.codecName !== undefined) children.push(writeElement(Mkv.CodecName, track.codecName));
  if (track.defaultDuration !== undefined) children.push(writeElement(Mkv.DefaultDuration, track.defaultDuration));
  if (track.codecDelay !== undefined) children.push(writeElement(Mkv.CodecDelay, track.codecDelay));
  if (track.seekPreRoll !== undefined) children.push(writeElement(Mkv.SeekPreRoll, track.seekPreRoll));
  if (video !== undefined) children.push(writeVideo(video));
  if (audio !== undefined) children.push(writeAudio(audio));
  if (track.codecPrivate !== undefined) children.push(writeElement(Mkv.CodecPrivate, track.codecPrivate));
  if (strippedHeader !== undefined) children.push(writeHeaderStripping(strippedHeader));
  return writeMaster(Mkv.TrackEntry, children);
}

function writeVideo(video: VideoInput): Uint8Array {
  const children = [writeElement(Mkv.PixelWidth, video.pixelWidth), writeElement(Mkv.PixelHeight, video.pixelHeight)];
  if (video.displayWidth !== undefined) children.push(writeElement(Mkv.DisplayWidth, video.displayWidth));
  if (video.displayHeight !== undefined) children.push(writeElement(Mkv.DisplayHeight, video.displayHeight));
  return writeMaster(Mkv.Video, children);
}

function writeAudio(audio: AudioInput): Uint8Array {
  const children: Uint8Array[] = [
    writeElement(Mkv.SamplingFrequency, audio.samplingFrequency),
    writeElement(Mkv.Channels, audio.channels),
  ];
  if (audio.bitDepth !== undefined) children.push(writeElement(Mkv.BitDepth, audio.bitDepth));
  return writeMaster(Mkv.Audio, children);
}

function writeHeaderStripping(header: Uint8Array): Uint8Array {
  const compression = writeMaster(Mkv.ContentCompression, [
    writeElement(Mkv.ContentCompAlgo, HEADER_STRIPPING),
    writeElement(Mkv.ContentCompSettings, header),
  ]);
  return writeMaster(Mkv.ContentEncodings, [writeMaster(Mkv.ContentEncoding, [compression])]);
}
