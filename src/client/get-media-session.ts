import { shortText } from '../ebml/text.js';
import type { MediaClient } from './access.js';
import { Attempt } from './attempt.js';
import type { Backoff } from './backoff.js';
import type { DataClient } from './data-plane.js';
import { Detour } from './detour.js';
import { fragmentMessage } from './diagnostics.js';
import { Doubts } from './doubts.js';
import { type GapEvent, ListenerError, type ReconnectEvent, tell } from './events.js';
import type { FragmentRetryEvent } from './fragment-list-options.js';
import { isAfter, isFragmentNumber } from './fragment-number.js';
import { FragmentReader, type ReadFragment } from './fragment-reader.js';
import { Handover } from './iteration.js';
import { type Comparison, Likeness } from './likeness.js';
import { type MediaSetup, openMedia, readOn, readOne } from './media-connection.js';
import { type NumberedMetadata, type Position, signatureOf } from './position.js';
import { fromStreamError, KinesisVideoError, toKinesisVideoError } from './service-error.js';

/** How often the service may say that it does not know the last fragment: what was just stored is not known everywhere at once. */
const NOT_FOUND_TRIES = 3;

/** After how many calls in a row that brought nothing the newest fragment is looked at; then after twice as many each time. */
const IDLE_CALLS = 3;

/** How often the newest fragment is seen to be further on, and does not come, before reading goes on with it. */
const NEWER_SEEN = 4;

/** How often in a row a question may bring nothing but what is dropped, and was never handed out. */
const FRUITLESS_CALLS = 2;

/** What a session works with. */
export interface SessionSetup extends MediaSetup {
  readonly position: Position;
  readonly idle: Backoff;
  readonly keepDocuments: boolean;
  readonly reuseBuffers: boolean | 'overwrite';
  readonly onReconnect?: ((event: ReconnectEvent) => void) | undefined;
  readonly onRetry?: ((event: FragmentRetryEvent) => void) | undefined;
  readonly onGap?: ((event: GapEvent) => void) | undefined;
}

/** A fragment to hand out. */
export interface SessionFragment extends ReadFragment {
  /** Whether its number fits those before it, so that a checkpoint may name it. */
  readonly sure: boolean;
}

/** How a connection ended. */
interface ConnectionEnd {
  /** Whether anything came that had not been there before. */
  readonly progress: boolean;
  /** Absent when the service ended the body behind a fragment, or with nothing at all. */
  readonly failure: KinesisVideoError | undefined;
  readonly client: DataClient<MediaClient> | undefined;
  /** Whether it began behind the last fragment. */
  readonly resumed: boolean;
}

/** Why a connection is left: to go on at another place, or to see whether the same comes again. */
type Turn = 'AnotherPlace' | 'DoubtfulNumber' | 'DoubtfulFragment';

/** What is done with a fragment: whether it is handed out, and whether its number is beyond doubt then. */
type Decision = 'hand out' | 'hand out unsure' | 'drop';

/** The fragments of a stream over as many connections as it takes: each once, whole, in order. */
export class GetMediaSession {
  readonly #setup: SessionSetup;
  readonly #detour = new Detour();
  readonly #doubts = new Doubts();
  #likeness = new Likeness();
  readonly #handover = new Handover<SessionFragment>();
  #notFound = 0;
  #idleCalls = 0;
  /** What the open connection has passed over in search of the next fragment. */
  #passed: string | undefined;
  /** What the open connection knows of the fragment that is damaged. */
  #damaged: ReadFragment['fragment']['metadata'];
  /** The connection has done what it was opened for, and the next one is opened at once. */
  #turn = false;
  /** To be told when the next fragment is handed out. */
  #pending: GapEvent | undefined;
  /** Whether the connection has given the fragment without a number behind which reading goes on. */
  #foundAgain = false;
  #progress = false;
  /** The connection has given fragments that were never handed out, and not one that was to be handed out. */
  #onlyDropped = false;
  /** How many connections in a row have done so. */
  #fruitless = 0;
  /** How often the newest fragment was one that does not come behind the last one. */
  #newerSeen = 0;

