import type { GapEvent } from './events.js';
import { keyOf } from './fragment-number.js';
import type { NumberedMetadata } from './position.js';
import type { StartSelector } from './sdk-types.js';

/** How often the same place may be read damaged before it is passed over. */
const TRIES = 3;

/** How many fragments found behind damage may turn out to be none before the search goes further. */
const NEAR_CANDIDATES = 3;

/** How many searches in all are made for the next fragment until two have found the same. */
const MOST_SEARCHES = 4;

/** How many numbers are remembered that turned out to be none, and listed in a gap. */
const MOST_NUMBERS = 1000;

/** Where reading goes on behind damage. */
type Way =
  /** Behind the damaged fragment itself, by the number that its Tags say. */
  | { readonly by: 'number'; readonly number: string }
  /** With a fragment that was found behind the damage: it is read again from where the service says that it begins. */
  | { readonly by: 'time'; readonly number: string; readonly time: Date };

/**
 * The way around what cannot be read. The same place is read again; what stays damaged is passed over by its number, where that is known.
 * Where it is not, one connection reads on behind the damage and looks for the next fragment. What is found there is not believed: damage,
 * or what a producer puts into its frames, can look like a fragment. It only says where to look, and the service is asked for it.
 */
export class Detour {
  #damaged = 0;
  #way: Way | undefined;
  #after: string | undefined;
  #reason: string | undefined;
  #numbers: string[] = [];
  /** Numbers that the service does not know, or gives something else for. */
  readonly #rejected = new Set<string>();
  #found = 0;
  /** The last fragment that a search found, for when there is none further on. */
  #candidate: NumberedMetadata | undefined;
  /** What earlier searches have ended with: one alone may have met damage of its own, and passed over what is not damaged. */
  readonly #finds = new Set<string>();
  #searches = 0;

  /** Where the next connection begins instead of behind the last fragment. */
  get selector(): StartSelector | undefined {
    const way = this.#way;
    if (way === undefined) return undefined;
    return way.by === 'number'
      ? { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: way.number }
      : { StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: way.time };
  }

  /** The fragment behind which reading goes on. */
  get number(): string | undefined {
    return this.#way?.by === 'number' ? this.#way.number : undefined;
  }

  /** The fragment with which reading goes on. */
  get target(): string | undefined {
    return this.#way?.by === 'time' ? this.#way.number : undefined;
  }

  /** Whether the next connection reads on behind damage, to find the next fragment. */
  get searching(): boolean {
    return this.#damaged >= TRIES;
  }

  /**
   * A connection has met damage.
   *
   * @param metadata of the damaged fragment, where its Tags have come and it is a new one
   */
  meet(reason: string, metadata: NumberedMetadata | undefined, after: string | undefined): void {
    if (this.#reason === undefined) this.#after = after;
    this.#reason ??= reason;
    if (this.searching) {
      this.endSearch();
      return;
    }
    this.#damaged++;
    if (this.#damaged !== TRIES) return;
    // Where the fragment to go on with is not to be had, it is passed over too.
    const number = this.target ?? metadata?.fragmentNumber;
    if (number === undefined || this.#rejected.has(keyOf(number))) return;
    this.#way = { by: 'number', number };
    this.#list(number);
    this.#damaged = 0;
  }

  /** A search begins. */
  search(): void {
    this.#found = 0;
    this.#candidate = undefined;
  }

  /** A search has found a whole fragment: whether it is the one to go on with. */
  find(metadata: NumberedMetadata): boolean {
    if (this.#isRejected(metadata)) return false;
    this.#candidate = metadata;
    const further =
      this.#rejected.size < NEAR_CANDIDATES ? 0 : 2 ** Math.min(30, this.#rejected.size - NEAR_CANDIDATES);
    if (this.#found++ < further) return false;
    this.#propose(metadata);
    return true;
  }

  /** A search has come to its end. */
  endSearch(): void {
    if (this.#candidate !== undefined) this.#propose(this.#candidate);
    // What is damaged may have been mended, or the next fragment not have come yet: the place itself is tried before the next search.
    else this.#damaged = TRIES - 1;
  }

  /** The place to go on at is none: the service does not know it, or gives something else there. */
  reject(): void {
    const way = this.#way;
    if (way === undefined) return;
    if (this.#rejected.size < MOST_NUMBERS) this.#rejected.add(keyOf(way.number));
    this.#numbers = this.#numbers.filter((number) => number !== way.number);
    this.#way = undefined;
    this.#damaged = TRIES;
  }

  /** Reading goes on with this fragment: nothing leads to it from the last one. */
  jump(reason: string, metadata: NumberedMetadata, after: string | undefined): void {
    if (this.#reason === undefined) this.#after = after;
    this.#reason ??= reason;
    this.#take(metadata);
  }

  /** What was passed over by its number can be read after all: the next connection begins with it again. */
  takeBack(): void {
    const { number } = this;
    this.#numbers = this.#numbers.filter((listed) => listed !== number);
    this.#way = undefined;
    this.#damaged = 0;
  }

  /** A fragment is about to be handed out: what was passed over before it, if anything was. */
  arrive(before: string | undefined): GapEvent | undefined {
    const gap: GapEvent | undefined =
      this.#way === undefined
        ? undefined
        : {
            kind: 'damaged',
            afterFragmentNumber: this.#after,
            beforeFragmentNumber: before,
            fragmentNumbers: this.#numbers,
            reason: this.#reason ?? 'what was sent is damaged',
          };
    this.#damaged = 0;
    this.#way = undefined;
    this.#after = undefined;
    this.#reason = undefined;
    this.#numbers = [];
    this.#rejected.clear();
    this.#endFinds();
    return gap;
  }

  /** A search ends with a fragment: the next one looks whether it finds the same. */
  #propose(metadata: NumberedMetadata): void {
    const key = keyOf(metadata.fragmentNumber);
    if (!this.#finds.has(key) && ++this.#searches < MOST_SEARCHES) this.#finds.add(key);
    else this.#take(metadata);
  }

  #endFinds(): void {
    this.#finds.clear();
    this.#searches = 0;
  }

  #take(metadata: NumberedMetadata): void {
    const { fragmentNumber: number, serverTimestamp: time } = metadata;
    // Without a time, it cannot be begun with, only behind: it is lost as well.
    if (time === undefined) this.#list(number);
    this.#way = time === undefined ? { by: 'number', number } : { by: 'time', number, time };
    this.#damaged = 0;
    this.#candidate = undefined;
    this.#endFinds();
  }

  #list(number: string): void {
    if (this.#numbers.length < MOST_NUMBERS) this.#numbers.push(number);
  }

  #isRejected({ fragmentNumber }: NumberedMetadata): boolean {
    return this.#rejected.has(keyOf(fragmentNumber));
  }
}
