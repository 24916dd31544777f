import type { DataRun } from '../ebml/byte-run.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { Block } from '../mkv/block.js';
import { saidCoding } from '../mkv/codec/pcm-format.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { MaybePromise } from '../mkv/element-visitor.js';
import { Mkv } from '../mkv/elements.js';
import { MkvParseError } from '../mkv/parse-error.js';
import type { MkvWarning } from '../mkv/reader-options.js';
import { ticksToMicroseconds } from '../mkv/ticks.js';
import { TrackMetadata } from '../mkv/track.js';
import { AccessUnitJoiner } from './access-units.js';
import { splitAdts } from './adts-frames.js';
import { ClusterClock } from './cluster-clock.js';
import type { FragmentMetadata } from './fragment-metadata.js';
import { FragmentMetadataVisitor } from './fragment-metadata-visitor.js';
import { Frame } from './frame.js';
import { type Inflate, inflateBlock } from './inflate.js';
import { MimeTypeTag } from './mime-type-tag.js';
import type { MkvTagProcessor } from './tag-processor.js';
import { TrackWatch } from './track-watch.js';
import { MkvElementVisitor } from './visitor.js';

/** Receives the frames of a stream. */
export interface FrameProcessor {
  /**
   * Takes a frame, in stream order (decode order). A promise is waited for before anything more is read.
   *
   * @param frame its bytes stay what they are unless the owner of the chunk they came in writes to it
   * @param track what the stream says of the frame's track
   * @param fragment what is known of the frame's fragment by now
   * @param tags the tag processor given to the visitor
   */
  process(
    frame: Frame,
    track: TrackMetadata,
    fragment: FragmentMetadata | undefined,
    tags: MkvTagProcessor | undefined,
  ): MaybePromise;
  /** No more frames come; called by {@link FrameVisitor.close}. */
  close?(): MaybePromise;
}

/** Options of {@link FrameVisitor}. */
export interface FrameVisitorOptions {
  /**
   * Receives the producer's tags, is passed to the frame processor, and is cleared at the end of each Cluster: frames have the tags that
   * stand before them, and not those of fragments before.
   */
  readonly tagProcessor?: MkvTagProcessor | undefined;
  /**
   * Receives an element whose bytes are no value of its type, for example a Block that cannot be taken apart, and a Block whose time
   * nobody knows, because no Timestamp stands before it in its Cluster (`UnexpectedElement`); it then counts for nothing, and what follows
   * still comes. Without it the error is thrown.
   */
  readonly onInvalidElement?: ((error: MkvParseError, element: MkvDataElement) => void) | undefined;
  /**
   * Give frames of H.264 and H.265 that are parts of one access unit, in several Blocks of the same time, as one frame. A frame of these
   * codecs is then given when the next one of its track has come, or its Cluster has ended.
   */
  readonly joinAccessUnits?: boolean | undefined;
  /**
   * Inflates frames that are stored compressed with zlib, so that they and their tracks are like others. One that cannot be inflated, or
   * has more than 16 MiB then, is an invalid element. Default: frames are given as they are stored (`frame.storage`).
   */
  readonly inflate?: Inflate | undefined;
  /**
   * Called once for each track and rule where frames show that their TrackEntry is wrong, and once for each track that has frames but no
   * TrackEntry (`TrackMismatch`).
   */
  readonly onWarning?: ((warning: MkvWarning) => void) | undefined;
}

/** How many tracks are remembered from one Segment to the next. */
const MOST_WATCHES = 64;
/** Of so many tracks that nobody describes it is told, each by itself. */
const MOST_UNDESCRIBED = 64;

/** Splits Blocks into frames, and passes each frame to a {@link FrameProcessor}, with its track and fragment. */
export class FrameVisitor extends MkvElementVisitor {
  /** What the visitor knows of fragment and tracks. It is shown all elements. */
  readonly metadata: FragmentMetadataVisitor;
  readonly #processor: FrameProcessor;
  readonly #options: FrameVisitorOptions;
  readonly #clock: ClusterClock;
  readonly #joiner: AccessUnitJoiner | undefined;
  readonly #watches = new Map<number, TrackWatch>();
  #watch: TrackWatch | undefined;
  /** Tracks without a TrackEntry of which it has been told. */
  readonly #undescribed = new Set<number>();
  /** How many times tracks have been described. */
  #descriptions = 0;
  readonly #mimeType = new MimeTypeTag();
  /** Tracks of the Segment of which Tags may tell more. */
  readonly #awaiting = new Set<TrackWatch>();