  constructor(setup: SessionSetup) {
    this.#setup = setup;
  }

  /** Ends by throwing only: the signal's reason, or an error that is final. */
  async *fragments(signal: AbortSignal): AsyncGenerator<Handover<SessionFragment>, undefined> {
    for (;;) {
      const end = yield* this.#connection(signal);
      await this.#between(end, signal);
    }
  }

  async *#connection(signal: AbortSignal): AsyncGenerator<Handover<SessionFragment>, ConnectionEnd> {
    const { position, clock, metrics, readTimeoutMs, diagnostics } = this.#setup;
    const reader = this.#openReader();
    const attempt = new Attempt('GetMedia', clock, readTimeoutMs, signal);
    const detour = this.#detour.selector;
    const resumed = detour === undefined && position.after !== undefined;
    this.#progress = false;
    this.#turn = false;
    this.#foundAgain = false;
    this.#onlyDropped = false;
    this.#doubts.begin();
    this.#damaged = undefined;
    let client: DataClient<MediaClient> | undefined;
    let failure: KinesisVideoError | undefined;
    let requestId: string | undefined;
    try {
      client = await this.#setup.plane.acquire(attempt, signal);
      requestId = await openMedia(this.#setup, attempt, client, detour ?? position.selector(), signal);
      while (!reader.ended) {
        await readOn(metrics, attempt, reader);
        while (this.#takeNext(reader, requestId)) yield this.#handover;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ListenerError) throw error.thrown;
      failure = toKinesisVideoError('GetMedia', error);
      // Outside of media, what the reader is in says nothing.
      if (failure.kind === 'media' && !this.#turn) this.#meetDamage(failure, reader);
    } finally {
      if (!this.#detour.searching) position.hear(reader.current);
      if (metrics.connected) {
        const error = failure;
        const id = requestId;
        diagnostics.publish<'connection'>('connection', () => ({
          state: 'closed',
          operation: 'GetMedia',
          requestId: id,
          error,
        }));
      }
      metrics.connected = false;
      await attempt.close();
      reader.close();
    }
    return { progress: this.#progress, failure, client, resumed };
  }

  /** Makes the next fragment of what has been read ready to be handed out; `false` where there is none. */
  #takeNext(reader: FragmentReader, requestId: string | undefined): boolean {
    for (let read = reader.next(); read !== undefined; read = reader.next()) {
      // Whatever else it is read again for, each reading counts.
      const comparison = this.#compare(read);
      const decision = this.#decide(read, reader, requestId);
      if (decision === 'drop') {
        read.memory?.release();
        continue;
      }
      if (comparison !== undefined) this.#settle(read, comparison, requestId);
      this.#advance(read);
      this.#handover.put({ ...read, sure: decision === 'hand out' });
      return true;
    }
    return false;
  }

  #openReader(): FragmentReader {
    const { verifyCrc, keepDocuments, maxFragmentSize, reuseBuffers, position } = this.#setup;
    this.#passed = undefined;
    const expectTrailingTags = position.tagsDue;
    const options = { verifyCrc, keepDocuments, maxFragmentSize, reuseBuffers, expectTrailingTags };
    if (!this.#detour.searching) return new FragmentReader(options);
    this.#detour.search();
    const recover = (reason: string) => {
      this.#passed ??= reason;
    };
    return new FragmentReader({ ...options, recover });
  }

  /**
   * What is done with what was read.
   *
   * @throws KinesisVideoError when the connection is of no more use
   */
  #decide({ fragment, state, sized }: ReadFragment, reader: FragmentReader, requestId: string | undefined): Decision {
    const { position, metrics } = this.#setup;
    const { metadata, fragmentNumber: number } = fragment;
    // Behind damage, nothing is what it says; it only tells where to look.
    if (this.#passed !== undefined) {
      // Behind a fragment that was handed out, damage is met for the first time, and read again like any other.
      if (!this.#detour.searching) throw damage(this.#passed, requestId);
      return state === 'whole' ? this.#find(metadata, requestId) : 'drop';
    }
    if (metadata?.error !== undefined) throw fromStreamError(metadata.error, requestId);
    if (state === 'cut') {
      if (!reader.ended) return this.#decideDamaged('a fragment is not whole', metadata, requestId);
      metrics.truncated++;
      throw cut(number, requestId);
    }
    if (!isNumbered(metadata)) return this.#decideUnnumbered(fragment, state, reader, requestId);
    const isSettled = state === 'whole' || position.standing(metadata) === 'old';
    if (!isSettled && !position.believes(signatureOf(fragment), readingsOf(state, sized, reader.ended))) {
      const reason = `fragment ${number} has no Tags behind its frames`;
      if (!reader.ended) throw this.#turnAway(reason, requestId, 'DoubtfulFragment');
      metrics.truncated++;
      throw cut(number, requestId);
    }
    const decision = this.#decideNumbered(metadata, requestId);
    if (decision !== 'drop' && state === 'bare') {
      position.missTags();
      if (reader.ended && !sized) this.#noteBare(metadata);
    }
    return decision;
  }

  /** Compares what has come with what was handed out. */
  #compare(read: ReadFragment): Comparison | undefined {
    if (this.#passed !== undefined || read.state === 'cut' || read.fragment.error !== undefined) return undefined;
    return this.#likeness.compare(read);
  }

  /**
   * A fragment is to be handed out.
   *
   * @throws KinesisVideoError when it is read again, because it is not like those before it
   */
  #settle(read: ReadFragment, { verdict, reason }: Comparison, requestId: string | undefined): void {
    if (verdict === 'again') throw this.#turnAway(reason, requestId, 'DoubtfulFragment');
    if (verdict === 'unsettled') {
      const number = read.fragment.fragmentNumber;
      this.#pending ??= this.#doubtful(number, number, `${reason}, and comes otherwise each time`);
    }
    this.#likeness.take(read);
  }

  /** A fragment was, or is about to be, handed out that may be wrong. */
  #doubtful(number: string | undefined, before: string | undefined, reason: string): GapEvent {
    return {
      kind: 'damaged',
      afterFragmentNumber: this.#setup.position.after,
      beforeFragmentNumber: before,
      fragmentNumbers: number === undefined ? [] : [number],
      reason,
    };
  }

  #decideNumbered(metadata: NumberedMetadata, requestId: string | undefined): Decision {
    const { position, metrics } = this.#setup;
    const number = metadata.fragmentNumber;
    const standing = position.standing(metadata);
    if (standing === 'old') {
      metrics.duplicates++;
      // The last fragment comes behind those that seemed to be behind it: they were there before.
      if (number === position.after) this.#doubts.meetLast();
      if (!position.knows(metadata)) this.#onlyDropped = true;
      if (position.pass(metadata)) this.#idleCalls = 0;
      return 'drop';
    }
    const { target } = this.#detour;
    if (target !== undefined && standing !== 'behind') {
      if (number === target) return 'hand out';
      this.#detour.reject();
      throw this.#turnAway(`fragment ${number} came where ${target} was looked for`, requestId);
    }
    switch (standing) {
      case 'new':
        this.#noteLate(metadata);
        return 'hand out';
      case 'doubtful':
        if (this.#doubts.isBelieved(number)) return 'hand out unsure';
        throw this.#turnAway(`fragment ${number} is far ahead of ${position.after}`, requestId, 'DoubtfulNumber');
      default:
        return this.#decideBehind(metadata, requestId);
    }
  }

  /** A number that is not larger than the last: the service is asked again what is behind the last one. */
  #decideBehind(metadata: NumberedMetadata, requestId: string | undefined): Decision {
    const { position } = this.#setup;
    const number = metadata.fragmentNumber;
    if (this.#detour.selector !== undefined) {
      this.#onlyDropped = true;
      return 'drop';
    }
    switch (this.#doubts.ask(metadata)) {
      case 'believe':
        this.#doubts.settle();
        this.#pending = renumbered(position.after, number, `fragment ${number} came behind ${position.after}`);
        return 'hand out';
      case 'wait':
        return 'drop';
      default:
        throw this.#turnAway(`fragment ${number} came behind ${position.after}`, requestId);
    }
  }

  /** A fragment without a number, or with one that is none. */
  #decideUnnumbered(
    fragment: ReadFragment['fragment'],
    state: ReadFragment['state'],
    reader: FragmentReader,
    requestId: string | undefined,
  ): Decision {
    const { position, metrics } = this.#setup;
    const number = fragment.fragmentNumber;
    if (fragment.frames.length === 0 && number === undefined) return 'drop';
    const signature = signatureOf(fragment);
    if (position.knowsUnnumbered(signature)) {
      this.#foundAgain = true;
      metrics.duplicates++;
      return 'drop';
    }
    // Where others have numbers, or it has the service's other Tags, one without may have lost it on the way.
    const tagged = fragment.serverTimestamp ?? fragment.continuationToken ?? fragment.millisBehindNow;
    const due = position.numbersSeen || number !== undefined || state === 'bare' || tagged !== undefined;
    const readings = due ? 3 : state === 'whole' ? 1 : 2;
    if (!position.believes(signature, readings)) {
      if (!reader.ended || state === 'whole') {
        const reason = number === undefined ? 'no fragment number' : `no fragment number: ${printed(number)}`;
        throw this.#turnAway(reason, requestId, 'DoubtfulFragment');
      }
      metrics.truncated++;
      throw cut(undefined, requestId);
    }
    return 'hand out';
  }

