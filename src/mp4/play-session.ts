import type { ByteStream } from '../mkv/byte-stream.js';
import { BufferFeeder, refusal } from './buffer-feeder.js';
import type { Mp4InitSegment, Mp4MediaSegment } from './mp4-remuxer.js';
import type { MsePlayerOptions } from './player-options.js';
import { Playhead } from './playhead.js';
import { Mp4RemuxError } from './remux-error.js';
import { mp4SegmentStream } from './streams.js';

/** In milliseconds: how often it is looked whether a gap is reached. */
const LOOK = 100;

/** One stream in a video, from `play()` to its end or to `stop()`. */
export class PlaySession {
  readonly #video: HTMLVideoElement;
  readonly #options: MsePlayerOptions;
  readonly #onTrackLeftOut: (error: Mp4RemuxError) => void;
  readonly #abort = new AbortController();
  readonly #playhead: Playhead;
  #feeder: BufferFeeder | undefined;
  #kinds = '';
  #objectUrl: string | undefined;
  #leftOut: Mp4RemuxError | undefined;
  #isStopped = false;
  /** Whether all of the stream has been buffered. */
  isComplete = false;

  constructor(video: HTMLVideoElement, options: MsePlayerOptions, onTrackLeftOut: (error: Mp4RemuxError) => void) {
    this.#video = video;
    this.#options = options;
    this.#onTrackLeftOut = onTrackLeftOut;
    this.#playhead = new Playhead(video, options.maxDelay, options.chunkDuration !== undefined);
  }

  /** Is aborted when the session ends. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether it was stopped. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Ends it: {@link PlaySession.run} resolves soon. */
  stop(): void {
    this.#isStopped = true;
    this.#abort.abort();
  }

  /** Plays; settles when all of the stream is buffered, or it was stopped. */
  async run(stream: ByteStream): Promise<void> {
    const { signal } = this;
    const follow = () => this.#playhead.follow();
    const fail = () => this.#abort.abort(refusal(this.#video));
    for (const event of ['timeupdate', 'waiting', 'stalled', 'seeking', 'ratechange'])
      this.#video.addEventListener(event, follow, { signal });
    this.#video.addEventListener('error', fail, { signal });
    const looks = setInterval(follow, LOOK);
    signal.addEventListener('abort', () => clearInterval(looks));
    try {
      await this.#feed(stream);
      this.isComplete = true;
    } catch (error) {
      if (this.#isStopped) return;
      this.#abort.abort(error);
      throw error;
    }
  }

  /** Leaves the video without a source. */
  close(): void {
    this.stop();
    this.#playhead.close();
    if (this.#objectUrl === undefined) return;
    this.#video.pause();
    this.#release();
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  async #feed(stream: ByteStream): Promise<void> {
    const { signal } = this;
    const { onSegment, autoplay = true, readAhead = 60, recover, onGap, onInvalidFragment } = this.#options;
    const { tracks, chunkDuration, inflate } = this.#options;
    const segments = mp4SegmentStream(stream, {
      ...{ recover, onGap, onInvalidFragment, tracks, chunkDuration, inflate, signal },
      startAtZero: true,
      canPlay: (type) => MediaSource.isTypeSupported(type),
      onTrackLeftOut: (error) => {
        this.#leftOut ??= error;
        this.#onTrackLeftOut(error);
      },
    });
    let begun = !autoplay;
    let isEmpty = true;
    for await (const segment of segments) {
      onSegment?.(segment);
      if (segment.type === 'init') {
        if (await this.#initialize(segment)) begun = false;
        continue;
      }
      isEmpty = false;
      await this.#append(segment);
      if (!begun) void this.#video.play().catch(() => {});
      begun = true;
      while (this.#playhead.ahead > readAhead) await this.#next('timeupdate', 'seeking', 'ratechange');
    }
    if (isEmpty) {
      const text = 'there is no video or audio that can be played';
      throw this.#leftOut ?? new Mp4RemuxError('UnsupportedStreamMediaType', text, {});
    }
    this.#feeder?.end();
  }

  async #append(segment: Mp4MediaSegment): Promise<void> {
    const { keepBehind = 30, maxDelay = 0, chunkDuration } = this.#options;
    await this.#feeder?.append(segment, this.#video.currentTime - keepBehind);
    let start = Number.POSITIVE_INFINITY;
    let end = Number.NEGATIVE_INFINITY;
    for (const track of segment.tracks) {
      start = Math.min(start, track.start / 1e6);
      end = Math.max(end, (track.start + track.duration) / 1e6);
    }
    // At the very end of what comes chunk by chunk, playing would stop again at once.
    this.#playhead.newest = chunkDuration === undefined ? start : end - maxDelay / 2;
    this.#playhead.follow();
  }

  /** Returns whether the video has got a new source in which it is to go on. */
  async #initialize(segment: Mp4InitSegment): Promise<boolean> {
    // A source buffer takes new configurations, but no other set of tracks.
    const kinds = segment.tracks.map(({ kind }) => kind).join();
    let goesOn = false;
    if (this.#feeder === undefined || kinds !== this.#kinds) {
      if (this.#feeder !== undefined) {
        this.#feeder.end();
        goesOn = await this.#playOut();
      }
      this.#kinds = kinds;
      this.#release();
      const source = this.#options.createMediaSource?.() ?? new MediaSource();
      this.#objectUrl = URL.createObjectURL(source);
      this.#video.src = this.#objectUrl;
      this.#feeder = await BufferFeeder.open({ source, video: this.#video, signal: this.signal });
    }
    await this.#feeder.initialize(segment);
    return goesOn;
  }

  /** Waits until what is buffered has been played. Returns whether the video was playing, rather than paused, at the end. */
  async #playOut(): Promise<boolean> {
    const video = this.#video;
    const { buffered } = video;
    if (buffered.length === 0) return !video.paused;
    while (!video.ended && this.#playhead.ahead > 0.02) {
      await this.#next('ended', 'timeupdate', 'seeking', 'pause', 'playing');
    }
    return video.ended || !video.paused;
  }

  #release(): void {
    this.#feeder = undefined;
    if (this.#objectUrl !== undefined) URL.revokeObjectURL(this.#objectUrl);
    this.#objectUrl = undefined;
  }

  /** Waits for one of some events of the video; rejects when the session ends. */
  async #next(...events: readonly string[]): Promise<void> {
    const woken = new AbortController();
    const { signal } = this;
    signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      const wake = () => resolve();
      for (const event of events) this.#video.addEventListener(event, wake, woken);
      signal.addEventListener('abort', wake, woken);
    });
    woken.abort();
    signal.throwIfAborted();
  }
}
