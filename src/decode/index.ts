/**
 * Pictures and sound out of the frames of a stream, in Node and browsers, on the interface of WebCodecs.
 *
 * @module kvs-parser/decode
 */
export type { CodecChoice, Codecs } from './codecs.js';
export { DecodeError, type DecodeErrorCode, type MediaProblem } from './decode-error.js';
export type { ImageFormat, PictureFit } from './image-library.js';
export type { MediaReadOptions, MediaSource } from './media-frames.js';
export { type EncodeOptions, Picture, type PictureAspect } from './picture.js';
export {
  type AudioSamples,
  type ReadAudioOptions,
  readAudio,
  type SampleFormat,
  type SamplesOf,
  type TrackChoice,
} from './read-audio.js';
export { type ReadPicturesOptions, readPictures } from './read-pictures.js';
export type { CreateResampler, ResamplerLike } from './resampler.js';
export type { MediaTime, PictureInterval } from './sampling.js';
export type { RgbPicture, ScaleOptions, Tensor, TensorOptions } from './tensor.js';
export { type WavFormat, type WriteWavOptions, type WrittenWav, wavHeader, wavStream, writeWav } from './wav.js';
export type {
  AudioDataLike,
  DecoderCallbacks,
  DecoderClass,
  DecoderLike,
  EncodedChunkInit,
  EncodedChunkLike,
  PlaneLayoutLike,
  VideoFrameLike,
} from './webcodecs.js';
