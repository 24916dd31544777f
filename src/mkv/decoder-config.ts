import { codecStringOf, decoderDescription } from './codec/codec-string.js';
import { type CodecTrack, codecOf } from './codec/track-codec.js';

/** What `VideoDecoder.configure` of WebCodecs takes. */
export interface VideoDecoderSettings {
  /** The codec string. */
  codec: string;
  /** AVCC or HVCC, a view of CodecPrivate; absent where the frames have all that the decoder needs, as those in Annex B. */
  description?: Uint8Array;
  /** Width of the encoded picture, in pixels. */
  codedWidth?: number;
  /** Height of the encoded picture, in pixels. */
  codedHeight?: number;
  /** Width to show the picture with, in a unit of which only the ratio to `displayAspectHeight` counts. */
  displayAspectWidth?: number;
  /** Height to show the picture with. */
  displayAspectHeight?: number;
}

/** What `AudioDecoder.configure` of WebCodecs takes. */
export interface AudioDecoderSettings {
  /** The codec string. */
  codec: string;
  /** Samples per second. */
  sampleRate: number;
  /** Number of channels. */
  numberOfChannels: number;
  /** AudioSpecificConfig, or the headers of Opus, Vorbis or FLAC: a view of CodecPrivate. */
  description?: Uint8Array;
}

/** What a decoder's configuration is made of: a `TrackMetadata` is one. */
export interface DecoderTrack extends CodecTrack {
  readonly type: string;
  readonly video?:
    | {
        readonly pixelWidth: number;
        readonly pixelHeight: number;
        readonly displayWidth: number;
        readonly displayHeight: number;
        readonly displayUnit: number;
      }
    | undefined;
  readonly audio?:
    | {
        readonly samplingFrequency: number;
        readonly outputSamplingFrequency: number | undefined;
        readonly channels: number;
        readonly bitDepth: number | undefined;
      }
    | undefined;
}

/** DisplayUnit 4: nobody knows what DisplayWidth and DisplayHeight count. */
const UNIT_UNKNOWN = 4;

/** The configuration of a video track's decoder; `undefined` for another track, or where its codec string can't be told. */
export function videoDecoderSettings(track: DecoderTrack, keyframe?: Uint8Array): VideoDecoderSettings | undefined {
  const { type, video } = track;
  const codec = type === 'video' ? codecStringOf(track, keyframe) : undefined;
  if (codec === undefined) return undefined;
  const settings: VideoDecoderSettings = { codec };
  const description = decoderDescription(track);
  if (description !== undefined) settings.description = description;
  if (video === undefined) return settings;
  // WebCodecs refuses a size of 0, and one dimension without the other.
  if (video.pixelWidth > 0 && video.pixelHeight > 0) {
    settings.codedWidth = video.pixelWidth;
    settings.codedHeight = video.pixelHeight;
  }
  if (video.displayWidth > 0 && video.displayHeight > 0 && video.displayUnit < UNIT_UNKNOWN) {
    settings.displayAspectWidth = video.displayWidth;
    settings.displayAspectHeight = video.displayHeight;
  }
  return settings;
}

/** The configuration of an audio track's decoder; `undefined` for another track, or where its codec string can't be told. */
export function audioDecoderSettings(track: DecoderTrack): AudioDecoderSettings | undefined {
  const { type, audio, codecId, codecPrivate } = track;
  const codec = type === 'audio' ? codecStringOf(track) : undefined;
  if (codec === undefined) return undefined;
  // A WAVEFORMATEX tells for sure; beside it producers leave the Audio element's values at their defaults.
  const wave = codecOf(codecId) === 'acm' ? codecPrivate : undefined;
  const sampleRate = littleEndian(wave, 4, 4) || (audio?.outputSamplingFrequency ?? audio?.samplingFrequency);
  const numberOfChannels = littleEndian(wave, 2, 2) || audio?.channels;
  if (!sampleRate || !numberOfChannels) return undefined;
  const settings: AudioDecoderSettings = { codec, sampleRate, numberOfChannels };
  const description = decoderDescription(track);
  if (description !== undefined) settings.description = description;
  return settings;
}

function littleEndian(bytes: Uint8Array | undefined, at: number, size: number): number {
  let value = 0;
  for (let i = at + size - 1; i >= at; i--) value = value * 256 + (bytes?.[i] ?? 0);
  return value;
}
