import { sameBytes } from '../ebml/bytes.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { concatBytes, writeHeader } from '../ebml/writer.js';
import type { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv, type MkvMasterType } from '../mkv/elements.js';
import type { GatheredElement } from './gathered-element.js';
import { integerOf } from './integer-of.js';

/** One element below a master that is compared. */
interface Compared {
  readonly type: EbmlElementType;
  readonly depth: number;
  /** `undefined` for a master. */
  data: Uint8Array | undefined;
}

/** The beginning of a document as it is written. */
export interface HeaderBytes {
  /** The EBML header. */
  readonly ebml: Uint8Array;
  /** The beginning of the Segment. */
  readonly segment: Uint8Array;
  /** What stands in the Segment before its first Cluster. */
  readonly rest: Uint8Array;
}

/** Where two headers differ. */
export interface HeaderDifference {
  /** The master that is not the same. */
  readonly master: EbmlElementType;
  /** The first element in it that is not the same, or that only one of the two has. */
  readonly element: EbmlElementType;
}

/** What the packing of Clusters needs to know of a track. */
export interface TrackTimes {
  /** TrackNumber. */
  number: number | undefined;
  /** TrackType: 1 is video. */
  type: number | undefined;
  /** DefaultDuration in nanoseconds. */
  defaultDuration: number | undefined;
}

/** Elements that a Segment has once: a document that is merged into another leaves its own out. */
const ONCE: ReadonlySet<EbmlElementType> = new Set([
  Mkv.EBML,
  Mkv.SeekHead,
  Mkv.Info,
  Mkv.Tracks,
  Mkv.Chapters,
  Mkv.Attachments,
]);

const FRAGMENT_NUMBER = 'AWS_KINESISVIDEO_FRAGMENT_NUMBER';

/** What says nothing without the elements around it. */
const FILLING: ReadonlySet<EbmlElementType> = new Set([Mkv.Void, Mkv['CRC-32'], Mkv.Cues]);

/**
 * Whether an element of a document that is merged into another is left out.
 *
 * @param inHeader whether it comes before the first Cluster
 */
export function isLeftOut(type: EbmlElementType, inHeader: boolean): boolean {
  return inHeader ? ONCE.has(type) || FILLING.has(type) : ONCE.has(type) && type !== Mkv.SeekHead;
}

/** What comes before the first Cluster of a document: held until it is known whether it is written. */
export class DocumentHeader {
  /** Of the document's first byte, from the start of the stream. */
  readonly offset: number;
  readonly #mergeOn: ReadonlySet<EbmlElementType>;
  /** The elements, children of the Segment or roots, in which there is something to take note of. */
  readonly #observed: ReadonlySet<EbmlElementType>;
  #held: GatheredElement[] = [];
  readonly #compared = new Map<EbmlElementType, Compared[]>();
  readonly #tracks: TrackTimes[] = [];
  #segment: Uint8Array | undefined;
  #timestampScale: number | undefined;

  constructor(offset: number, mergeOn: readonly MkvMasterType[]) {
    this.offset = offset;
    this.#mergeOn = new Set(mergeOn);
    this.#observed = new Set<EbmlElementType>([Mkv.Info, Mkv.Tracks, ...mergeOn.map(rootOf)]);
  }

  /** Whether the beginning of the Segment has come. */
  get hasSegment(): boolean {
    return this.#segment !== undefined;
  }

  /** TimestampScale, in nanoseconds. */
  get timestampScale(): number {
    return this.#timestampScale ?? Number(Mkv.TimestampScale.defaultValue);
  }

  /** The tracks, as far as they have a number. */
  get tracks(): readonly TrackTimes[] {
    return this.#tracks;
  }

  /** Takes the beginning of the Segment. What is written has an unknown size: more may be merged into it. */
  setSegment(element: MkvStartMasterElement): void {
    this.#segment = writeHeader(Mkv.Segment, undefined, { sizeLength: element.headerSize - 4 });
  }

  /** Takes a whole element, the EBML header or a child of the Segment. */
  hold(element: GatheredElement): void {
    this.#held.push(element);
  }

  /** Whether the elements of this one, a child of the Segment or a root, are to be observed. */
  observes(type: EbmlElementType): boolean {
    return this.#observed.has(type) || this.#observed.has(Mkv.Segment);
  }

