import { codecStringOf } from './codec/codec-string.js';
import { audioOf, type FormatTrack, type MediaFormat } from './codec/media-format.js';
import { type PictureShape, pictureShape } from './codec/picture-shape.js';
import { codecOf } from './codec/track-codec.js';

/** The configuration for `VideoDecoder.configure` of WebCodecs. */
export interface VideoDecoderSettings {
  /** The codec string. */
  codec: string;
  /**
   * AVCC or HVCC: a view of CodecPrivate where it is right, else made of the parameter sets. Absent where the frames bring all that the
   * decoder needs, as those in Annex B with parameter sets.
   */
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

/** The configuration for `AudioDecoder.configure` of WebCodecs. */
export interface AudioDecoderSettings {
  /** The codec string. */
  codec: string;
  /** Samples per second. */
  sampleRate: number;
  /** Number of channels. */
  numberOfChannels: number;
  /** AudioSpecificConfig, or the headers of Opus, Vorbis or FLAC: a view of CodecPrivate, or made of the ADTS headers of frames. */
  description?: Uint8Array;
}

/**
 * The configuration of a video track's decoder; `undefined` for another track, or where its codec string can't be told.
 *
 * @param format what the track's frames are
 * @param keyframe its first key frame, for VP9 without CodecPrivate
 */
export function videoDecoderSettings(
  track: FormatTrack,
  format: MediaFormat,
  keyframe: Uint8Array | undefined,
): VideoDecoderSettings | undefined {
  if (track.type !== 'video') return undefined;
  const codec = format.codecString ?? (format.nal === undefined ? codecStringOf(track, keyframe) : undefined);
  if (codec === undefined) return undefined;
  const settings: VideoDecoderSettings = { codec };
  if (format.description !== undefined) settings.description = format.description;
  // WebCodecs refuses a size of 0, and one dimension without the other.
  const shape = pictureShape(track.video, format.nal?.sps);
  if (shape !== undefined) {
    settings.codedWidth = shape.width;
    settings.codedHeight = shape.height;
  }
  const aspect = displayAspect(track, shape);
  if (aspect !== undefined) [settings.displayAspectWidth, settings.displayAspectHeight] = aspect;
  return settings;
}

/** DisplayUnit 4: nobody knows what DisplayWidth and DisplayHeight count. */
const UNIT_UNKNOWN = 4;

/** The Video element's own words where the shape is theirs, so that no ratio is rounded. */
function displayAspect({ video }: FormatTrack, shape: PictureShape | undefined): [number, number] | undefined {
  const isSaid =
    video !== undefined && video.displayWidth > 0 && video.displayHeight > 0 && video.displayUnit < UNIT_UNKNOWN;
  if (shape === undefined) return isSaid ? [video.displayWidth, video.displayHeight] : undefined;
  const { displayWidth, displayHeight } = shape;
  if (!isSaid)
    return video === undefined || displayWidth !== shape.width || displayHeight !== shape.height
      ? [displayWidth, displayHeight]
      : undefined;
  const isSame =
    Math.abs(video.displayWidth * displayHeight - video.displayHeight * displayWidth) <=
    Math.max(displayWidth, displayHeight, video.displayWidth, video.displayHeight);
  return isSame ? [video.displayWidth, video.displayHeight] : [displayWidth, displayHeight];
}

/** The configuration of an audio track's decoder; `undefined` for another track, or where its codec string can't be told. */
export function audioDecoderSettings(track: FormatTrack, format: MediaFormat): AudioDecoderSettings | undefined {
  const { type, audio, codecId, codecPrivate } = track;
  const { codecString: codec, description, aac, pcm } = format;
  if (type !== 'audio' || codec === undefined) return undefined;
  if (pcm !== undefined) return { codec, sampleRate: pcm.sampleRate, numberOfChannels: pcm.channels };
  const own = aac?.info === undefined ? undefined : audioOf(aac.info);
  // A WAVEFORMATEX tells for sure; beside it producers leave the Audio element's values at their defaults.
  const wave = codecOf(codecId) === 'acm' ? codecPrivate : undefined;
  const sampleRate =
    own?.sampleRate ?? (littleEndian(wave, 4, 4) || (audio?.outputSamplingFrequency ?? audio?.samplingFrequency));
  const numberOfChannels = own?.channels ?? (littleEndian(wave, 2, 2) || audio?.channels);
  if (!sampleRate || !numberOfChannels) return undefined;
  const settings: AudioDecoderSettings = { codec, sampleRate, numberOfChannels };
  if (description !== undefined) settings.description = description;
  return settings;
}

function littleEndian(bytes: Uint8Array | undefined, at: number, size: number): number {
  let value = 0;
  for (let i = at + size - 1; i >= at; i--) value = value * 256 + (bytes?.[i] ?? 0);
  return value;
}
