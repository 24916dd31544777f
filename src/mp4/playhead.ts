/** A time that is set may be cut to microseconds, and would then lie before the frame that it was read from. */
const JUST_BEHIND = 0.001;

/** In seconds of the wall clock: at the beginning of a gap a decoder may stop this much before what is buffered ends. */
const NEAR_END = 0.1;

/** In seconds of the wall clock: a video that waits this near to the end of what is buffered waits for what is behind the gap. */
const STUCK = 0.5;

/** How fast playing catches up with what comes chunk by chunk. Pitch stays, and the difference is hardly seen or heard. */
const FASTER = 1.1;

/** In seconds: chunks do not come at even intervals. */
const UNEVEN = 0.1;

/** HTMLMediaElement.HAVE_FUTURE_DATA */
const HAVE_FUTURE_DATA = 3;

/** Moves a video over gaps in what is buffered, and to the newest of it. */
export class Playhead {
  readonly #video: HTMLVideoElement;
  readonly #maxDelay: number | undefined;
  readonly #catchesUp: boolean;
  #isFaster = false;
  /** Where to go when playing has fallen behind, in seconds. */
  newest = 0;

  /** @param catchesUp whether playing is to be faster while it is more than half of `maxDelay` behind */
  constructor(video: HTMLVideoElement, maxDelay: number | undefined, catchesUp: boolean) {
    this.#video = video;
    this.#maxDelay = maxDelay;
    this.#catchesUp = catchesUp;
  }

  /** How much is buffered ahead, in seconds, gaps counted in. */
  get ahead(): number {
    const { buffered, currentTime } = this.#video;
    return buffered.length === 0 ? 0 : buffered.end(buffered.length - 1) - currentTime;
  }

  /** Jumps over a gap that playing has reached, and to the newest media when it has fallen behind. */
  follow(): void {
    const { currentTime, buffered, seeking, playbackRate, readyState } = this.#video;
    if (seeking && isWithin(buffered, currentTime)) return;
    const rate = Math.max(1, playbackRate);
    const near = (readyState < HAVE_FUTURE_DATA ? STUCK : NEAR_END) * rate;
    let next: number | undefined;
    for (let i = buffered.length - 1; i >= 0; i--) {
      const start = buffered.start(i);
      if (start > currentTime) next = start;
      else if (currentTime < buffered.end(i) - near) next = undefined;
    }
    const maxDelay = this.#maxDelay;
    if (maxDelay !== undefined && this.#catchesUp) this.#catchUp(maxDelay / 2);
    if (maxDelay !== undefined && this.ahead > maxDelay && this.newest > currentTime) next = this.newest;
    if (next !== undefined) this.#video.currentTime = next + JUST_BEHIND;
  }

  /** Leaves the video as fast as it was. */
  close(): void {
    if (this.#isFaster && this.#video.playbackRate === FASTER) this.#video.playbackRate = 1;
    this.#isFaster = false;
  }

  /** A page that has set the speed itself keeps it. */
  #catchUp(target: number): void {
    if (this.#video.playbackRate !== (this.#isFaster ? FASTER : 1)) return;
    const isFaster = this.ahead > (this.#isFaster ? target : target + UNEVEN);
    if (isFaster === this.#isFaster) return;
    this.#isFaster = isFaster;
    this.#video.playbackRate = isFaster ? FASTER : 1;
  }
}

function isWithin(ranges: TimeRanges, time: number): boolean {
  for (let i = 0; i < ranges.length; i++) if (time >= ranges.start(i) && time < ranges.end(i)) return true;
  return false;
}
