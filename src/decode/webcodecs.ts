/**
 * The part of the WebCodecs interface that is used. The browsers' classes and those of `@napi-rs/webcodecs` are of this shape.
 *
 * @packageDocumentation
 */

/**
 * Names of the platform that public types speak of. Each is the platform's own where a program has it (the DOM library, `@types/node`);
 * elsewhere it is empty, and the program compiles all the same.
 */
declare global {
  interface AbortSignal {}
  interface Event {}
}

/** What a chunk is made of. Times are in whole microseconds. */
export interface EncodedChunkInit {
  readonly type: 'key' | 'delta';
  readonly timestamp: number;
  readonly duration?: number;
  readonly data: Uint8Array;
}

/** An encoded frame, as a decoder takes it. */
export interface EncodedChunkLike {
  readonly type: 'key' | 'delta';
  readonly timestamp: number;
}

/** Where a plane of pixels lies. */
export interface PlaneLayoutLike {
  /** In bytes. */
  readonly offset: number;
  /** From a row to the next, in bytes. */
  readonly stride: number;
}

/** A decoded picture: the `VideoFrame` of WebCodecs. */
export interface VideoFrameLike {
  /** The pixel format, for example `I420`; `null` where the pixels are not to be had. */
  readonly format: string | null;
  readonly timestamp: number;
  readonly duration: number | null;
  readonly codedWidth: number;
  readonly codedHeight: number;
  /** As it is to be shown, in pixels. */
  readonly displayWidth: number;
  readonly displayHeight: number;
  readonly visibleRect: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  } | null;
  allocationSize(options?: { readonly format?: 'RGBA' }): number;
  copyTo(destination: Uint8Array, options?: { readonly format?: 'RGBA' }): Promise<PlaneLayoutLike[]>;
  close(): void;
}

/** Decoded sound: the `AudioData` of WebCodecs. */
export interface AudioDataLike {
  /** The sample format, for example `f32-planar`. */
  readonly format: string | null;
  readonly timestamp: number;
  readonly sampleRate: number;
  readonly numberOfFrames: number;
  readonly numberOfChannels: number;
  /** In bytes. Samples whose channels lie in turn are one plane. */
  allocationSize(options: { readonly planeIndex: number }): number;
  copyTo(destination: Uint8Array, options: { readonly planeIndex: number }): void;
  close(): void;
}

/** What a decoder calls back. */
export interface DecoderCallbacks<O> {
  readonly output: (output: O) => void;
  readonly error: (error: Error) => void;
}

/** A `VideoDecoder` or `AudioDecoder` of WebCodecs. */
export interface DecoderLike<C> {
  readonly state: 'unconfigured' | 'configured' | 'closed';
  /** How many chunks wait to be decoded. */
  readonly decodeQueueSize: number;
  /** Is called when the queue has become shorter. */
  ondequeue: ((event: Event) => unknown) | null;
  configure(config: C): void;
  decode(chunk: EncodedChunkLike): void;
  flush(): Promise<void>;
  close(): void;
}

/** The class of a decoder. */
export interface DecoderClass<C, O> {
  new (callbacks: DecoderCallbacks<O>): DecoderLike<C>;
  /** Whether it takes a configuration. */
  isConfigSupported?(config: C): Promise<{ readonly supported?: boolean }>;
}

/** The class `VideoFrame`: makes a picture of the same pixels with another time. */
export type VideoFrameClass = new (frame: VideoFrameLike, init: { readonly timestamp: number }) => VideoFrameLike;
