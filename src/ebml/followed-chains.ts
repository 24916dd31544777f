import type { Surroundings } from './element-sight.js';

/** Elements are remembered up to this number. */
const MOST = 65_536;

/** Remembers elements behind each other of ids that nobody knows, so that chains of them that run together are followed once. */
export class FollowedChains {
  /** Where an element ends, or a later one of its chain, by where it begins. */
  readonly #ends = new Map<number, number>();
  #top: Surroundings | undefined;
  #topEnd: number | undefined;

  /** An element in `top` has been looked at. */
  note(start: number, end: number, top: Surroundings | undefined): void {
    if (top !== this.#top || top?.end !== this.#topEnd || this.#ends.size >= MOST) {
      this.#ends.clear();
      this.#top = top;
      this.#topEnd = top?.end;
    }
    this.#ends.set(start, end);
  }

  /** Where the chain that begins at a place ends, as far as it is known. */
  endOf(start: number, top: Surroundings | undefined): number {
    if (this.#ends.size === 0 || top !== this.#top || top?.end !== this.#topEnd) return start;
    let end = start;
    for (let next = this.#ends.get(end); next !== undefined; next = this.#ends.get(end)) end = next;
    // Those on the way lead there at once from now on.
    for (let at = start; at !== end; ) {
      const next = this.#ends.get(at) ?? end;
      this.#ends.set(at, end);
      at = next;
    }
    return end;
  }
}
