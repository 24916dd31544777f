import { CodecDataError } from '../mkv/codec/codec-error.js';
import type { VideoDecoderSettings } from '../mkv/decoder-config.js';
import type { TrackMetadata } from '../mkv/track.js';
import { beginsAnew } from './begins-anew.js';
import type { Codecs } from './codecs.js';
import { DecodeError, type MediaProblem } from './decode-error.js';
import { Picture, type PictureAspect } from './picture.js';
import type { PictureFeed } from './picture-feeds.js';
import { PresentationOrder } from './presentation-order.js';
import type { DecoderLike, VideoFrameLike } from './webcodecs.js';

/** So many chunks may wait in the decoder, and so many decoded pictures for whoever takes them: a picture of 1080p is 3 MB. */
const MOST_QUEUED = 16;
const MOST_READY = 4;
const LONGEST_WAIT_MS = 1000;
/**
 * With so many frames inside, the decoder is given a turn of the event loop before each further one: decoders call back in a turn of their
 * own, and frames that are at hand already are read without one. Codecs that hold back more go on, a frame for each turn.
 */
const MANY_INSIDE = 32;
/** No codec shows so many pictures before one that is decoded earlier. */
const MOST_OVERTAKEN = 32;
/** Of a decoder that gives nothing at all, so many frames and bytes are remembered. */
const MOST_FED = 4096;
const MOST_FED_BYTES = 64 * 1024 * 1024;
/** So many turns of the event loop a decoder may take to call back after it has said that it is done. */
const LATE_TURNS = 20;
const NO_PICTURE = 'the decoder gives no picture';

/** What decodes pictures, and what it tells. */
export interface PictureDecoderSetup {
  readonly codecs: Codecs;
  readonly aspect: PictureAspect;
  readonly tell: (problem: MediaProblem) => void;
  /** A group of pictures cannot be decoded: no more of it is wanted. */
  readonly onBroken: (group: number, reason: string) => void;
}

/** A frame that has been given to the decoder. */
interface Fed extends PictureFeed {
  /** What the decoder calls it: whole microseconds. */
  readonly time: number;
  /** How many pictures the decoder has given of frames that it was given later. */
  overtaken: number;
}

/**
 * Gives frames to a decoder and takes its pictures, those that are wanted. A group of pictures that it fails at is told of and left; the
 * others that it had been given are decoded once more by another one.
 */
export class PictureDecoder {
  readonly #setup: PictureDecoderSetup;
  #decoder: DecoderLike<VideoDecoderSettings> | undefined;
  /** The track that it is configured for. */
  #track: TrackMetadata | undefined;
  #config: VideoDecoderSettings | undefined;
  /** What it has been given and has given no picture of, in decode order. */
  #fed: Fed[] = [];
  #fedBytes = 0;
  /** The latest of the times that it has been given since it was empty. */
  #latest = Number.NEGATIVE_INFINITY;
  /** Whether the event loop has turned since the last frame was given. */
  #hasTurned = false;
  readonly #order = new PresentationOrder();
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #broken = new Set<number>();
  /** How many frames have been given to decoders. */
  decoded = 0;

  constructor(setup: PictureDecoderSetup) {
    this.#setup = setup;
  }

  /** The next picture, where there is one. The caller closes it. */
  take(): Picture | undefined {
    const next = this.#order.take();
    return next === undefined ? undefined : new Picture(next.frame, next.picture, this.#setup.aspect);
  }

  /** Whether the next frame may be given, and nothing has to be mended first. */
  get hasRoom(): boolean {
    return this.#error === undefined && this.#queued < MOST_QUEUED && (this.#hasTurned || !this.#isFull);
  }

  /** Whether what is inside should come out before more is given. It may be that it does not come. */
  get #isFull(): boolean {
    return this.#fed.length >= MANY_INSIDE || this.#order.held >= MOST_READY + this.#order.depth;
  }

