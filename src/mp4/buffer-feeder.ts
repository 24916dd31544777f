import type { Bytes } from '../ebml/bytes.js';
import type { Mp4InitSegment, Mp4MediaSegment } from './mp4-remuxer.js';

/** What a {@link BufferFeeder} works with. */
export interface BufferFeederInput {
  readonly source: MediaSource;
  readonly video: HTMLVideoElement;
  readonly signal: AbortSignal;
}

/** Appends segments to a media source, one after the other. */
export class BufferFeeder {
  readonly #source: MediaSource;
  readonly #video: HTMLVideoElement;
  readonly #signal: AbortSignal;
  #buffer: SourceBuffer | undefined;
  #mimeType = '';
  /** Where playing can begin, in seconds, ascending: what is thrown away ends at one of them. */
  #independent: number[] = [];

  private constructor({ source, video, signal }: BufferFeederInput) {
    this.#source = source;
    this.#video = video;
    this.#signal = signal;
  }

  /** Waits until the video has taken the media source. */
  static async open(input: BufferFeederInput): Promise<BufferFeeder> {
    const feeder = new BufferFeeder(input);
    if (input.source.readyState !== 'open') await feeder.#event(input.source, 'sourceopen');
    return feeder;
  }

  /**
   * Makes the source buffer, or changes its type.
   *
   * @throws Error when the browser cannot play that type
   */
  async initialize({ mimeType, bytes }: Mp4InitSegment): Promise<void> {
    if (!MediaSource.isTypeSupported(mimeType)) throw new Error(`this browser does not play ${mimeType}`);
    if (this.#buffer === undefined) this.#buffer = this.#source.addSourceBuffer(mimeType);
    else if (mimeType !== this.#mimeType) this.#buffer.changeType(mimeType);
    this.#mimeType = mimeType;
    await this.#append(bytes);
  }

  /**
   * Appends a segment. Where the browser has no room left, what was played is thrown away, and playing is waited for until there is.
   *
   * @param behind what is older, in seconds, is thrown away
   */
  async append({ bytes, tracks, independent }: Mp4MediaSegment, behind: number): Promise<void> {
    await this.#evict(behind);
    await this.#append(bytes);
    const last = tracks.reduce((latest, { start }) => Math.max(latest, start), Number.NEGATIVE_INFINITY);
    if (independent) this.#independent.push(last / 1e6);
  }

  /** Says that no more segments come. */
  end(): void {
    if (this.#source.readyState === 'open') this.#source.endOfStream();
  }

  async #append(bytes: Bytes): Promise<void> {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    for (;;) {
      try {
        buffer.appendBuffer(bytes);
        break;
      } catch (error) {
        const isFull = error instanceof DOMException && error.name === 'QuotaExceededError';
        if (!isFull || buffer.buffered.length === 0) throw this.#failure(error);
      }
      if (!(await this.#evict(this.#video.currentTime - 1))) await this.#event(this.#video, 'timeupdate', 'seeking');
    }
    await this.#event(buffer, 'updateend');
  }

  /**
   * Throws away what is older, up to where playing can begin: a browser takes whole groups of pictures, also what of the last one is
   * newer. Whether there was any.
   */
  async #evict(before: number): Promise<boolean> {
    const buffer = this.#buffer;
    const end = this.#independent.filter((time) => time <= before).at(-1);
    if (buffer === undefined || end === undefined || buffer.buffered.length === 0) return false;
    if (buffer.buffered.start(0) >= end - 0.5) return false;
    this.#independent = this.#independent.filter((time) => time >= end);
    buffer.remove(0, end);
    await this.#event(buffer, 'updateend');
    return true;
  }

  /** Waits for one of some events; rejects when the video fails or playing is stopped. */
  #event(target: EventTarget, ...names: readonly string[]): Promise<void> {
    const settled = new AbortController();
    const { signal } = settled;
    return new Promise<void>((resolve, reject) => {
      if (this.#signal.aborted) reject(this.#signal.reason);
      if (this.#video.error !== null) reject(this.#failure(undefined));
      for (const name of names) target.addEventListener(name, () => resolve(), { signal });
      target.addEventListener('error', () => reject(this.#failure(undefined)), { signal });
      this.#video.addEventListener('error', () => reject(this.#failure(undefined)), { signal });
      this.#signal.addEventListener('abort', () => reject(this.#signal.reason), { signal });
    }).finally(() => settled.abort());
  }

  #failure(cause: unknown): Error {
    return refusal(this.#video, cause);
  }
}

/** The error of a video that does not play what it was given. */
export function refusal({ error }: HTMLVideoElement, cause?: unknown): Error {
  const text = error?.message || (cause instanceof Error ? cause.message : 'it did not say why');
  return new Error(`the browser refused the media: ${text}`, { cause });
}
