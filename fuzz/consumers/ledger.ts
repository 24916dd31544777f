import { KinesisVideoError } from '../../src/client/service-error.js';
import type { Fragment } from '../../src/fragments/fragment.js';
import { ensure, Finding } from '../finding.js';
import { FORGED, FORGED_TAG, hashOf, type StoredFragment } from './camera.js';
import type { FakeStream } from './stream.js';

/** After how many readings that came damaged a fragment may be passed over. */
const DAMAGE_TRIES = 3;

/** What the consumers of one stream have been given, held to what there is: each fragment once, in order, or told. */
export class Ledger {
  readonly #order: readonly StoredFragment[];
  /** Several where fragments have the same frames. */
  readonly #byFrames = new Map<string, StoredFragment[]>();
  readonly #stream: FakeStream;
  readonly #trace: (text: string) => void;
  /** The place of the fragment that is next if nothing is missing. */
  #next = 0;
  /** Whether a gap has been told since the last fragment. */
  #told: string | undefined;
  /** The position was lost, and that has been told: what was handed out before may come again. */
  #anywhere = false;
  /** Nothing is known to the consumer at hand: what was gone before it came is nothing that it could tell. */
  #fresh = true;
  /** Fragments that were handed out under a number with a bit wrong, which the service then did not know. */
  readonly #misnamed = new Set<StoredFragment>();
  #handedOut = 0;
  #missing = 0;
  /** How often intact fragments were passed over. */
  #losses = 0;
  #consumers = 0;

  /** @param order all fragments that there are, those of a stream that is made anew behind the first one's */
  constructor(order: readonly StoredFragment[], stream: FakeStream, trace: (text: string) => void) {
    this.#trace = trace;
    this.#order = order;
    for (const fragment of order) {
      const same = this.#byFrames.get(fragment.frames);
      if (same === undefined) this.#byFrames.set(fragment.frames, [fragment]);
      else same.push(fragment);
    }
    this.#stream = stream;
  }

  get handedOut(): number {
    return this.#handedOut;
  }

  /** How many were passed over, which was told. */
  get missing(): number {
    return this.#missing;
  }

  /** How many consumers there have been. */
  get consumers(): number {
    return this.#consumers;
  }

  /** Whether the last fragment has been handed out. */
  get complete(): boolean {
    return this.#next === this.#order.length;
  }

