import type { Bytes } from '../ebml/bytes.js';
import { putUint, sizeLength } from '../ebml/vint.js';
import { concatBytes, writeHeader, writeValue } from '../ebml/writer.js';
import type { MkvDataElement, MkvElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { weightOf } from '../mkv/holding.js';
import { crcAfterChange } from './crc-change.js';
import { crcData } from './gathered-element.js';
import { MadeUpBytes } from './made-up-bytes.js';
import { isMisplaced, isMisshapen, occursBefore } from './strict-form.js';
import { isRefusable } from './unknown-element.js';
import { voidElement } from './void-element.js';

/** Where a Cluster is going to stand. */
export interface ClusterPlace {
  /** The Cluster's Timestamp; `undefined` leaves it as it is. */
  readonly timestamp: bigint | undefined;
  /** Of the Cluster's first byte, from the first byte of the Segment's data; `undefined` leaves Position and PrevSize as they are. */
  readonly position: number | undefined;
  /** Length of the Cluster before, with its header; `undefined` when there is none. */
  readonly previousSize: number | undefined;
}

/** No fragment is larger than 50 MB. A Cluster that says it is larger than this is damaged, or may as well be of unknown size. */
const MAX_SIZE = 64 * 1024 * 1024;

/** The beginning of a Cluster, held until it is known what its Timestamp is and what has to change. */
export class ClusterHead {
  /** The Cluster. */
  readonly start: MkvStartMasterElement;
  /** Where it ends in the input; `undefined` when its size is unknown in the output. */
  readonly end: number | undefined;
  /** What has come of it, in order. */
  readonly elements: MkvElement[] = [];
  #weight = 0;
  /** Where the last of them ends. */
  #reach = 0;
  #timestamp: MkvDataElement | undefined;
  #hasCrc = false;
  #hasBlock = false;

  /**
   * @param start of the Cluster
   * @param madeUp tells how much may be written in place of what turns out to be missing of it: beyond that its size is not believed
   */
  constructor(start: MkvStartMasterElement, madeUp: MadeUpBytes = new MadeUpBytes()) {
    this.start = start;
    const { offset, headerSize, dataSize } = start;
    const isBelieved = dataSize !== undefined && dataSize <= MAX_SIZE && madeUp.allows(dataSize, offset);
    this.end = isBelieved ? offset + headerSize + dataSize : undefined;
  }

  /** Takes an element of the Cluster. */
  add(element: MkvElement): void {
    this.elements.push(element);
    if (element.kind !== 'end') {
      this.#weight += weightOf(element);
      this.#reach = element.offset + element.headerSize + (element.dataSize ?? 0);
    }
    if (element.parent !== this.start) return;
    if (element.is(Mkv['CRC-32'])) this.#hasCrc = true;
    else if (element.is(Mkv.Timestamp) && element.kind === 'data' && !isMisshapen(element)) this.#timestamp ??= element;
    else if (element.is(Mkv.SimpleBlock) || element.is(Mkv.BlockGroup) || element.is(Mkv.EncryptedBlock)) {
      this.#hasBlock = true;
    }
  }

  /** How much memory it takes, in bytes, roughly. */
  get weight(): number {
    return this.#weight;
  }

  /** The Timestamp; `undefined` when it has not come, or is no number. */
  get timestamp(): bigint | undefined {
    return this.#timestamp?.bigintValue;
  }

  /** Whether a Block has come. */
  get hasBlock(): boolean {
    return this.#hasBlock;
  }

  /**
   * Whether enough has come. Before a CRC-32 can leave, everything must be known that may change: Position and PrevSize too, which
   * come before the Blocks if at all.
   */
  isComplete(keepPositions: boolean): boolean {
    return this.#timestamp !== undefined && (!this.#hasCrc || keepPositions || this.#hasBlock);
  }

  /**
   * The header of the Cluster as it is to be written, and what takes the place of elements that change. `dataSize` is how long what follows
   * the header is going to be; `undefined` when its size is unknown in the output. `leftOut` is what gives way to Void elements because it is
   * wrong.
   */
  rewrite(place: ClusterPlace): {
    header: Bytes;
    dataSize: number | undefined;
    replaced: ReadonlyMap<MkvElement, Bytes>;
    leftOut: readonly MkvDataElement[];
  } {
    const { start } = this;
    const replaced = new Map<MkvElement, Bytes>();
    const leftOut: MkvDataElement[] = [];
    let growth = 0;
    let changedEnd = 0;
    // What comes behind a second Timestamp does not stay in the Cluster.
    let cuts = false;
    for (const [index, element] of this.elements.entries()) {
      if (element.kind !== 'data' || element.parent !== start) continue;
      const again = element.type.maxOccurs === 1 && occursBefore(this.elements, index);
      cuts ||= again && element.type === Mkv.Timestamp;
      // What comes of a second Timestamp depends on what it says.
      const isWrong =
        isMisplaced(element.type, Mkv.Cluster) ||
        isMisshapen(element) ||
        isRefusable(element, Mkv.Cluster) ||
        (again && element.type !== Mkv.Timestamp);
      if (isWrong) leftOut.push(element);
      const bytes = isWrong
        ? voidElement(element.headerSize + element.dataSize)
        : element === this.#timestamp
          ? rewriteTimestamp(element, place.timestamp)
          : rewritePosition(element, place);
      if (bytes === undefined) continue;
      replaced.set(element, bytes);
      changedEnd = element.offset + element.headerSize + element.dataSize;
      growth += bytes.length - element.headerSize - element.dataSize;
    }
    if (changedEnd > 0 || cuts) this.#renewCrc(cuts ? Number.POSITIVE_INFINITY : changedEnd, replaced);
    const width = start.headerSize - 4;
    // A Cluster that ends within its own beginning has no size to go by.
    if (this.end === undefined || this.end < this.#reach) {
      return {
        header: writeHeader(start.type, undefined, { sizeLength: width }),
        dataSize: undefined,
        replaced,
        leftOut,
      };
    }
    const dataSize = this.end - start.offset - start.headerSize + growth;
    const needed = Math.max(width, sizeLength(dataSize));
    return { header: writeHeader(start.type, dataSize, { sizeLength: needed }), dataSize, replaced, leftOut };
  }

  /** Puts the CRC-32 right, or a Void element in its place where it cannot be told. */
  #renewCrc(changedEnd: number, replaced: Map<MkvElement, Bytes>): void {
    const { start } = this;
    for (const [index, crc] of this.elements.entries()) {
      if (crc.kind !== 'data' || crc.parent !== start || !crc.is(Mkv['CRC-32'])) continue;
      if (index > 0 || crc.dataSize !== 4 || this.end === undefined) {
        replaced.set(crc, voidElement(crc.headerSize + crc.dataSize));
        continue;
      }
      const before: Uint8Array[] = [];
      const after: Uint8Array[] = [];
      for (const element of this.elements.slice(1)) {
        if (element.offset >= changedEnd) break;
        const bytes = elementBytes(element);
        before.push(bytes);
        after.push(replaced.get(element) ?? bytes);
      }
      const rest = this.end - changedEnd;
      const { data } = crc;
      const old = ((data[0] ?? 0) | ((data[1] ?? 0) << 8) | ((data[2] ?? 0) << 16) | ((data[3] ?? 0) << 24)) >>> 0;
      const renewed =
        rest < 0
          ? voidElement(crc.headerSize + crc.dataSize)
          : concatBytes([crc.rawHeader, crcData(crcAfterChange(old, concatBytes(before), concatBytes(after), rest))]);
      replaced.set(crc, renewed);
    }
  }
}

