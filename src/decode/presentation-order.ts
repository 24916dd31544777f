import type { Frame } from '../visitors/frame.js';
import type { VideoFrameLike } from './webcodecs.js';

/** A picture that is wanted. */
interface Expected {
  readonly frame: Frame;
  readonly group: number;
  /** `undefined` as long as the decoder has not given it. */
  picture: VideoFrameLike | undefined;
}

/** Where a stream does not say how far its pictures are out of order. */
const ASSUMED_DEPTH = 4;

/**
 * Puts decoded pictures into the order of presentation. Decoders give them in that order by the standard; some give each as soon as it is
 * decoded.
 */
export class PresentationOrder {
  /** By group, and by time within it. */
  readonly #expected: Expected[] = [];
  /** Groups up to this one are complete. */
  #closed = 0;
  /** How many pictures may be decoded before one that is shown before them. */
  #depth = 0;
  #lastGiven: Frame | undefined;

  /** A frame is about to be decoded whose picture is wanted. Frames come in decode order. */
  expect(frame: Frame, group: number): void {
    const { nal } = frame.track.format;
    const said = nal === undefined ? 0 : (nal.sps?.maxReorder ?? ASSUMED_DEPTH);
    if (said > this.#depth) this.#depth = said;
    // It should have been shown before one that was given already: the stream is more out of order than it says.
    if (this.#lastGiven !== undefined && frame.timestamp < this.#lastGiven.timestamp && group === this.#closed + 1)
      this.#depth++;
    this.close(group - 1);
    const all = this.#expected;
    let at = all.length;
    while (at > 0 && all[at - 1]!.group === group && all[at - 1]!.frame.timestamp > frame.timestamp) at--;
    all.splice(at, 0, { frame, group, picture: undefined });
  }

  /** All frames of groups up to this one have been expected. */
  close(group: number): void {
    if (group > this.#closed) this.#closed = group;
  }

  /** All frames that have been expected are of complete groups. */
  closeAll(): void {
    this.close(this.#expected.at(-1)?.group ?? 0);
  }

  /** The decoder gives a picture; `false` where it is not wanted (any more). */
  fulfil(frame: Frame, group: number, picture: VideoFrameLike): boolean {
    const found = this.#expected.find(
      (each) => each.frame === frame && each.group === group && each.picture === undefined,
    );
    if (found !== undefined) found.picture = picture;
    return found !== undefined;
  }

  /** The picture of a frame does not come. */
  giveUp(frame: Frame, group: number): void {
    const index = this.#expected.findIndex(
      (each) => each.frame === frame && each.group === group && each.picture === undefined,
    );
    if (index >= 0) this.#expected.splice(index, 1);
  }

  /** Whether the next picture is there, and none comes that is shown before it. */
  get isReady(): boolean {
    const [first] = this.#expected;
    if (first?.picture === undefined) return false;
    if (first.group <= this.#closed) return true;
    const last = this.#expected[this.#depth];
    return last !== undefined && last.group === first.group;
  }

  /** The next picture, where it is ready. */
  take(): { readonly frame: Frame; readonly picture: VideoFrameLike } | undefined {
    if (!this.isReady) return undefined;
    const first = this.#expected.shift();
    if (first?.picture === undefined) return undefined;
    this.#lastGiven = first.frame;
    return { frame: first.frame, picture: first.picture };
  }

  /** How many decoded pictures are held. */
  get held(): number {
    return this.#expected.reduce((count, { picture }) => count + (picture === undefined ? 0 : 1), 0);
  }

  /** How many decoded pictures are held to put them in order, at the most. */
  get depth(): number {
    return this.#depth;
  }

  /** Closes the pictures that nobody took. */
  clear(): void {
    for (const { picture } of this.#expected.splice(0)) picture?.close();
  }
}
