import {
  MkvDataElement,
  type MkvElement,
  type MkvEndMasterElement,
  type MkvStartMasterElement,
} from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { MkvParseError } from '../mkv/parse-error.js';
import { type BlockPeek, peekBlock } from './block-peek.js';
import { type ClusterHead, type ClusterPlace, rewritePosition } from './cluster-head.js';
import { ClusterPacker } from './cluster-packer.js';
import type { DocumentHeader } from './document-header.js';
import { integerOf } from './integer-of.js';
import type { OutputSegmentMergerOptions } from './merge-options.js';
import type { PieceQueue } from './piece-queue.js';
import { voidHeader } from './void-element.js';

/** No fragment is larger than 50 MB, so no more than this is ever filled up. */
const MAX_FILLING = 64 * 1024 * 1024;
const ZEROS = 64 * 1024;

/** Writes Clusters as they come, at the place and time that they get in the output. */
export class ClusterWriter {
  readonly #queue: PieceQueue;
  readonly #options: OutputSegmentMergerOptions;
  #packer: ClusterPacker | undefined;
  /** Bytes written before the first of the Segment's data. */
  #segmentStart = 0;
  #clusterStart = 0;
  #previousSize: number | undefined;
  #place: ClusterPlace | undefined;
  /** A Cluster of unknown size was written last: a Void element behind it becomes part of it. */
  #endless: { readonly hasCrc: boolean } | undefined;
  #open: MkvStartMasterElement | undefined;
  /** How far the input has been written, as an offset in it. */
  #cursor = 0;
  /** What damage has taken out, in bytes: each within one master. */
  readonly #missing: { readonly length: number; readonly master: MkvStartMasterElement }[] = [];
  /** The Block of the BlockGroup at hand: its duration may follow. */
  #group: { readonly block: BlockPeek; duration: number | undefined } | undefined;
  readonly #peek: BlockPeek = { track: 0, timestamp: 0, frames: 0 };

  /** Clusters written. */
  clusters = 0;
  /** Frames written. */
  frames = 0;

  constructor(queue: PieceQueue, options: OutputSegmentMergerOptions) {
    this.#queue = queue;
    this.#options = options;
  }

  /** The Cluster that is being written. */
  get open(): MkvStartMasterElement | undefined {
    return this.#open;
  }

  /** A document begins; the beginning of its Segment has been written. */
  beginSegment(header: DocumentHeader): void {
    this.#segmentStart = this.#queue.length;
    this.#previousSize = undefined;
    this.#endless = undefined;
    this.#packer =
      this.#options.packClusters === true ? new ClusterPacker(header.timestampScale, header.tracks) : undefined;
  }

