import { codecStringOf } from './codec/codec-string.js';
import { type ContentEncoding, ContentEncodingCollector } from './content-encoding.js';
import {
  type AudioDecoderSettings,
  audioDecoderSettings,
  type VideoDecoderSettings,
  videoDecoderSettings,
} from './decoder-config.js';
import type { MkvDataElement } from './element.js';
import { Mkv } from './elements.js';

/** TrackType of RFC 9559 section 5.1.4.1.3; `unknown` for a value that it does not list. */
export type TrackType =
  | 'video'
  | 'audio'
  | 'complex'
  | 'logo'
  | 'subtitle'
  | 'buttons'
  | 'control'
  | 'metadata'
  | 'unknown';

const TRACK_TYPES: Readonly<Record<number, TrackType>> = {
  1: 'video',
  2: 'audio',
  3: 'complex',
  16: 'logo',
  17: 'subtitle',
  18: 'buttons',
  32: 'control',
  33: 'metadata',
};

/** The Video element of a track (RFC 9559 section 5.1.4.1.28). */
export interface VideoSettings {
  /** Width of the encoded picture, in pixels. */
  readonly pixelWidth: number;
  /** Height of the encoded picture, in pixels. */
  readonly pixelHeight: number;
  /** Width to show it with, in the unit of `displayUnit`; where the stream does not say, that of the picture as it is cropped. */
  readonly displayWidth: number;
  /** Height to show it with. */
  readonly displayHeight: number;
  /** DisplayUnit: 0 pixels, 1 centimetres, 2 inches, 3 aspect ratio, 4 unknown. */
  readonly displayUnit: number;
}

/** The Audio element of a track (RFC 9559 section 5.1.4.1.29). */
export interface AudioSettings {
  /** Samples per second. */
  readonly samplingFrequency: number;
  /** Samples per second after decoding, where it differs (SBR). */
  readonly outputSamplingFrequency: number | undefined;
  /** Number of channels. */
  readonly channels: number;
  /** Bits per sample; mostly absent for compressed audio. */
  readonly bitDepth: number | undefined;
}

/** What a TrackEntry says of its track (RFC 9559 section 5.1.4.1). It owns its bytes: it refers to no chunk. */
export class TrackMetadata {
  /** TrackNumber, which Blocks name: 1 and up. */
  readonly number: number;
  /** TrackUID; 0 where the stream has none. */
  readonly uid: bigint;
  /** What kind of track it is. */
  readonly type: TrackType;
  /** Name, meant for people; Amazon Connect tells the directions of a call by it. */
  readonly name: string | undefined;
  /** CodecID, for example `V_MPEG4/ISO/AVC`; empty where the stream has none. */
  readonly codecId: string;
  /** CodecName, meant for people. */
  readonly codecName: string | undefined;
  /** CodecPrivate: what the decoder needs before the first frame. */
  readonly codecPrivate: Uint8Array | undefined;
  /** Language: BCP 47 where the stream has it, else ISO 639-2; `eng` where it has neither (the standard's default). */
  readonly language: string;
  /** DefaultDuration: the duration of a frame, in microseconds (stored in nanoseconds, so it may have a fraction). */
  readonly defaultDuration: number | undefined;
  /** CodecDelay, in microseconds: what a decoder puts out before the first sample that is meant. */
  readonly codecDelay: number;
  /** SeekPreRoll, in microseconds. */
  readonly seekPreRoll: number;
  /** Of a video track. */
  readonly video: VideoSettings | undefined;
  /** Of an audio track. */
  readonly audio: AudioSettings | undefined;
  /** How the track's frames are stored. */
  readonly contentEncoding: ContentEncoding;
  /** All data elements of the TrackEntry, in order, those within its masters too. */
  readonly elements: readonly MkvDataElement[];

