import type { Frame } from '../visitors/frame.js';
import type { MediaProblem } from './decode-error.js';
import type { PictureChoice } from './picture-choice.js';
import type { Sampling } from './sampling.js';

/** A frame that a decoder is to be given. */
export interface PictureFeed {
  readonly frame: Frame;
  /** Its group of pictures: frames of one number are decoded one after another, from a key frame on. */
  readonly group: number;
  /** Whether its picture is wanted. */
  readonly wanted: boolean;
  /** Whether no more of its group comes. */
  readonly last: boolean;
  /** Whether frames before it are left out: the decoder has to give all that it holds first. */
  readonly fresh: boolean;
}

/** So much of one group of pictures is held until it is known what is wanted of it. */
const MOST_HELD = 64 * 1024 * 1024;
const MOST_FRAMES = 10_000;

/** A group of pictures in the making: a key frame and what follows it, in decode order. */
interface Group {
  readonly number: number;
  readonly frames: Frame[];
  size: number;
  /** It is too large to be held: all of its frames are given. */
  isLong: boolean;
  /** Its key frame has been given, and what is held goes on from there. */
  begun: boolean;
}

/**
 * Decides which frames have to be decoded for the pictures that are wanted: of the groups of pictures in which one lies, those up to it.
 * Frames come in decode order.
 */
export class PictureFeeds {
  readonly #sampling: Sampling;
  readonly #choice: PictureChoice;
  readonly #tell: (problem: MediaProblem) => void;
  #numbers = 0;
  #group: Group | undefined;
  /** The group before, until it is known which pictures behind the next key frame are shown before that. */
  #before: Group | undefined;
  /** Frames are missing: nothing can be decoded before the next key frame. */
  #lost: { readonly from: number; readonly reason: string } | undefined;
  /** The latest time so far, in microseconds. */
  #latest: number | undefined;

  constructor(sampling: Sampling, choice: PictureChoice, tell: (problem: MediaProblem) => void) {
    this.#sampling = sampling;
    this.#choice = choice;
    this.#tell = tell;
  }

  /** Frames are missing here. */
  lose(reason: string): void {
    if (this.#latest !== undefined) this.#lost ??= { from: this.#latest, reason };
  }

  /** The group at hand cannot be decoded. */
  abandon(group: number, reason: string): void {
    if (this.#group?.number === group) this.lose(reason);
  }

  /** Takes the next frame and gives what is known to be needed by now. */
  *push(frame: Frame): Generator<PictureFeed> {
    const { keyframe, timestamp } = frame;
    const isFirst = this.#latest === undefined;
    if (isFirst && !keyframe) this.#lost = { from: timestamp, reason: 'the stream does not begin with a key frame' };
    if (keyframe) this.#tellLost(timestamp);
    this.#latest = Math.max(this.#latest ?? timestamp, timestamp);
    if (this.#lost !== undefined) return;
    if (this.#isAtOnce) yield* this.#pushAtOnce(frame);
    else yield* this.#pushToGroup(frame);
  }

  /** No more frames come. */
  *finish(): Generator<PictureFeed> {
    yield* this.#settleBefore();
    const group = this.#group;
    if (group !== undefined && !this.#isAtOnce) yield* this.#settle(group, [], undefined);
    this.#group = undefined;
    if (this.#latest !== undefined) this.#tellLost(this.#latest);
    this.#choice.finish();
  }

  /** Whether it is known at once which frames are wanted. */
  get #isAtOnce(): boolean {
    const sampling = this.#sampling;
    return sampling.kind === 'keyframe' || (sampling.kind === 'frames' && sampling.every === 1);
  }

  /** Tells of the pictures that are missing up to a time, in microseconds. */
  #tellLost(to: number): void {
    const lost = this.#lost;
    this.#lost = undefined;
    if (lost === undefined) return;
    this.#tell({ code: 'MEDIA_ERROR', from: Math.min(lost.from, to), to, message: lost.reason });
  }

  *#pushAtOnce(frame: Frame): Generator<PictureFeed> {
    const keysOnly = this.#sampling.kind === 'keyframe';
    if (frame.keyframe) {
      this.#group = this.#newGroup(frame);
    } else if (keysOnly) return;
    const group = this.#group;
    if (group === undefined) return;
    // What is shown before the first key frame needs frames that are not there.
    if (group.number === 1 && frame.timestamp < group.frames[0]!.timestamp) return;
    const wanted = !frame.invisible && this.#choice.choose([frame], undefined).length > 0;
    if (!keysOnly || wanted) yield { frame, group: group.number, wanted, last: keysOnly, fresh: keysOnly };
  }

  *#pushToGroup(frame: Frame): Generator<PictureFeed> {
    if (frame.keyframe) {
      yield* this.#settleBefore();
      this.#before = this.#group;
      this.#group = this.#newGroup(frame);
      return;
    }
    const group = this.#group;
    if (group === undefined) return;
    group.frames.push(frame);
    group.size += frame.size;
    if (frame.timestamp >= group.frames[0]!.timestamp) yield* this.#settleBefore();
    if (group.size < MOST_HELD && group.frames.length < MOST_FRAMES) return;
    group.isLong = true;
    yield* this.#settle(group, [], undefined);
    // The first stays: it tells what is shown before it.
    group.frames.splice(1);
    group.begun = true;
    group.size = 0;
  }

  #newGroup(key: Frame): Group {
    return { number: ++this.#numbers, frames: [key], size: key.size, isLong: false, begun: false };
  }

  *#settleBefore(): Generator<PictureFeed> {
    const before = this.#before;
    this.#before = undefined;
    if (before === undefined) return;
    const next = this.#group;
    const begin = next?.frames[0]?.timestamp;
    const leading =
      next === undefined || begin === undefined ? [] : next.frames.filter(({ timestamp }) => timestamp < begin);
    yield* this.#settle(before, leading, begin);
  }

  /**
   * Gives what is needed of a group.
   *
   * @param leading frames of the next group that are shown before its key frame: they need this group
   * @param nextTime when the next group begins
   */
  *#settle(group: Group, leading: readonly Frame[], nextTime: number | undefined): Generator<PictureFeed> {
    const begin = group.frames[0]!.timestamp;
    const shown = group.frames.slice(group.begun ? 1 : 0).filter(({ timestamp }) => timestamp >= begin);
    const pictures = [...shown, ...leading].filter(({ invisible }) => !invisible);
    pictures.sort((a, b) => a.timestamp - b.timestamp);
    const wanted = new Set(this.#choice.choose(pictures, nextTime));
    const isAll = group.isLong || leading.some((frame) => wanted.has(frame));
    const until = isAll ? group.frames.length : lastIndex(group.frames, wanted) + 1;
    const needed = group.frames.slice(group.begun ? 1 : 0, until);
    // Those that are shown before the key frame are given with the group before, or are not wanted.
    let given = needed.filter(({ timestamp }) => timestamp >= begin);
    const lastLeading = lastIndex(leading, wanted);
    const key = this.#group?.frames[0];
    // They need the next key frame too, which is given once more with its own group.
    if (lastLeading >= 0 && key !== undefined) given = given.concat(key, leading.slice(0, lastLeading + 1));
    for (const [index, frame] of given.entries()) {
      const last = index === given.length - 1 && !group.isLong;
      const fresh = index === 0 && !group.begun;
      yield { frame, group: group.number, wanted: wanted.has(frame), last, fresh };
    }
  }
}

function lastIndex(frames: readonly Frame[], wanted: ReadonlySet<Frame>): number {
  for (let index = frames.length - 1; index >= 0; index--) if (wanted.has(frames[index]!)) return index;
  return -1;
}