  /** Nothing tells a fragment whose Cluster has no size, and that has nothing behind it, from one that is cut between two frames. */
  #noteBare({ fragmentNumber }: NumberedMetadata): void {
    this.#pending = {
      kind: 'damaged',
      afterFragmentNumber: this.#setup.position.after,
      beforeFragmentNumber: fragmentNumber,
      fragmentNumbers: [],
      reason: `fragment ${fragmentNumber} has no Tags behind its frames, as others have: it may not be whole`,
    };
  }

  /** A search goes on behind damage; any other connection ends with it. */
  #decideDamaged(
    reason: string,
    metadata: ReadFragment['fragment']['metadata'],
    requestId: string | undefined,
  ): Decision {
    if (!this.#detour.searching) {
      this.#damaged = metadata;
      throw damage(reason, requestId);
    }
    this.#passed = reason;
    return 'drop';
  }

  /** A search has come upon a fragment. */
  #find(metadata: ReadFragment['fragment']['metadata'], requestId: string | undefined): Decision {
    const { position } = this.#setup;
    if (!isNumbered(metadata) || metadata.error !== undefined) return 'drop';
    const standing = position.standing(metadata);
    if (standing !== 'new' && standing !== 'doubtful') return 'drop';
    if (!this.#detour.find(metadata)) return 'drop';
    throw this.#turnAway(`passes over damage: ${this.#passed}`, requestId);
  }

  /** The connection is of no more use, and it is known what the next one is for. */
  #turnAway(reason: string, requestId: string | undefined, code: Turn = 'AnotherPlace'): KinesisVideoError {
    this.#turn = true;
    return new KinesisVideoError('GetMedia', {
      code,
      kind: 'media',
      text: reason,
      requestId,
    });
  }

  #meetDamage(failure: KinesisVideoError, reader: FragmentReader): void {
    const { position } = this.#setup;
    const current = this.#damaged ?? reader.current;
    const known = isNumbered(current) && current.error === undefined ? current : undefined;
    const isNew = known !== undefined && ['new', 'doubtful'].includes(position.standing(known));
    this.#detour.meet(failure.message, isNew ? known : undefined, position.after);
  }

  /** A fragment comes behind the last one, so the service knows that; what seemed to be behind it was late. */
  #noteLate(next: NumberedMetadata): void {
    const { position } = this.#setup;
    const late = this.#doubts.late
      .filter((metadata) => !position.isBeforeAll(metadata) && !isSame(metadata, next))
      .map(({ fragmentNumber }) => fragmentNumber);
    this.#doubts.settle();
    if (late.length === 0) return;
    this.#pending = {
      kind: 'late',
      afterFragmentNumber: position.after,
      beforeFragmentNumber: next.fragmentNumber,
      fragmentNumbers: late,
      reason: `they came behind ${position.after}`,
    };
  }

  /** A fragment is about to be handed out. */
  #advance({ fragment }: ReadFragment): void {
    const { metrics, recovery, idle, position, diagnostics } = this.#setup;
    const { metadata } = fragment;
    const gap = this.#detour.arrive(fragment.fragmentNumber);
    const pending = this.#pending;
    this.#pending = undefined;
    this.#notFound = 0;
    this.#idleCalls = 0;
    this.#fruitless = 0;
    this.#newerSeen = 0;
    this.#progress = true;
    this.#doubts.settle();
    const lost = this.#loseUnnumbered(metadata?.fragmentNumber);
    if (isNumbered(metadata)) position.take(metadata);
    else position.takeUnnumbered(signatureOf(fragment));
    this.#foundAgain = true;
    recovery.progressed();
    idle.reset();
    for (const each of [pending, gap, lost]) if (each !== undefined) this.#tell(each);
    metrics.handOut(fragment);
    diagnostics.publish('fragment', () => fragmentMessage(fragment));
  }

  /** Where no number tells where reading goes on, what was handed out last has to come again: else there may be more that is gone. */
  #loseUnnumbered(beforeFragmentNumber: string | undefined): GapEvent | undefined {
    if (this.#foundAgain || !this.#setup.position.isUnnumbered) return undefined;
    return {
      kind: 'expired',
      afterFragmentNumber: undefined,
      beforeFragmentNumber,
      fragmentNumbers: [],
      reason: 'the fragment that was handed out last has no number, and did not come again',
    };
  }

  #tell(gap: GapEvent): void {
    this.#setup.metrics.gaps++;
    this.#setup.diagnostics.publish('gap', () => gap);
    tell(this.#setup.onGap, gap);
  }

  /** Decides what follows a connection, and waits as long as it takes. */
  async #between({ progress, failure, client, resumed }: ConnectionEnd, signal: AbortSignal): Promise<void> {
    const { recovery, idle, metrics, position } = this.#setup;
    if (progress) {
      recovery.progressed();
      idle.reset();
    } else if (!this.#turn) {
      this.#leaveFruitless();
    }
    if (failure === undefined) {
      recovery.progressed();
      if (resumed || progress) this.#endInOrder(resumed && !progress);
      if (progress) metrics.reconnects++;
      else await this.#pollNewest(signal);
      return this.#pause(progress ? 'ended' : 'idle', undefined, progress ? 0 : idle.next(), signal);
    }
    metrics.reconnects++;
    await this.#lookBack(signal);
    const atOnce = this.#turn && failure.code === 'AnotherPlace';
    const next = atOnce ? 'at once' : this.#tryAnotherPlace(failure, position);
    const kind = next === 'again' ? 'position' : failure.kind;
    const delayMs = next === 'at once' ? 0 : await recovery.assess(failure, client, signal, kind);
    return this.#pause(failure.kind, failure, delayMs, signal);
  }

  /**
   * A connection has ended, and all that it gave was dropped though it was never handed out. The same question would bring the same again: the
   * second time, what it was dropped for is not believed any more.
   */
  #leaveFruitless(): void {
    const { position } = this.#setup;
    if (!this.#onlyDropped || ++this.#fruitless < FRUITLESS_CALLS) return;
    this.#fruitless = 0;
    if (this.#detour.selector !== undefined) {
      this.#detour.reject();
      return;
    }
    position.doubtOrder();
    this.#pending ??= renumbered(position.after, undefined, 'only fragments from before the beginning come');
  }

  /** A body has ended in good order. */
  #endInOrder(empty: boolean): void {
    if (!empty) return;
    // Only what is behind the last fragment was to come, and something else has.
    if (!this.#doubts.endAnswer()) this.#setup.position.confirm();
  }

  /**
   * Counts a call that brought nothing. A silent producer looks like a place that the stream does not have, so after some of them the newest
   * fragment is looked at: where its number is smaller than the last one's, that one is not of this stream.
   */
  async #pollNewest(signal: AbortSignal): Promise<void> {
    const { metrics, position } = this.#setup;
    metrics.idlePolls++;
    this.#idleCalls++;
    if (this.#detour.searching) this.#detour.endSearch();
    const due = this.#idleCalls >= IDLE_CALLS && Number.isInteger(Math.log2(this.#idleCalls / IDLE_CALLS));
    if (!due) return;
    const after = this.#detour.number ?? position.behind;
    if (this.#detour.target !== undefined) {
      this.#detour.reject();
      return;
    }
    if (after === undefined && !position.isUnnumbered && !position.catchingUp) {
      position.forgetHeard();
      return;
    }
    const newest = await this.#readNewest(signal);
    if (newest === undefined) return;
    const { metadata, state } = newest;
    if (metadata.fragmentNumber === this.#detour.number) {
      this.#detour.takeBack();
      return;
    }
    if (state !== 'whole' || position.knows(metadata)) return;
    if (after === undefined || isAfter(metadata.fragmentNumber, after)) {
      this.#seeNewer(metadata, after);
      return;
    }
    if (!isAfter(after, metadata.fragmentNumber)) return;
    if (this.#detour.number !== undefined) this.#detour.reject();
    else this.#leave(`the newest fragment is ${metadata.fragmentNumber}`, 'renumbered');
  }

  /** There is more than what the calls bring that ask for what is behind the last fragment. */
  #seeNewer(newest: NumberedMetadata, after: string | undefined): void {
    const { position } = this.#setup;
    if (this.#detour.number === undefined && position.usesToken) {
      position.leaveTokens();
      return;
    }
    // A service may send little at a time, and what has just come may not be known everywhere at once.
    if (++this.#newerSeen < NEWER_SEEN) return;
    this.#newerSeen = 0;
    const place = after === undefined ? 'what was handed out' : `fragment ${after}`;
    this.#detour.jump(`nothing comes behind ${place}, and the newest is ${newest.fragmentNumber}`, newest, after);
  }

  /**
   * The second fragment is not like the first, which has been handed out: whether that comes again as it was shows which of the two is
   * wrong.
   */
  async #lookBack(signal: AbortSignal): Promise<void> {
    const suspect = this.#likeness.takeSuspect();
    const time = suspect?.serverTimestamp;
    if (suspect === undefined || time === undefined) return;
    const number = suspect.fragmentNumber;
    const again = await readOne(
      this.#setup,
      { StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: time },
      ({ fragment }) => fragment.fragmentNumber === number,
      signal,
    );
    if (again === undefined || this.#likeness.isAsTaken(again)) return;
    this.#likeness = new Likeness();
    this.#likeness.take(again);
    this.#report(
      this.#doubtful(
        number,
        undefined,
        `fragment ${number} comes otherwise again: its times or tracks may have been wrong`,
      ),
    );
  }

  /** The newest fragment, where it can be had undamaged. */
  async #readNewest(
    signal: AbortSignal,
  ): Promise<{ readonly metadata: NumberedMetadata; readonly state: ReadFragment['state'] } | undefined> {
    const newest = await readOne(this.#setup, { StartSelectorType: 'NOW' }, () => true, signal);
    const metadata = newest?.fragment.metadata;
    return newest !== undefined && isNumbered(metadata) ? { metadata, state: newest.state } : undefined;
  }

  /**
   * Finds another way to say where to go on when the service does not understand the one it was given.
   *
   * @returns `at once` where there is one, `again` where the same place is tried again; `undefined` where it is another kind of failure
   * @throws KinesisVideoError the failure, when there is no other way
   */
  #tryAnotherPlace(failure: KinesisVideoError, position: Position): 'at once' | 'again' | undefined {
    const unknownPlace = failure.kind === 'position';
    const refused = failure.operation === 'GetMedia' && failure.code === 'InvalidArgumentException';
    if (!unknownPlace && !refused) return undefined;
    const onDetour = this.#detour.selector !== undefined;
    if (!onDetour && position.usesToken) {
      position.refuseToken();
      return 'at once';
    }
    const { after } = position;
    if (!onDetour && after === undefined) {
      // A fragment that the caller has named is not there; other beginnings name none.
      if (unknownPlace && position.startsBehindFragment) throw failure;
      return undefined;
    }
    // A number that the service has taken before is no wrong argument now.
    if (!onDetour && refused && position.confirmed) return undefined;
    if (++this.#notFound < NOT_FOUND_TRIES) return 'again';
    this.#notFound = 0;
    if (onDetour) this.#detour.reject();
    else this.#leave(failure.message, 'expired');
    return 'at once';
  }

  /** The last fragment is none of the stream's (any more). */
  #leave(reason: string, kind: 'expired' | 'renumbered'): void {
    const { position } = this.#setup;
    const after = position.behind;
    this.#doubts.settle();
    if (position.stepBack()) {
      this.#pending = renumbered(after, undefined, reason);
      return;
    }
    position.startOver();
    this.#pending = undefined;
    const gap: GapEvent = {
      kind,
      afterFragmentNumber: after,
      beforeFragmentNumber: undefined,
      fragmentNumbers: [],
      reason,
    };
    this.#likeness = new Likeness();
    this.#report(gap);
  }

  /** Tells a gap between two connections: what the listener throws is not taken for a failure of one. */
  #report(gap: GapEvent): void {
    this.#setup.metrics.gaps++;
    this.#setup.diagnostics.publish('gap', () => gap);
    this.#setup.onGap?.(gap);
  }

  async #pause(
    reason: ReconnectEvent['reason'],
    error: KinesisVideoError | undefined,
    delayMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { onReconnect, onRetry, position, recovery, diagnostics } = this.#setup;
    if (error !== undefined) {
      diagnostics.publish('retry', () => ({ reason, error, delayMs }));
      onRetry?.({ error, fragmentNumbers: [], delayMs });
    }
    onReconnect?.({ reason, error, delayMs, afterFragmentNumber: position.after });
    await recovery.pause(delayMs, signal);
  }
}

