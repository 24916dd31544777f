import type { ByteStream } from '../mkv/byte-stream.js';
import { codecStringOf } from '../mkv/codec/codec-string.js';
import type { TrackMetadata } from '../mkv/track.js';
import { BufferFeeder } from './buffer-feeder.js';
import type { Mp4InitSegment, Mp4Segment } from './mp4-remuxer.js';
import type { Mp4RemuxError } from './remux-error.js';
import { type Mp4StreamOptions, mp4SegmentStream } from './streams.js';

/** How {@link MsePlayer} plays. Times are in seconds, as those of a `<video>`. */
export interface MsePlayerOptions extends Pick<Mp4StreamOptions, 'recover' | 'onGap' | 'tracks'> {
  /** Let playing begin by itself when the first fragment is there (default). A browser may want the video muted for it. */
  readonly autoplay?: boolean | undefined;
  /** How much of what has been played stays, to seek back to. Default 30. */
  readonly keepBehind?: number | undefined;
  /** How far ahead of what is played the stream is read; a stream that arrives faster is held back. Default 60. */
  readonly readAhead?: number | undefined;
  /**
   * For live streams: how far playing may fall behind the newest frame before it jumps to the newest fragment. What has piled up is then
   * passed over as fast as it comes. Default: as far as it likes.
   */
  readonly maxDelay?: number | undefined;
  /** Makes the media source. Default: `new MediaSource()`; Safari on iPhone has `ManagedMediaSource` instead. */
  readonly createMediaSource?: (() => MediaSource) | undefined;
  /** Is shown each segment before it is appended. */
  readonly onSegment?: ((segment: Mp4Segment) => void) | undefined;
  /** Is told of a fragment that is left out (with `recover`). */
  readonly onInvalidFragment?: ((error: Mp4RemuxError) => void) | undefined;
}

/** A time that is set may be cut to microseconds, and would then lie before the frame that it was read from. */
const JUST_BEHIND = 0.001;

/** At the beginning of a gap a decoder may stop this much before what is buffered ends. */
const NEAR_END = 0.1;

/**
 * Plays a byte stream of fragments in a `<video>` through Media Source Extensions. For browsers.
 *
 * ```ts
 * const player = new MsePlayer(video);
 * await player.play(response.body);
 * ```
 *
 * Gaps between fragments are jumped over; a change of the tracks' configuration goes on in the same video. Tracks that the browser cannot
 * play (G.711, mostly) are left out. The video's time 0 is the beginning of the stream.
 */
export class MsePlayer {
  readonly #video: HTMLVideoElement;
  readonly #options: MsePlayerOptions;
  #session: { readonly abort: AbortController; readonly done: Promise<unknown> } | undefined;
  #feeder: BufferFeeder | undefined;
  #kinds = '';
  #objectUrl: string | undefined;
  /** Where the newest fragment begins. */
  #newest = 0;

  constructor(video: HTMLVideoElement, options: MsePlayerOptions = {}) {
    this.#video = video;
    this.#options = options;
  }

  /**
   * Plays a stream; one that plays already is stopped.
   *
   * @returns settles when all of the stream is buffered, or after {@link MsePlayer.stop}
   * @throws Mp4RemuxError when media cannot go into MP4, MkvParseError when the bytes are wrong, whatever the source throws, `Error` when
   * the browser refuses the media
   */
  async play(stream: ByteStream): Promise<void> {
    await this.stop();
    const abort = new AbortController();
    const run = this.#run(stream, abort.signal);
    const done = run.catch(() => {});
    this.#session = { abort, done };
    try {
      await run;
    } catch (error) {
      if (!abort.signal.aborted) throw error;
    }
  }

