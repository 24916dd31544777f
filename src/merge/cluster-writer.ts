import type { DataRun } from '../ebml/byte-run.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { headerBytes, idLength, vintLength } from '../ebml/vint.js';
import type { MkvDataElement, MkvElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { expectHoldable, weightOf } from '../mkv/holding.js';
import { type BlockPeek, peekBlock } from './block-peek.js';
import { type ClusterHead, type ClusterPlace, rewritePosition } from './cluster-head.js';
import { ClusterPacker } from './cluster-packer.js';
import type { DocumentHeader } from './document-header.js';
import { extentOf, lengthOfAll } from './extent.js';
import type { GatheredElement } from './gathered-element.js';
import { integerOf } from './integer-of.js';
import type { MadeUpBytes } from './made-up-bytes.js';
import type { OutputSegmentMergerOptions } from './merge-options.js';
import type { PieceQueue } from './piece-queue.js';
import { type HeaderPlaces, SeekIndex } from './seek-index.js';
import { voidHeader } from './void-element.js';

// The table is so large that looking a type up takes its time.
const { Position, PrevSize, SimpleBlock } = Mkv;

const ZEROS = 64 * 1024;

/** Writes Clusters as they come, at the place and time that they get in the output. */
export class ClusterWriter {
  readonly #queue: PieceQueue;
  readonly #options: OutputSegmentMergerOptions;
  readonly #madeUp: MadeUpBytes;
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
  /** Where the Cluster ends in the input, when that is known. */
  #end: number | undefined;
  /** How far the Cluster has been written, as an offset in the input. */
  #cursor = 0;
  /** How much of the last Cluster is missing, in bytes: taken out by damage, or cut off. */
  #missing = 0;
  /** A master in the Cluster, held until it is whole: a BlockGroup, most of the time. */
  #group: (MkvStartMasterElement | MkvDataElement)[] | undefined;
  #groupWeight = 0;
  readonly #peek: BlockPeek = { track: 0, timestamp: 0, frames: 0, keyframe: false };

  /** Clusters written. */
  clusters = 0;
  /** Frames written. */
  frames = 0;

  constructor(queue: PieceQueue, options: OutputSegmentMergerOptions, madeUp: MadeUpBytes) {
    this.#queue = queue;
    this.#options = options;
    this.#madeUp = madeUp;
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
    const rewrites = index.rewrites(position, this.#queue.length - this.#segmentStart);
    for (const rewrite of rewrites) this.#options.seekable?.(rewrite);
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
    this.#end = head.end;
    this.#clusterStart = this.#queue.length;
    const place: ClusterPlace = {
      timestamp: timestamp === undefined ? undefined : this.#placeInTime(timestamp, producerTime),
      position: this.#options.keepPositions === true ? undefined : this.#clusterStart - this.#segmentStart,
      previousSize: this.#previousSize,
    };
    const { header, replaced } = head.rewrite(place);
    this.#index?.cluster(this.#clusterStart - this.#segmentStart, place.timestamp ?? timestamp);
    this.clusters++;
    if (replaced.size > 0 || (this.#end === undefined && start.dataSize !== undefined)) this.#queue.add(header);
    else this.#queue.addHeader(start, head.elements[0]);
    this.#cursor = start.offset + start.headerSize;
    // Before a CRC-32 that has been written, nothing changes any more; without one, Position and PrevSize may still come.
    const first = head.elements[0];
    const hasCrc = first?.is(Mkv['CRC-32']) === true && replaced.get(first)?.[0] !== Mkv.Void.id;
    this.#place = hasCrc ? undefined : place;
    this.#endless = head.end === undefined ? { hasCrc } : undefined;
    for (const element of head.elements) {
      const bytes = replaced.get(element);
      if (bytes !== undefined) this.#write(element, bytes);
      else if (element.kind === 'end') this.end(element.start, element.offset, element.truncated);
      else this.#pass(element);
    }
  }

  #placeInTime(timestamp: bigint, producerTime: number | undefined): bigint | undefined {
    if (this.#packer !== undefined) return this.#packer.place(timestamp, producerTime);
    if (this.#options.startAtZero !== true) return undefined;
    this.#firstTimestamp ??= timestamp;
    return timestamp > this.#firstTimestamp ? timestamp - this.#firstTimestamp : 0n;
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
  passData(
    type: EbmlElementType,
    offset: number,
    headerSize: number,
    dataSize: number,
    run: DataRun,
    start: number,
  ): boolean {
    const end = offset + headerSize + dataSize;
    if (!this.#isPlain(type, end)) return false;
    this.#cursor = end;
    this.#queue.addData(type.id, headerSize, dataSize, run, start);
    if (type === SimpleBlock) this.#count(run, start, dataSize, undefined, undefined);
    return true;
  }

  /** Whether an element that stands in the open Cluster and ends at `end` is passed on as it is, alone. */
  #isPlain(type: EbmlElementType, end: number): boolean {
    return (
      this.#open !== undefined &&
      this.#group === undefined &&
      type !== Position &&
      type !== PrevSize &&
      this.#end !== end + 1
    );
  }

  /** Takes the end of the Cluster, or of a master in it, that began with `start`. */
  end(start: MkvStartMasterElement, offset: number, truncated: boolean): void {
    if (start !== this.#open) {
      if (start !== this.#group?.[0]) return;
      if (!truncated) this.#writeGroup(this.#group, start, offset);
      this.#group = undefined;
      return;
    }
    this.#open = undefined;
    // Counted by what was written: damage may have been passed over in the middle.
    const written = this.#queue.length - this.#clusterStart;
    this.#missing = this.#end === undefined ? 0 : Math.max(0, this.#end - start.offset - written);
    this.#madeUp.add(this.#missing);
    this.#previousSize = this.#queue.length - this.#clusterStart + this.#missing;
  }

  /**
   * Writes what stands behind Clusters. What does not end a Cluster of unknown size becomes part of it; if that has a CRC-32, it is left
   * out to keep that right.
   */
  follow(elements: readonly GatheredElement[]): void {
    if (elements.length === 0) return;
    this.fill();
    const keepPositions = this.#options.keepPositions === true;
    for (const element of elements) {
      const endless = element.endsNoCluster(keepPositions) ? this.#endless : undefined;
      if (endless?.hasCrc === true) continue;
      const start = this.#queue.length;
      element.writeTo(this.#queue, keepPositions);
      if (endless !== undefined) this.#previousSize = (this.#previousSize ?? 0) + this.#queue.length - start;
      else this.#endless = undefined;
    }
  }

  /** Writes a Void element for what is missing. */
  fill(): void {
    const missing = this.#missing;
    if (missing === 0) return;
    this.#missing = 0;
    // Room for an element is always left, see #headerFor.
    const header = voidHeader(Math.max(2, missing));
    this.#queue.add(header);
    const zeros = new Uint8Array(Math.max(0, Math.min(missing - header.length, ZEROS)));
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
      this.#groupWeight = weightOf(element);
    } else {
      const moved = this.#place === undefined ? undefined : rewritePosition(element, this.#place);
      if (moved !== undefined) this.#write(element, moved);
      else this.#writeData(element);
      if (element.is(Mkv.SimpleBlock)) this.#countElement(element);
    }
  }

  #write(element: MkvElement, bytes: Uint8Array): void {
    this.#cursor = element.offset + element.headerSize + (element.kind === 'data' ? element.dataSize : 0);
    // What changes in a Cluster has an id of one byte.
    const headerSize = 1 + vintLength(bytes[1]!);
    const header = this.#headerFor(bytes[0]!, headerSize, bytes.length - headerSize);
    if (header === undefined) {
      this.#queue.add(bytes);
    } else {
      this.#queue.add(header);
      this.#queue.add(bytes, headerSize);
    }
  }

  #writeData(element: MkvDataElement): void {
    const { type, offset, headerSize, dataSize } = element;
    this.#cursor = offset + headerSize + dataSize;
    const header = this.#headerFor(type.id, headerSize, dataSize);
    if (header === undefined) {
      this.#queue.addElement(element);
    } else {
      this.#queue.add(header);
      this.#queue.addRun(element.run, element.start, dataSize);
    }
  }

  #writeGroup(
    group: readonly (MkvStartMasterElement | MkvDataElement)[],
    start: MkvStartMasterElement,
    end: number,
  ): void {
    this.#cursor = end;
    const header = this.#headerFor(start.type.id, start.headerSize, start.dataSize);
    const extent = header === undefined ? extentOf(group, lengthOfAll(group)) : undefined;
    if (extent === undefined) this.#queue.add(header ?? start.rawHeader);
    else this.#queue.add(extent.bytes, extent.start, extent.end);
    let block: MkvDataElement | undefined;
    let duration: number | undefined;
    let keyframe = true;
    for (const element of group) {
      if (element === start) continue;
      if (extent === undefined) this.#queue.addElement(element);
      if (element.kind !== 'data') continue;
      if (element.type === Mkv.Block) block = element;
      else if (element.type === Mkv.BlockDuration) duration = integerOf(element);
      else if (element.type === Mkv.ReferenceBlock) keyframe = false;
    }
    if (block !== undefined) this.#countElement(block, duration, keyframe);
  }

  /**
   * The header that an element gets after which a single byte of the Cluster is left, as damage leaves it: one byte longer, because no
   * element is so short, or, where it has all the bytes that a header can have, one shorter. `undefined` for any other element, which
   * keeps its own.
   */
  #headerFor(id: number, headerSize: number, dataSize: number | undefined): Uint8Array | undefined {
    if (this.#end !== this.#cursor + 1) return undefined;
    const change = headerSize - idLength(id) < 8 ? 1 : -1;
    this.#cursor += change;
    return headerBytes(id, dataSize, headerSize + change);
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