  // Of the open BlockGroup.
  #group: MkvDataElement<Block> | undefined;
  #groupDuration: number | undefined;
  #groupReferences = false;
  #groupPadding: number | undefined;

  /** @param processor takes the frames, in the order of the stream */
  constructor(processor: FrameProcessor, options: FrameVisitorOptions = {}) {
    super();
    this.#processor = processor;
    this.#options = options;
    this.metadata = new FragmentMetadataVisitor(options.tagProcessor);
    this.#clock = this.metadata.clock;
    this.#joiner = options.joinAccessUnits === true ? new AccessUnitJoiner() : undefined;
  }

  /** Tells the processor that no more frames come. */
  close(): MaybePromise {
    return this.#processor.close?.();
  }

  /**
   * Takes a whole Tags or Tracks by its bytes; see {@link FragmentMetadataVisitor}.
   *
   * @internal
   */
  takeMaster(type: EbmlElementType, bytes: Uint8Array, start: number, end: number): boolean {
    const taken = this.metadata.takeMaster(type, bytes, start, end);
    if (taken) this.#masterEnded(type);
    return taken;
  }

  /**
   * Takes the data of a SimpleBlock, for a processor that gives no promises.
   *
   * @param offset of the element

   * @returns `false` when it cannot be taken apart: then the element has to be shown
   * @internal
   */
  takeSimpleBlock(run: DataRun, start: number, end: number, offset: number): boolean {
    if (this.#clock.timestamp < 0) return false;
    let block: Block;
    try {
      block = new Block(run, start, end, 0, true);
    } catch {
      return false;
    }
    if (this.#options.inflate !== undefined && this.#deflatedTrack(block) !== undefined) return false;
    this.#show(block, offset, undefined, undefined, undefined);
    return true;
  }

  override visitStart(element: MkvStartMasterElement): MaybePromise {
    const { type } = element;
    if (type === Mkv.BlockGroup) {
      this.#group = undefined;
      this.#groupDuration = undefined;
      this.#groupReferences = false;
      this.#groupPadding = undefined;
      return;
    }
    this.metadata.visitStart(element);
    // Every Segment describes its tracks again.
    if (type === Mkv.Segment) this.#forgetTracks();
  }

  override visitData(element: MkvDataElement): MaybePromise {
    if (element.is(Mkv.SimpleBlock)) return this.#showElement(element, undefined, undefined, undefined);
    try {
      this.#take(element);
    } catch (error) {
      this.#tellInvalid(error, element);
    }
  }

  #take(element: MkvDataElement): void {
    if (element.type.parent === Mkv.BlockGroup) {
      if (element.is(Mkv.Block)) this.#group = element;
      else if (element.is(Mkv.BlockDuration)) this.#groupDuration = element.value;
      else if (element.is(Mkv.ReferenceBlock)) this.#groupReferences = true;
      else if (element.is(Mkv.DiscardPadding)) this.#groupPadding = element.value / 1000;
    } else if (!this.metadata.takeTime(element)) {
      this.metadata.takeOther(element);
    }
  }

  override visitEnd(element: MkvEndMasterElement): MaybePromise {
    if (element.type !== Mkv.BlockGroup) {
      const joiner = element.type === Mkv.Cluster ? this.#joiner : undefined;
      if (joiner !== undefined) {
        const last = this.#giveAll(joiner.flush(), 0);
        if (last !== undefined) return afterwards(last, () => this.#endMaster(element));
      }
      this.#endMaster(element);
      return;
    }
    const group = this.#group;
    this.#group = undefined;
    if (group === undefined || element.truncated) return;
    return this.#showElement(group, !this.#groupReferences, this.#groupDuration, this.#groupPadding);
  }

  #endMaster(element: MkvEndMasterElement): void {
    this.metadata.visitEnd(element);
    this.#masterEnded(element.type);
    // Tags stand before the frames that they belong to.
    if (element.type === Mkv.Cluster) this.#options.tagProcessor?.clear();
  }

  #showElement(
    element: MkvDataElement<Block>,
    keyframe: boolean | undefined,
    blockDuration: number | undefined,
    padding: number | undefined,
  ): MaybePromise {
    let block: Block;
    try {
      block = element.value;
      this.#clock.expectTime(element);
      const { inflate } = this.#options;
      const track = inflate && this.#deflatedTrack(block);
      if (inflate !== undefined && track !== undefined) {
        if (this.metadata.getTrackMetadata(track.number) === track) this.metadata.replaceTrack(track.asPlain());
        block = inflateBlock(block, track, inflate, element.offset);
      }
    } catch (error) {
      this.#tellInvalid(error, element);
      return;
    }
    return this.#show(block, element.offset, keyframe, blockDuration, padding);
  }

