import type { AudioDecoderSettings, VideoDecoderSettings } from '../mkv/decoder-config.js';
import { DecodeError } from './decode-error.js';
import { FfmpegAudioDecoder, FfmpegChunk, FfmpegVideoDecoder } from './ffmpeg-decoder.js';
import { hasFfmpeg } from './ffmpeg-process.js';
import { withOwnTimes } from './native-decoder.js';
import { lackOf, loadOptional } from './optional.js';
import type {
  AudioDataLike,
  DecoderClass,
  EncodedChunkInit,
  EncodedChunkLike,
  VideoFrameClass,
  VideoFrameLike,
} from './webcodecs.js';

/** The classes of WebCodecs that decode: those of a browser, of `@napi-rs/webcodecs`, or of anything else with their interface. */
export interface Codecs {
  /** Decodes video. */
  readonly VideoDecoder: DecoderClass<VideoDecoderSettings, VideoFrameLike>;
  /** Makes the chunks that `VideoDecoder` takes. */
  readonly EncodedVideoChunk: new (
    init: EncodedChunkInit,
  ) => EncodedChunkLike;
  /** Decodes sound. */
  readonly AudioDecoder: DecoderClass<AudioDecoderSettings, AudioDataLike>;
  /** Makes the chunks that `AudioDecoder` takes. */
  readonly EncodedAudioChunk: new (
    init: EncodedChunkInit,
  ) => EncodedChunkLike;
}

/**
 * Which decoder to use: `'webcodecs'` the platform's own, or in Node `@napi-rs/webcodecs`; `'ffmpeg'` the program of that name on the PATH,
 * in Node; or classes with the interface of WebCodecs. Default: WebCodecs where it is available, else ffmpeg.
 */
export type CodecChoice = 'webcodecs' | 'ffmpeg' | Codecs;

const PACKAGE = '@napi-rs/webcodecs';

/**
 * The decoder that was chosen.
 *
 * @throws DecodeError `NoDecoder` when it is not to be had
 */
export async function loadCodecs(choice?: CodecChoice): Promise<Codecs> {
  if (typeof choice === 'object') return choice;
  if (choice !== 'ffmpeg') {
    const codecs = await loadWebCodecs(choice === 'webcodecs');
    if (codecs !== undefined) return codecs;
  }
  if (choice !== 'webcodecs' && hasFfmpeg()) return FFMPEG;
  throw new DecodeError('NoDecoder', choice === 'ffmpeg' ? NO_FFMPEG : NO_DECODER);
}

/** What may be tried where the decoder of {@link loadCodecs} does not take a track: ffmpeg, where nobody has chosen. */
export function fallbackCodecs(choice: CodecChoice | undefined, chosen: Codecs): Codecs | undefined {
  return choice === undefined && chosen !== FFMPEG && hasFfmpeg() ? FFMPEG : undefined;
}

const NO_FFMPEG = 'there is no ffmpeg on the PATH of this process';
const NO_DECODER = `nothing here decodes media: install ${PACKAGE}, or ffmpeg, or give classes of WebCodecs as codecs`;

const FFMPEG: Codecs = {
  VideoDecoder: FfmpegVideoDecoder,
  EncodedVideoChunk: FfmpegChunk,
  AudioDecoder: FfmpegAudioDecoder,
  EncodedAudioChunk: FfmpegChunk,
};

async function loadWebCodecs(isWanted: boolean): Promise<Codecs | undefined> {
  if (hasCodecs(globalThis)) return globalThis;
  const loaded = await loadOptional(PACKAGE);
  if (loaded.found) {
    if (hasCodecs(loaded.module)) return adapt(loaded.module);
    const text = `${PACKAGE} has no decoder: its installation is incomplete, or older than version 1.3.1`;
    throw new DecodeError('NoDecoder', text);
  }
  // What is installed and fails to load is not passed over: the reason would never be seen.
  if (loaded.failure !== undefined) {
    throw new DecodeError('NoDecoder', lackOf(PACKAGE, loaded.failure), { cause: loaded.failure });
  }
  if (isWanted) throw new DecodeError('NoDecoder', `this runtime has no WebCodecs: install ${PACKAGE}`);
  return undefined;
}

/** The package's classes with what of it is not as the standard says put right. */
function adapt(codecs: Codecs): Codecs {
  const { VideoDecoder, EncodedVideoChunk, AudioDecoder, EncodedAudioChunk } = codecs;
  const VideoFrame: unknown = Reflect.get(codecs, 'VideoFrame');
  if (typeof VideoFrame !== 'function') return codecs;
  const Decoder = withOwnTimes(VideoDecoder, VideoFrame as VideoFrameClass);
  return { VideoDecoder: Decoder, EncodedVideoChunk, AudioDecoder, EncodedAudioChunk };
}

function hasCodecs(module: unknown): module is Codecs {
  const names = ['VideoDecoder', 'EncodedVideoChunk', 'AudioDecoder', 'EncodedAudioChunk'];
  return (
    typeof module === 'object' &&
    module !== null &&
    names.every((name) => typeof Reflect.get(module, name) === 'function')
  );
}
