import type { Progress } from './progress.js';

/** What a presentation is made of. */
export interface PlaybackSource {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Whether it may be silent for as long as it likes. */
  readonly isLive: boolean;
  readonly progress: Progress;
  /** Whether it is known to be no Matroska by what has come. */
  isForeign(): boolean;
  /** The error for when there has been nothing to play in it. */
  nothing(): Error;
}
