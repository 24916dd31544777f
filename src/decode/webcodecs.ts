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

/** The argument for the constructor of a chunk. Times are in whole microseconds. */
export interface EncodedChunkInit {
  /** `'key'` when decoding can begin here, else `'delta'`. */
  readonly type: 'key' | 'delta';
  /** When it is presented, in microseconds. */
  readonly timestamp: number;
  /** How long it is presented, in microseconds. */
  readonly duration?: number;
  /** The encoded bytes. Implementations copy them. */
  readonly data: Uint8Array;
}

/** An encoded frame, as a decoder takes it. */
export interface EncodedChunkLike {
  /** `'key'` when decoding can begin here, else `'delta'`. */
  readonly type: 'key' | 'delta';
  /** When it is presented, in microseconds. */
  readonly timestamp: number;
}

/** The position of a plane of pixels. */
export interface PlaneLayoutLike {
  /** In bytes. */
  readonly offset: number;
  /** From a row to the next, in bytes. */
  readonly stride: number;
}

/** A decoded picture: the `VideoFrame` of WebCodecs. */
export interface VideoFrameLike {
  /** The pixel format, for example `I420`; `null` where the pixels are not available. */
  readonly format: string | null;
  /** When it is presented, in microseconds. */
  readonly timestamp: number;
  /** How long it is presented, in microseconds; `null` where it is not known. */
  readonly duration: number | null;
  /** The width of what was decoded, in pixels, with what is cropped. */
  readonly codedWidth: number;
  /** The height of what was decoded, in pixels, with what is cropped. */
  readonly codedHeight: number;
  /** As it is to be shown, in pixels. */
  readonly displayWidth: number;
  /** As it is to be shown, in pixels. */
  readonly displayHeight: number;
  /** The part that is shown, in pixels of the decoded picture; `null` when the picture is closed. */
  readonly visibleRect: {
    /** The left edge. */
    readonly x: number;
    /** The upper edge. */
    readonly y: number;
    /** The width. */
    readonly width: number;
    /** The height. */
    readonly height: number;
  } | null;
  /** How many bytes `copyTo` writes. `format: 'RGBA'` asks for pixels that are converted. */
  allocationSize(options?: { readonly format?: 'RGBA' }): number;
  /** Copies the pixels, and says where each plane lies. `format: 'RGBA'` converts them, where the implementation can. */
  copyTo(destination: Uint8Array, options?: { readonly format?: 'RGBA' }): Promise<PlaneLayoutLike[]>;
  /** Frees the picture. It cannot be read after that. */
  close(): void;
}

/** Decoded sound: the `AudioData` of WebCodecs. */
export interface AudioDataLike {
  /** The sample format, for example `f32-planar`. */
  readonly format: string | null;
  /** When it begins, in microseconds. */
  readonly timestamp: number;
  /** Samples of a channel per second. */
  readonly sampleRate: number;
  /** Samples of each channel. */
  readonly numberOfFrames: number;
  /** How many channels there are. */
  readonly numberOfChannels: number;
  /** The bytes of the plane `planeIndex`. Samples whose channels lie in turn are one plane. */
  allocationSize(options: { readonly planeIndex: number }): number;
  /** Copies the samples of the plane `planeIndex`. */
  copyTo(destination: Uint8Array, options: { readonly planeIndex: number }): void;
  /** Frees the sound. It cannot be read after that. */
  close(): void;
}

/** The callbacks of a decoder. */
export interface DecoderCallbacks<O> {
  /** Takes each decoded picture or sound, which it has to close. */
  readonly output: (output: O) => void;
  /** Called once when decoding fails. The decoder is closed then. */
  readonly error: (error: Error) => void;
}

/** A `VideoDecoder` or `AudioDecoder` of WebCodecs. */
export interface DecoderLike<C> {
  /** `'unconfigured'` until `configure`, `'configured'` after it, `'closed'` after `close` or an error. */
  readonly state: 'unconfigured' | 'configured' | 'closed';
  /** How many chunks wait to be decoded. */
  readonly decodeQueueSize: number;
  /** Is called when the queue has become shorter. */
  ondequeue: ((event: Event) => unknown) | null;
  /** Says what the chunks that follow are. Throws when the configuration makes no sense. */
  configure(config: C): void;
  /** Queues a chunk. After `configure` and `flush`, the first one has to be a `key` one. */
  decode(chunk: EncodedChunkLike): void;
  /** Has all that is queued decoded and given out; settles after that. */
  flush(): Promise<void>;
  /** Stops at once. What is queued is lost. */
  close(): void;
}

/** The class of a decoder. */
export interface DecoderClass<C, O> {
  new (callbacks: DecoderCallbacks<O>): DecoderLike<C>;
  /** Whether it takes a configuration: `supported` of the result says so. */
  isConfigSupported?(config: C): Promise<{ readonly supported?: boolean }>;
}

/** The class `VideoFrame`: makes a picture of the same pixels with another time. */
export type VideoFrameClass = new (frame: VideoFrameLike, init: { readonly timestamp: number }) => VideoFrameLike;
