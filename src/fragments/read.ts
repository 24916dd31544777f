import type { DataRun } from '../ebml/byte-run.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import type { EbmlHandler } from '../ebml/handler.js';
import type { EbmlParser } from '../ebml/parser.js';
import type { ClosableAsyncIterator } from '../mkv/async-iterator.js';
import type { ByteStream } from '../mkv/byte-stream.js';
import { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { ElementVisitor } from '../mkv/element-visitor.js';
import { Mkv } from '../mkv/elements.js';
import { openMkvParser } from '../mkv/mkv-parser.js';
import type { MkvParseError } from '../mkv/parse-error.js';
import { type ChunkConsumer, pullThrough } from '../mkv/pull.js';
import type { MkvStreamOptions } from '../mkv/streams.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import { FrameVisitor, type FrameVisitorOptions } from '../visitors/frame-visitor.js';
import type { Inflate } from '../visitors/inflate.js';
import type { MkvTagProcessor } from '../visitors/tag-processor.js';
import type { Fragment } from './fragment.js';
import { FragmentAssembler } from './fragment-assembler.js';
import { type FrameFilterOptions, frameElements, frameFilter } from './frame-filter.js';

/** Options of {@link readFrames} and {@link readFragments}. `onWarning` receives a stream that ends inside an element as well. */
export interface ReadFramesOptions extends Omit<MkvStreamOptions, 'elements'>, FrameFilterOptions {
  /** Give H.264 and H.265 whose access units are spread over Blocks of the same time as one frame each; see {@link FrameVisitorOptions}. */
  readonly joinAccessUnits?: boolean | undefined;
  /** Inflates frames that are stored compressed with zlib; see {@link FrameVisitorOptions}. */
  readonly inflate?: Inflate | undefined;
  /** Receives the producer's tags as they arrive. It is cleared at the end of each Cluster: see {@link FrameVisitorOptions}. */
  readonly tagProcessor?: MkvTagProcessor | undefined;
  /**
   * Is given, at the end, the tracks of the last Segment, also those without frames.
   *
   * @internal
   */
  readonly onTracks?: ((tracks: Iterable<TrackMetadata>) => void) | undefined;
}

/** Options of {@link readFragments}. */
export interface ReadFragmentsOptions extends ReadFramesOptions {
  /**
   * Whether each fragment has the service's Tags (the continuation token) behind its frames, as those of GetMedia have: one without them
   * is then truncated. `false`: none is truncated for want of them. Default: from the first fragment on that has them, so that a stream
   * which ends between the frames and the Tags of its only fragment passes for whole.
   */
  readonly expectTrailingTags?: boolean | undefined;
  /**
   * How many bytes of frames to hold of one fragment, with 180 for each Block and 96 for each further frame of a laced one; more are an
   * error, with `recover` too. Default 256 MiB. A fragment of Kinesis Video Streams has at most 50 MB; a document of another origin is one
   * fragment however long it is, and better read by {@link readFrames}.
   */
  readonly maxFragmentSize?: number | undefined;
}

/**
 * Reads the frames of a byte stream, in stream order (decode order). You receive each frame as soon as its last byte has arrived.
 * `frame.fragment` has what is known about the fragment by then; the same object is completed while the fragment arrives. Leaving the loop
 * cancels the stream.
 *
 * ```ts
 * for await (const frame of readFrames(payload, { track: 'video' })) decoder.decode(frame.data);
 * ```
 *
 * @throws MkvParseError when the bytes are wrong, whatever the source throws when it fails, the signal's reason when it is aborted
 */
export function readFrames(stream: ByteStream, options: ReadFramesOptions = {}): ClosableAsyncIterator<Frame> {
  return pullThrough(stream, new FrameConsumer(options), options.signal);
}

/**
 * Reads the fragments of a byte stream. You receive each fragment when it is whole: at the end of its Segment, or of the Tags that the
 * service sends behind its frames. The frames of one fragment are held in memory. Leaving the loop cancels the stream.
 *
 * If the stream ends inside a fragment, you receive that fragment too, with `truncated` set. A document that does not come from Kinesis
 * Video Streams is one fragment without metadata.
 *
 * @throws MkvParseError when the bytes are wrong or a fragment is larger than `maxFragmentSize`, whatever the source throws when it fails,
 * the signal's reason when it is aborted
 */
export function readFragments(stream: ByteStream, options: ReadFragmentsOptions = {}): ClosableAsyncIterator<Fragment> {
  return pullThrough(stream, new FragmentConsumer(options), options.signal);
}

/** What frames or fragments are made by. It takes some elements by their bytes, where it can; the others are to be shown. */
interface MakingVisitor extends ElementVisitor {
  /** Takes a Tags or Tracks, see {@link EbmlHandler}. */
  takeMaster(type: EbmlElementType, bytes: Uint8Array, start: number, end: number): boolean;
  /** Takes the data of a SimpleBlock, an element that begins at `offset`. */
  takeSimpleBlock(run: DataRun, start: number, end: number, offset: number): boolean;
}

/** Runs elements through a visitor until something comes out. */
abstract class VisitingConsumer<T> implements ChunkConsumer<T> {
  readonly #ready: T[] = [];
  #taken = 0;
  readonly #parser: EbmlParser<MkvStartMasterElement>;
  readonly #onWarning: ReadFramesOptions['onWarning'];
  #length = 0;
  /** Where the last gap ends. */
  #gapEnd = -1;
  #ended = false;

  constructor(options: ReadFramesOptions) {
    const { onGap, onWarning } = options;
    this.#onWarning = onWarning;
    const handler: EbmlHandler<MkvStartMasterElement> = {
      masterStart: (type, offset, headerSize, dataSize, parent, asked) => {
        const start = new MkvStartMasterElement(type, offset, headerSize, dataSize, parent);
        if (asked) this.visitor.visitStart(start);
        return start;
      },
      takeMaster: (type, bytes, start, end) => this.visitor.takeMaster(type, bytes, start, end),
      masterEnd: (start, offset, truncated) => {
        this.visitor.visitEnd(new MkvEndMasterElement(start, offset, truncated));
      },
      data: (type, offset, headerSize, dataSize, run, start, parent) => {
        if (type === Mkv.SimpleBlock && this.visitor.takeSimpleBlock(run, start, start + dataSize, offset)) return;
        this.visitor.visitData(new MkvDataElement(type, offset, headerSize, dataSize, run, start, parent));
      },
    };
    this.#parser = openMkvParser(handler, {
      ...options,
      elements: frameElements(),
      onGap: (gap) => {
        this.#gapEnd = gap.offset + gap.length;
        onGap?.(gap);
        this.gap();
      },
    });
    this.#parser.pause();
  }

  protected abstract readonly visitor: MakingVisitor;
  /** Bytes of the stream are missing here. */
  protected abstract gap(): void;
  /** No more elements come. */
  protected finish(): void {}

  /** Has something to give, before anything more is read: what stands behind it in the stream is not known yet when it is given. */
  protected give(made: T): void {
    this.#ready.push(made);
    this.#parser.pause();
  }

  push(chunk: Uint8Array): void {
    this.#parser.push(chunk);
    this.#length += chunk.length;
  }

  end(): void {
    this.#parser.end();
    this.#ended = true;
  }

  nextIfAvailable(): T | undefined {
    const ready = this.#ready;
    if (ready.length === 0) {
      this.#parser.resume();
      this.#parser.pause();
      if (ready.length === 0 && this.#ended) {
        this.#ended = false;
        this.finish();
        this.#tellTruncated();
      }
    }
    // Mostly there is one at the most; then there is nothing to move.
    if (ready.length <= 1) return ready.pop();
    const next = ready[this.#taken++];
    if (this.#taken === ready.length) {
      this.#taken = 0;
      ready.length = 0;
    }
    return next;
  }

  #tellTruncated(): void {
    if (!this.#parser.truncated || this.#gapEnd === this.#length) return;
    const message = `byte ${this.#length}: the stream ends here, inside an element`;
    this.#onWarning?.({ code: 'Truncated', offset: this.#length, message });
  }
}

