import { keyOf } from './fragment-number.js';
import type { NumberedMetadata } from './position.js';

/** How often a number that is too large for a step is read before it is believed. */
const READINGS = 3;

/** How many doubtful numbers in a row, whatever they are, before one is believed. */
const MOST_DOUBTS = 6;

/** How many fragments in an answer may seem to be behind the last one before that one is doubted. */
const MOST_BEHIND = 16;

/** What is not yet decided of numbers that do not fit those before them. */
export class Doubts {
  readonly #readings = new Map<string, number>();
  #count = 0;
  #late: NumberedMetadata[] = [];
  /** How many fragments behind the last one the answer to the question has brought. */
  #answered = 0;
  /** How many of them the connection at hand has. */
  #here = 0;
  #believes = false;

  /** Fragments that came behind the last one, and are not larger. */
  get late(): readonly NumberedMetadata[] {
    return this.#late;
  }

  /** Whether a number that is too large for a step is believed: when it comes again and again. */
  isBelieved(number: string): boolean {
    const key = keyOf(number);
    const readings = (this.#readings.get(key) ?? 0) + 1;
    this.#readings.set(key, readings);
    this.#count++;
    return readings >= READINGS || this.#count >= MOST_DOUBTS;
  }

  /** A connection begins. */
  begin(): void {
    this.#here = 0;
  }

  /**
   * A fragment came behind the last one whose number is not larger.
   *
   * @returns what is done about it. `ask`: the service is asked once more for what is behind the last one. `wait`: this is in the answer;
   * if the last one comes as well, these were before it. `believe`: the service has put it there twice, and the last one not
   */
  ask(metadata: NumberedMetadata): 'ask' | 'wait' | 'believe' {
    if (this.#believes) return 'believe';
    const isFirst = this.#late.length === 0;
    const isKnown = this.#late.some(({ fragmentNumber }) => fragmentNumber === metadata.fragmentNumber);
    if (!isKnown && this.#late.length < MOST_BEHIND) this.#late.push(metadata);
    if (isFirst) return 'ask';
    this.#here++;
    if (++this.#answered < MOST_BEHIND) return 'wait';
    this.#believes = true;
    return 'ask';
  }

  /**
   * A connection that began behind the last fragment has ended in good order with nothing larger.
   *
   * @returns whether it has brought anything that is in doubt
   */
  endAnswer(): boolean {
    if (this.#answered === 0) return this.#late.length > 0;
    this.#believes = true;
    return true;
  }

  /**
   * The last fragment itself has come. What seemed to be behind it was there before, if it is in the same answer; a service that begins with
   * the fragment that was named gives that one first.
   */
  meetLast(): void {
    if (this.#here === 0) return;
    this.#late = [];
    this.#answered = 0;
    this.#here = 0;
    this.#believes = false;
  }

  /** All is decided. */
  settle(): void {
    this.#readings.clear();
    this.#count = 0;
    this.#late = [];
    this.#answered = 0;
    this.#here = 0;
    this.#believes = false;
  }
}