  /** How a Block's track was described, where its frames are stored compressed. */
  #deflatedTrack(block: Block): TrackMetadata | undefined {
    const track = this.metadata.getTrackMetadata(block.trackNumber)?.origin;
    return track?.contentEncoding.storage === 'zlib' ? track : undefined;
  }

  #show(
    block: Block,
    offset: number,
    keyframe: boolean | undefined,
    blockDuration: number | undefined,
    padding: number | undefined,
  ): MaybePromise {
    const watch = this.#watchOf(block.trackNumber, offset);
    const { scale, cluster } = this.#clock;
    const timestamp = ticksToMicroseconds(this.#clock.timestamp + block.relativeTimestamp, scale);
    const { frameCount } = block;
    const isFlagged = keyframe ?? block.keyframe;
    if (watch.left > 0 || (isFlagged && watch.everyKey)) this.#look(watch, block, timestamp, isFlagged, offset);
    const { track } = watch;
    const duration =
      blockDuration === undefined ? track.defaultDuration : ticksToMicroseconds(blockDuration, scale) / frameCount;
    if (frameCount > 1) return this.#showLaces(watch, block, timestamp, duration, isFlagged, padding);
    const frame = new Frame(track, this.#fragment, timestamp, duration, isFlagged, padding, block, 0, cluster);
    return watch.mayHoldSeveral ? this.#processAll(splitAdts(frame), 0) : this.#process(frame);
  }

  #showLaces(
    watch: TrackWatch,
    block: Block,
    timestamp: number,
    duration: number | undefined,
    isFlagged: boolean,
    padding: number | undefined,
  ): MaybePromise {
    const { track } = watch;
    const { cluster } = this.#clock;
    const { frameCount } = block;
    let time = timestamp;
    const frames: Frame[] = [];
    for (let index = 0; index < frameCount; index++) {
      const own = index === frameCount - 1 ? padding : undefined;
      const frame = new Frame(track, this.#fragment, time, duration, isFlagged, own, block, index, cluster);
      frame.follow(frames.at(-1));
      const parts = watch.mayHoldSeveral ? splitAdts(frame) : undefined;
      const last = parts?.at(-1) ?? frame;
      for (const part of parts ?? [frame]) frames.push(part);
      time =
        duration === undefined || last !== frame
          ? last.timestamp + (last.duration ?? 0)
          : timestamp + (index + 1) * duration;
    }
    return this.#processAll(frames, 0);
  }

  /** Sees what a frame shows of its track. */
  #look(watch: TrackWatch, block: Block, timestamp: number, isFlagged: boolean, offset: number): void {
    const { onWarning } = this.#options;
    const track = watch.look(block, timestamp, isFlagged, this.#mimeType.read(this.metadata.tags));
    if (track !== undefined) this.metadata.replaceTrack(track);
    if (watch.awaitsTag) this.#awaiting.add(watch);
    if (onWarning === undefined) return;
    for (const { message } of watch.news()) {
      const text = `byte ${offset}: track ${watch.track.number}: ${message}`;
      onWarning({ code: 'TrackMismatch', offset, message: text });
    }
  }

  /** Tags behind the frames may say what these are. */
  #masterEnded(type: EbmlElementType): void {
    if (type === Mkv.Tracks) this.#forgetTracks();
    if (type !== Mkv.Tags || this.#awaiting.size === 0) return;
    const mimeType = this.#mimeType.read(this.metadata.tags);
    if (mimeType === undefined || saidCoding(mimeType) === undefined) return;
    for (const watch of this.#awaiting) {
      const track = watch.takeTag(mimeType);
      if (track !== undefined) this.metadata.replaceTrack(track);
    }
    this.#awaiting.clear();
  }

  #tellInvalid(error: unknown, element: MkvDataElement): void {
    if (!(error instanceof MkvParseError) || this.#options.onInvalidElement === undefined) throw error;
    this.#options.onInvalidElement(error, element);
  }

  #processAll(frames: readonly Frame[], from: number): MaybePromise {
    for (let index = from; index < frames.length; index++) {
      const result = this.#process(frames[index]!);
      if (result !== undefined) return afterwards(result, () => this.#processAll(frames, index + 1));
    }
  }

  #giveAll(frames: readonly Frame[], from: number): MaybePromise {
    for (let index = from; index < frames.length; index++) {
      const result = this.#give(frames[index]!);
      if (result !== undefined) return afterwards(result, () => this.#giveAll(frames, index + 1));
    }
  }

  #process(frame: Frame): MaybePromise {
    return this.#joiner === undefined ? this.#give(frame) : this.#giveAll(this.#joiner.push(frame), 0);
  }

  #give(frame: Frame): MaybePromise {
    return this.#processor.process(frame, frame.track, frame.fragment, this.#options.tagProcessor);
  }

  get #fragment(): FragmentMetadata | undefined {
    return this.metadata.currentFragmentMetadata;
  }

  #forgetTracks(): void {
    if (this.#watches.size > MOST_WATCHES) this.#watches.clear();
    this.#descriptions++;
    this.#watch = undefined;
    this.#awaiting.clear();
  }

  #watchOf(number: number, offset: number): TrackWatch {
    if (this.#watch?.number === number) return this.#watch;
    let watch = this.#watches.get(number);
    if (watch?.description !== this.#descriptions) {
      const track = this.metadata.getTrackMetadata(number);
      const before = watch;
      // Most Segments describe the same tracks as the one before.
      watch =
        before !== undefined && before.track === track
          ? before
          : new TrackWatch(track ?? TrackMetadata.unknown(number), number);
      watch.begin(this.#descriptions);
      // Blocks may name any number of tracks that nobody has described.
      if (track !== undefined) this.#watches.set(number, watch);
      else this.#tellUndescribed(number, offset);
    }
    this.#watch = watch;
    return watch;
  }

  #tellUndescribed(number: number, offset: number): void {
    const told = this.#undescribed;
    const { onWarning } = this.#options;
    if (onWarning === undefined || told.size >= MOST_UNDESCRIBED || told.has(number)) return;
    told.add(number);
    const more = told.size === MOST_UNDESCRIBED ? '; no more such tracks are told of' : '';
    const message = `byte ${offset}: track ${number}: there are frames of it, and no TrackEntry describes it${more}`;
    onWarning({ code: 'TrackMismatch', offset, message });
  }
}