/** The element with the new value, as wide as it was if the value allows; `undefined` when it has that value. */
function rewriteTimestamp(element: MkvDataElement, timestamp: bigint | undefined): Bytes | undefined {
  if (timestamp === undefined || timestamp === element.bigintValue) return undefined;
  const value = writeValue(Mkv.Timestamp, timestamp);
  const data = new Uint8Array(Math.max(element.dataSize, value.length));
  data.set(value, data.length - value.length);
  return concatBytes([writeHeader(element.type, data.length, { sizeLength: element.headerSize - 1 }), data]);
}

/**
 * Position and PrevSize with values that are true in the output, or a Void element in their place where there is none; `undefined`
 * when nothing has to change. A Position of 0 is that of a live stream (RFC 9559 section 5.1.3.2) and stays.
 */
export function rewritePosition(element: MkvDataElement, place: ClusterPlace): Bytes | undefined {
  if (place.position === undefined) return undefined;
  const isPosition = element.type === Mkv.Position;
  if (!isPosition && element.type !== Mkv.PrevSize) return undefined;
  const { dataSize, headerSize } = element;
  const value = isPosition ? place.position : place.previousSize;
  if (dataSize <= 8 && (element.bigintValue === BigInt(value ?? -1) || (isPosition && element.bigintValue === 0n))) {
    return undefined;
  }
  if (value === undefined || dataSize > 8 || value >= 256 ** dataSize) return voidElement(headerSize + dataSize);
  const data = new Uint8Array(dataSize);
  putUint(data, 0, value, dataSize);
  return concatBytes([element.rawHeader, data]);
}

function elementBytes(element: MkvElement): Bytes {
  return element.kind === 'data' ? concatBytes([element.rawHeader, element.data]) : element.rawHeader;
}
