import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata, StreamError } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import type { MkvTag } from '../visitors/tag.js';

/** A fragment with its frames, tracks, tags and metadata; or a whole document that does not come from Kinesis Video Streams. */
export class Fragment {
  /** What the service says of it, and the producer's tags; `undefined` in a document that is not of Kinesis Video Streams. */
  readonly metadata: FragmentMetadata | undefined;
  /** Its tracks, in the order of their description. */
  readonly tracks: readonly TrackMetadata[];
  /** Its frames that were asked for, in stream order (decode order). */
  readonly frames: readonly Frame[];
  /** The producer's tags, in order, duplicates kept. */
  readonly tags: readonly MkvTag[];
  /**
   * Whether something of it is missing: the stream ended within it, or damage was skipped (`recover`). The end of a document between a
   * fragment's frames and the service's Tags behind them counts where a fragment before had such Tags, or by `expectTrailingTags`. A
   * fragment whose error the service reports has none.
   */
  readonly truncated: boolean;

  /** @internal */
  constructor(
    metadata: FragmentMetadata | undefined,
    tracks: readonly TrackMetadata[],
    frames: readonly Frame[],
    tags: readonly MkvTag[],
    truncated: boolean,
  ) {
    this.metadata = metadata;
    this.tracks = tracks;
    this.frames = frames;
    this.tags = tags;
    this.truncated = truncated;
  }

  /** The fragment's number, a decimal string. */
  get fragmentNumber(): string | undefined {
    return this.metadata?.fragmentNumber;
  }

  /** When the service began to receive it. */
  get serverTimestamp(): Date | undefined {
    return this.metadata?.serverTimestamp;
  }

  /** When the producer began to record it. */
  get producerTimestamp(): Date | undefined {
    return this.metadata?.producerTimestamp;
  }

  /**
   * The Timestamp of its first Cluster, in microseconds: what `producerTimestamp` and `serverTimestamp` are the wall clock of. Of a document
   * that is not of Kinesis Video Streams, that of the Cluster of its first frame.
   */
  get clusterTimestamp(): number | undefined {
    return this.metadata?.clusterTimestamp ?? this.frames[0]?.cluster.timestamp;
  }

  /** How far, in milliseconds, it is behind the newest fragment of the stream. */
  get millisBehindNow(): number | undefined {
    return this.metadata?.millisBehindNow;
  }

  /** Where a later GetMedia can continue. */
  get continuationToken(): string | undefined {
    return this.metadata?.continuationToken;
  }

  /** What the service reports to have gone wrong. */
  get error(): StreamError | undefined {
    return this.metadata?.error;
  }
}
