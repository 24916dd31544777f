import type { ChunkQueue } from './chunk-queue.js';
import {
  documentEnd,
  ElementSight,
  endsAgainst,
  IMPOSSIBLE,
  isBoundByDocument,
  OPEN,
  PLAIN,
  POSSIBLE,
  type Surroundings,
} from './element-sight.js';
import { type EbmlElementType, isDocument } from './element-type.js';
import { FollowedChains } from './followed-chains.js';
import type { EbmlParserOptions } from './handler.js';
import { NOWHERE, type Place, PlaceSearch, type Search, UNDECIDED } from './place-search.js';
import { type SyncMark, SyncScanner } from './sync-scanner.js';

/** More bytes are needed to tell. */
export const WAIT = 'wait';
/** The element's size holds. */
export const HOLDS = 'holds';
/** The element is damaged. */
export const BROKEN = 'broken';
/** There is no place to go on at before the stream ends. */
export const LOST = 'lost';

/** What {@link Recovery.settle} says: where reading goes on, or one of these. */
export type Verdict = Place | typeof WAIT | typeof HOLDS | typeof BROKEN | typeof LOST;

/** How far elements that are only possible are followed to one that is plain to see. */
const FOLLOWED = 4 * 1024 * 1024;
/** So many elements of known id behind each other are no chance, though none is plain to see. */
const TELLING = 8;
/** How large a damaged element may be that is passed over by its own size, when nothing else says how long it can be. */
const LARGEST_PASSED = 4 * 1024 * 1024;

/** How large an element of a known id is, at the most, that is held back only because any bytes may look like one. */
const LARGEST_HELD = 64 * 1024;

/** An element whose size is in doubt. */
interface Doubt {
  readonly end: number;
  /** How far what follows it has been followed. */
  followed: number;
  /** How many elements of known id were on the way. */
  known: number;
  /** How far those on the way are too small to have swallowed much. */
  small: number;
  /** Where in it places to go on at are looked for. */
  readonly search: Search;
  /** Whether it may be an element by chance: it is damage itself when its size does not hold. */
  readonly isWeak: boolean;
  searching: boolean;
  /** Where the masters that are open end: where the size of one holds, no element in it reaches past that. */
  readonly ends: Place[];
}

/** An element that cannot begin where it does if the sizes of open masters hold. */
interface Dispute {
  /** Where those masters end. */
  readonly ends: Place[];
  /** Where the last of them does. */
  readonly last: number;
  /** Where elements must go on to the very end of the stream when that comes before the masters' ends, and in what. */
  readonly at: number;
  readonly parent: Surroundings | undefined;
}

/** An element that reaches past the ends of open masters. */
interface Excess {
  /** Where those masters end. */
  readonly ends: Place[];
  /** Where the element does. */
  readonly end: number;
  /** What it stands in if it is right. */
  readonly freed: Surroundings | undefined;
}

/** Damage from some place on. */
interface Damage {
  /** Where it begins, until it has been looked at for the id of a landmark. */
  start: number | undefined;
  /** Where reading can go on by the sizes that are known, the innermost first. */
  readonly ends: Place[];
  readonly search: Search;
}

/**
 * Decides where a damaged stream is read on.
 *
 * Where the size of an element holds, its bytes are payload, whatever they look like: where something plain to see follows it, it is. An
 * element that has marks in it, or one of a kind that any bytes may look like, is therefore held back until what follows it is there. When
 * the structure has failed, the places that known sizes give come first: the end of the element that is wrong, then of the masters that are
 * open. Only then the next place is looked for from which elements go on.
 */
export class Recovery {
  /** Elements that begin before it have been found to be followed by others. */
  trusted = 0;
  readonly #input: ChunkQueue;
  readonly #scanner: SyncScanner;
  readonly #sight: ElementSight;
  readonly #search: PlaceSearch;
  readonly #maxElementSize: number;
  readonly #recovers: boolean;
  #doubt: Doubt | undefined;
  #damage: Damage | undefined;
  #dispute: Dispute | undefined;
  #excess: Excess | undefined;
  #began = 0;
  readonly #chains = new FollowedChains();

