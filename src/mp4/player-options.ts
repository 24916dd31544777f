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
  /** Start to play when the first fragment has arrived (default). Some browsers allow this only for a muted video. */
  readonly autoplay?: boolean | undefined;
  /** How much of the played media is kept, to seek back to. Default 30. */
  readonly keepBehind?: number | undefined;
  /**
   * How far ahead of the playing position the stream is read. A faster stream is held back. Default 60, or as much as the browser has room
   * for.
   */
  readonly readAhead?: number | undefined;
  /**
   * For live streams: how far the playing position may be behind the newest frame. Beyond that, it jumps to the newest fragment, or with
   * `chunkDuration` to half this delay; what has accumulated is skipped. With `chunkDuration`, playing is 10 % faster while the position is
   * more than half this delay behind, unless the page has set `playbackRate`. Default: no limit.
   */
  readonly maxDelay?: number | undefined;
  /** Creates the media source. Default: `new MediaSource()`; Safari on iPhone has `ManagedMediaSource` instead. */
  readonly createMediaSource?: (() => MediaSource) | undefined;
  /** Receives each segment before it is appended. */
  readonly onSegment?: ((segment: Mp4Segment) => void) | undefined;
  /** Receives a fragment that is left out (with `recover`). */
  readonly onInvalidFragment?: ((error: Mp4RemuxError) => void) | undefined;
}
