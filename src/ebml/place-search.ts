import type { ChunkQueue } from './chunk-queue.js';
import { damagedLandmark } from './damaged-id.js';
import { type ElementSight, IMPOSSIBLE, OPEN, PLAIN, type Sight, type Surroundings } from './element-sight.js';
import { type EbmlElementType, type EbmlSchema, isDocument, isLandmark } from './element-type.js';
import { isAllOnes } from './header.js';
import type { SyncMark } from './sync-scanner.js';
import { decodeUint } from './values.js';
import { readVint, vintLength } from './vint.js';

/** There is no such place. */
export const NOWHERE = -1;
/** More bytes are needed to tell. */
export const UNDECIDED = -2;

/** What {@link PlaceSearch.leads} and the like say. */
export type Answer = boolean | typeof UNDECIDED;

const ID_LENGTH = 4;
const LONGEST_LANDMARK_HEADER = ID_LENGTH + 8;
/** How many elements behind each other tell that a place is one of them. */
const LINKS = 3;
/** How far apart they may be. */
const SIBLING_REACH = 4 * 1024 * 1024;
/** Places that led nowhere are remembered up to this number. */
const MOST_DEAD = 65_536;
/** Of those behind each other, the first and each so-many-th is remembered: who comes to one between goes on to the next. */
const STRIDE = 4;

const IN_MARK = 1;
const IN_SIBLING = 2;

/** What is looked for from where to where. */
export interface Search {
  /** Where the search stands. */
  at: number;
  /** Where it ends. */
  readonly end: number;
  /**
   * Structure counts only if it goes on without a break past this place; `undefined` where it need not. `Infinity`: to the end of the
   * stream.
   */
  readonly past: number | undefined;
  /** The master whose children are looked for as well as marks. */
  readonly anchor: Surroundings | undefined;
  /** Where the document ends by its size: no other begins before that if something plain to see stands there. */
  readonly documentEnd: number | undefined;
}

/** From where to where a search has found nothing that goes on past the end of an element, and what it looked for. */
interface Barren {
  from: number;
  to: number;
  readonly anchor: Surroundings | undefined;
  readonly end: number | undefined;
  readonly documentEnd: number | undefined;
  readonly endless: boolean;
}

/** A place that was found. */
export interface Place {
  readonly at: number;
  /** Whether it is where an element or an open master ends by its size. */
  readonly bySize: boolean;
  /** The open master that it is in; those in it have ended. */
  readonly anchor: Surroundings | undefined;
}

/** What {@link PlaceSearch.behindLandmark} finds. */
export interface BehindLandmark {
  readonly start: number | undefined;
  readonly end: number | undefined;
}

const FIRST_BYTES = new WeakMap<readonly SyncMark[], Map<EbmlElementType | undefined, Uint8Array>>();

/** For each byte, of what it may be the first. */
function firstBytesIn(schema: EbmlSchema, marks: readonly SyncMark[], anchor: EbmlElementType | undefined): Uint8Array {
  let tables = FIRST_BYTES.get(marks);
  if (tables === undefined) {
    tables = new Map();
    FIRST_BYTES.set(marks, tables);
  }
  let table = tables.get(anchor);
  if (table === undefined) {
    table = new Uint8Array(256);
    for (const { id } of marks) table[id >>> 24]! |= IN_MARK;
    const parents = anchor === undefined ? marks.map(({ id }) => schema.get(id)) : [anchor];
    for (const { id, parent } of schema.values()) {
      // With longer ids the elements of this kind would be too many.
      if (id <= 0xff && parent !== undefined && parent.level === 1 && parents.includes(parent))
        table[id]! |= IN_SIBLING;
    }
    tables.set(anchor, table);
  }
  return table;
}

/** Whether something that {@link PlaceSearch.find} looks for in `anchor` may begin with a byte. */
export function mayBeginPlace(
  schema: EbmlSchema,
  marks: readonly SyncMark[],
  anchor: EbmlElementType,
  byte: number,
): boolean {
  return firstBytesIn(schema, marks, anchor)[byte] !== 0;
}

