import type { Session } from './session.js';

/** Bytes that are asked for at once. */
const PIECE = 1 << 18;

/** In milliseconds: how often it is looked whether a stream that grows has grown. */
const LOOK = 250;

/** Plays the stream from the cursor's fragment on through Media Source Extensions, and moves the cursor with it. */
export class Playback {
  readonly #session: Session;
  readonly #video: HTMLVideoElement;
  readonly #stop = new AbortController();
  #rate = 1;

  constructor(session: Session, video: HTMLVideoElement) {
    this.#session = session;
    this.#video = video;
  }

  stop(): void {
    this.#stop.abort();
  }

  setRate(rate: number): void {
    this.#rate = rate;
    this.#video.playbackRate = rate;
  }

  /**
   * Plays until the end or until it is stopped.
   *
   * @param tell is given what cannot be played, in a sentence
   * @throws Error when nothing of it can be played here
   */
  async play(rate: number, tell: (problem: string) => void): Promise<void> {
    // Remuxing is the largest part of the page: only who plays loads it.
    const { MsePlayer } = await import('../../mp4/mse-player.js');
    if (!MsePlayer.isSupported()) throw new Error('this browser has no Media Source Extensions for H.264');
    const { signal } = this.#stop;
    const { data, cursor, model } = this.#session;
    const first = data.fragment(cursor.peek().fragment ?? data.firstFragment) ?? data.fragments[0];
    if (first === undefined) throw new Error('there is no fragment');
    const starts: { start: number; time: number }[] = [];
    let nextFrame = first.firstFrame;
    const player = new MsePlayer(this.#video, {
      recover: true,
      onSegment: (segment) => {
        if (segment.type !== 'media') return;
        const [track] = segment.tracks;
        if (track === undefined) return;
        const fragment = this.#fragmentOf(segment.fragment?.fragmentNumber, nextFrame);
        const time = fragment?.time;
        if (time !== undefined) starts.push({ start: track.start / 1000, time });
        nextFrame = fragment === undefined ? nextFrame : fragment.firstFrame + fragment.frames;
      },
    });
    player.addEventListener('left-out', ({ detail }) => tell(`Left out: ${detail.error.message}`));
    this.setRate(rate);
    const follow = () => {
      const now = this.#video.currentTime * 1000;
      const at = starts.filter(({ start }) => start <= now + 1).at(-1);
      if (at !== undefined && !this.#video.paused) {
        const frame = model.frameAt(at.time + now - at.start, this.#session.playedTrack);
        if (frame !== undefined) this.#session.toFrame(frame);
      }
    };
    const timer = setInterval(follow, 100);
    const ended = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve());
      player.addEventListener('state', ({ detail }) => {
        if (detail.state === 'ended') resolve();
        // Each new source begins at the usual speed.
        if (detail.state === 'playing') this.#video.playbackRate = this.#rate;
      });
    });
    try {
      await Promise.race([player.play(this.#bytes(first.offset)), ended]);
      await ended;
    } finally {
      clearInterval(timer);
      follow();
      await player.stop();
    }
  }

  #fragmentOf(number: string | undefined, nextFrame: number) {
    const { data } = this.#session;
    if (number !== undefined) return data.fragments.find(({ fragmentNumber }) => fragmentNumber === number);
    return data.fragment(data.frames.row(nextFrame)?.fragment ?? -1);
  }

  /** The stream from a byte on; of one that grows, as it grows. */
  async *#bytes(offset: number): AsyncGenerator<Uint8Array> {
    const { signal } = this.#stop;
    let at = offset;
    while (!signal.aborted) {
      const bytes = await this.#session.ask('bytes', { offset: at, length: PIECE }, { signal });
      at += bytes.length;
      if (bytes.length > 0) {
        yield bytes;
        continue;
      }
      if (this.#session.inspection.model.state.phase !== 'live') return;
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }
}
