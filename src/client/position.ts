import type { Fragment } from '../fragments/fragment.js';
import { compareFragmentNumbers, type FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Checkpoint } from './checkpoint.js';
import { isAfter, isFragmentNumber, keyOf } from './fragment-number.js';
import type { StartSelector } from './sdk-types.js';
import { Trail, type TrailPoint } from './trail.js';

/** Where a consumer begins if there is no checkpoint. */
export type StartPosition =
  /** With the newest fragment (`NOW`), or with the oldest that is kept (`EARLIEST`). `type` is the service's StartSelectorType. */
  | { readonly type: 'NOW' | 'EARLIEST' }
  /** Behind the fragment with the number `afterFragmentNumber`, a decimal string. */
  | { readonly type: 'FRAGMENT_NUMBER'; readonly afterFragmentNumber: string }
  /**
   * With the fragment that contains `timestamp`, by the clock of the producer (`PRODUCER_TIMESTAMP`) or of the service
   * (`SERVER_TIMESTAMP`).
   */
  | { readonly type: 'PRODUCER_TIMESTAMP' | 'SERVER_TIMESTAMP'; readonly timestamp: Date }
  /** Behind the fragment that the service gave this `continuationToken` with. */
  | { readonly type: 'CONTINUATION_TOKEN'; readonly continuationToken: string };

/**
 * By what a connection continues behind the last fragment: its number (`'FRAGMENT_NUMBER'`), or the service's token
 * (`'CONTINUATION_TOKEN'`).
 */
export type ResumeBy = 'FRAGMENT_NUMBER' | 'CONTINUATION_TOKEN';

/** A fragment with a number that can be one. */
export type NumberedMetadata = FragmentMetadata & { readonly fragmentNumber: string };

/** A place behind a fragment. The token may come to be known later than the number. */
interface Place extends TrailPoint {
  readonly metadata: Pick<FragmentMetadata, 'continuationToken'> & Partial<Pick<FragmentMetadata, 'producerTimestamp'>>;
}

/**
 * How a fragment stands to what has been handed out.
 *
 * - `new`: it comes behind the last one.
 * - `old`: it has been handed out, or lies before the beginning.
 * - `doubtful`: its number is larger, but too large for a step, or not the one in its token.
 * - `behind`: its number is not larger than the last one, and it has not been handed out. One of the two numbers is wrong, or the stream's
 *   numbers have begun anew, or it has come late.
 */
export type Standing = 'new' | 'old' | 'doubtful' | 'behind';

/** How many fragments without a number are remembered. */
const UNNUMBERED_KNOWN = 4096;

/** Where in the stream a consumer is, and with that where the next connection begins and what of it has been there before. */
export class Position {
  #start: StartPosition;
  readonly #resumeBy: ResumeBy;
  /** The last fragment that was handed out: the next connection begins behind it. */
  #cursor: Place | undefined;
  /** The one before it, while nothing has shown that the service knows the last one. */
  #before: Place | undefined;
  #confirmed = false;
  #tokenRefused = false;
  #tokensUseless = false;
  /** Reading has begun anew with the oldest fragment, and none has been handed out since. */
  #catchingUp = false;
  /** The fragment that was the last one, and that nothing leads on from. */
  #left: string | undefined;
  /** What seemed to lie before the beginning is all that there is. */
  #orderDoubted = false;
  readonly #trail = new Trail();
  /** Fragments without a number that were handed out behind the cursor. */
  readonly #unnumbered = new Set<string>();
  /** The first fragment that was heard of, before any was read whole. */
  #heard: FragmentMetadata | undefined;
  #tokensSeen = false;
  #tagsMissed = false;
  #numbersSeen = false;
  #open: { readonly signature: string; readonly count: number } | undefined;

  constructor(start: StartPosition, resumeBy: ResumeBy) {
    this.#start = start;
    this.#resumeBy = resumeBy;
  }

  /** Goes on where an earlier consumer stopped. */
  restore(checkpoint: Checkpoint): void {
    const { fragmentNumber: number, continuationToken, serverTimestamp } = checkpoint;
    const time = serverTimestamp === undefined ? Number.NaN : Date.parse(serverTimestamp);
    this.#cursor = { number, time: Number.isNaN(time) ? undefined : time, metadata: { continuationToken } };
    this.#trail.add(this.#cursor);
    this.#numbersSeen = true;
  }

  /** The last fragment that was handed out. */
  get after(): string | undefined {
    return this.#cursor?.number;
  }

  /** The fragment behind which the next connection begins: the last one, or before there is one, the one that the caller has named. */
  get behind(): string | undefined {
    return (
      this.#cursor?.number ?? (this.#start.type === 'FRAGMENT_NUMBER' ? this.#start.afterFragmentNumber : undefined)
    );
  }

  /** Whether nothing has been handed out, and the caller has named the fragment to begin behind. */
  get startsBehindFragment(): boolean {
    return this.#cursor === undefined && ['FRAGMENT_NUMBER', 'CONTINUATION_TOKEN'].includes(this.#start.type);
  }

