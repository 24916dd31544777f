import type { ClosableAsyncIterator } from '../mkv/async-iterator.js';
import type { ByteStream } from '../mkv/byte-stream.js';
import { type ChunkConsumer, pullThrough } from '../mkv/pull.js';
import type { MkvReaderOptions } from '../mkv/reader.js';
import { type MkvStreamOptions, makeTransformStream, type StreamClasses } from '../mkv/streams.js';
import { type CmafFragment, CmafRemuxer } from './cmaf-remuxer.js';
import { ElementFeed } from './element-feed.js';
import { Mp4Remuxer, type Mp4Segment } from './mp4-remuxer.js';
import type { Mp4RemuxerOptions, RemuxingVisitor } from './remuxing-visitor.js';

/** Options for reading and remuxing a byte stream. */
export interface Mp4ReadOptions extends Omit<MkvReaderOptions, 'elements'>, Mp4RemuxerOptions {}

/** Options of {@link mp4SegmentStream}. */
export interface Mp4StreamOptions extends Mp4ReadOptions, Pick<MkvStreamOptions, 'signal'> {}

/**
 * Remuxes a byte stream to segments of MP4: an initialization segment, then a media segment for each fragment, as soon as the fragment's
 * last frame is there. Leaving the loop cancels the stream.
 *
 * ```ts
 * for await (const segment of mp4SegmentStream(payload)) await append(segment.bytes);
 * ```
 *
 * With `recover`, a fragment that is damaged or cannot be remuxed is left out; `onGap` and `onInvalidFragment` report it.
 *
 * @throws Mp4RemuxError when media cannot go into MP4, MkvParseError when the bytes are wrong, whatever the source throws when it fails,
 * the signal's reason when it is aborted
 */
export function mp4SegmentStream(
  stream: ByteStream,
  options: Mp4StreamOptions = {},
): ClosableAsyncIterator<Mp4Segment> {
  return pullThrough(stream, new SegmentConsumer(options, toSegments), options.signal);
}

/**
 * Remuxes a byte stream to CMAF: for each fragment, or with `chunkDuration` each chunk of it, a segment for each track. It reads
 * and throws as {@link mp4SegmentStream} does.
 */
export function cmafFragmentStream(
  stream: ByteStream,
  options: Mp4StreamOptions = {},
): ClosableAsyncIterator<CmafFragment> {
  return pullThrough(stream, new SegmentConsumer(options, toCmaf), options.signal);
}

/** {@link mp4SegmentStream} as a transform stream, for `pipeThrough`. */
export class Mp4RemuxStream {
  /** The segments. It errors as {@link mp4SegmentStream} throws. */
  readonly readable: ReadableStream<Mp4Segment>;
  /** Takes the bytes. */
  readonly writable: WritableStream<Uint8Array>;

  /**
   * @param options those of {@link mp4SegmentStream}, and the `TransformStream` class where it is not the platform's
   * @throws TypeError when the runtime has no `TransformStream` and none is given
   */
  constructor(options: Mp4ReadOptions & StreamClasses = {}) {
    const consumer = new SegmentConsumer(options, toSegments);
    const { readable, writable } = makeTransformStream<Uint8Array, Mp4Segment>(options, {
      transform(chunk, controller) {
        consumer.push(chunk);
        for (let next = consumer.nextIfAvailable(); next !== undefined; next = consumer.nextIfAvailable())
          controller.enqueue(next);
      },
      flush(controller) {
        consumer.end();
        for (let next = consumer.nextIfAvailable(); next !== undefined; next = consumer.nextIfAvailable())
          controller.enqueue(next);
      },
    });
    this.readable = readable;
    this.writable = writable;
  }
}

/** Makes what remuxes, by what its segments are given to. */
type MakeRemuxer<T> = (emit: (made: T) => void, options: Mp4RemuxerOptions) => RemuxingVisitor;

const toSegments: MakeRemuxer<Mp4Segment> = (emit, options) => new Mp4Remuxer(emit, options);
const toCmaf: MakeRemuxer<CmafFragment> = (emit, options) => new CmafRemuxer(emit, options);

class SegmentConsumer<T> implements ChunkConsumer<T> {
  readonly #ready: T[] = [];
  readonly #remuxer: RemuxingVisitor;
  readonly #feed: ElementFeed;
  readonly #tolerant: boolean;
  #ended = false;
  /** Whether there was no segment yet. */
  #isEmpty = true;

  constructor(options: Mp4ReadOptions, make: MakeRemuxer<T>) {
    const { recover, onInvalidFragment = recover === true ? () => {} : undefined } = options;
    this.#remuxer = make((segment) => this.#ready.push(segment), { ...options, onInvalidFragment });
    this.#tolerant = onInvalidFragment !== undefined;
    this.#feed = new ElementFeed(options, () => this.#remuxer.noteGap());
  }

  push(chunk: Uint8Array): void {
    this.#feed.push(chunk);
  }

  end(): void {
    this.#feed.end();
    this.#ended = true;
  }

  nextIfAvailable(): T | undefined {
    while (this.#ready.length === 0 && this.#feed.step(this.#remuxer));
    if (this.#ready.length === 0 && this.#ended) this.#finish();
    const segment = this.#ready.shift();
    this.#isEmpty &&= segment === undefined;
    return segment;
  }

  #finish(): void {
    this.#remuxer.end();
    const error = this.#remuxer.leftOut.find(({ code }) => code !== 'NoFrames');
    if (error !== undefined && this.#isEmpty && this.#ready.length === 0 && !this.#tolerant) throw error;
  }
}
