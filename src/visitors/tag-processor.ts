import type { FragmentMetadata } from './fragment-metadata.js';
import type { MkvTag } from './tag.js';

/** Receives the producer's tags as they arrive. */
export interface MkvTagProcessor {
  /**
   * Takes a tag.
   *
   * @param fragment the fragment that the stream is in; `undefined` where its number has not come yet: producers' tags often stand
   * before it
   */
  process(tag: MkvTag, fragment: FragmentMetadata | undefined): void;
  /** Forgets what it has gathered. A `FrameVisitor` calls it at the end of each Cluster. */
  clear(): void;
}

/** Keeps the tags that it receives, the newest ones up to a limit, until it is cleared. */
export class BasicMkvTagProcessor implements MkvTagProcessor {
  readonly #limit: number;
  readonly #tags: MkvTag[] = [];

  /** @param limit how many tags to keep at the most; a fragment of Kinesis Video Streams has 10 of its own, default 100 */
  constructor(limit = 100) {
    if (!(limit >= 1)) throw new RangeError('the limit must be 1 or more');
    this.#limit = limit;
  }

  /** The tags since the last {@link BasicMkvTagProcessor.clear}, oldest first. */
  get tags(): readonly MkvTag[] {
    return this.#tags;
  }

  /** Keeps the tag. The oldest one goes when there are more than the limit. */
  process(tag: MkvTag): void {
    if (this.#tags.length >= this.#limit) this.#tags.shift();
    this.#tags.push(tag);
  }

  /** Forgets all tags. */
  clear(): void {
    this.#tags.length = 0;
  }
}