  /** Takes note of an element, each one as it comes: what is compared, and what the time of Clusters depends on. */
  observe(element: MkvStartMasterElement | MkvDataElement): void {
    const { parent } = element;
    if (parent === undefined) return;
    if (element.kind === 'start') {
      if (element.type === Mkv.TrackEntry)
        this.#tracks.push({ number: undefined, type: undefined, defaultDuration: undefined });
      else if (element.type === Mkv.Info) this.#timestampScale ??= this.timestampScale;
    } else if (element.is(Mkv.TimestampScale)) {
      this.#timestampScale = integerOf(element);
    } else if (parent.type === Mkv.TrackEntry) {
      const track = this.#tracks.at(-1);
      if (track === undefined) return;
      if (element.is(Mkv.TrackNumber)) track.number = integerOf(element);
      else if (element.is(Mkv.TrackType)) track.type = integerOf(element);
      else if (element.is(Mkv.DefaultDuration)) track.defaultDuration = integerOf(element);
    }
    if (element.is(Mkv.Void) || element.is(Mkv['CRC-32'])) return;
    for (let master: MkvStartMasterElement | undefined = parent; master !== undefined; master = master.parent) {
      const compared = this.#listFor(master.type);
      if (compared === undefined) continue;
      const data = element.kind === 'data' ? element.data : undefined;
      compared.push({ type: element.type, depth: depthBelow(element, master), data });
    }
  }

  /**
   * Where another document's header differs so that it cannot share a Segment with this one. A master that the other has not is no
   * difference: damage may have taken it, or there are no Clusters that need it.
   */
  difference(other: DocumentHeader): HeaderDifference | undefined {
    for (const [master, theirs] of other.#compared) {
      const element = firstDifference(this.#compared.get(master) ?? [], theirs);
      if (element !== undefined) return { master, element };
    }
    if (other.#timestampScale !== undefined && other.#timestampScale !== this.timestampScale) {
      return { master: Mkv.Info, element: Mkv.TimestampScale };
    }
    return undefined;
  }

  /** The bytes of a document that begins here; they end before its first Cluster. */
  bytes(keepPositions: boolean): HeaderBytes {
    const write = (wanted: (type: EbmlElementType) => boolean) =>
      concatBytes(this.#held.filter(({ type }) => wanted(type)).map((element) => element.bytes(keepPositions)));
    return {
      ebml: write((type) => type === Mkv.EBML),
      segment: this.#segment ?? new Uint8Array(0),
      rest: write((type) => type !== Mkv.EBML),
    };
  }

  /**
   * The bytes that are kept of a document that is merged into another: its Tags above all.
   *
   * @param numberFirst put the fragment's number first: where no Cluster stands before, Tags without it would belong to the fragment
   * before
   */
  mergedBytes(keepPositions: boolean, numberFirst: boolean): Uint8Array {
    const kept = this.#held.filter(({ type }) => !isLeftOut(type, true));
    const number = numberFirst ? kept.findIndex((element) => element.hasTag(FRAGMENT_NUMBER)) : -1;
    if (number > 0) kept.unshift(...kept.splice(number, 1));
    return concatBytes(kept.map((element) => element.bytes(keepPositions)));
  }

  /**
   * Keeps what is needed when the header has been written: what other headers are compared with, copied from the chunks it came in.
   *
   * @returns the header for another document of the same tracks, without Tags
   */
  settle(keepPositions: boolean): HeaderBytes {
    for (const compared of this.#compared.values()) {
      for (const one of compared) one.data = one.data?.slice();
    }
    this.#held = this.#held.filter(({ type }) => ONCE.has(type));
    const again = this.bytes(keepPositions);
    this.#held = [];
    return again;
  }

  #listFor(master: EbmlElementType): Compared[] | undefined {
    if (!this.#mergeOn.has(master)) return undefined;
    let compared = this.#compared.get(master);
    if (compared === undefined) {
      compared = [];
      this.#compared.set(master, compared);
    }
    return compared;
  }
}

/** The child of the Segment, or the root, that an element is in. */
function rootOf(type: EbmlElementType): EbmlElementType {
  let root = type;
  while (root.parent !== undefined && root.parent !== Mkv.Segment) root = root.parent;
  return root;
}

function depthBelow(element: MkvStartMasterElement | MkvDataElement, master: MkvStartMasterElement): number {
  let depth = 0;
  for (let parent = element.parent; parent !== undefined && parent !== master; parent = parent.parent) depth++;
  return depth;
}

function firstDifference(ours: readonly Compared[], theirs: readonly Compared[]): EbmlElementType | undefined {
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const a = ours[i];
    const b = theirs[i];
    if (a === undefined || b === undefined) return a?.type ?? b?.type;
    if (a.type.id !== b.type.id || a.depth !== b.depth || !sameData(a.data, b.data)) return b.type;
  }
  return undefined;
}

function sameData(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameBytes(a, b);
}
