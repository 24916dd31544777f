import type { Mp4InitSegment } from './mp4-remuxer.js';

/** Appends segments to a media source, one after the other. */
export class BufferFeeder {
  readonly #source: MediaSource;
  readonly #video: HTMLVideoElement;
  readonly #signal: AbortSignal;
  #buffer: SourceBuffer | undefined;
  #mimeType = '';

  private constructor(source: MediaSource, video: HTMLVideoElement, signal: AbortSignal) {
    this.#source = source;
    this.#video = video;
    this.#signal = signal;
  }

  /** Waits until the video has taken the media source. */
  static async open(source: MediaSource, video: HTMLVideoElement, signal: AbortSignal): Promise<BufferFeeder> {
    const feeder = new BufferFeeder(source, video, signal);
    if (source.readyState !== 'open') await feeder.#event(source, 'sourceopen');
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
    await this.append(bytes, Number.NEGATIVE_INFINITY);
  }

  /**
   * Appends a segment.
   *
   * @param behind what is older, in seconds, is thrown away; where the browser has no room left, more than that
   */
  async append(bytes: Uint8Array, behind: number): Promise<void> {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    await this.#evict(behind);
    // A segment has an array of its own; the cast says that it is not shared memory, which MSE does not take.
    const data = bytes as Uint8Array<ArrayBuffer>;
    try {
      buffer.appendBuffer(data);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'QuotaExceededError') throw this.#failure(error);
      await this.#evict(this.#video.currentTime - 1);
      buffer.appendBuffer(data);
    }
    await this.#event(buffer, 'updateend');
  }

  /** Says that no more segments come. */
  async end(): Promise<void> {
    if (this.#source.readyState === 'open') this.#source.endOfStream();
  }

  async #evict(before: number): Promise<void> {
    const buffer = this.#buffer;
    if (buffer === undefined || buffer.buffered.length === 0 || buffer.buffered.start(0) >= before - 1) return;
    buffer.remove(0, before);
    await this.#event(buffer, 'updateend');
  }

  /** Waits for an event; rejects when the video fails or playing is stopped. */
  #event(target: EventTarget, name: string): Promise<void> {
    const settled = new AbortController();
    const { signal } = settled;
    return new Promise<void>((resolve, reject) => {
      if (this.#signal.aborted) reject(this.#signal.reason);
      target.addEventListener(name, () => resolve(), { signal });
      target.addEventListener('error', () => reject(this.#failure(undefined)), { signal });
      this.#video.addEventListener('error', () => reject(this.#failure(undefined)), { signal });
      this.#signal.addEventListener('abort', () => reject(this.#signal.reason), { signal });
    }).finally(() => settled.abort());
  }

  #failure(cause: unknown): Error {
    const { error } = this.#video;
    const text = error?.message || (cause instanceof Error ? cause.message : 'it did not say why');
    return new Error(`the browser refused the media: ${text}`, { cause });
  }
}