function isNumbered(metadata: ReadFragment['fragment']['metadata']): metadata is NumberedMetadata {
  return isFragmentNumber(metadata?.fragmentNumber);
}

/** Whether two fragments are one, once with a wrong number. */
function isSame(a: NumberedMetadata, b: NumberedMetadata): boolean {
  const time = a.serverTimestamp?.getTime();
  return time !== undefined && time === b.serverTimestamp?.getTime();
}

function renumbered(after: string | undefined, before: string | undefined, reason: string): GapEvent {
  return {
    kind: 'renumbered',
    afterFragmentNumber: after,
    beforeFragmentNumber: before,
    fragmentNumbers: [],
    reason,
  };
}

/** How often a fragment has to come the same to be believed, with nothing behind its frames that says that it is whole. */
function readingsOf(state: ReadFragment['state'], sized: boolean, isLast: boolean): number {
  if (state !== 'bare') return 2;
  if (!isLast) return 3;
  return sized ? 2 : 4;
}

function printed(text: string): string {
  return JSON.stringify(shortText(text));
}

function cut(number: string | undefined, requestId: string | undefined): KinesisVideoError {
  return new KinesisVideoError('GetMedia', {
    code: 'ConnectionCut',
    kind: 'connection',
    text: `the body ended within ${number === undefined ? 'a fragment' : `fragment ${number}`}`,
    requestId,
  });
}

function damage(reason: string, requestId: string | undefined): KinesisVideoError {
  return new KinesisVideoError('GetMedia', { code: 'DamagedMedia', kind: 'media', text: reason, requestId });
}