  /** A fragment was handed out. */
  take(fragment: Fragment): void {
    const number = fragment.fragmentNumber ?? '';
    this.#trace(`handed out: ${number}`);
    ensure(number !== FORGED, 'a forged fragment was handed out');
    ensure(!fragment.truncated, () => `fragment <${number}> was handed out cut`);
    const same = this.#byFrames.get(hashOf(fragment.frames.map(({ data }) => data)));
    const stored =
      same?.find((each) => each.number === number) ??
      same?.find((each) => this.#order.indexOf(each) >= this.#next) ??
      same?.[0];
    if (stored === undefined) {
      const forged = fragment.frames.some(({ data }) => Buffer.from(data).toString('latin1') === FORGED_TAG);
      throw new Finding(`fragment <${number}> was handed out with ${forged ? 'forged' : 'other'} frames`);
    }
    const at = this.#order.indexOf(stored);
    const right = number === stored.number || stored.flaw === 'numberless';
    // The service's Tags have no CRC-32, so that a bit that was wrong in one is not always seen.
    ensure(right || this.#stream.flips > 0, () => `fragment at <${at}> was handed out as <${number}>`);
    if (!right) this.#misnamed.add(stored);
    const time = fragment.frames[0]?.timestamp;
    ensure(time === stored.startUs, () => `fragment at <${at}> begins at <${time}> and not <${stored.startUs}>`);
    this.#place(stored, at);
    this.#handedOut++;
    this.#told = undefined;
  }

  /** A gap was told. */
  tell(what: string): void {
    this.#trace(`told: ${what}`);
    this.#told = what;
  }

  /** A listed fragment could not be had, which was told at its place. */
  fail(number: string, reason: string): void {
    const at = this.#order.findIndex((fragment) => fragment.number === number);
    const stored = this.#order[at];
    ensure(stored !== undefined && at === this.#next, () => `fragment <${number}> failed out of order`);
    const { counts, keyErrors } = this.#stream;
    const mayFail = stored.flaw !== undefined || counts.faults > 1 || keyErrors > 0;
    ensure(mayFail, () => `an intact fragment failed: ${reason}`);
    this.#next = at + 1;
    this.#missing++;
  }

  /** The iteration has ended by itself. */
  end(): void {
    ensure(this.complete, () => `the iteration ended before <${this.#next}> of <${this.#order.length}>`);
  }

  /** A consumer begins behind a checkpoint; `undefined`: at the beginning. */
  restart(number: string | undefined): void {
    this.#trace(`a consumer begins behind ${number}`);
    this.#begin();
    if (number === undefined) {
      this.#fresh = true;
      this.#next = 0;
      return;
    }
    ensure(/^\d+$/.test(number), () => `a checkpoint of <${number}>`);
    ensure(number !== FORGED, 'a forged number reached a checkpoint');
    const at = this.#order.findIndex((fragment) => fragment.number === number);
    ensure(at >= 0 || this.#stream.flips > 0, () => `a checkpoint of the unknown fragment <${number}>`);
    ensure(at < this.#next || at < 0, 'a checkpoint behind what was handed out');
    if (at < 0) this.#anywhere = true;
    else this.#next = at + 1;
  }

  /** A consumer begins with a checkpoint that is of no stream. */
  poison(): void {
    this.#begin();
    this.#anywhere = true;
  }

  #begin(): void {
    this.#consumers++;
    this.#told = undefined;
    this.#fresh = false;
    this.#stream.begin();
  }

  /** Whether a consumer may end with this. */
  endedBy(error: unknown): void {
    this.#trace(`ended: ${error}`);
    if (!(error instanceof KinesisVideoError)) throw error;
    ensure(this.#stream.mayEnd, () => `ended by <${error.kind}> ${error.code}: <${error.message}>`);
  }

  #place(stored: StoredFragment, at: number): void {
    if (this.#anywhere && this.#told !== undefined) {
      this.#anywhere = false;
      if (at < this.#next) this.#next = at;
    }
    // One that has no number comes again when the one before it is the last that is known.
    if (at < this.#next && stored.flaw === 'numberless') return;
    // One under a wrong number is another one to the consumer, which has told that it is lost.
    if (at < this.#next && this.#told !== undefined && this.#misnamed.delete(stored)) return;
    ensure(at >= this.#next, () => `fragment at <${at}> came again, or late: <${this.#next}> was to come`);
    const missing = this.#order.slice(this.#next, at);
    this.#missing += missing.length;
    if (missing.length > 0) {
      ensure(
        this.#told !== undefined || (this.#fresh && missing.every((fragment) => this.#stream.excused.has(fragment))),
        () => `<${missing.length}> fragments before <${at}> are missing and nobody was told: ${describe(missing)}`,
      );
      const lost = missing.filter((fragment) => !this.#stream.excused.has(fragment));
      if (lost.length > 0) this.#losses++;
      ensure(
        this.#stream.damage >= DAMAGE_TRIES * this.#losses || this.#stream.flips > 0,
        () => `<${lost.length}> intact fragments before <${at}> were passed over: ${this.#told}`,
      );
    }
    this.#next = at + 1;
    // A fragment without a number says nothing of where in the stream it is.
    if (stored.flaw !== 'numberless') this.#fresh = false;
  }
}

function describe(missing: readonly StoredFragment[]): string {
  return [...new Set(missing.map(({ flaw }) => flaw ?? 'intact'))].join(', ');
}