  /** Ends playing: the stream is cancelled, and the video left without a source. */
  async stop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    session.abort.abort();
    await session.done;
    this.#video.pause();
    this.#close();
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  async #run(stream: ByteStream, signal: AbortSignal): Promise<void> {
    const { recover, onGap, onInvalidFragment, onSegment, autoplay = true } = this.#options;
    const follow = () => this.#follow();
    const events = ['timeupdate', 'waiting', 'stalled', 'seeking'];
    for (const event of events) this.#video.addEventListener(event, follow, { signal });
    const tracks = (track: TrackMetadata) => this.#wants(track);
    const segments = mp4SegmentStream(stream, { recover, onGap, onInvalidFragment, tracks, startAtZero: true, signal });
    let begun = !autoplay;
    for await (const segment of segments) {
      onSegment?.(segment);
      if (segment.type === 'init') {
        // A new source leaves the video paused.
        const plays = !this.#video.paused;
        if ((await this.#initialize(segment, signal)) && plays) begun = false;
        continue;
      }
      const start = segment.tracks.reduce((first, track) => Math.min(first, track.start), Number.POSITIVE_INFINITY);
      this.#newest = start / 1e6;
      await this.#feeder?.append(segment.bytes, this.#video.currentTime - (this.#options.keepBehind ?? 30));
      this.#follow();
      if (!begun) void this.#video.play().catch(() => {});
      begun = true;
      await this.#holdBack(signal);
    }
    await this.#feeder?.end();
  }

  #wants(track: TrackMetadata): boolean {
    if (this.#options.tracks?.(track) === false) return false;
    const codec = codecStringOf(track);
    // Where CodecPrivate does not tell, the browser says it when the segment comes.
    return codec === undefined || MediaSource.isTypeSupported(`${track.type}/mp4; codecs="${codec}"`);
  }

  /** Returns whether the video has got a new source. */
  async #initialize(segment: Mp4InitSegment, signal: AbortSignal): Promise<boolean> {
    // A source buffer takes new configurations, but no other set of tracks.
    const kinds = segment.tracks.map(({ kind }) => kind).join();
    const isNew = this.#feeder === undefined || kinds !== this.#kinds;
    if (this.#feeder === undefined || isNew) {
      this.#kinds = kinds;
      this.#close();
      const source = this.#options.createMediaSource?.() ?? new MediaSource();
      this.#objectUrl = URL.createObjectURL(source);
      this.#video.src = this.#objectUrl;
      this.#feeder = await BufferFeeder.open(source, this.#video, signal);
    }
    await this.#feeder.initialize(segment);
    return isNew;
  }

  #close(): void {
    this.#feeder = undefined;
    if (this.#objectUrl !== undefined) URL.revokeObjectURL(this.#objectUrl);
    this.#objectUrl = undefined;
  }

  /** Jumps over a gap that playing has reached, and to the newest fragment when it has fallen behind. */
  #follow(): void {
    const { currentTime, buffered, seeking } = this.#video;
    if (seeking && isWithin(buffered, currentTime)) return;
    let next: number | undefined;
    for (let i = buffered.length - 1; i >= 0; i--) {
      const start = buffered.start(i);
      if (start > currentTime) next = start;
      else if (currentTime < buffered.end(i) - NEAR_END) next = undefined;
    }
    const { maxDelay } = this.#options;
    const end = buffered.length === 0 ? 0 : buffered.end(buffered.length - 1);
    if (maxDelay !== undefined && end - currentTime > maxDelay && this.#newest > currentTime) next = this.#newest;
    if (next !== undefined) this.#video.currentTime = next + JUST_BEHIND;
  }

  /** Waits while enough is buffered. */
  async #holdBack(signal: AbortSignal): Promise<void> {
    const { readAhead = 60 } = this.#options;
    const isEnough = () => {
      const { buffered, currentTime } = this.#video;
      return buffered.length > 0 && buffered.end(buffered.length - 1) - currentTime > readAhead;
    };
    while (isEnough() && !signal.aborted) {
      const woken = new AbortController();
      await new Promise<void>((resolve) => {
        const wake = () => resolve();
        for (const event of ['timeupdate', 'seeking']) this.#video.addEventListener(event, wake, woken);
        signal.addEventListener('abort', wake, woken);
      });
      woken.abort();
    }
  }
}

function isWithin(ranges: TimeRanges, time: number): boolean {
  for (let i = 0; i < ranges.length; i++) if (time >= ranges.start(i) && time < ranges.end(i)) return true;
  return false;
}
