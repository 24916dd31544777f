import type { Mp4Segment } from './mp4-remuxer.js';
import type { Mp4RemuxError } from './remux-error.js';
import type { Mp4StreamOptions } from './streams.js';

/**
 * Names of the platform that public types speak of. Each is the platform's own where a program has it (the DOM library, `@types/node`);
 * elsewhere it is empty, and the program compiles all the same.
 */
declare global {
  interface CustomEvent<T> {}
  interface Event {}
  interface EventTarget {}
  interface HTMLVideoElement {}
  interface MediaSource {}
}

/** Options of `MsePlayer`. Times are in seconds, as those of a `<video>`. */
export interface MsePlayerOptions
  extends Pick<Mp4StreamOptions, 'recover' | 'onGap' | 'tracks' | 'chunkDuration' | 'inflate'> {
  /** Let playing begin by itself when the first fragment is there (default). A browser may want the video muted for it. */
  readonly autoplay?: boolean | undefined;
  /** How much of what has been played stays, to seek back to. Default 30. */
  readonly keepBehind?: number | undefined;
  /**
   * How far ahead of what is played the stream is read; a stream that arrives faster is held back. Default 60, or as much as the browser
   * has room for.
   */
  readonly readAhead?: number | undefined;
  /**
   * For live streams: how far playing may fall behind the newest frame before it jumps: to the newest fragment, or, with `chunkDuration`,
   * to half as far behind. What has piled up is then skipped as fast as it arrives. With `chunkDuration`, playing is 10 % faster while it
   * is more than half as far behind, unless the page has set `playbackRate`. Default: as far as it likes.
   */
  readonly maxDelay?: number | undefined;
  /** Makes the media source. Default: `new MediaSource()`; Safari on iPhone has `ManagedMediaSource` instead. */
  readonly createMediaSource?: (() => MediaSource) | undefined;
  /** Receives each segment before it is appended. */
  readonly onSegment?: ((segment: Mp4Segment) => void) | undefined;
  /** Receives a fragment that is left out (with `recover`). */
  readonly onInvalidFragment?: ((error: Mp4RemuxError) => void) | undefined;
}