  /** Whether reading has begun anew with the oldest fragment, and none has been handed out since. */
  get catchingUp(): boolean {
    return this.#catchingUp;
  }

  /** Whether the service has shown that it knows the last fragment. */
  get confirmed(): boolean {
    return this.#confirmed;
  }

  /**
   * Whether a fragment of this stream has Tags of the service behind its frames: `undefined` before one has had them, `false` where one
   * that was handed out had none.
   */
  get tagsDue(): boolean | undefined {
    return this.#tagsMissed ? false : this.#tokensSeen ? true : undefined;
  }

  /** A fragment without these Tags is handed out, though others have them. */
  missTags(): void {
    this.#tagsMissed = true;
  }

  /** Whether fragments of this stream have had numbers. */
  get numbersSeen(): boolean {
    return this.#numbersSeen;
  }

  /** Where the next connection begins. */
  selector(): StartSelector {
    const cursor = this.#cursor;
    if (this.usesToken) {
      return { StartSelectorType: 'CONTINUATION_TOKEN', ContinuationToken: cursor?.metadata.continuationToken };
    }
    if (cursor !== undefined) return { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: cursor.number };
    // NOW again would begin with a later fragment than the one of which the beginning has come already.
    if (this.#start.type === 'NOW' && this.#heard?.serverTimestamp !== undefined) {
      return { StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: this.#heard.serverTimestamp };
    }
    return startSelector(this.#start);
  }

  /** Whether the next connection begins by a continuation token of the fragment before. */
  get usesToken(): boolean {
    const token = this.#cursor?.metadata.continuationToken;
    return (
      this.#resumeBy === 'CONTINUATION_TOKEN' && !this.#tokensUseless && !this.#tokenRefused && token !== undefined
    );
  }

  /** The service does not take the token: the next connection begins by the fragment's number. */
  refuseToken(): void {
    this.#tokenRefused = true;
  }

  /** Nothing comes by the tokens of this stream. */
  leaveTokens(): void {
    this.#tokensUseless = true;
  }

  /** The service has taken the last fragment for a place to go on from. */
  confirm(): void {
    this.#confirmed = true;
    this.#before = undefined;
  }

  /**
   * The service does not know the last fragment, which nothing has confirmed: the one before it is the last again.
   *
   * @returns whether there is one
   */
  stepBack(): boolean {
    if (this.#confirmed || this.#before === undefined) return false;
    this.#left = this.#cursor?.number;
    this.#cursor = this.#before;
    this.#before = undefined;
    this.#tokenRefused = false;
    this.#trail.returnTo(this.#cursor);
    return true;
  }

  /** The service does not have the last fragment (any more): the next connection begins with the oldest that it has. */
  startOver(): void {
    // The caller has had what it has named.
    if (this.#start.type === 'FRAGMENT_NUMBER' && this.#cursor === undefined) {
      this.#trail.add({ number: this.#start.afterFragmentNumber, time: undefined });
    }
    // A single number proves nothing of the others, least of all that they are old.
    this.#trail.startOver(this.#trail.ascending > 1);
    this.#left = this.behind;
    this.#start = { type: 'EARLIEST' };
    this.#cursor = undefined;
    this.#before = undefined;
    this.#confirmed = false;
    this.#tokenRefused = false;
    this.#catchingUp = true;
  }

  /**
   * An old fragment has come that lies behind the last one: the service has shown where it is, and the next connection begins behind it. It
   * would bring the same again otherwise.
   *
   * @returns whether it does
   */
  pass(metadata: NumberedMetadata): boolean {
    const point = pointOf(metadata);
    const isFurther = this.#cursor === undefined || isAfter(point.number, this.#cursor.number);
    if (!isFurther || point.number === this.#left || !(this.#catchingUp || this.#trail.has(point))) return false;
    this.#before = this.#cursor;
    this.#cursor = { ...point, metadata };
    this.#confirmed = false;
    this.#tokenRefused = false;
    this.#trail.returnTo(this.#cursor);
    return true;
  }

  /** The service gives again and again what seems to lie before the beginning, and nothing else: that is what there is. */
  doubtOrder(): void {
    this.#orderDoubted = true;
    this.#heard = undefined;
    this.#trail.forgetOrder();
  }

  /** A connection has begun to give this fragment. */
  hear(metadata: FragmentMetadata | undefined): void {
    if (this.#start.type !== 'NOW' || this.#cursor !== undefined || this.#heard !== undefined) return;
    if (!isFragmentNumber(metadata?.fragmentNumber) || metadata?.error !== undefined) return;
    this.#heard = metadata;
  }

  /** A connection that began where the first fragment was heard of has given nothing: its time was not to be trusted. */
  forgetHeard(): void {
    this.#heard = undefined;
  }

  /** How a whole fragment stands to what has been handed out. */
  standing(metadata: NumberedMetadata): Standing {
    const point = pointOf(metadata);
    if (this.#trail.has(point) || this.#isLast(metadata)) return 'old';
    const cursor = this.#cursor;
    if (cursor === undefined || this.#catchingUp) {
      if (this.#isBeforeBeginning(metadata, point)) return 'old';
      if (cursor === undefined) return 'new';
    }
    if (isAfter(point.number, cursor.number)) {
      return this.#trail.fits(point, metadata.continuationToken) ? 'new' : 'doubtful';
    }
    const known = this.#confirmed || this.#trail.ascending > 1;
    return known && this.#trail.isBefore(point) ? 'old' : 'behind';
  }

  /** Whether it has been handed out. */
  knows(metadata: NumberedMetadata): boolean {
    return this.#trail.has(pointOf(metadata)) || this.#isLast(metadata);
  }

  /** Whether it lies before all that was handed out. */
  isBeforeAll(metadata: NumberedMetadata): boolean {
    return this.#trail.isBefore(pointOf(metadata));
  }

  /** A fragment is handed out: the next connection begins behind it. */
  take(metadata: NumberedMetadata): void {
    if (metadata.continuationToken !== undefined) this.#tokensSeen = true;
    this.#numbersSeen = true;
    const point = pointOf(metadata);
    this.#trail.add(point, metadata);
    this.#before = this.#cursor;
    this.#cursor = { ...point, metadata };
    this.#confirmed = false;
    this.#tokenRefused = false;
    this.#catchingUp = false;
    this.#left = undefined;
    this.#orderDoubted = false;
    this.#unnumbered.clear();
  }

  /** A fragment without a number is handed out. */
  takeUnnumbered(signature: string): void {
    this.#unnumbered.add(signature);
    if (this.#unnumbered.size <= UNNUMBERED_KNOWN) return;
    const [first] = this.#unnumbered;
    if (first !== undefined) this.#unnumbered.delete(first);
  }

  /** Whether all that has been handed out since reading began, or began anew, has no number. */
  get isUnnumbered(): boolean {
    return this.#cursor === undefined && this.#unnumbered.size > 0;
  }

  /** Whether a fragment without a number has been handed out behind the last one that has a number. */
  knowsUnnumbered(signature: string): boolean {
    return this.#unnumbered.has(signature);
  }

  /** Whether a fragment with nothing behind it is to be believed: when as many readings in a row have given the same. */
  believes(signature: string, readings: number): boolean {
    const before = this.#open;
    const count = before?.signature === signature ? before.count + 1 : 1;
    this.#open = { signature, count };
    return count >= readings;
  }

  /** Whether it is the last fragment, and but for the service's time of one of the two nothing speaks against it: that one is wrong. */
  #isLast({ fragmentNumber, continuationToken, producerTimestamp }: NumberedMetadata): boolean {
    const cursor = this.#cursor;
    if (cursor === undefined || continuationToken === undefined || keyOf(fragmentNumber) !== keyOf(cursor.number))
      return false;
    const { metadata: last } = cursor;
    const [before, now] = [last.producerTimestamp?.getTime(), producerTimestamp?.getTime()];
    const isOfItsTime = before === undefined || now === undefined || before === now;
    return isOfItsTime && continuationToken === last.continuationToken;
  }

  #isBeforeBeginning(metadata: NumberedMetadata, point: TrailPoint): boolean {
    const start = this.#start;
    if (start.type === 'FRAGMENT_NUMBER') {
      const order = compareFragmentNumbers(point.number, start.afterFragmentNumber);
      if (order === 0 || (order < 0 && !this.#orderDoubted)) return true;
    }
    // A service that begins with the token's own fragment gives what the caller has had.
    if (start.type === 'CONTINUATION_TOKEN' && start.continuationToken === metadata.continuationToken) return true;
    const heard = this.#heard?.serverTimestamp?.getTime();
    if (heard !== undefined && point.time !== undefined && point.time < heard) return true;
    // After starting over, by both or not at all: numbers alone may have begun anew.
    return this.#trail.isBeforeByBoth(point);
  }
}

/** Tells a fragment without a number from others: by its frames. */
export function signatureOf(fragment: Fragment): string {
  let hash = 0x811c9dc5;
  let size = 0;
  for (const frame of fragment.frames) {
    for (const part of frame.parts) {
      for (const byte of part) hash = Math.imul(hash ^ byte, 0x01000193);
    }
    hash = Math.imul(hash ^ (frame.timestamp % 2 ** 31), 0x01000193);
    size += frame.size;
  }
  return `${fragment.fragmentNumber ?? ''} ${fragment.frames.length} ${size} ${hash >>> 0}`;
}

function pointOf({ fragmentNumber, serverTimestamp }: NumberedMetadata): TrailPoint {
  return { number: fragmentNumber, time: serverTimestamp?.getTime() };
}

function startSelector(start: StartPosition): StartSelector {
  switch (start.type) {
    case 'FRAGMENT_NUMBER':
      return { StartSelectorType: start.type, AfterFragmentNumber: start.afterFragmentNumber };
    case 'CONTINUATION_TOKEN':
      return { StartSelectorType: start.type, ContinuationToken: start.continuationToken };
    case 'PRODUCER_TIMESTAMP':
    case 'SERVER_TIMESTAMP':
      return { StartSelectorType: start.type, StartTimestamp: start.timestamp };
    default:
      return { StartSelectorType: start.type };
  }
}