  /** @internal */
  constructor(elements: readonly MkvDataElement[], masters: ReadonlySet<unknown>, contentEncoding: ContentEncoding) {
    // The last one counts where an element that may occur once occurs again.
    const values = new Map<unknown, MkvDataElement>();
    for (const element of elements) values.set(element.type, element);
    const uint = (type: unknown): number | undefined => {
      const exact = values.get(type)?.bigintValue;
      return exact === undefined ? undefined : Number(exact);
    };
    const float = (type: unknown): number | undefined => {
      const value = values.get(type)?.value;
      return typeof value === 'number' ? value : undefined;
    };
    const text = (type: unknown): string | undefined => {
      const value = values.get(type)?.value;
      return typeof value === 'string' ? value : undefined;
    };
    this.elements = elements;
    this.contentEncoding = contentEncoding;
    this.number = uint(Mkv.TrackNumber) ?? 0;
    this.uid = values.get(Mkv.TrackUID)?.bigintValue ?? 0n;
    this.type = TRACK_TYPES[uint(Mkv.TrackType) ?? 0] ?? 'unknown';
    this.name = text(Mkv.Name);
    this.codecId = text(Mkv.CodecID) ?? '';
    this.codecName = text(Mkv.CodecName);
    this.codecPrivate = values.get(Mkv.CodecPrivate)?.data;
    this.language = text(Mkv.LanguageBCP47) ?? text(Mkv.Language) ?? String(Mkv.Language.defaultValue);
    const duration = uint(Mkv.DefaultDuration);
    this.defaultDuration = duration === undefined || duration === 0 ? undefined : duration / 1000;
    this.codecDelay = (uint(Mkv.CodecDelay) ?? 0) / 1000;
    this.seekPreRoll = (uint(Mkv.SeekPreRoll) ?? 0) / 1000;
    const rest = (size: number, ...crops: unknown[]) =>
      crops.reduce((left: number, crop) => Math.max(0, left - (uint(crop) ?? 0)), size);
    const pixelWidth = uint(Mkv.PixelWidth) ?? 0;
    const pixelHeight = uint(Mkv.PixelHeight) ?? 0;
    this.video = masters.has(Mkv.Video)
      ? {
          pixelWidth,
          pixelHeight,
          displayWidth: uint(Mkv.DisplayWidth) ?? rest(pixelWidth, Mkv.PixelCropLeft, Mkv.PixelCropRight),
          displayHeight: uint(Mkv.DisplayHeight) ?? rest(pixelHeight, Mkv.PixelCropTop, Mkv.PixelCropBottom),
          displayUnit: uint(Mkv.DisplayUnit) ?? 0,
        }
      : undefined;
    this.audio = masters.has(Mkv.Audio)
      ? {
          samplingFrequency: float(Mkv.SamplingFrequency) ?? Number(Mkv.SamplingFrequency.defaultValue),
          outputSamplingFrequency: float(Mkv.OutputSamplingFrequency),
          channels: uint(Mkv.Channels) ?? 1,
          bitDepth: uint(Mkv.BitDepth),
        }
      : undefined;
  }

  /**
   * The codec string that WebCodecs, Media Source Extensions and HLS want (RFC 6381), from CodecID and CodecPrivate; for H.264, H.265,
   * AAC, Opus, Vorbis, FLAC, MP3, AC-3, VP8, VP9, AV1, A-law, mu-law and PCM. `undefined` where it can't be told.
   */
  get codecString(): string | undefined {
    return codecStringOf(this);
  }

  /**
   * What `VideoDecoder.configure` of WebCodecs takes; assignable to `VideoDecoderConfig`. The description is a view of `codecPrivate`.
   *
   * @param keyframe the data of the track's first key frame. It is needed where CodecPrivate does not tell all: VP9 without CodecPrivate,
   * H.264 and H.265 in Annex B without parameter sets in it
   * @returns `undefined` when it is no video track, or a codec that is not known
   */
  toVideoDecoderConfig(keyframe?: Uint8Array): VideoDecoderSettings | undefined {
    return videoDecoderSettings(this, keyframe);
  }

  /**
   * What `AudioDecoder.configure` of WebCodecs takes; assignable to `AudioDecoderConfig`. The description is a view of `codecPrivate`.
   *
   * @returns `undefined` when it is no audio track, or a codec that is not known
   */
  toAudioDecoderConfig(): AudioDecoderSettings | undefined {
    return audioDecoderSettings(this);
  }

  /** The track of a Block whose number no TrackEntry has: its frames are given, but nothing is known of them. */
  static unknown(number: number): TrackMetadata {
    const track = new TrackMetadata([], new Set(), new ContentEncodingCollector().result());
    return Object.assign(track, { number });
  }
}
