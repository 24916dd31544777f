import { ByteRun } from '../ebml/byte-run.js';
import { type Bytes, sameBytes } from '../ebml/bytes.js';
import { crc32 } from '../ebml/crc32.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { concatBytes, writeMaster } from '../ebml/writer.js';
import { MkvDataElement, type MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { ELEMENT_OVERHEAD } from '../mkv/holding.js';
import { parseTimestamp, ServiceTagName } from '../visitors/fragment-metadata.js';
import type { MkvTag } from '../visitors/tag.js';
import { copyOf, type Extent, extentOf, lengthOf } from './extent.js';
import { PieceQueue } from './piece-queue.js';
import { isRight, type Opening, strictChildren, strictForm, writeStrict } from './strict-form.js';
import { voidElement } from './void-element.js';

/** Longer ones are no more to hold than their bytes. */
const LONGEST_FILLING = 1024;

const PRODUCER_TIMESTAMPS = ['AWS_KINESISVIDEO_PRODUCER_TIMESTAMP', 'AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP'];

/** An element outside of the Clusters, gathered until it is whole, or taken whole: the EBML header, Info, Tracks, Tags and the like. */
export class GatheredElement {
  /** What it begins with; for an element that is no master, all there is. */
  readonly root: MkvStartMasterElement | MkvDataElement;
  readonly #elements: (MkvStartMasterElement | MkvDataElement)[];
  #length: number;
  #hasDuration = false;
  readonly #tags: readonly MkvTag[] | undefined;
  #extent: Extent | undefined;
  #count = 1;
  /** `undefined` until it has been looked at. */
  #isRight: boolean | undefined;

  /**
   * @param root what it begins with
   * @param tags of a Tags that is taken whole: the service's that are in it
   * @param extent of the same: where it lies
   */
  constructor(root: MkvStartMasterElement | MkvDataElement, tags?: readonly MkvTag[], extent?: Extent) {
    this.root = root;
    this.#elements = [root];
    this.#length = extent === undefined ? lengthOf(root) : extent.end - extent.start;
    this.#tags = tags;
    this.#extent = extent;
  }

  /** The type of the element. */
  get type(): EbmlElementType {
    return this.root.type;
  }

  /** What it consists of, in order: itself, then what stands in it, unless it was taken whole. */
  get elements(): readonly (MkvStartMasterElement | MkvDataElement)[] {
    return this.#elements;
  }

  /** How many bytes of the stream it is. */
  get length(): number {
    return this.#length;
  }

  /** How much memory it takes, in bytes, roughly. */
  get weight(): number {
    return this.#length + ELEMENT_OVERHEAD * this.#elements.length;
  }

  /** Where the element lies, if it is in one chunk. */
  get extent(): Extent | undefined {
    return this.#extent ?? extentOf(this.#elements, this.#length);
  }

  /** Takes what stands in it, in order. */
  add(element: MkvStartMasterElement | MkvDataElement): void {
    this.#isRight = undefined;
    this.#elements.push(element);
    this.#length += lengthOf(element);
    if (isOwnDuration(element)) this.#hasDuration = true;
  }

  /** Whether a strict reader takes it as it came. */
  get isRight(): boolean {
    this.#isRight ??= isRight(this.#elements);
    return this.#isRight;
  }

  /** How many elements it is that stand behind each other. */
  get count(): number {
    return this.#count;
  }

  /** Whether it is a short one that is only ever written, so that those behind each other can be held as one. */
  get isFilling(): boolean {
    const { type, kind } = this.root;
    return kind === 'data' && (type === Mkv.Void || type.name === undefined) && this.#length <= LONGEST_FILLING;
  }

  /** Makes one that comes right behind, and is filling like this one, a part of this. The bytes of both are copied. */
  append(next: GatheredElement): void {
    const { bytes } = this.#extent ?? ownExtent(this.root);
    const length = this.#length + next.#length;
    let room = bytes;
    if (length > bytes.length) {
      room = new Uint8Array(2 * length);
      room.set(bytes.subarray(0, this.#length));
    }
    const { root } = next;
    room.set(root.rawHeader, this.#length);
    if (root.kind === 'data') room.set(root.data, this.#length + root.headerSize);
    this.#extent = { bytes: room, start: 0, end: length };
    this.#length = length;
    this.#count += next.#count;
  }

  /** The same with bytes of its own, so that keeping it does not keep the chunks it came in. */
  detach(): GatheredElement {
    const { root, extent } = this;
    // What lies in one chunk is copied at once.
    const run = extent && new ByteRun(copyOf(extent));
    const own = (element: Opening) => {
      if (element.kind === 'start') return element;
      if (run === undefined) return element.detach();
      const { type, offset, headerSize, dataSize, parent } = element;
      const start = offset + headerSize - root.offset;
      return new MkvDataElement(type, offset, headerSize, dataSize, run, start, parent);
    };
    const detached = new GatheredElement(own(root));
    for (const element of this.#elements) if (element !== root) detached.add(own(element));
    return detached;
  }

  /** Another with the same elements. */
  copy(): GatheredElement {
    const copy = new GatheredElement(this.root, this.#tags, this.#extent);
    for (const element of this.#elements.slice(1)) copy.add(element);
    return copy;
  }

  /** Whether another consists of the same elements with the same data. */
  isSameAs(other: GatheredElement): boolean {
    return areSame(this.elements, other.elements);
  }

  /** Whether it holds a tag of this name. */
  hasTag(name: string): boolean {
    return this.#tagValue(name) !== undefined;
  }

  /** Whether it is Tags with which the service ends a fragment. */
  get isTrailer(): boolean {
    return this.hasTag(ServiceTagName.continuationToken) || this.hasTag(ServiceTagName.millisBehindNow);
  }

  /** When the service says that the fragment was recorded, in milliseconds since 1970; `undefined` where this does not hold it. */
  get producerTime(): number | undefined {
    const text = PRODUCER_TIMESTAMPS.map((name) => this.#tagValue(name)).find((value) => value !== undefined);
    return text === undefined ? undefined : parseTimestamp(text)?.getTime();
  }

  /** The value of the first tag of this name, empty where it has none. */
  #tagValue(name: string): string | undefined {
    if (this.#tags !== undefined) return this.#tags.find((tag) => tag.name === name)?.value;
    let found: MkvStartMasterElement | undefined;
    for (const element of this.#elements) {
      if (element.kind !== 'data') continue;
      if (element.is(Mkv.TagName)) found ??= element.value === name ? element.parent : undefined;
      else if (element.is(Mkv.TagString) && found !== undefined && element.parent === found) return element.value;
    }
    return found === undefined ? undefined : '';
  }

  /**
   * Whether a Cluster of unknown size does not end where it is written: it is a Void element as it is written, or one that nobody knows
   * (RFC 8794 section 6.2).
   */
  endsNoCluster(keepPositions: boolean): boolean {
    const { type } = this;
    return (
      type.name === undefined || type === Mkv.Void || type === Mkv['CRC-32'] || (!keepPositions && isPosition(type))
    );
  }

  /**
   * Writes the element. A CRC-32 of the whole Segment, to which more is going to belong, gives way to a Void element. Without
   * `keepPositions` so does what was true only where the producer wrote it: SeekHead, Cues and the Duration in Info, each to one of the
   * same size; the CRC-32 of Info is then renewed. What a strict reader refuses is written in the form that the standard wants.
   */
  writeTo(queue: PieceQueue, keepPositions: boolean): void {
    const { type } = this;
    if (type === Mkv['CRC-32'] || (!keepPositions && isPosition(type))) {
      queue.add(voidElement(this.#length));
      return;
    }
    if (!keepPositions && this.#hasDuration && type === Mkv.Info) {
      const others = this.#elements.filter((element) => !isOwnDuration(element));
      const { headerSize, dataSize = 0 } = this.root;
      // What goes on past its end has no place to be Void in.
      const fits = this.#length === headerSize + dataSize;
      queue.add(strictForm(others) ?? (fits ? this.#withoutDuration() : writeStrict(others)));
      return;
    }
    const { extent } = this;
    const strict = this.isRight ? undefined : strictForm(this.#elements);
    if (strict !== undefined) queue.add(strict);
    else if (extent !== undefined) queue.add(extent.bytes, extent.start, extent.end);
    else this.#writeElements(queue);
  }

  /** Info with a Void element of so many bytes at its end, and without its Duration and its CRC-32, which would not be right for long. */
  withRoomForDuration(room: number): Bytes {
    const others = this.#elements.filter((element) => !isOwnDuration(element));
    return writeMaster(Mkv.Info, [...strictChildren(others), voidElement(room)]);
  }

  #writeElements(queue: PieceQueue): void {
    for (const element of this.#elements) queue.addElement(element);
  }

  #withoutDuration(): Bytes {
    const queue = new PieceQueue();
    this.#writeElements(queue);
    const bytes = concatBytes(queue.take());
    let crcEnd = 0;
    let end = 0;
    for (const element of this.#elements) {
      const start = end;
      end += lengthOf(element);
      if (element.parent !== this.root) continue;
      if (element.is(Mkv['CRC-32']) && element.dataSize === 4) crcEnd = end;
      else if (element.is(Mkv.Duration)) bytes.set(voidElement(end - start), start);
    }
    if (crcEnd > 0) bytes.set(crcData(crc32(bytes, 0, crcEnd)), crcEnd - 4);
    return bytes;
  }
}

/** Whether elements are of the same types with the same data. */
export function areSame(some: readonly Opening[], others: readonly Opening[]): boolean {
  return (
    some.length === others.length &&
    some.every((element, index) => {
      const other = others[index];
      if (other?.type !== element.type || other.parent?.type !== element.parent?.type) return false;
      return element.kind === 'start' || other.kind === 'start' || sameBytes(element.data, other.data);
    })
  );
}

function ownExtent(root: Opening): Extent {
  const bytes = concatBytes(root.kind === 'data' ? [root.rawHeader, root.data] : [root.rawHeader]);
  return { bytes, start: 0, end: bytes.length };
}

function isOwnDuration({ type, parent }: MkvStartMasterElement | MkvDataElement): boolean {
  return type === Mkv.Duration && parent?.type === Mkv.Info;
}

/**
 * Elements as they are written: of a kind that may occur once, all are put into the first, which then has the children of each. One that
 * repeats the one before is left out.
 */
export function onePerKind(elements: readonly GatheredElement[]): readonly GatheredElement[] {
  const kinds = new Map<
    EbmlElementType,
    { readonly first: GatheredElement; readonly at: number; last: GatheredElement; all?: GatheredElement }
  >();
  const list: GatheredElement[] = [];
  for (const element of elements) {
    const kind = kinds.get(element.type);
    if (kind === undefined) {
      if (element.type.maxOccurs === 1 && element.root.kind === 'start')
        kinds.set(element.type, { first: element, at: list.length, last: element });
      list.push(element);
    } else if (!kind.last.isSameAs(element)) {
      kind.last = element;
      kind.all ??= kind.first.copy();
      for (const each of element.elements) kind.all.add(each);
      list[kind.at] = kind.all;
    }
  }
  return list;
}

/** Whether an element holds nothing but positions. */
export function isPosition(type: EbmlElementType): boolean {
  return type === Mkv.SeekHead || type === Mkv.Cues;
}

/** The data of a CRC-32 element: the least significant byte first (RFC 8794 section 11.3.1). */
export function crcData(crc: number): Bytes {
  return Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24);
}