/** Looks ahead in the bytes that have arrived for places where elements begin. Nothing is read by that. */
export class PlaceSearch {
  readonly #input: ChunkQueue;
  readonly #sight: ElementSight;
  readonly #schema: EbmlSchema;
  readonly #marks: readonly SyncMark[];
  readonly #reach: number;
  /** Places from which elements go on up to a break, with the last that is plain to see, or -1: many may lead to the same break. */
  readonly #dead = [new Map<number, number>(), new Map<number, number>()] as const;
  /** Places from which elements go on up to the very place that they should go on past. */
  readonly #level = [new Map<number, number>(), new Map<number, number>()] as const;
  /** Places from which elements go on to the very end of the stream. */
  readonly #endless = [new Set<number>(), new Set<number>()] as const;
  #siblingLength = 0;
  #barren: Barren = { from: 0, to: 0, anchor: undefined, end: undefined, documentEnd: undefined, endless: false };
  /** How far the stream must have arrived before anything more can be told. */
  wanted = 0;
  /** No more bytes come. */
  ended = false;

  constructor(
    input: ChunkQueue,
    sight: ElementSight,
    schema: EbmlSchema,
    marks: readonly SyncMark[],
    maxElementSize: number,
  ) {
    this.#input = input;
    this.#sight = sight;
    this.#schema = schema;
    this.#marks = marks;
    this.#reach = maxElementSize;
  }

  /** What was looked at last. */
  get seen(): ElementSight {
    return this.#sight;
  }

  /** Whether the stream ends at the place. */
  endsAt(at: number): boolean {
    return this.ended && at === this.#input.end;
  }

  /** Whether the stream ends before the place. */
  endsBefore(at: number): boolean {
    return this.ended && at > this.#input.end;
  }