  constructor(
    input: ChunkQueue,
    marks: readonly SyncMark[],
    { schema, dataLook, recoverAt }: Pick<EbmlParserOptions, 'schema' | 'dataLook' | 'recoverAt'>,
    maxElementSize: number,
  ) {
    this.#input = input;
    this.#recovers = recoverAt !== undefined;
    this.#scanner = new SyncScanner(marks);
    this.#sight = new ElementSight(schema, maxElementSize, dataLook);
    this.#search = new PlaceSearch(
      input,
      new ElementSight(schema, maxElementSize, dataLook),
      schema,
      marks,
      maxElementSize,
    );
    this.#maxElementSize = maxElementSize;
  }

  /** Whether something is to be settled before anything more is read. */
  get busy(): boolean {
    return (
      this.#damage !== undefined ||
      this.#doubt !== undefined ||
      this.#dispute !== undefined ||
      this.#excess !== undefined
    );
  }

  /** Whether an element begins at `at` in `bytes`, which is at `offset` in the stream, that is plain to see. */
  isFollowed(bytes: Uint8Array, at: number, offset: number, top: Surroundings | undefined): boolean {
    return this.#sight.look(bytes, at, bytes.length, offset, top) === PLAIN && !this.#sight.breaksOut;
  }

  /** Whether an element that begins with the header last read may be one by chance, so that its size has to be confirmed. */
  looksDoubtful(offset: number, dataSize: number, isKnown: boolean): boolean {
    return offset >= this.trusted && dataSize <= (isKnown ? LARGEST_HELD : this.#maxElementSize);
  }

  /** Where from `start` to `end` something looks like a mark, or like the beginning of one that goes on behind the bytes; -1 for nowhere. */
  findMark(bytes: Uint8Array, start: number, end: number): number {
    return this.#scanner.find(bytes, start, end);
  }

  /**
   * Holds an element back, the next bytes of the input are its own, until it is known whether its size holds.
   *
   * @param end where it ends; `Infinity` when the stream ended within it
   * @param from where in it places to go on at are looked for
   * @param isWeak whether it may be an element by chance: it is damage itself when its size does not hold
   */
  doubt(end: number, from: number, isWeak: boolean, top: Surroundings | undefined): void {
    const search = { at: from, end, past: end, anchor: anchorOf(top), documentEnd: documentEnd(top) };
    const ends = this.#endsOf(top);
    this.#doubt = {
      end,
      followed: end,
      known: 0,
      small: end,
      search,
      isWeak,
      searching: end === Number.POSITIVE_INFINITY,
      ends,
    };
    this.#begin();
  }

  /**
   * Looks for the place to go on at behind damage that begins with the next byte of the input.
   *
   * @param ownEnd where the element that is wrong ends by its size; `undefined` when it has none
   * @param from where places are looked for that no size gives
   */
  pass(ownEnd: number | undefined, from: number, top: Surroundings | undefined): void {
    const { offset } = this.#input;
    const ends: Place[] = [];
    const bounded = isBounded(top, offset);
    const reach = bounded ? this.#maxElementSize : LARGEST_PASSED;
    if (ownEnd !== undefined && ownEnd - offset <= reach && isWithin(top, ownEnd)) {
      ends.push({ at: ownEnd, bySize: true, anchor: undefined });
    }
    for (const end of this.#endsOf(top)) ends.push(end);
    this.#damage = {
      start: offset,
      ends,
      search: {
        at: from,
        end: Number.POSITIVE_INFINITY,
        past: undefined,
        anchor: anchorOf(top),
        documentEnd: documentEnd(top),
      },
    };
    this.#doubt = undefined;
    this.#begin();
  }

  /**
   * Holds an element back whose header has been read and whose id is too long to be met by chance, if it begins where the sizes of open
   * masters leave no place for it, until it is known whether one of them ends where its size says.
   *
   * @param dataSize of the element
   * @returns whether there is something to settle
   */
  dispute(type: EbmlElementType, dataSize: number | undefined, top: Surroundings | undefined): boolean {
    const { offset } = this.#input;
    const ends: Place[] = [];
    for (const at of endsAgainst(type, top)) {
      if (at >= offset && at - offset <= this.#maxElementSize) ends.push({ at, bySize: true, anchor: undefined });
    }
    const last = ends.at(-1);
    if (last === undefined) return false;
    const entered = dataSize === undefined || isDocument(type);
    const end = dataSize === undefined ? Number.POSITIVE_INFINITY : offset + dataSize;
    this.#dispute = {
      ends,
      last: last.at,
      at: entered ? offset : end,
      parent: entered ? { type, end, sizeKnown: false, parent: parentOf(type) } : parentOf(type),
    };
    this.#begin();
    return true;
  }

  /**
   * Holds an element back, the next bytes of the input are its own, that reaches past the ends of open masters, until it is known which of
   * the sizes hold: the element's own, when none of the masters ends where it says, and elements go on behind the element.
   *
   * @returns whether there is something to settle
   */
  disputeSize(end: number, top: Surroundings | undefined): boolean {
    const { offset } = this.#input;
    if (end - offset > this.#maxElementSize) return false;
    this.#excess = { ends: this.#endsOf(top).filter(({ at }) => at < end), end, freed: freedOf(top, end) };
    this.#begin();
    return true;
  }

  #begin(): void {
    this.#began = this.#input.offset;
    this.#search.wanted = 0;
  }

  /** Decides, when enough of the stream has arrived. */
  settle(top: Surroundings | undefined, ended: boolean): Verdict {
    const search = this.#search;
    const { wanted } = search;
    search.ended = ended;
    if (wanted > this.#input.end && !ended) return WAIT;
    const verdict = this.#judge(top);
    if (verdict === WAIT) {
      // Elements are followed from the beginning each time, so not for each byte.
      search.wanted += (search.wanted - this.#began) >> 4;
      return WAIT;
    }
    if (verdict === HOLDS) this.trusted = Math.max(this.trusted, this.#doubt?.end ?? 0);
    this.#doubt = undefined;
    this.#damage = undefined;
    this.#dispute = undefined;
    this.#excess = undefined;
    return verdict;
  }

  #judge(top: Surroundings | undefined): Verdict {
    if (this.#excess !== undefined) return this.#compare(this.#excess, top);
    if (this.#dispute !== undefined) return this.#decide(this.#dispute, top);
    return this.#doubt === undefined ? this.#passOver(top) : this.#confirm(this.#doubt, top);
  }

  #compare({ ends, end, freed }: Excess, top: Surroundings | undefined): Verdict {
    const masterEnd = this.#plainEnd(ends, top);
    if (masterEnd === UNDECIDED) return WAIT;
    if (masterEnd !== undefined) return BROKEN;
    const leads = this.#search.goesOn(end, freed);
    if (leads === UNDECIDED) return WAIT;
    return leads ? HOLDS : BROKEN;
  }

  #decide({ ends, last, at, parent }: Dispute, top: Surroundings | undefined): Verdict {
    const search = this.#search;
    const end = this.#plainEnd(ends, top);
    if (end === UNDECIDED) return WAIT;
    if (end !== undefined) return BROKEN;
    if (!search.endsBefore(last)) return HOLDS;
    return search.leads(at, parent, Number.POSITIVE_INFINITY, 1, this.#maxElementSize) === true ? HOLDS : BROKEN;
  }

  #confirm(doubt: Doubt, top: Surroundings | undefined): Verdict {
    const search = this.#search;
    while (!doubt.searching) {
      const at = doubt.followed;
      // Elements by chance seldom end where a master does that says how long it is.
      if (doubt.isWeak && doubt.ends.some((end) => end.at === at)) {
        this.trusted = Math.max(this.trusted, at);
        return HOLDS;
      }
      const isFar = at - doubt.end > FOLLOWED;
      if (isFar && doubt.isWeak) {
        // What would speak against it would have been looked for on the way.
        this.trusted = Math.max(this.trusted, doubt.small);
        return HOLDS;
      }
      const behind = isFar ? at : this.#behindFollowed(doubt, top);
      if (behind !== at) {
        if (doubt.small === at) doubt.small = behind;
        doubt.followed = behind;
        continue;
      }
      let sight = isFar ? IMPOSSIBLE : search.look(at, top);
      if (sight === OPEN && !search.ended) return WAIT;
      if (sight === PLAIN && search.seen.breaksOut) {
        const end = this.#plainEnd(doubt.ends, top);
        if (end === UNDECIDED) return WAIT;
        if (end !== undefined) return end;
      }
      if (sight === PLAIN || (sight === OPEN && search.endsAt(at))) {
        this.trusted = Math.max(this.trusted, at);
        return HOLDS;
      }
      const { type, length, misplaced } = search.seen;
      if (sight === POSSIBLE && misplaced) sight = IMPOSSIBLE;
      // Where damage stops the parser, what follows tells more of it.
      if (doubt.isWeak && sight === IMPOSSIBLE && !isFar) return this.#recovers ? BROKEN : HOLDS;
      if (doubt.isWeak && sight === OPEN) {
        this.trusted = Math.max(this.trusted, doubt.small);
        return HOLDS;
      }
      // Two that nobody knows behind each other, and elements in the first that go on past its end: it is these that are right.
      const isSuspect = doubt.isWeak && type === undefined && doubt.search.at < doubt.end;
      if (isSuspect || sight !== POSSIBLE) {
        doubt.searching = true;
      } else {
        // Of unknown size: what is in it will be looked at by itself.
        if (length === 0) return HOLDS;
        doubt.followed += length;
        if (doubt.small === at && length <= LARGEST_HELD) doubt.small = doubt.followed;
        if (type !== undefined) doubt.known++;
        else if (length <= LARGEST_HELD) this.#chains.note(at, doubt.followed, top);
        if (doubt.known < TELLING) continue;
        this.trusted = Math.max(this.trusted, doubt.followed);
        return HOLDS;
      }
    }
    const end = this.#plainEnd(doubt.ends, top);
    if (end === UNDECIDED) return WAIT;
    const place = end === undefined ? search.find(doubt.search) : NOWHERE;
    if (place === UNDECIDED) return WAIT;
    if (place !== NOWHERE) return place;
    if (!doubt.isWeak) return HOLDS;
    doubt.search.at = doubt.end;
    doubt.searching = false;
    return this.#confirm(doubt, top);
  }

  /** Where what follows a doubt ends as far as it has been followed for another one: not for each doubt anew. */
  #behindFollowed({ followed, end, isWeak, search, ends }: Doubt, top: Surroundings | undefined): number {
    if (isWeak && search.at < end) return followed;
    const behind = this.#chains.endOf(followed, top);
    // Of these there is more to see on the way.
    const isPassed = isWeak && (behind - end > FOLLOWED || ends.some(({ at }) => at > followed && at <= behind));
    return isPassed ? followed : behind;
  }

  /** Where the open masters end that are no documents, the innermost first. */
  #endsOf(top: Surroundings | undefined): Place[] {
    const { offset } = this.#input;
    const ends: Place[] = [];
    for (let at = top; at !== undefined && !isDocument(at.type); at = at.parent) {
      const isNear = at.end > offset && at.end - offset <= this.#maxElementSize;
      if (at.sizeKnown && isNear) ends.push({ at: at.end, bySize: true, anchor: undefined });
    }
    return ends;
  }

  /** The first of the places where something plain to see stands. Those before it are given up. */
  #plainEnd(ends: Place[], top: Surroundings | undefined): Place | undefined | typeof UNDECIDED {
    for (let end = ends[0]; end !== undefined; end = ends[0]) {
      const isPlain = this.#search.isPlain(end.at, top);
      if (isPlain === UNDECIDED) return UNDECIDED;
      if (isPlain) return end;
      ends.shift();
    }
    return undefined;
  }

  #passOver(top: Surroundings | undefined): Verdict {
    const damage = this.#damage;
    if (damage === undefined) return LOST;
    const search = this.#search;
    if (damage.start !== undefined) {
      const behind = search.behindLandmark(damage.start);
      if (behind === UNDECIDED) return WAIT;
      if (behind?.start !== undefined) return { at: behind.start, bySize: true, anchor: undefined };
      if (behind?.end !== undefined) damage.ends.unshift({ at: behind.end, bySize: true, anchor: undefined });
      damage.start = undefined;
    }
    const end = this.#plainEnd(damage.ends, top);
    if (end === UNDECIDED) return WAIT;
    if (end !== undefined) return end;
    const place = search.find(damage.search);
    if (place === UNDECIDED) return WAIT;
    return place === NOWHERE ? LOST : place;
  }
}

/** The open masters, those without an end that end before a place. */
function freedOf(top: Surroundings | undefined, end: number): Surroundings | undefined {
  if (top === undefined || top.end >= end) return top;
  return { type: top.type, end: Number.POSITIVE_INFINITY, sizeKnown: false, parent: freedOf(top.parent, end) };
}

/** What an element stands in that stands right. */
function parentOf({ parent }: EbmlElementType): Surroundings | undefined {
  return parent && { type: parent, end: Number.POSITIVE_INFINITY, sizeKnown: false, parent: undefined };
}

/** The open master whose children can be gone on at. */
function anchorOf(top: Surroundings | undefined): Surroundings | undefined {
  let at = top;
  while (at !== undefined && at.type.level !== 1) at = at.parent;
  return at;
}

function isBounded(top: Surroundings | undefined, offset: number): boolean {
  return top !== undefined && !isDocument(top.type) && top.end > offset && top.end !== Number.POSITIVE_INFINITY;
}

function isWithin(top: Surroundings | undefined, end: number): boolean {
  return top === undefined || isBoundByDocument(top) || end <= top.end;
}
