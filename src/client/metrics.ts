import type { Fragment } from '../fragments/fragment.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Clock } from './clock.js';

/** Counters and the state of a {@link GetMediaConsumer}, since it was created. */
export interface ConsumerMetrics {
  /** Fragments that the caller has received. */
  readonly fragments: number;
  /** Frames in them. */
  readonly frames: number;
  /** Bytes of these frames. */
  readonly frameBytes: number;
  /** Bytes received over all connections, those that were read again among them. */
  readonly bytes: number;
  /** GetMedia calls that the service has answered. */
  readonly connections: number;
  /** Times that a connection, or the attempt at one, failed or ended behind a fragment and another was made. */
  readonly reconnects: number;
  /** Times that the service had nothing to send. */
  readonly idlePolls: number;
  /** Fragments that came again and were dropped. */
  readonly duplicates: number;
  /** Fragments inside which a connection ended; they were read again. */
  readonly truncated: number;
  /** Gaps reported. */
  readonly gaps: number;
  /** How far, in milliseconds, the last fragment was behind the newest of the stream, by the service. */
  readonly millisBehindNow: number | undefined;
  /** Milliseconds since the caller received the last fragment. */
  readonly millisSinceLastFragment: number | undefined;
  /** Whether a connection is open. */
  readonly connected: boolean;
}

/** Counts for {@link ConsumerMetrics}. */
export class MetricsRecorder {
  readonly #clock: Clock;
  fragments = 0;
  frames = 0;
  frameBytes = 0;
  bytes = 0;
  connections = 0;
  reconnects = 0;
  idlePolls = 0;
  duplicates = 0;
  truncated = 0;
  gaps = 0;
  connected = false;
  #last: FragmentMetadata | undefined;
  #lastAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A fragment is handed out. */
  handOut(fragment: Fragment): void {
    this.fragments++;
    this.frames += fragment.frames.length;
    for (const frame of fragment.frames) this.frameBytes += frame.size;
    this.#last = fragment.metadata;
    this.#lastAt = this.#clock.now();
  }

  /** The counts as they are now. */
  snapshot(): ConsumerMetrics {
    const { fragments, frames, frameBytes, bytes, connections, reconnects, idlePolls } = this;
    const { duplicates, truncated, gaps, connected } = this;
    return {
      fragments,
      frames,
      frameBytes,
      bytes,
      connections,
      reconnects,
      idlePolls,
      duplicates,
      truncated,
      gaps,
      millisBehindNow: this.#last?.millisBehindNow,
      millisSinceLastFragment: this.#lastAt === undefined ? undefined : this.#clock.now() - this.#lastAt,
      connected,
    };
  }
}