async function afterwards(pending: PromiseLike<unknown>, next: () => MaybePromise): Promise<void> {
  await pending;
  await next();
}

/** Receives a Block as it is, without track and fragment. */
export type BlockProcessor = (block: Block, clusterTimestamp: number, timestampScale: number) => MaybePromise;

/**
 * Passes on each SimpleBlock and Block with the Timestamp of its Cluster, in ticks, and TimestampScale, in nanoseconds a tick. Throws
 * `MkvParseError`: `UnexpectedElement` for a Block before the Timestamp of its Cluster, `InvalidBlock` for one that cannot be taken apart.
 */
export class SimpleFrameVisitor extends MkvElementVisitor {
  readonly #process: BlockProcessor;
  readonly #clock = new ClusterClock();

  /** @param process takes each Block; a promise that it returns holds the reader back */
  constructor(process: BlockProcessor) {
    super();
    this.#process = process;
  }

  override visitStart(element: MkvStartMasterElement): void {
    this.#clock.start(element.type);
  }

  override visitData(element: MkvDataElement): MaybePromise {
    const clock = this.#clock;
    if (!(element.is(Mkv.SimpleBlock) || element.is(Mkv.Block))) {
      clock.take(element);
      return;
    }
    const block = element.value;
    clock.expectTime(element);
    return this.#process(block, clock.timestamp, clock.scale);
  }
}
