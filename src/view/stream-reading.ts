import { concatBytes } from '../ebml/writer.js';
import { describeForeign, FOREIGN_HEAD_SIZE } from '../mkv/foreign.js';
import { BlobSource, type ByteSource, LiveBytes, PageReader, UrlSource, type WholeSource } from './byte-source.js';
import { ElementReader } from './element-reader.js';
import { FrameReader } from './frame-reader.js';
import { EnvelopeReader } from './live-envelope.js';
import type { LiveWindow, ModelUpdate, ReadState, ViewSource } from './protocol.js';
import { type IndexLimits, StreamIndexer } from './stream-indexer.js';

const DEFAULT_WINDOW = { maxBytes: 64 * 1024 * 1024, maxFragments: 1000 };
/** In milliseconds: how long the page is told nothing, at least and at most. What it has been told for long need not change that often. */
const TELL_EVERY = { least: 100, most: 1000 } as const;

/** How streams are read. */
export interface ReadingOptions {
  /** Is told what has come of the stream. */
  readonly onUpdates: (updates: readonly ModelUpdate[]) => void;
  readonly limits?: Partial<IndexLimits> | undefined;
  /** Tells the time, in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** A stream that is being read, with what can be asked of it. */
export class StreamReading {
  readonly index: StreamIndexer;
  readonly source: ByteSource;
  readonly elements: ElementReader;
  readonly frames: FrameReader;
  readonly #isLive: boolean;
  readonly #read: (signal: AbortSignal) => Promise<void>;
  readonly #window: Required<{ [K in keyof LiveWindow]: number }>;
  readonly #onUpdates: ReadingOptions['onUpdates'];
  readonly #now: () => number;
  readonly #stop = new AbortController();
  #head: Uint8Array = new Uint8Array(0);
  readonly #begunAt = performance.now();
  #toldAt = Number.NEGATIVE_INFINITY;
  #delayed = -1;

  constructor(view: ViewSource, window: LiveWindow | undefined, options: ReadingOptions) {
    const { onUpdates, limits, now = Date.now } = options;
    this.#isLive = view.kind === 'live';
    this.#onUpdates = onUpdates;
    this.#now = now;
    this.#window = {
      maxBytes: window?.maxBytes ?? DEFAULT_WINDOW.maxBytes,
      maxFragments: window?.maxFragments ?? DEFAULT_WINDOW.maxFragments,
    };
    // A stream that grows goes on to have findings for as long as it is watched; the page lets go of the oldest.
    const unlimited = { findings: Number.POSITIVE_INFINITY, damage: Number.POSITIVE_INFINITY };
    this.index = new StreamIndexer(view.kind === 'live' ? { ...limits, ...unlimited } : limits);
    if (view.kind === 'live') {
      const bytes = new LiveBytes();
      this.source = bytes;
      this.#read = (signal) => this.#follow(view.url, bytes, signal);
    } else {
      const file = view.kind === 'blob' ? new BlobSource(view.blob) : new UrlSource(view.url, view.size);
      this.source = file;
      this.#read = (signal) => this.#readWhole(file, signal);
    }
    const pages = new PageReader(this.source);
    this.elements = new ElementReader(this.index.elements, this.index.frames, pages);
    this.frames = new FrameReader(this.index.frames, this.index.tracks, pages);
  }

  /** Reads all of it; what goes wrong is told in the model. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      this.#tell(undefined);
      await this.#read(signal);
      this.#finish(undefined);
    } catch (error) {
      if (signal.aborted) return;
      this.#finish(error instanceof Error ? error.message : String(error));
    }
  }

  /** Stops reading. */
  stop(): void {
    this.#stop.abort();
  }

