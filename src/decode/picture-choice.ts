import type { Frame } from '../visitors/frame.js';
import type { MediaProblem } from './decode-error.js';
import { compareToTime, type MediaTime, type Sampling } from './sampling.js';

/** Times are rounded to milliseconds by most producers: a picture this much behind a sample time is shown at it, in microseconds. */
const ROUNDING = 1000;
/** Pictures that are no farther apart than this, in microseconds, have no gap between them; nor twice as far as they were before. */
const NO_GAP = 500_000;
/** How long a picture is shown where nothing tells it, in microseconds. */
const ASSUMED_DURATION = 40_000;
/** Of the sample times without media in one gap, so many are told of at the most. */
const MOST_EMPTY = 10_000;

/** Chooses the pictures that are wanted, shown them in the order of presentation. */
export class PictureChoice {
  readonly #sampling: Sampling;
  readonly #from: MediaTime | undefined;
  readonly #to: MediaTime | undefined;
  readonly #tell: (problem: MediaProblem) => void;
  #count = 0;
  /** Where sample times count from, and how many there have been. */
  #origin: number | undefined;
  #samples = 0;
  /** The picture before, which is shown until the next one begins. */
  #last: Frame | undefined;

  constructor(
    sampling: Sampling,
    from: MediaTime | undefined,
    to: MediaTime | undefined,
    tell: (problem: MediaProblem) => void,
  ) {
    this.#sampling = sampling;
    this.#from = from;
    this.#to = to;
    this.#tell = tell;
  }

  /** Whether pictures of that time can still be wanted: everything behind is not. */
  isPast(frame: Frame): boolean {
    return this.#to !== undefined && compareToTime(frame, this.#to) > 0;
  }

  /**
   * Chooses among the pictures of a group. A picture is chosen when it is known until when it is shown, so one of the group before may be
   * among those chosen.
   *
   * @param pictures in the order of presentation
   * @param nextTime when the next group begins, in microseconds; `undefined` at the end of the stream
   * @returns those that are wanted, each once for every sample time
   */
  choose(pictures: readonly Frame[], nextTime: number | undefined): Frame[] {
    return pictures.flatMap((frame, index) => {
      if (!this.#isWithin(frame)) return [];
      const next = pictures[index + 1]?.timestamp ?? nextTime;
      return this.#isWanted(frame, next) ? [frame] : [];
    });
  }

  #isWithin(frame: Frame): boolean {
    const behind = this.#from === undefined || compareToTime(frame, this.#from) >= 0 || this.#coversBegin(frame);
    return behind && !this.isPast(frame);
  }

  /** Whether the picture is the one that is shown when the stretch of time begins. */
  #coversBegin(frame: Frame): boolean {
    const { duration } = frame;
    if (this.#sampling.kind !== 'time' || duration === undefined || this.#from === undefined) return false;
    const distance = compareToTime(frame, this.#from);
    return distance < 0 && -distance < (typeof this.#from === 'number' ? duration : duration / 1000);
  }

  #isWanted(frame: Frame, next: number | undefined): boolean {
    const sampling = this.#sampling;
    if (sampling.kind === 'keyframe') return frame.keyframe;
    if (sampling.kind === 'frames') return this.#count++ % sampling.every === 0;
    return this.#isSampled(frame, next, sampling.every);
  }

  #isSampled(frame: Frame, next: number | undefined, every: number): boolean {
    const { timestamp } = frame;
    const last = this.#last;
    this.#last = frame;
    // A clock that was set back begins a timeline of its own.
    if (this.#origin === undefined || (last !== undefined && timestamp < last.timestamp)) {
      this.#origin = this.#origin === undefined ? (this.#beginOf(frame) ?? timestamp) : timestamp;
      this.#samples = 0;
    }
    const origin = this.#origin;
    this.#skipEmpty(timestamp, every, origin);
    const interval = last !== undefined && timestamp > last.timestamp ? timestamp - last.timestamp : undefined;
    const shownUntil = shownUntilOf(frame, next, interval);
    // Sample times that are closer together than pictures give each picture once.
    const samples = Math.ceil((shownUntil - ROUNDING - origin) / every);
    if (samples <= this.#samples) return false;
    this.#samples = samples;
    return true;
  }

  /** Where the stretch of time that was asked for begins, in the stream's time. */
  #beginOf(frame: Frame): number | undefined {
    const from = this.#from;
    if (typeof from === 'number' || from === undefined) return from;
    return frame.timestamp - compareToTime(frame, from) * 1000;
  }

  /** Tells of the sample times before `timestamp` at which nothing was shown. */
  #skipEmpty(timestamp: number, every: number, origin: number): void {
    const first = origin + this.#samples * every;
    const missed = Math.ceil((timestamp - ROUNDING - first) / every);
    if (missed <= 0) return;
    this.#samples += missed;
    for (let i = 0; i < Math.min(missed, MOST_EMPTY); i++) {
      const at = first + i * every;
      this.#tell({ code: 'NO_MEDIA', from: at, to: at, message: 'nothing was recorded at this time' });
    }
  }

  /** No more pictures come: tells of the sample times behind the last one, up to the end that was asked for. */
  finish(): void {
    const last = this.#last;
    const origin = this.#origin;
    if (this.#sampling.kind !== 'time' || this.#to === undefined || last === undefined || origin === undefined) return;
    const to = typeof this.#to === 'number' ? this.#to : last.timestamp - compareToTime(last, this.#to) * 1000;
    this.#skipEmpty(to + 2 * ROUNDING, this.#sampling.every, origin);
  }
}

/** Until when a picture is shown, in microseconds. */
function shownUntilOf({ timestamp, duration }: Frame, next: number | undefined, interval: number | undefined): number {
  const lasts = duration ?? interval ?? ASSUMED_DURATION;
  if (next === undefined || next <= timestamp) return timestamp + lasts;
  return next - timestamp <= Math.max(NO_GAP, 2 * lasts) ? next : timestamp + lasts;
}
