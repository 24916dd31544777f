import type { DataRun } from '../ebml/byte-run.js';
import type { Bytes } from '../ebml/bytes.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { decodeUint } from '../ebml/values.js';
import { headerBytes, idLength, vintLength } from '../ebml/vint.js';
import { writeElement, writeMaster } from '../ebml/writer.js';
import type { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { expectHoldable, weightOf } from '../mkv/holding.js';
import { type BlockPeek, peekBlock } from './block-peek.js';
import { type ClusterHead, type ClusterPlace, rewritePosition } from './cluster-head.js';
import { ClusterPacker } from './cluster-packer.js';
import type { DocumentHeader } from './document-header.js';
import { extentOf, lengthOfAll } from './extent.js';
import { GatheredElement, isPosition } from './gathered-element.js';
import { integerOf } from './integer-of.js';
import type { LeftOut } from './left-out.js';
import type { MadeUpBytes } from './made-up-bytes.js';
import type { OutputRewrite, OutputSegmentMergerOptions } from './merge-options.js';
import { PieceQueue } from './piece-queue.js';
import { type HeaderPlaces, SeekIndex } from './seek-index.js';
import { isMisplaced, isMisshapen, type Opening, strictForm } from './strict-form.js';
import { isDoubtful, isPlainBlock, isUnknown, LOOKS_DAMAGED, looksDamaged } from './unknown-element.js';
import { voidElement, voidHeader } from './void-element.js';

// The table is so large that looking a type up takes its time.
const { Cluster, SimpleBlock, Timestamp } = Mkv;

const ZEROS = 64 * 1024;

/** Writes Clusters as they come, at the place and time that they get in the output. */
export class ClusterWriter {
  readonly #queue: PieceQueue;
  readonly #options: OutputSegmentMergerOptions;
  readonly #madeUp: MadeUpBytes;
  readonly #leftOut: LeftOut;
  readonly #followsTime: (timestamp: bigint, offset: number) => boolean;
  #packer: ClusterPacker | undefined;
  /** Of the document that is being written. */
  #firstTimestamp: bigint | undefined;
  /** Where a player can begin in it, if that is asked for. */
  #index: SeekIndex | undefined;
  /** Bytes written before the first of the Segment's data. */
  #segmentStart = 0;
  #clusterStart = 0;
  #previousSize: number | undefined;
  #place: ClusterPlace | undefined;
  /** A Cluster of unknown size was written last: what does not end it becomes part of it. */
  #endless: { readonly hasCrc: boolean } | undefined;
  #open: MkvStartMasterElement | undefined;
  /** Where the Cluster ends in the output; `Infinity` where its size is unknown. */
  #end = Number.POSITIVE_INFINITY;
  /** The same where elements of the Cluster are passed on as they come; else below everything. */
  #plainEnd = Number.NEGATIVE_INFINITY;
  /** How much of the last Cluster is missing, in bytes: taken out by damage, cut off, or left out. */
  #missing = 0;
  /** The Segment has Cues, which it may have once. */
  #hasCues = false;
  /** The Cluster has ended in the output, before what a strict reader would not take in it: Blocks are written behind it. */
  #isCut = false;
  /** The Timestamp that counts for Blocks, as it is in the input. */
  #timestamp: bigint | undefined;
  /** What the Timestamps of the Cluster have been moved by. */
  #shift = 0n;
  /** What the Cluster has that it may have once. */
  readonly #seen = new Set<EbmlElementType>();
  /** A master in the Cluster, held until it is whole: a BlockGroup, most of the time. */
  #group: Opening[] | undefined;
  #groupWeight = 0;
  /** An element of unknown id has been written that a reader takes for damage if another follows it before something plain to see. */
  #isDoubted = false;
  readonly #peek: BlockPeek = { track: 0, timestamp: 0, frames: 0, keyframe: false };
  readonly #rewrites: OutputRewrite[] = [];

  /** Clusters written. */
  clusters = 0;
  /** Frames written. */
  frames = 0;

  /**
   * @param followsTime is told of a Cluster that the input does not have, because a Block needs one: its Timestamp, and where the Block is in
   * the input. Another document may begin by that; `false` leaves the Block out.
   */
  constructor(
    queue: PieceQueue,
    options: OutputSegmentMergerOptions,
    madeUp: MadeUpBytes,
    leftOut: LeftOut,
    followsTime: (timestamp: bigint, offset: number) => boolean,
  ) {
    this.#queue = queue;
    this.#options = options;
    this.#madeUp = madeUp;
    this.#leftOut = leftOut;
    this.#followsTime = followsTime;
  }

  /** The Cluster that is being written. */
  get open(): MkvStartMasterElement | undefined {
    return this.#open;
  }

  /** A document begins; the beginning of its Segment has been written. */
  beginSegment(header: DocumentHeader, places?: HeaderPlaces): void {
    this.#segmentStart = this.#queue.length;
    this.#index = places && new SeekIndex(this.#segmentStart, places, header.timestampScale, header.tracks);
    this.#firstTimestamp = undefined;
    this.#previousSize = undefined;
    this.#endless = undefined;
    this.#isDoubted = false;
    this.#hasCues = header.hasCues;
    this.#packer =
      this.#options.packClusters === true ? new ClusterPacker(header.timestampScale, header.tracks) : undefined;
  }

  /** The document ends: what lets players seek in it is written. */
  endSegment(): void {
    this.fill();
    const index = this.#index;
    this.#index = undefined;
    if (index === undefined) return;
    const position = this.#queue.length - this.#segmentStart;
    this.#queue.add(index.cues());
    for (const rewrite of index.rewrites(position, this.#queue.length - this.#segmentStart)) {
      this.#rewrites.push(rewrite);
    }
  }

  /** What tells `seekable` of the rewrites so far, once; `undefined` where there are none. To be called when what is in the queue has left it. */
  takeRewrites(): (() => void) | undefined {
    if (this.#rewrites.length === 0) return undefined;
    const rewrites = this.#rewrites.splice(0);
    return () => {
      for (const rewrite of rewrites) this.#options.seekable?.(rewrite);
    };
  }

  /**
   * Writes the beginning of a Cluster.
   *
   * @param producerTime when its fragment was recorded, in milliseconds since 1970, where that is known
   */
  begin(head: ClusterHead, producerTime: number | undefined): void {
    this.fill();
    const { start, timestamp } = head;
    this.#open = start;
    this.#isCut = false;
    this.#seen.clear();
    this.#clusterStart = this.#queue.length;
    const place: ClusterPlace = {
      timestamp: timestamp === undefined ? undefined : this.#placeInTime(timestamp, producerTime),
      position: this.#options.keepPositions === true ? undefined : this.#clusterStart - this.#segmentStart,
      previousSize: this.#previousSize,
    };
    this.#timestamp = timestamp;
    this.#shift = place.timestamp === undefined || timestamp === undefined ? 0n : place.timestamp - timestamp;
    const { header, dataSize, replaced, leftOut } = head.rewrite(place);
    for (const element of leftOut) this.#leftOut.add(element);
    this.#end = dataSize === undefined ? Number.POSITIVE_INFINITY : this.#clusterStart + header.length + dataSize;
    const position = this.#clusterStart - this.#segmentStart;
    this.#index?.cluster(position, place.timestamp ?? timestamp, dataSize !== undefined);
    this.clusters++;
    if (replaced.size > 0 || dataSize !== start.dataSize) this.#queue.add(header);
    else this.#queue.addHeader(start, head.elements[0]);
    // Before a CRC-32 that has been written, nothing changes any more; without one, Position and PrevSize may still come.
    const first = head.elements[0];
    const hasCrc = first?.is(Mkv['CRC-32']) === true && replaced.get(first)?.[0] !== Mkv.Void.id;
    this.#place = hasCrc ? undefined : place;
    this.#endless = dataSize === undefined ? { hasCrc } : undefined;
    this.#isDoubted = false;
    this.#setPlainEnd();
    for (const element of head.elements) {
      const bytes = replaced.get(element);
      if (bytes !== undefined) {
        if (!this.#makesRoom(bytes.length)) continue;
        if (element.kind === 'data' && bytes[0] === element.type.id) this.#seen.add(element.type);
        this.#write(bytes);
      } else if (element.kind === 'end') this.end(element.start, element.offset, element.truncated);
      else this.#pass(element);
    }
  }

  #placeInTime(timestamp: bigint, producerTime: number | undefined): bigint | undefined {
    if (this.#packer !== undefined) return this.#packer.place(timestamp, producerTime);
    if (this.#options.startAtZero !== true) return undefined;
    this.#firstTimestamp ??= timestamp;
    return timestamp > this.#firstTimestamp ? timestamp - this.#firstTimestamp : 0n;
  }

  /** The same of a Cluster that the input does not have. */
  #placeBehind(timestamp: bigint): bigint {
    if (this.#packer === undefined) return this.#placeInTime(timestamp, undefined) ?? timestamp;
    const moved = timestamp + this.#shift;
    return moved > 0n ? moved : 0n;
  }

  /** Passes on what stands in the Cluster, or, where nothing is merged, anything. */
  pass(element: MkvStartMasterElement | MkvDataElement): void {
    if (this.#open !== undefined) {
      this.#pass(element);
    } else if (element.kind === 'data') {
      this.#queue.addElement(element);
      if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) this.#countElement(element);
    } else {
      if (element.is(Mkv.Cluster)) this.clusters++;
      this.#queue.add(element.rawHeader);
    }
  }

  /**
   * Passes on a data element of the open Cluster from where it lies, if that is all there is to do; else `false`, and the element is to
   * be given to {@link ClusterWriter.pass}.
   */
  passData(type: EbmlElementType, headerSize: number, dataSize: number, run: DataRun, start: number): boolean {
    if (!this.#isPlain(type, headerSize + dataSize)) return false;
    this.#queue.addData(type.id, headerSize, dataSize, run, start);
    if (type === SimpleBlock) this.#count(run, start, dataSize, undefined, undefined);
    return true;
  }

  /** Whether an element of so many bytes that stands in the open Cluster is passed on as it is, alone. */
  #isPlain(type: EbmlElementType, length: number): boolean {
    const rest = this.#plainEnd - this.#queue.length - length;
    if (rest === 1 || rest < 0) return false;
    return type === SimpleBlock || (type.maxOccurs !== 1 && type.name !== undefined && !isMisplaced(type, Cluster));
  }

  /** To be called when what decides about it has changed. */
  #setPlainEnd(): void {
    const isPlain = this.#open !== undefined && this.#group === undefined && !this.#isCut && !this.#isDoubted;
    this.#plainEnd = isPlain ? this.#end : Number.NEGATIVE_INFINITY;
  }

  /** Whether so many bytes go into the Cluster and leave either none or as many as an element has at least. */
  #fits(length: number): boolean {
    const rest = this.#end - this.#queue.length - length;
    return rest === 0 || rest > 1;
  }

  /** Takes the end of the Cluster, or of a master in it, that began with `start`. */
  end(start: MkvStartMasterElement, offset: number, truncated: boolean): void {
    if (start !== this.#open) {
      if (start !== this.#group?.[0]) return;
      if (truncated) this.#leftOut.add(start, 'it is not whole');
      else this.#writeGroup(this.#group, start, offset);
      this.#group = undefined;
      this.#setPlainEnd();
      return;
    }
    this.#open = undefined;
    this.#setPlainEnd();
    if (!this.#isCut) this.#endCluster();
  }

  #endCluster(): void {
    // A reader believes what goes on to where a Cluster ends by its size.
    if (this.#end < Number.POSITIVE_INFINITY) this.#isDoubted = false;
    // Counted by what was written: damage may have been passed over in the middle.
    this.#missing = this.#end === Number.POSITIVE_INFINITY ? 0 : this.#end - this.#queue.length;
    this.#madeUp.add(this.#missing);
    this.#previousSize = this.#queue.length - this.#clusterStart + this.#missing;
  }

  /** Ends the Cluster in the output; what Blocks are still in it are written behind it. */
  #cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#setPlainEnd();
    this.#endCluster();
    this.fill();
  }

  /**
   * Writes a Block that stands in no Cluster, or in one that has ended in the output, in a Cluster of its own with the Timestamp that counts.
   *
   * @returns `false` where it is none
   */
  followBlock(element: GatheredElement): boolean {
    const { type, root } = element;
    if (type.parent !== Cluster || (type.maxOccurs === 1 && type.level > 0)) return false;
    if (this.#timestamp === undefined) {
      this.#leftOut.add(root, 'no Timestamp has come before it');
      return true;
    }
    if (!this.#followsTime(this.#timestamp, root.offset)) return true;
    const timestamp = this.#placeBehind(this.#timestamp);
    this.fill();
    const block = new PieceQueue();
    this.#leftOut.addFrom(element);
    element.writeTo(block, true);
    const start = this.#queue.length;
    this.#queue.add(writeMaster(Cluster, [writeElement(Timestamp, timestamp), ...block.take()]));
    this.#index?.cluster(start - this.#segmentStart, timestamp, true);
    this.#previousSize = this.#queue.length - start;
    this.#endless = undefined;
    this.#isDoubted = false;
    this.clusters++;
    if (root.kind === 'data') this.#countElement(root);
    else this.#countGroup(element.elements);
    return true;
  }

  /**
   * Writes what stands behind Clusters. What does not end a Cluster of unknown size becomes part of it; if that has a CRC-32, it is left
   * out to keep that right.
   */
  follow(elements: readonly GatheredElement[]): void {
    if (elements.length === 0) return;
    this.fill();
    for (const element of elements) {
      const isCues = element.type === Mkv.Cues;
      const keepPositions = this.#options.keepPositions === true && !(isCues && this.#hasCues);
      this.#hasCues ||= isCues && keepPositions;
      const endless = element.endsNoCluster(keepPositions) ? this.#endless : undefined;
      if (endless?.hasCrc === true) {
        if (!isPosition(element.type))
          this.#leftOut.add(element.root, 'it would be part of a Cluster that has a CRC-32');
        continue;
      }
      if (this.#isDoubted && element.root.kind === 'data' && isUnknown(element.root)) {
        this.#leftOut.add(element.root, LOOKS_DAMAGED, element.count);
        continue;
      }
      const start = this.#queue.length;
      this.#leftOut.addFrom(element);
      element.writeTo(this.#queue, keepPositions);
      if (endless !== undefined) {
        this.#previousSize = (this.#previousSize ?? 0) + this.#queue.length - start;
      } else {
        this.#endless = undefined;
        this.#isDoubted = false;
      }
    }
  }

  /** Writes a Void element for what is missing. */
  fill(): void {
    const missing = this.#missing;
    if (missing === 0) return;
    this.#missing = 0;
    // Room for an element is always left, see #fits.
    const header = voidHeader(missing);
    this.#queue.add(header);
    const zeros = new Uint8Array(Math.min(missing - header.length, ZEROS));
    for (let rest = missing - header.length; rest > 0; rest -= ZEROS) {
      this.#queue.add(zeros, 0, Math.min(rest, ZEROS));
    }
  }

  #pass(element: MkvStartMasterElement | MkvDataElement): void {
    if (this.#group !== undefined) {
      this.#groupWeight += weightOf(element);
      expectHoldable(this.#groupWeight, element);
      this.#group.push(element);
    } else if (element.kind === 'start') {
      this.#group = [element];
      this.#setPlainEnd();
      this.#groupWeight = weightOf(element);
    } else {
      this.#passData(element);
    }
  }

  #passData(element: MkvDataElement): void {
    const { type, headerSize, dataSize, offset } = element;
    const length = headerSize + dataSize;
    if (type === SimpleBlock || type.maxOccurs !== 1) {
      if (isUnknown(element) && !this.#isCut && this.#mayBeRefused(element)) {
        this.#leaveOut(element, length, LOOKS_DAMAGED);
      } else if (isMisplaced(type, Cluster)) {
        this.#leaveOut(element, length);
      } else if (this.#makesRoom(length)) {
        this.#writeData(element);
        if (this.#isDoubted && isPlainBlock(element)) this.#settle();
      } else if (!this.followBlock(new GatheredElement(element))) {
        this.#leftOut.add(element);
        return;
      }
      if (type === SimpleBlock && !this.#isCut) this.#countElement(element);
      return;
    }
    if (type === Timestamp && !isMisshapen(element)) this.#takeTimestamp(element.bigintValue);
    const open = this.#open;
    const isLateCrc = type === Mkv['CRC-32'] && offset !== (open?.offset ?? 0) + (open?.headerSize ?? 0);
    if (isMisplaced(type, Cluster) || isMisshapen(element) || this.#seen.has(type) || isLateCrc) {
      const counts = type === Timestamp && !isMisshapen(element);
      if (counts) this.#fillUp(length);
      else this.#leaveOut(element, length);
    } else if (this.#makesRoom(length)) {
      this.#seen.add(type);
      const moved = this.#place && rewritePosition(element, this.#place);
      if (moved !== undefined) this.#write(moved);
      else this.#writeData(element);
    }
  }

  /** Whether a reader may refuse an element of unknown id at this place in the Cluster. If not, it is going to be written. */
  #mayBeRefused(element: MkvDataElement): boolean {
    const { headerSize, dataSize } = element;
    // Another header would make other bytes of it.
    if (this.#isDoubted || !this.#fits(headerSize + dataSize) || looksDamaged(element, Cluster)) return true;
    this.#isDoubted = isDoubtful(element, Cluster);
    if (this.#isDoubted) this.#setPlainEnd();
    return false;
  }

  /** Something has been written that no reader takes for anything else. */
  #settle(): void {
    this.#isDoubted = false;
    this.#setPlainEnd();
  }

  /** A Timestamp counts for the Blocks behind it, also where it is not the first: these need another Cluster. */
  #takeTimestamp(value: bigint): void {
    if (!this.#seen.has(Timestamp) || value === this.#timestamp) return;
    this.#cut();
    this.#timestamp = value;
  }

  /** Whether so many bytes go into the Cluster; else it ends in the output. */
  #makesRoom(length: number): boolean {
    if (this.#isCut) return false;
    if (this.#end - this.#queue.length >= length) return true;
    this.#cut();
    return false;
  }

  /** Writes a Void element for what does not belong in the Cluster. */
  #leaveOut(element: Opening, length: number, reason?: string): void {
    this.#leftOut.add(element, reason);
    this.#fillUp(length);
  }

  #fillUp(length: number): void {
    if (this.#makesRoom(length)) this.#write(voidElement(length));
  }

  /** Writes an element of the Cluster. */
  #write(bytes: Bytes): void {
    const idSize = vintLength(bytes[0]!);
    const headerSize = idSize + vintLength(bytes[idSize]!);
    const id = decodeUint(bytes, 0, idSize);
    const header = this.#headerFor(id, headerSize, bytes.length - headerSize);
    if (header === undefined) {
      this.#queue.add(bytes);
    } else {
      this.#queue.add(header);
      this.#queue.add(bytes, headerSize);
    }
  }

  #writeData(element: MkvDataElement): void {
    const { type, headerSize, dataSize } = element;
    const header = this.#headerFor(type.id, headerSize, dataSize);
    if (header === undefined) {
      this.#queue.addElement(element);
    } else {
      this.#queue.add(header);
      this.#queue.addRun(element.run, element.start, dataSize);
    }
  }

  #writeGroup(group: readonly Opening[], start: MkvStartMasterElement, end: number): void {
    const { type } = start;
    const isSecond = type.maxOccurs === 1 && this.#seen.has(type);
    if (isMisplaced(type, Cluster) || isSecond) {
      this.#leaveOut(start, end - start.offset);
      return;
    }
    const strict = strictForm(group, end - start.offset);
    const length = strict?.length ?? lengthOfAll(group);
    if (!this.#makesRoom(length)) {
      if (!this.followBlock(gatheredOf(group))) this.#leftOut.add(start);
      return;
    }
    if (type.maxOccurs === 1) this.#seen.add(type);
    if (strict !== undefined) {
      this.#leftOut.addFrom({ isRight: false, elements: group });
      this.#writeStrict(strict, end - start.offset - length);
    } else {
      const header = this.#headerFor(type.id, start.headerSize, length - start.headerSize);
      const extent = header === undefined ? extentOf(group, length) : undefined;
      if (extent !== undefined) {
        this.#queue.add(extent.bytes, extent.start, extent.end);
      } else {
        this.#queue.add(header ?? start.rawHeader);
        for (const element of group) if (element !== start) this.#queue.addElement(element);
      }
    }
    if (this.#isDoubted && strict === undefined && group[1]?.type.parent === type) this.#isDoubted = false;
    this.#countGroup(group);
  }

  /** Writes an element in another form, which may be so many bytes shorter than it was. */
  #writeStrict(bytes: Bytes, shorter: number): void {
    this.#write(bytes);
    if (this.#end === Number.POSITIVE_INFINITY) return;
    // What it was may have gone on past the end of the Cluster.
    const room = Math.min(shorter, this.#end - this.#queue.length);
    if (room > 1) this.#write(voidElement(room));
  }

  /**
   * The header that an element gets after which a single byte of the Cluster is left, as damage leaves it: one byte longer, because no
   * element is so short, or, where it has all the bytes that a header can have, one shorter. `undefined` for any other element, which
   * keeps its own.
   */
  #headerFor(id: number, headerSize: number, dataSize: number): Bytes | undefined {
    if (this.#fits(headerSize + dataSize)) return undefined;
    const change = headerSize - idLength(id) < 8 ? 1 : -1;
    return headerBytes(id, dataSize, headerSize + change);
  }

  #countGroup(group: readonly Opening[]): void {
    let block: MkvDataElement | undefined;
    let duration: number | undefined;
    let keyframe = true;
    for (const element of group) {
      if (element.kind !== 'data') continue;
      if (element.type === Mkv.Block) block = element;
      else if (element.type === Mkv.BlockDuration) duration = integerOf(element);
      else if (element.type === Mkv.ReferenceBlock) keyframe = false;
    }
    if (block !== undefined) this.#countElement(block, duration, keyframe);
  }

  #countElement({ run, start, dataSize }: MkvDataElement, duration?: number, keyframe?: boolean): void {
    this.#count(run, start, dataSize, duration, keyframe);
  }

  /** @param keyframe of a BlockGroup; a SimpleBlock says it itself */
  #count(
    run: DataRun,
    start: number,
    dataSize: number,
    duration: number | undefined,
    keyframe: boolean | undefined,
  ): void {
    const peek = this.#peek;
    const from = run.headStart + start;
    if (!peekBlock(run.head, from, from + dataSize, peek)) return;
    this.frames += peek.frames;
    this.#packer?.block(peek.track, peek.timestamp, peek.frames, duration);
    this.#index?.block(peek.track, peek.timestamp, peek.frames, keyframe ?? peek.keyframe, duration);
  }
}

function gatheredOf(group: readonly Opening[]): GatheredElement {
  const [first, ...others] = group;
  if (first === undefined) throw new TypeError('no element');
  const gathered = new GatheredElement(first);
  for (const element of others) gathered.add(element);
  return gathered;
}