class FrameConsumer extends VisitingConsumer<Frame> {
  protected readonly visitor: FrameVisitor;
  readonly #onTracks: ReadFramesOptions['onTracks'];

  constructor(options: ReadFramesOptions) {
    super(options);
    this.#onTracks = options.onTracks;
    const wanted = frameFilter(options);
    const process = (frame: Frame) => {
      if (wanted(frame)) this.give(frame);
    };
    this.visitor = new FrameVisitor(
      { process },
      visitorOptions(options, () => this.gap()),
    );
  }

  protected override gap(): void {
    this.visitor.metadata.noteGap();
  }

  protected override finish(): void {
    this.#onTracks?.(this.visitor.metadata.tracks.values());
  }
}

class FragmentConsumer extends VisitingConsumer<Fragment> {
  protected readonly visitor: FragmentAssembler;

  constructor(options: ReadFragmentsOptions) {
    super(options);
    this.visitor = new FragmentAssembler(
      frameFilter(options),
      (fragment) => this.give(fragment),
      visitorOptions(options, () => this.gap()),
      options.expectTrailingTags,
      options.maxFragmentSize,
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
function visitorOptions(options: ReadFramesOptions, missing: () => void): FrameVisitorOptions {
  const { tagProcessor, recover, onGap, onWarning, joinAccessUnits, inflate } = options;
  if (recover !== true) return { tagProcessor, onWarning, joinAccessUnits, inflate };
  const onInvalidElement = (error: MkvParseError, element: MkvDataElement) => {
    onGap?.({ offset: element.offset, length: element.headerSize + element.dataSize, reason: error.message });
    missing();
  };
  return { tagProcessor, onInvalidElement, onWarning, joinAccessUnits, inflate };
}