  get #queued(): number {
    return this.#decoder?.decodeQueueSize ?? 0;
  }

  /** Whether something is in the decoder. */
  get isBusy(): boolean {
    return this.#fed.length > 0 || this.#error !== undefined;
  }

  /**
   * Settles when something has happened: a picture is ready, or the decoder has taken a chunk; or after a while. The work of a native decoder
   * does not keep Node running, the timer does.
   */
  change(): Promise<void> {
    return this.#change(LONGEST_WAIT_MS);
  }

  /** Settles when there may be room: as {@link PictureDecoder.change}, and soon where the decoder has nothing to do. */
  room(): Promise<void> {
    return this.#change(this.#queued < MOST_QUEUED && this.#isFull ? 0 : LONGEST_WAIT_MS);
  }

  async #change(longest: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, longest);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#hasTurned = true;
  }

  /**
   * Gives the next frame. There has to be room.
   *
   * @throws DecodeError `UnsupportedCodec` when nothing here decodes the track
   */
  async feed(feed: PictureFeed): Promise<void> {
    const { frame, group, wanted, last, fresh } = feed;
    if (this.#broken.has(group)) return;
    if (fresh && this.#fed.length > 0 && !(frame.timestamp > this.#latest && beginsAnew(frame))) await this.flush();
    if (frame.timestamp > this.#latest || this.#fed.length === 0) this.#latest = frame.timestamp;
    if (frame.track !== this.#track) await this.#configure(frame.track, feed);
    if (wanted) this.#order.expect(frame, group);
    else this.#order.close(group - 1);
    this.#give(feed);
    if (last) this.#order.close(group);
    while (this.#fed.length > MOST_FED || this.#fedBytes > MOST_FED_BYTES) this.#miss(this.#take(0));
  }

  /** Takes a frame out of those that have been given. */
  #take(index: number): Fed | undefined {
    const [fed] = this.#fed.splice(index, 1);
    this.#fedBytes -= fed?.frame.size ?? 0;
    return fed;
  }

  #takeAll(): Fed[] {
    this.#fedBytes = 0;
    return this.#fed.splice(0);
  }

  #miss(fed: Fed | undefined): void {
    if (fed?.wanted === true) this.#break(fed.group, NO_PICTURE, [fed]);
  }

  #give(feed: PictureFeed): void {
    const { frame, group } = feed;
    const decoder = this.#decoder;
    const time = Math.round(frame.timestamp);
    try {
      const { type, data, duration } = frame.toEncodedChunk(this.#config);
      const { EncodedVideoChunk } = this.#setup.codecs;
      const settings = { type, timestamp: time, data };
      const chunk = new EncodedVideoChunk(
        duration === undefined ? settings : { ...settings, duration: Math.round(duration) },
      );
      this.#fed.push({ ...feed, time, overtaken: 0 });
      this.#fedBytes += frame.size;
      this.#hasTurned = false;
      this.decoded++;
      decoder?.decode(chunk);
    } catch (error) {
      if (!(error instanceof CodecDataError)) {
        this.#error ??= error instanceof Error ? error : new Error(String(error));
        return;
      }
      this.#break(group, error.message, [feed], error);
    }
  }

  /**
   * Has the decoder give all that it holds.
   *
   * @throws DecodeError `UnsupportedCodec`
   */
  async flush(): Promise<void> {
    await this.#flushDecoder();
    if (this.#error !== undefined) await this.mend();
    for (const fed of this.#takeAll()) this.#miss(fed);
    this.#order.closeAll();
  }

  async #flushDecoder(): Promise<void> {
    if (this.#decoder?.state !== 'configured' || this.#error !== undefined) return;
    try {
      await this.#decoder.flush();
      for (let turn = 0; turn < LATE_TURNS && this.#fed.some(({ wanted }) => wanted); turn++) await pause(1);
    } catch (error) {
      this.#error ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Whether the decoder has failed. */
  get hasFailed(): boolean {
    return this.#error !== undefined;
  }

  /** Goes on with another decoder after one has failed: what it had been given is tried group by group. */
  async mend(): Promise<void> {
    const fed = this.#takeAll();
    const cause = this.#takeError();
    const groups = new Map<number, Fed[]>();
    for (const each of fed) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
    for (const [group, feeds] of groups) {
      const first = feeds[0];
      if (first === undefined) continue;
      // What came before in its group is not there any more.
      if (!first.frame.keyframe || groups.size === 1) {
        this.#break(group, cause?.message ?? 'the decoder failed', feeds, cause);
        continue;
      }
      this.#close();
      await this.#configure(first.frame.track, first);
      for (const feed of feeds) this.#give(feed);
      await this.#flushDecoder();
      const left = this.#takeAll().filter(({ wanted }) => wanted);
      const failure = this.#takeError();
      if (failure !== undefined || left.length > 0) {
        this.#break(group, failure?.message ?? NO_PICTURE, left.length > 0 ? left : feeds, failure);
      }
    }
    this.#close();
  }

  #takeError(): Error | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  /** Ends it; pictures that nobody took are closed. */
  close(): void {
    this.#close();
    this.#order.clear();
  }

  #close(): void {
    if (this.#decoder !== undefined && this.#decoder.state !== 'closed') this.#decoder.close();
    this.#decoder = undefined;
    this.#track = undefined;
  }

  #break(group: number, message: string, feeds: readonly Pick<PictureFeed, 'frame'>[], cause?: unknown): void {
    const times = feeds.map(({ frame }) => frame.timestamp);
    const from = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const to = times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    for (const { frame } of feeds) this.#order.giveUp(frame, group);
    this.#setup.tell({ code: 'MEDIA_ERROR', from, to, message, cause });
    // Of the groups that are broken, only the last ones can still be asked for.
    this.#broken.add(group);
    this.#setup.onBroken(group, message);
  }

  async #configure(track: TrackMetadata, { frame }: PictureFeed): Promise<void> {
    const config = track.toVideoDecoderConfig(frame.data);
    if (config === undefined || frame.storage !== 'plain') {
      const what =
        frame.storage === 'plain' ? `the codec ${JSON.stringify(track.codecId)}` : `frames stored ${frame.storage}`;
      throw new DecodeError('UnsupportedCodec', `nothing here decodes ${what}`);
    }
    this.#track = track;
    if (this.#config !== undefined && this.#decoder?.state === 'configured' && sameConfig(config, this.#config)) return;
    if (this.#fed.length > 0) await this.flush();
    const { VideoDecoder } = this.#setup.codecs;
    const support = await VideoDecoder.isConfigSupported?.(config).catch(() => ({ supported: false }));
    if (support?.supported === false) {
      throw new DecodeError('UnsupportedCodec', `the decoder here does not take ${config.codec}`);
    }
    if (this.#decoder === undefined || this.#decoder.state === 'closed') {
      const decoder = new VideoDecoder({
        output: (picture) => this.#output(picture, decoder),
        error: (error) => {
          if (decoder !== this.#decoder) return;
          this.#error ??= error;
          this.#notify();
        },
      });
      decoder.ondequeue = () => this.#notify();
      this.#decoder = decoder;
    }
    this.#track = track;
    this.#config = config;
    this.#decoder.configure(config);
  }

  #output(picture: VideoFrameLike, decoder: DecoderLike<VideoDecoderSettings>): void {
    const index = decoder === this.#decoder ? this.#fed.findIndex(({ time }) => time === picture.timestamp) : -1;
    const fed = index < 0 ? undefined : this.#take(index);
    if (fed === undefined) {
      picture.close();
      return;
    }
    for (let at = index - 1; at >= 0; at--) {
      if (++this.#fed[at]!.overtaken > MOST_OVERTAKEN) this.#miss(this.#take(at));
    }
    if (!fed.wanted || !this.#order.fulfil(fed.frame, fed.group, picture)) picture.close();
    this.#notify();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

function sameConfig(a: VideoDecoderSettings, b: VideoDecoderSettings): boolean {
  const keys = ['codec', 'codedWidth', 'codedHeight', 'displayAspectWidth', 'displayAspectHeight'] as const;
  const { description: x } = a;
  const { description: y } = b;
  const same =
    x === y || (x !== undefined && y !== undefined && x.length === y.length && x.every((byte, i) => byte === y[i]));
  return same && keys.every((key) => a[key] === b[key]);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
