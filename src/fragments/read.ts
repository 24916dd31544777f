import type { ByteStream } from '../mkv/byte-stream.js';
import type { MkvDataElement } from '../mkv/element.js';
import type { ElementVisitor } from '../mkv/element-visitor.js';
import type { MkvParseError } from '../mkv/parse-error.js';
import { type ChunkConsumer, pullThrough } from '../mkv/pull.js';
import { type MkvReaderOptions, StreamingMkvReader } from '../mkv/reader.js';
import type { MkvStreamOptions } from '../mkv/streams.js';
import type { Frame } from '../visitors/frame.js';
import { FrameVisitor, type FrameVisitorOptions } from '../visitors/frame-visitor.js';
import type { MkvTagProcessor } from '../visitors/tag-processor.js';
import type { Fragment } from './fragment.js';
import { FragmentAssembler } from './fragment-assembler.js';
import { type FrameFilterOptions, frameElements, frameFilter } from './frame-filter.js';

/** How frames and fragments are read. `onWarning` is told of a stream that ends inside an element as well. */
export interface ReadFramesOptions extends Omit<MkvStreamOptions, 'elements'>, FrameFilterOptions {
  /** Is shown the producer's tags as they come. */
  readonly tagProcessor?: MkvTagProcessor | undefined;
}

/** How fragments are read. */
export interface ReadFragmentsOptions extends ReadFramesOptions {
  /**
   * Whether each fragment has the service's Tags (the continuation token) behind its frames, as those of GetMedia have: one without them
   * is then truncated. Default: from the first fragment on that has them, so that a stream which ends between the frames and the Tags
   * of its only fragment passes for whole.
   */
  readonly expectTrailingTags?: boolean | undefined;
}

/**
 * The frames of a byte stream, each as soon as its last byte is there, in stream order (decode order). `frame.fragment` has what the
 * stream has said of the fragment by then, and grows with it. Leaving the loop cancels the stream.
 *
 * ```ts
 * for await (const frame of readFrames(payload, { track: 'video' })) decoder.decode(frame.data);
 * ```
 *
 * @throws MkvParseError when the bytes are wrong, whatever the source throws when it fails, the signal's reason when it is aborted
 */
export function readFrames(
  stream: ByteStream,
  options: ReadFramesOptions = {},
): AsyncIterableIterator<Frame, undefined> {
  return pullThrough(stream, new FrameConsumer(options), options.signal);
}

/**
 * The fragments of a byte stream, each whole: at the end of its Segment, or of the Tags that the service puts behind its frames. The
 * frames of one fragment are held in memory. Leaving the loop cancels the stream.
 *
 * A fragment that the stream ends in is given too, with `truncated` set. A document that is not of Kinesis Video Streams is given as
 * one fragment without metadata.
 *
 * @throws MkvParseError when the bytes are wrong, whatever the source throws when it fails, the signal's reason when it is aborted
 */
export function readFragments(
  stream: ByteStream,
  options: ReadFragmentsOptions = {},
): AsyncIterableIterator<Fragment, undefined> {
  return pullThrough(stream, new FragmentConsumer(options), options.signal);
}

/** Runs elements through a visitor until something comes out. */
abstract class VisitingConsumer<T> implements ChunkConsumer<T> {
  protected readonly ready: T[] = [];
  #taken = 0;
  readonly #reader: StreamingMkvReader;
  readonly #onWarning: ReadFramesOptions['onWarning'];
  #length = 0;
  /** Where the last gap ends. */
  #gapEnd = -1;
  #ended = false;

  constructor(options: ReadFramesOptions) {
    const { onGap, onWarning } = options;
    this.#onWarning = onWarning;
    const readerOptions: MkvReaderOptions = {
      ...options,
      elements: frameElements(),
      onGap: (gap) => {
        this.#gapEnd = gap.offset + gap.length;
        onGap?.(gap);
        this.gap();
      },
    };
    this.#reader = new StreamingMkvReader(readerOptions);
  }

  protected abstract readonly visitor: ElementVisitor;
  /** Bytes of the stream are missing here. */
  protected abstract gap(): void;
  /** No more elements come. */
  protected finish(): void {}

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    this.#length += chunk.length;
  }

  end(): void {
    this.#reader.end();
    this.#ended = true;
  }

  nextIfAvailable(): T | undefined {
    while (this.#taken === this.ready.length) {
      if (this.#taken > 0) {
        this.ready.length = 0;
        this.#taken = 0;
      }
      const element = this.#reader.nextIfAvailable();
      if (element !== undefined) {
        element.accept(this.visitor);
      } else if (this.#ended) {
        this.#ended = false;
        this.finish();
        this.#tellTruncated();
      } else {
        return undefined;
      }
    }
    return this.ready[this.#taken++];
  }

  #tellTruncated(): void {
    if (!this.#reader.truncated || this.#gapEnd === this.#length) return;
    const message = `byte ${this.#length}: the stream ends here, inside an element`;
    this.#onWarning?.({ code: 'Truncated', offset: this.#length, message });
  }
}

class FrameConsumer extends VisitingConsumer<Frame> {
  protected readonly visitor: FrameVisitor;

  constructor(options: ReadFramesOptions) {
    super(options);
    const wanted = frameFilter(options);
    const process = (frame: Frame) => {
      if (wanted(frame)) this.ready.push(frame);
    };
    this.visitor = new FrameVisitor({ process }, visitorOptions(options));
  }

  protected override gap(): void {
    this.visitor.metadata.noteGap();
  }
}

class FragmentConsumer extends VisitingConsumer<Fragment> {
  protected readonly visitor: FragmentAssembler;

  constructor(options: ReadFragmentsOptions) {
    super(options);
    this.visitor = new FragmentAssembler(
      frameFilter(options),
      (fragment) => this.ready.push(fragment),
      visitorOptions(options, () => this.gap()),
      options.expectTrailingTags === true,
    );
  }

  protected override gap(): void {
    this.visitor.noteGap();
  }

  protected override finish(): void {
    this.visitor.end();
  }
}

/** With `recover`, an element that has no value, like a Block that cannot be taken apart, is a gap like other damage. */
function visitorOptions(options: ReadFramesOptions, missing?: () => void): FrameVisitorOptions {
  const { tagProcessor, recover, onGap } = options;
  if (recover !== true) return { tagProcessor };
  const onInvalidElement = (error: MkvParseError, element: MkvDataElement) => {
    onGap?.({ offset: element.offset, length: element.headerSize + element.dataSize, reason: error.message });
    missing?.();
  };
  return { tagProcessor, onInvalidElement };
}