  async #readWhole(file: WholeSource, signal: AbortSignal): Promise<void> {
    for await (const chunk of file.chunks(signal)) this.#take(chunk);
  }

  #take(chunk: Uint8Array<ArrayBuffer>): void {
    this.#see(chunk);
    this.index.push(chunk);
    const now = performance.now();
    // The first fragment is shown at once.
    const isFirst = this.#toldAt === Number.NEGATIVE_INFINITY && this.index.frames.count > 0;
    const pause = Math.min(TELL_EVERY.most, Math.max(TELL_EVERY.least, (now - this.#begunAt) / 10));
    if (!isFirst && now - this.#toldAt < pause) return;
    if (this.index.frames.count > 0) this.#toldAt = now;
    this.#tell(undefined);
  }

  async #follow(url: string, bytes: LiveBytes, signal: AbortSignal): Promise<void> {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null)
      throw new Error(`the server answers ${response.status} in place of a stream`);
    const reader = response.body.getReader();
    const envelope = new EnvelopeReader();
    let hasEnded = false;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      for (const item of envelope.push(next.value)) {
        if (item.kind === 'event') {
          this.#onUpdates([{ type: 'connection', event: item.event }]);
          if (item.event.kind !== 'end') continue;
          hasEnded = true;
          if (item.event.error !== undefined) throw new Error(item.event.error);
        } else {
          bytes.append(item.bytes);
          this.#see(item.bytes);
          this.index.push(item.bytes);
        }
      }
      this.#tell(undefined);
      this.#keepWindow(bytes);
    }
    if (!hasEnded) throw new Error('the process that reads the stream has gone');
  }

  /** Lets go of the oldest fragments; the newest one stays. */
  #keepWindow(bytes: LiveBytes): void {
    const { fragments } = this.index;
    const { maxBytes, maxFragments } = this.#window;
    let first = Math.max(fragments.first, fragments.end - maxFragments);
    for (; first < fragments.end - 1; first++) {
      const record = fragments.get(first);
      if (record === undefined || bytes.end - record.offset <= maxBytes) break;
    }
    if (first <= fragments.first) return;
    const { firstFrame, offset } = this.index.dropBefore(first);
    bytes.dropBefore(offset);
    this.#onUpdates([{ type: 'dropped', firstFragment: first, firstFrame, offset }]);
  }

  #see(chunk: Uint8Array): void {
    const missing = FOREIGN_HEAD_SIZE - this.#head.length;
    if (missing <= 0) return;
    this.#head = concatBytes([this.#head, chunk.subarray(0, missing)]);
  }

  #finish(error: string | undefined): void {
    try {
      this.index.end();
      this.#tell(error ?? this.#nothingFound(), true);
    } catch (thrown) {
      this.#tell(error ?? (thrown instanceof Error ? thrown.message : String(thrown)), true);
    }
  }

  /** What a file is in which there is nothing of Matroska. */
  #nothingFound(): string | undefined {
    const { index } = this;
    if (index.bytes === 0) return this.#isLive ? undefined : 'the file is empty';
    const foreign = describeForeign(this.#head);
    const found = index.frames.end > 0 || index.fragments.end > 0;
    if (foreign !== undefined && !found) return `this is ${foreign}, not Matroska`;
    return index.hasElements ? undefined : 'there is no element of Matroska in it';
  }

  #tell(error: string | undefined, isEnd = false): void {
    const updates = this.index.takeUpdates();
    if (isEnd) updates.push({ type: 'summary', summary: this.index.summary });
    const delay = this.#delay();
    if (delay !== undefined) updates.push({ type: 'delay', millis: delay });
    updates.push({ type: 'state', state: this.#state(error, isEnd) });
    this.#onUpdates(updates);
  }

  #state(error: string | undefined, isEnd: boolean): ReadState {
    const { bytes, limits, clock } = this.index;
    const going = this.#isLive ? 'live' : 'reading';
    return {
      phase: error !== undefined ? 'failed' : isEnd ? 'done' : going,
      bytesRead: bytes,
      size: this.source.size,
      error,
      limits,
      clock,
    };
  }

  /** How far the newest fragment of a live stream is behind, told once for each. */
  #delay(): number | undefined {
    const { fragments } = this.index;
    if (!this.#isLive || fragments.end === 0 || fragments.end - 1 <= this.#delayed) return undefined;
    const newest = fragments.get(fragments.end - 1);
    if (newest?.producerTimestamp === undefined) return undefined;
    this.#delayed = fragments.end - 1;
    return this.#now() - newest.producerTimestamp - (newest.duration ?? 0) / 1000;
  }
}
