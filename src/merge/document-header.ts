import type { Bytes } from '../ebml/bytes.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { concatBytes, writeHeader } from '../ebml/writer.js';
import type { MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { ServiceTagName } from '../visitors/fragment-metadata.js';
import type { ComparedMasters } from './compared-masters.js';
import { type Extent, isSame } from './extent.js';
import { type GatheredElement, onePerKind } from './gathered-element.js';
import {
  DEFAULT_SCALE,
  factsOf,
  firstDifference,
  type HeaderFacts,
  type TrackTimes,
  timestampScaleOf,
} from './header-facts.js';
import { PieceQueue } from './piece-queue.js';
import { tracksPosition } from './seek-head.js';
import { DURATION_ROOM, type HeaderPlaces, SEEK_HEAD_ROOM } from './seek-index.js';
import { strictEbmlHeader } from './strict-ebml-header.js';
import { TrackEntries, tracksOfBoth } from './tracks-of-both.js';
import { voidElement } from './void-element.js';

/** The beginning of a document as it is written. */
export interface HeaderBytes {
  /** The EBML header. */
  readonly ebml: Bytes;
  /** The beginning of the Segment. */
  readonly segment: Bytes;
  /** What stands in the Segment before its first Cluster. */
  readonly rest: Bytes;
  /** Where there is room in it for what is known only at the end; `undefined` where none was asked for. */
  readonly places: HeaderPlaces | undefined;
}

/** Where two headers differ. */
export interface HeaderDifference {
  /** The master that is not the same. */
  readonly master: EbmlElementType;
  /** The first element in it that is not the same, or that only one of the two has. */
  readonly element: EbmlElementType;
}

/** A master that is compared, as it came. */
interface HeaderCopy {
  /** The type of the master that it stands in. */
  readonly within: EbmlElementType | undefined;
  /** `undefined` when it did not come in one piece. */
  readonly extent: Extent | undefined;
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

/** Whether what becomes of filling elements is the same: both are Void, or both of ids that nobody knows. */
function isSameKind(one: EbmlElementType, other: EbmlElementType): boolean {
  return one === other || (one.name === undefined && other.name === undefined);
}

/** What comes before the first Cluster of a document: held until it is known whether it is written. */
export class DocumentHeader {
  /** Of the document's first byte, from the start of the stream. */
  readonly offset: number;
  readonly #compared: ComparedMasters;
  readonly #isSeekable: boolean;
  #held: GatheredElement[] = [];
  /** What it has had, once it has been written. */
  #types: Set<EbmlElementType> | undefined;
  #weight = 0;
  /** Those of which there is something to know, in order; also such as are not whole. */
  #observed: GatheredElement[] = [];
  /** Copies of those that are compared, once the header has been written. */
  #copies: readonly HeaderCopy[] | undefined;
  #facts: HeaderFacts | undefined;
  #segment: Bytes | undefined;
  /** Where in the stream the Segment's data begins. */
  #segmentStart = 0;
  #again: HeaderBytes | undefined;
  #entries: TrackEntries | undefined;
  #keepsSeekHead = false;
  #awaitsNoTracks = false;

  /** @param isSeekable leave room for what lets players seek */
  constructor(offset: number, compared: ComparedMasters, isSeekable = false) {
    this.offset = offset;
    this.#compared = compared;
    this.#isSeekable = isSeekable;
  }

  /** Whether the beginning of the Segment has come. */
  get hasSegment(): boolean {
    return this.#segment !== undefined;
  }

  /** How much memory the elements take that are held, in bytes, roughly. */
  get weight(): number {
    return this.#weight;
  }

  /** TimestampScale, in nanoseconds. */
  get timestampScale(): number {
    return this.#ownTimestampScale ?? DEFAULT_SCALE;
  }

  /** The tracks, as far as they have a number. */
  get tracks(): readonly TrackTimes[] {
    return this.#know().tracks;
  }

  /** Takes the beginning of the Segment. What is written has an unknown size: more may be merged into it. */
  setSegment(element: MkvStartMasterElement): void {
    this.#segment = writeHeader(Mkv.Segment, undefined, { sizeLength: element.headerSize - 4 });
    this.#segmentStart = element.offset + element.headerSize;
  }

  /** Whether the SeekHead says that Tracks, which have not come, stand at `offset` of the stream or behind. */
  hasTracksBehind(offset: number): boolean {
    if (this.#awaitsNoTracks || this.#held.some(({ type }) => type === Mkv.Tracks)) return false;
    const seekHead = this.#held.find(({ type }) => type === Mkv.SeekHead);
    const position = seekHead && tracksPosition(seekHead.elements);
    return position !== undefined && this.#segmentStart + position >= offset;
  }

  /** Says that Tracks which have not come yet are not waited for any more. */
  settleTracks(): void {
    this.#awaitsNoTracks = true;
  }

  /** Leaves the SeekHead as it is: nothing before the Tracks that it tells of is going to move. */
  keepSeekHead(): void {
    this.#keepsSeekHead = true;
  }

  /** Whether the Tracks stand behind the Clusters, where only the SeekHead tells of them. */
  get keepsSeekHead(): boolean {
    return this.#keepsSeekHead;
  }

  /** What is held. */
  get held(): readonly GatheredElement[] {
    return this.#held;
  }

  /** Whether there are Cues. */
  get hasCues(): boolean {
    return this.#held.some(({ type }) => type === Mkv.Cues);
  }

  /** The Tags. */
  get tags(): readonly GatheredElement[] {
    return this.#held.filter(({ type }) => type === Mkv.Tags);
  }

  /** Takes a whole element, the EBML header or a child of the Segment. */
  hold(element: GatheredElement): void {
    const before = this.#held[this.#held.length - 1];
    if (before?.isFilling === true && element.isFilling && isSameKind(before.type, element.type)) {
      this.#weight -= before.weight;
      before.append(element);
      this.#weight += before.weight;
    } else {
      this.#held.push(element);
      this.#weight += element.weight;
    }
  }

  /** Takes note of a master that begins, a child of the Segment or a root: what is compared, and what the time of Clusters depends on. */
  observe(element: GatheredElement): void {
    if (element.type === Mkv.Info || element.type === Mkv.Tracks || this.#compared.areIn(element.type)) {
      this.#observed.push(element);
    }
  }

  /**
   * Where another document's header differs so that it cannot share a Segment with this one, which has been settled. A master that the
   * other has not is no difference: damage may have taken it, or there are no Clusters that need it. Without Info, the times of its Clusters
   * are in the units that the standard has for that.
   *
   * @param hasClusters whether there are Clusters in the other
   */
  difference(other: DocumentHeader, hasClusters: boolean): HeaderDifference | undefined {
    if (!this.#looksLike(other)) {
      const ours = this.#know().compared;
      for (const [master, theirs] of other.#know().compared) {
        const element = firstDifference(ours.get(master) ?? [], theirs);
        if (element !== undefined) return { master, element };
      }
    }
    const scale = other.#ownTimestampScale ?? (hasClusters && other.hasSegment ? DEFAULT_SCALE : undefined);
    if (scale !== undefined && scale !== this.timestampScale) {
      return { master: Mkv.Info, element: Mkv.TimestampScale };
    }
    return undefined;
  }

  /** The bytes of a document that begins here; they end before its first Cluster. */
  bytes(keepPositions: boolean): HeaderBytes {
    if (this.#isSeekable) return this.#seekableBytes();
    const write = (wanted: (type: EbmlElementType) => boolean) => {
      const queue = new PieceQueue();
      for (const element of onePerKind(this.#held)) {
        const { type } = element;
        const stays = keepPositions || (this.#keepsSeekHead && type === Mkv.SeekHead);
        if (wanted(type)) element.writeTo(queue, stays);
      }
      return concatBytes(queue.take());
    };
    return {
      ebml: this.#strictEbml() ?? write((type) => type === Mkv.EBML),
      segment: this.#segment ?? new Uint8Array(0),
      rest: write((type) => type !== Mkv.EBML),
      places: undefined,
    };
  }

  #strictEbml(): Bytes | undefined {
    return strictEbmlHeader(this.#held.find(({ type }) => type === Mkv.EBML)?.elements);
  }

  /** The same with room for a SeekHead and a Duration, and a Segment that has room for its size. */
  #seekableBytes(): HeaderBytes {
    const ebml = new PieceQueue();
    const rest = new PieceQueue();
    const places: { -readonly [K in keyof HeaderPlaces]: HeaderPlaces[K] } = {
      info: undefined,
      tracks: undefined,
      duration: undefined,
    };
    rest.add(voidElement(SEEK_HEAD_ROOM));
    for (const element of onePerKind(this.#held)) {
      const { type } = element;
      if (type === Mkv.Info) {
        places.info = rest.length;
        rest.add(element.withRoomForDuration(DURATION_ROOM));
        places.duration = rest.length - DURATION_ROOM;
      } else {
        if (type === Mkv.Tracks) places.tracks = rest.length;
        element.writeTo(type === Mkv.EBML ? ebml : rest, false);
      }
    }
    return {
      ebml: this.#strictEbml() ?? concatBytes(ebml.take()),
      segment: writeHeader(Mkv.Segment, undefined, { sizeLength: 8 }),
      rest: concatBytes(rest.take()),
      places,
    };
  }

  /**
   * What is kept of a document that is merged into another: its Tags above all.
   *
   * @param numberFirst put the fragment's number first: where no Cluster stands before, Tags without it would belong to the fragment
   * before
   */
  merged(numberFirst: boolean): readonly GatheredElement[] {
    const kept = this.#held.filter(({ type }) => !isLeftOut(type, true));
    const number = numberFirst ? kept.findIndex((element) => element.hasTag(ServiceTagName.fragmentNumber)) : -1;
    const first = kept[number];
    return number > 0 && first !== undefined ? [first, ...kept.filter((element) => element !== first)] : kept;
  }

  /** Keeps what is needed when the header has been written, copied from the chunks it came in: what other headers are compared with. */
  settle(): void {
    const own = new Map<GatheredElement, GatheredElement>();
    const detach = (element: GatheredElement) => {
      const detached = own.get(element) ?? element.detach();
      own.set(element, detached);
      return detached;
    };
    this.#types = new Set(this.#held.map(({ type }) => type));
    this.#held = [...onePerKind(this.#held.filter(({ type }) => ONCE.has(type)).map(detach))];
    this.#observed = this.#observed.map(detach);
    this.#copies = this.#observed
      .filter(({ type }) => this.#compared.areIn(type))
      .map(({ root, extent }) => ({ within: root.parent?.type, extent }));
    this.#facts = undefined;
    this.#weight = 0;
  }

  /** The bytes of another document of the same tracks, without Tags; of a header that has been settled. */
  again(keepPositions: boolean): HeaderBytes {
    this.#again ??= this.bytes(keepPositions);
    return this.#again;
  }

  /**
   * Takes note of an element behind the first Cluster, once the header has been written.
   *
   * @returns whether it is one that a document has once and this one has
   */
  repeats(type: EbmlElementType): boolean {
    if (!ONCE.has(type) || type === Mkv.SeekHead) return false;
    this.#types ??= new Set();
    const repeats = this.#types.has(type);
    this.#types.add(type);
    return repeats;
  }

  /** How many bytes are held. */
  get length(): number {
    return this.#held.reduce((sum, { length }) => sum + length, 0);
  }

  /** Whether an element that came behind the Clusters says nothing that this does not, which has been settled. */
  says(element: GatheredElement): boolean {
    const own = this.#held.find(({ type }) => type === element.type);
    if (own === undefined) return false;
    if (element.type !== Mkv.Tracks) return own.isSameAs(element);
    this.#entries ??= new TrackEntries(own);
    return this.#entries.have(element);
  }

  /** The header that has besides what an element says that came behind the Clusters of this one. */
  with(element: GatheredElement): DocumentHeader {
    const { type, root } = element;
    const header = new DocumentHeader(root.offset, this.#compared, this.#isSeekable);
    header.#segment = this.#segment;
    const before = this.#held.find((own) => own.type === type);
    const held =
      before !== undefined && type === Mkv.Tracks
        ? this.#held.map((own) => (own === before ? tracksOfBoth(own, element) : own))
        : [...this.#held, element];
    for (const each of held) {
      header.hold(each);
      header.observe(each);
    }
    return header;
  }

  get #ownTimestampScale(): number | undefined {
    return this.#facts === undefined ? timestampScaleOf(this.#observed) : this.#facts.timestampScale;
  }

  #know(): HeaderFacts {
    this.#facts ??= factsOf(this.#observed, this.#compared.types);
    return this.#facts;
  }

  /** Whether all that is compared is the same to the last byte, as it mostly is: then there is no need to look closer. */
  #looksLike(other: DocumentHeader): boolean {
    let count = 0;
    for (const element of other.#observed) {
      if (!other.#compared.areIn(element.type)) continue;
      const { extent } = element;
      const copy = this.#copies?.[count++];
      if (extent === undefined || copy?.extent === undefined || copy.within !== element.root.parent?.type) return false;
      if (!isSame(extent, copy.extent)) return false;
    }
    return count === this.#copies?.length;
  }
}