  /** Writes the beginning of a Cluster. */
  begin(head: ClusterHead): void {
    this.fill();
    const { start, timestamp } = head;
    this.#open = start;
    this.#clusterStart = this.#queue.length;
    const place: ClusterPlace = {
      timestamp: timestamp === undefined ? undefined : this.#packer?.place(timestamp),
      position: this.#options.keepPositions === true ? undefined : this.#clusterStart - this.#segmentStart,
      previousSize: this.#previousSize,
    };
    const { header, replaced } = head.rewrite(place);
    this.clusters++;
    this.#queue.add(header);
    this.#cursor = start.offset + start.headerSize;
    // Before a CRC-32 that has been written, nothing changes any more; without one, Position and PrevSize may still come.
    const first = head.elements[0];
    const hasCrc = first?.is(Mkv['CRC-32']) === true && replaced.get(first)?.[0] !== Mkv.Void.id;
    this.#place = hasCrc ? undefined : place;
    this.#endless = start.dataSize === undefined ? { hasCrc } : undefined;
    for (const element of head.elements) {
      if (this.#missing.length > 0 && element.kind !== 'end') this.fill();
      const bytes = replaced.get(element);
      if (bytes !== undefined) this.#write(element, bytes);
      else if (element.kind === 'end') this.end(element);
      else this.#pass(element);
    }
  }

  /** Passes on what stands in the Cluster, or, where nothing is merged, anything. */
  pass(element: MkvStartMasterElement | MkvDataElement): void {
    if (this.#missing.length > 0) this.fill();
    if (this.#open === undefined && element.is(Mkv.Cluster)) this.clusters++;
    this.#pass(element);
  }

  /** Takes the end of the Cluster or of a master in it. */
  end(element: MkvEndMasterElement): void {
    const { start } = element;
    if (element.is(Mkv.BlockGroup)) this.#endGroup();
    if (start.dataSize !== undefined) {
      const end = start.offset + start.headerSize + start.dataSize;
      if (end > this.#cursor) {
        this.#missing.push({ length: end - this.#cursor, master: start });
        this.#cursor = end;
      }
    }
    if (start !== this.#open) return;
    this.#open = undefined;
    this.#previousSize = this.#queue.length - this.#clusterStart;
    for (const { length } of this.#missing) this.#previousSize += length;
  }

  /**
   * Writes what stands behind Clusters.
   *
   * @param isVoid whether it is a Void element. Behind a Cluster of unknown size that has a CRC-32 it is left out, to keep that right
   */
  follow(bytes: Uint8Array, isVoid: boolean): void {
    if (bytes.length === 0) return;
    this.fill();
    if (this.#endless !== undefined && isVoid) {
      if (this.#endless.hasCrc) return;
      this.#previousSize = (this.#previousSize ?? 0) + bytes.length;
    } else {
      this.#endless = undefined;
    }
    this.#queue.add(bytes);
  }

  /**
   * Writes Void elements for what is missing.
   *
   * @throws MkvParseError `PastParentEnd` when that is more than any fragment has
   */
  fill(): void {
    for (const { length, master } of this.#missing.splice(0)) {
      if (length > MAX_FILLING) {
        const text = `${length} bytes are missing of a ${master.type.name}, too many to fill up`;
        throw new MkvParseError('PastParentEnd', master.offset, text);
      }
      // A single byte, too short for an element, can only be the beginning of one that damage has taken.
      const header = length < 2 ? new Uint8Array(0) : voidHeader(length);
      this.#queue.add(header);
      for (let rest = length - header.length; rest > 0; rest -= ZEROS) {
        this.#queue.add(new Uint8Array(Math.min(rest, ZEROS)));
      }
    }
  }

  #pass(element: MkvStartMasterElement | MkvDataElement): void {
    if (element instanceof MkvDataElement) {
      const inCluster = element.parent === this.#open;
      const moved = inCluster && this.#place !== undefined ? rewritePosition(element, this.#place) : undefined;
      if (moved !== undefined) {
        this.#write(element, moved);
        return;
      }
      this.#cursor = element.offset + element.headerSize + element.dataSize;
      this.#queue.addElement(element);
      if (element.is(Mkv.SimpleBlock)) this.#block(element.data);
      else if (element.is(Mkv.Block)) this.#groupBlock(element.data);
      else if (element.is(Mkv.BlockDuration) && this.#group !== undefined) this.#group.duration = integerOf(element);
    } else {
      this.#cursor = element.offset + element.headerSize;
      this.#queue.add(element.rawHeader);
    }
  }

  #write(element: MkvElement, bytes: Uint8Array): void {
    this.#cursor = element.offset + element.headerSize + (element.kind === 'data' ? element.dataSize : 0);
    this.#queue.add(bytes);
  }

  #block(data: Uint8Array): void {
    const peek = this.#peek;
    if (!peekBlock(data, peek)) return;
    this.frames += peek.frames;
    this.#packer?.block(peek.track, peek.timestamp, peek.frames, undefined);
  }

  #groupBlock(data: Uint8Array): void {
    const block: BlockPeek = { track: 0, timestamp: 0, frames: 0 };
    if (!peekBlock(data, block)) return;
    this.frames += block.frames;
    if (this.#packer !== undefined) this.#group = { block, duration: undefined };
  }

  #endGroup(): void {
    const group = this.#group;
    this.#group = undefined;
    if (group === undefined) return;
    const { track, timestamp, frames } = group.block;
    this.#packer?.block(track, timestamp, frames, group.duration);
  }
}
