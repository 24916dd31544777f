import type { ByteStream } from '../mkv/byte-stream.js';
import { PlaySession } from './play-session.js';
import type { MsePlayerOptions } from './player-options.js';
import type { Mp4RemuxError } from './remux-error.js';

/** The state of a {@link MsePlayer}. */
export type MsePlayerState =
  /** It has no stream. */
  | 'idle'
  /** Nothing of the stream has been shown yet. */
  | 'loading'
  /** The video plays. */
  | 'playing'
  /** The video was paused. */
  | 'paused'
  /** The video has nothing to show: the stream does not come as fast as it is played. */
  | 'stalled'
  /** All of the stream has been played. */
  | 'ended'
  /** Playing has failed; the promise of `play()` says why. */
  | 'error';

/** The events of a {@link MsePlayer}. */
export interface MsePlayerEventMap {
  /** The state has changed; `state` is the new one. */
  state: CustomEvent<{ readonly state: MsePlayerState }>;
  /** Playing has failed; `error` is what the promise of `play()` is rejected with. */
  error: CustomEvent<{ readonly error: unknown }>;
  /** A track is left out. `error` says why: it cannot be remuxed or played, or has no frames. */
  'left-out': CustomEvent<{ readonly error: Mp4RemuxError }>;
  /** The video has nothing to show. `time` is the video's `currentTime`, in seconds. */
  stalled: CustomEvent<{ readonly time: number }>;
}

/** In milliseconds: a shorter wait, as at a gap, is no stall. */
const STALLED = 300;

/** HTMLMediaElement.HAVE_FUTURE_DATA */
const HAVE_FUTURE_DATA = 3;

/** A listener for events: a function or an object with `handleEvent`: the platform's `EventListenerOrEventListenerObject`. */
export type MsePlayerListener = ((event: Event) => void) | { handleEvent(event: Event): void };

/** The platform's `AddEventListenerOptions`. */
export interface MsePlayerListenerOptions {
  /** Whether it is called in the capturing phase. Without meaning here: a player has no parents. */
  readonly capture?: boolean;
  /** Whether it is called once and then removed. */
  readonly once?: boolean;
  /** Whether it promises not to call `preventDefault`. */
  readonly passive?: boolean;
  /** Removes the listener when it is aborted. */
  readonly signal?: AbortSignal;
}

/** The platform's class, in words that need no types of it. */
const Target: new () => EventTarget = EventTarget;

/** What a browser plays that plays anything this way: H.264, Baseline. */
const COMMON_TYPE = 'video/mp4; codecs="avc1.42c01e"';

/**
 * Plays a byte stream of fragments in a `<video>` through Media Source Extensions. For browsers.
 *
 * ```ts
 * const player = new MsePlayer(video);
 * player.addEventListener('left-out', ({ detail }) => console.warn(detail.error.message));
 * await player.play(response.body);
 * ```
 *
 * Gaps between fragments are skipped; a change of the tracks' configuration continues in the same video, and when a track begins or ends,
 * what is buffered is played first. Tracks that the browser cannot play (G.711, mostly) or that have no frames are left out. The video's
 * time 0 is the beginning of the stream.
 */
export class MsePlayer extends Target {
  readonly #video: HTMLVideoElement;
  readonly #options: MsePlayerOptions;
  #session: { readonly play: PlaySession; done: Promise<unknown> } | undefined;
  /** Settles when all sessions before the one at hand are over. */
  #over: Promise<void> = Promise.resolve();
  #state: MsePlayerState = 'idle';

  /** @param video the element that shows the stream. Its `src` is the player's for as long as it plays */
  constructor(video: HTMLVideoElement, options: MsePlayerOptions = {}) {
    super();
    this.#video = video;
    this.#options = options;
  }

  /**
   * Whether this browser has Media Source Extensions and plays a type with them.
   *
   * @param mimeType with the `codecs` parameter; default: H.264
   */
  static isSupported(mimeType = COMMON_TYPE): boolean {
    return typeof MediaSource !== 'undefined' && MediaSource.isTypeSupported(mimeType);
  }

  /** What it is doing. */
  get state(): MsePlayerState {
    return this.#state;
  }

  override addEventListener<K extends keyof MsePlayerEventMap>(
    type: K,
    listener: (event: MsePlayerEventMap[K]) => void,
    options?: boolean | MsePlayerListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: MsePlayerListener | null,
    options?: boolean | MsePlayerListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: MsePlayerListener | null,
    options?: boolean | MsePlayerListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
  }

  /**
   * Plays a stream; one that plays already is stopped. Of several calls of `play` and `stop` the last one counts.
   *
   * @returns settles when all of the stream is buffered, or when playing is stopped
   * @throws Mp4RemuxError when media cannot go into MP4 or there is none that can be played, MkvParseError when the bytes are wrong,
   * whatever the source throws, `Error` when the browser refuses the media
   */
  async play(stream: ByteStream): Promise<void> {
    const leftOut = (error: Mp4RemuxError) => this.#dispatch('left-out', { error });
    const session = new PlaySession(this.#video, this.#options, leftOut);
    const entry = { play: session, done: Promise.resolve() };
    const run = this.#replace(entry).then(() => {
      if (!session.isStopped) this.#watch(session);
      return session.run(stream);
    });
    entry.done = run.catch(() => {});
    try {
      await run;
    } catch (error) {
      if (session.isStopped) return;
      this.#turn('error');
      this.#dispatch('error', { error });
      throw error;
    }
  }

  /** Ends playing: the stream is cancelled, and the video left without a source. */
  async stop(): Promise<void> {
    const over = this.#replace(undefined);
    await over;
    if (this.#session === undefined) this.#turn('idle');
  }

  #replace(next: { readonly play: PlaySession; done: Promise<unknown> } | undefined): Promise<void> {
    const before = this.#session;
    this.#session = next;
    before?.play.stop();
    this.#over = this.#over.then(async () => {
      await before?.done;
      before?.play.close();
    });
    return this.#over;
  }

  /** Tells by the video's events how the session is doing. */
  #watch(session: PlaySession): void {
    const video = this.#video;
    const { signal } = session;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = (state: MsePlayerState) => {
      clearTimeout(timer);
      if (!session.isStopped && !signal.aborted) this.#turn(state);
    };
    const stall = () => {
      if (video.readyState >= HAVE_FUTURE_DATA || video.paused || session.isComplete) return;
      turn('stalled');
      this.#dispatch('stalled', { time: video.currentTime });
    };
    this.#turn('loading');
    video.addEventListener('playing', () => turn('playing'), { signal });
    video.addEventListener('pause', () => video.ended || turn('paused'), { signal });
    video.addEventListener('ended', () => session.isComplete && turn('ended'), { signal });
    const wait = () => {
      clearTimeout(timer);
      if (this.#state === 'playing') timer = setTimeout(stall, STALLED);
    };
    video.addEventListener('waiting', wait, { signal });
    signal.addEventListener('abort', () => clearTimeout(timer));
  }

  #turn(state: MsePlayerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#dispatch('state', { state });
  }

  #dispatch<K extends keyof MsePlayerEventMap>(type: K, detail: MsePlayerEventMap[K]['detail']): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
