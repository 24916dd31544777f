import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensure, Finding } from '../finding.js';
import { Choices } from '../input.js';
import type { StreamShape } from './camera.js';
import { recordStream, someShape } from './camera.js';
import { FastClock } from './clock.js';
import { Ledger } from './ledger.js';
import type { FakeService } from './service.js';
import { FakeStream } from './stream.js';

/** What sessions have come to; each adds its own. */
export interface Tally {
  sessions: number;
  fragments: number;
  /** Fragments that were not handed out, which was told. */
  missing: number;
  faults: number;
  calls: number;
  /** How often a consumer was made. */
  consumers: number;
}

/** What all sessions share. */
export interface Run {
  readonly tally: Tally;
  /** Is told what happens in a session. */
  readonly trace: (text: string) => void;
}

/** All that a session works with. */
export interface SessionParts {
  readonly c: Choices;
  readonly stream: FakeStream;
  readonly ledger: Ledger;
  readonly clock: FastClock;
  /** The control plane's URL. */
  readonly endpoint: string;
  readonly signal: AbortSignal;
  readonly shape: StreamShape;
}

/** For how long a session may make no call before it counts as stuck, by the clock of its consumers, in milliseconds. */
const STUCK_MS = 600_000;

/** How many calls may be made with nothing going wrong any more before all is there. */
const CLEAN_CALLS = 600;

/**
 * Runs consumers of one stream until they have handed out all of it.
 *
 * @param seed decides the stream, the faults and the restarts
 * @param consume makes consumers until the ledger is complete
 * @throws Finding when something was lost, forged, given twice or left behind; what consumers throw that they never should
 */
export async function runSession(
  service: FakeService,
  seed: number,
  kind: 'live' | 'stored',
  { tally, trace }: Run,
  consume: (parts: SessionParts) => Promise<void>,
): Promise<void> {
  const c = new Choices(seed);
  const shape = someShape(c);
  const count = c.pick([1, 5, 20, 40]) + c.below(12);
  const fragments = recordStream(c, shape, count, { numbersFrom: 1000, secondsFrom: 0 });
  const remade =
    kind === 'live' && c.oneIn(6)
      ? recordStream(c, shape, 1 + c.below(10), { numbersFrom: 1, secondsFrom: 1000 })
      : undefined;
  const faults = c.pick([0, 3, 8, 15]);
  const skewMs = c.oneIn(6) ? c.pick([-1, 1]) * (6 + c.below(100)) * 60_000 : 0;
  const stream = new FakeStream({ shape, fragments, remade, faults, skewMs, tokenInclusive: c.oneIn(4), trace }, c);
  const name = `s${seed}`;
  const endpoint = service.add(name, stream);
  stream.url = endpoint;
  const ledger = new Ledger([...fragments, ...(remade ?? [])], stream, trace);
  const clock = new FastClock();
  const controller = new AbortController();
  const { signal } = controller;
  let calls = 0;
  let since = clock.now();
  const watch = setInterval(() => {
    if (stream.counts.cleanCalls > CLEAN_CALLS) controller.abort(new Stuck('calls without a fault'));
    const now = clock.now();
    if (stream.counts.calls !== calls) since = now;
    calls = stream.counts.calls;
    if (now - since > STUCK_MS) controller.abort(new Stuck('seconds without a call'));
  }, 50);
  try {
    await orStuck(consume({ c, stream, ledger, clock, endpoint, signal, shape }), signal);
    await ensureNothingLeft(service, name, clock, signal);
  } finally {
    tally.sessions++;
    tally.fragments += ledger.handedOut;
    tally.missing += ledger.missing;
    tally.faults += stream.counts.faults;
    tally.calls += stream.counts.calls;
    tally.consumers += ledger.consumers;
    clearInterval(watch);
    service.remove(name);
  }
}

/** Waits for a session; one that goes on when its signal has been aborted is left alone after a while. */
function orStuck(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => {
      setTimeout(
        () => reject(new Finding('the signal does not end the iteration', { cause: signal.reason })),
        5000,
      ).unref();
    });
    work.then(resolve, reject);
  });
}

class Stuck extends Error {
  override name = 'Stuck';

  constructor(what: string) {
    super(`the end is not reached after many ${what}`);
  }
}

/** No connection, timer or listener is left when the iteration is over; connections take a moment to close. */
async function ensureNothingLeft(service: FakeService, name: string, clock: FastClock, signal: AbortSignal) {
  // One listener is the session's own.
  const listeners = getEventListeners(signal, 'abort').length - 1;
  ensure(listeners === 0, () => `<${listeners}> listeners are left on the signal`);
  for (let waits = 0; waits < 3000 && (service.connections(name) > 0 || clock.timers > 0); waits++) await sleep(10);
  const connections = service.connections(name);
  ensure(connections === 0, () => `<${connections}> connections are left`);
  ensure(clock.timers === 0, () => `<${clock.timers}> timers are left`);
}