  #has(end: number): boolean {
    const input = this.#input;
    // What is not there in full is not put together: much may have arrived.
    return end <= input.end && input.gather(end - input.offset);
  }

  /** What stands at a place. */
  look(at: number, top: Surroundings | undefined): Sight {
    const input = this.#input;
    for (;;) {
      const index = input.position + at - input.offset;
      const sight = this.#sight.look(input.bytes, index, input.bytes.length, at, top);
      if (sight !== OPEN) return sight;
      this.wanted = at + this.#sight.needed;
      if (!this.#has(this.wanted)) return OPEN;
    }
  }

  /** Whether an element stands there that is plain to see and at odds with no size, or the stream ends there. */
  isPlain(at: number, top: Surroundings | undefined): Answer {
    const sight = this.look(at, top);
    if (sight === OPEN) return this.ended ? this.endsAt(at) : UNDECIDED;
    return sight === PLAIN && !this.#sight.breaksOut;
  }

  /** Whether some elements stand behind each other from a place on. */
  goesOn(at: number, top: Surroundings | undefined): Answer {
    return this.endsAt(at) || this.leads(at, top, at, 2, SIBLING_REACH, false);
  }

  /**
   * The places behind an element whose id is that of a landmark but for one bit: where it ends by its size, and, of a document, where its
   * header ends if elements go on there.
   */
  behindLandmark(at: number): BehindLandmark | undefined | typeof UNDECIDED {
    const wanted = at + LONGEST_LANDMARK_HEADER;
    if (!this.#has(this.ended ? Math.min(wanted, this.#input.end) : wanted)) {
      this.wanted = wanted;
      return UNDECIDED;
    }
    const { bytes, position, offset } = this.#input;
    const index = position + at - offset;
    const sizeAt = index + ID_LENGTH;
    const size = vintLength(bytes[sizeAt] ?? 0);
    if (size > 8 || sizeAt + size > bytes.length) return undefined;
    const type = damagedLandmark(this.#schema, bytes, index);
    if (type === undefined) return undefined;
    const start = at + ID_LENGTH + size;
    const end = isAllOnes(bytes, sizeAt, size) ? undefined : start + readVint(bytes, sizeAt, size);
    if (!isDocument(type)) return { start: undefined, end };
    const goesOn = this.goesOn(start, { type, end: Number.POSITIVE_INFINITY, sizeKnown: false, parent: undefined });
    if (goesOn === UNDECIDED) return UNDECIDED;
    return { start: goesOn ? start : undefined, end };
  }

  /** The next place to go on at. */
  find(search: Search): Place | typeof NOWHERE | typeof UNDECIDED {
    if (search.past === undefined) return this.#find(search);
    const barren = this.#barrenOf(search);
    if (search.at >= barren.from && search.at < barren.to) search.at = Math.min(barren.to, search.end);
    const from = search.at;
    const found = this.#find(search);
    if (from < barren.from || from > barren.to) barren.from = from;
    barren.to = search.at;
    return found;
  }

  /** Where the same has been looked for last, and not been found. */
  #barrenOf({ past, anchor, documentEnd }: Search): Barren {
    const endless = past === Number.POSITIVE_INFINITY;
    const last = this.#barren;
    const isSame =
      last.anchor === anchor &&
      last.end === anchor?.end &&
      last.documentEnd === documentEnd &&
      last.endless === endless;
    if (!isSame) this.#barren = { from: 0, to: 0, anchor, end: anchor?.end, documentEnd, endless };
    return this.#barren;
  }

  #find(search: Search): Place | typeof NOWHERE | typeof UNDECIDED {
    const firstBytes = firstBytesIn(this.#schema, this.#marks, search.anchor?.type);
    while (search.at < search.end) {
      const input = this.#input;
      if (!this.#has(search.at + 1)) {
        this.wanted = search.at + 1;
        return this.ended ? NOWHERE : UNDECIDED;
      }
      const { bytes } = input;
      const shift = input.offset - input.position;
      const stop = Math.min(bytes.length, search.end - shift);
      let index = search.at - shift;
      while (index < stop && firstBytes[bytes[index]!] === 0) index++;
      search.at = index + shift;
      if (index === stop) continue;
      const kinds = firstBytes[bytes[index]!]!;
      const isMark = (kinds & IN_MARK) === 0 ? false : this.#isMark(search);
      if (isMark === UNDECIDED) return UNDECIDED;
      if (isMark) {
        const isPayload = this.#isWithinDocument(search);
        if (isPayload === UNDECIDED) return UNDECIDED;
        if (!isPayload) return { at: search.at, bySize: false, anchor: undefined };
        search.at++;
        continue;
      }
      const isSibling = (kinds & IN_SIBLING) === 0 ? false : this.#isSibling(search);
      if (isSibling === UNDECIDED) return UNDECIDED;
      const { anchor } = search;
      if (isSibling && anchor !== undefined && search.at + this.#siblingLength <= anchor.end)
        return { at: search.at, bySize: false, anchor };
      // Nothing can hold it, but what is in it is payload.
      search.at += isSibling ? Math.max(1, this.#siblingLength) : 1;
    }
    return NOWHERE;
  }

  #isMark({ at, past }: Search): Answer {
    if (!this.#has(at + ID_LENGTH)) return this.#unless(at + ID_LENGTH);
    const { bytes, position, offset } = this.#input;
    const index = position + at - offset;
    const id = decodeUint(bytes, index, index + ID_LENGTH);
    const mark = this.#marks.find((each) => each.id === id);
    const type = this.#schema.get(id);
    if (mark === undefined || type === undefined) return false;
    const sight = this.look(at, undefined);
    if (sight === OPEN) return this.#unless(this.wanted);
    const { headerSize, dataSize, length } = this.#sight;
    if (sight !== PLAIN || dataSize === 0) return false;
    const parent: Surroundings | undefined = type.parent && {
      type: type.parent,
      end: Number.POSITIVE_INFINITY,
      sizeKnown: false,
      parent: undefined,
    };
    const own: Surroundings = {
      type,
      end: length === 0 ? Number.POSITIVE_INFINITY : at + length,
      sizeKnown: length > 0,
      parent,
    };
    const child = this.look(at + headerSize, own);
    if (child === OPEN) return this.#unless(this.wanted);
    const first = this.#input.bytes[this.#input.position + at + headerSize - this.#input.offset];
    if (child === IMPOSSIBLE || first === undefined || !mark.firstChildren.includes(first)) return false;
    return past === undefined || this.leads(at, parent, past, 1, this.#reach);
  }

  /** Whether the mark at hand begins a document within one whose size holds. */
  #isWithinDocument({ at, documentEnd }: Search): Answer {
    if (documentEnd === undefined || at >= documentEnd || documentEnd - at > this.#reach) return false;
    const index = this.#input.position + at - this.#input.offset;
    const type = this.#schema.get(decodeUint(this.#input.bytes, index, index + ID_LENGTH));
    return type?.level === 0 ? this.isPlain(documentEnd, undefined) : false;
  }

  /** A child of the anchor; without one, one of a mark that is damaged: it shows what is payload. */
  #isSibling({ at, past, anchor }: Search): Answer {
    for (const parent of anchor === undefined ? this.#marks.map(({ id }) => this.#schema.get(id)) : [anchor.type]) {
      if (parent?.parent === undefined) continue;
      const top: Surroundings = { type: parent, end: Number.POSITIVE_INFINITY, sizeKnown: false, parent: undefined };
      this.look(at, top);
      this.#siblingLength = this.#sight.length;
      const leads = this.leads(at, top, past ?? at, LINKS, SIBLING_REACH);
      if (leads !== false) return leads;
    }
    return false;
  }

  #unless(wanted: number): Answer {
    this.wanted = wanted;
    return this.ended ? false : UNDECIDED;
  }

  /**
   * Whether elements stand behind each other from `at` in `top` on: `links` of them or up to a landmark, past a place, within `reach`; or
   * up to the very end of the stream. `siblings` says that all of them are to be plain to see. When one of them ends at the very place, that is where what holds them ends, and says nothing.
   */
  leads(
    at: number,
    top: Surroundings | undefined,
    past: number,
    links: number,
    reach: number,
    siblings = links > 1,
  ): Answer {
    const dead = this.#dead[siblings ? 1 : 0];
    const level = this.#level[siblings ? 1 : 0];
    const passed: number[] = [];
    let place = at;
    let parent = top;
    let lastPlain = -1;
    let isLevel = false;
    for (let count = 0; ; count++) {
      const known = dead.get(place);
      if (known !== undefined && known < past) {
        lastPlain = Math.max(lastPlain, known);
        break;
      }
      isLevel = level.get(place) === past || (count > 0 && place === past);
      if (isLevel) break;
      if (place - at > reach) return false;
      const isPast = past === Number.POSITIVE_INFINITY || (place > past && this.#input.end - at <= reach);
      if (isPast && this.#endless[siblings ? 1 : 0].has(place)) return true;
      const sight = this.look(place, parent);
      if (sight === OPEN) {
        if (!this.ended) return UNDECIDED;
        if (count === 0 || !this.endsAt(place)) break;
        const endless = this.#endless[siblings ? 1 : 0];
        if (endless.size < MOST_DEAD) for (const each of passed) endless.add(each);
        return true;
      }
      const { type, length, headerSize, misplaced } = this.#sight;
      if (sight === IMPOSSIBLE || misplaced || (siblings && sight !== PLAIN)) break;
      if (sight === PLAIN && place >= past && (count >= links || (count > 0 && type !== undefined && isLandmark(type))))
        return true;
      if (sight === PLAIN) lastPlain = place;
      if (count % STRIDE === 0) passed.push(place);
      const entered = type !== undefined && (length === 0 || isDocument(type));
      if (entered) parent = { type, end: Number.POSITIVE_INFINITY, sizeKnown: false, parent: this.#sight.parent };
      place += entered ? headerSize : length;
    }
    if (dead.size > MOST_DEAD) dead.clear();
    if (level.size > MOST_DEAD) level.clear();
    for (const each of passed) {
      if (isLevel) level.set(each, past);
      else dead.set(each, each <= lastPlain ? lastPlain : -1);
    }
    return false;
  }
}
