import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GapEvent } from '../../src/client/events.js';
import { GetMediaConsumer } from '../../src/client/get-media-consumer.js';
import type { StartPosition } from '../../src/client/position.js';
import { FakeClock } from './support/fake-clock.js';
import { FakeService } from './support/fake-service.js';
import { lastOf } from './support/live-consumer.js';
import { identify, renumber, type StoredFragment, seeded, storedStream } from './support/stored-stream.js';

const START = 10n ** 30n;
const EPOCH = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/**
 * How often the same question may bring what was never handed out, before something is handed out or told. The third reading is believed; what
 * has lost its number three times, and then comes with one that is far ahead, is doubted twice more.
 */
const MOST_QUESTIONS = 5;
/** How many connections a consumer may need for a few fragments. */
const MOST_CALLS = 400;

/** What becomes of a stream. */
type Event =
  /** It is deleted and made anew, with numbers from another place on. */
  | { readonly kind: 'remade'; readonly from: bigint; readonly step: bigint; readonly count: number }
  /** Its oldest fragments are kept no longer. */
  | { readonly kind: 'expired'; readonly count: number }
  /** More comes. */
  | { readonly kind: 'produced'; readonly count: number };

/** What is wrong with a fragment as it is sent. */
interface Wrong {
  /** Its place among all that ever are. */
  readonly at: number;
  readonly what: 'no number' | 'larger number' | 'smaller number' | 'no time' | 'later' | 'earlier';
  /** In how many connections. */
  readonly calls: number;
}

const from = fc.constantFrom(1n, START - 1_000_000n, START, START + 3n, START + 1_000_000n, START * 1000n);
const step = fc.constantFrom(1n, 1000n, 10n ** 20n);
const count = fc.integer({ min: 1, max: 6 });
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constant('remade' as const), from, step, count }),
  fc.record({ kind: fc.constant('expired' as const), count }),
  fc.record({ kind: fc.constant('produced' as const), count }),
);
const wrong: fc.Arbitrary<Wrong> = fc.record({
  at: fc.nat(12),
  what: fc.constantFrom('no number', 'larger number', 'smaller number', 'no time', 'later', 'earlier'),
  calls: fc.constantFrom(1, 1, 3, 1000),
});
const start = fc.constantFrom<StartPosition>(
  { type: 'EARLIEST' },
  { type: 'NOW' },
  { type: 'FRAGMENT_NUMBER', afterFragmentNumber: String(START) },
  { type: 'SERVER_TIMESTAMP', timestamp: new Date(EPOCH + 1500) },
  { type: 'SERVER_TIMESTAMP', timestamp: new Date(EPOCH + 99 * HOUR_MS) },
);
const checkpoint = fc.constantFrom(
  undefined,
  undefined,
  { fragmentNumber: String(START + 1n), serverTimestamp: new Date(EPOCH + 1000).toISOString() },
  { fragmentNumber: '77', serverTimestamp: new Date(EPOCH - HOUR_MS).toISOString() },
  { fragmentNumber: '9'.repeat(47) },
  { fragmentNumber: '9'.repeat(47), continuationToken: 'token', serverTimestamp: new Date(EPOCH).toISOString() },
);
const scenario = fc.record({
  first: count,
  events: fc.array(event, { maxLength: 3 }),
  wrongs: fc.array(wrong, { maxLength: 2 }),
  start,
  checkpoint,
  resumeBy: fc.constantFrom('FRAGMENT_NUMBER' as const, 'CONTINUATION_TOKEN' as const),
  strict: fc.boolean(),
  tokenStartsWithOwn: fc.boolean(),
  documents: fc.constantFrom(1, 2, 3, 100),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

/** The streams that there are one after the other, each with what has come to it; all that ever is, in one list. */
function history({ first, events, wrongs }: Scenario) {
  const all: StoredFragment[] = [];
  let numbers = { from: START, step: 1n };
  let made = 0;
  let generation = 0;
  const produce = (more: number) => {
    const begin = made;
    made += more;
    const { from, step } = numbers;
    const fragments = storedStream({
      count: made,
      number: (index) => String(from + BigInt(index) * step),
      epoch: EPOCH + generation * HOUR_MS,
      padding: 1000 * generation,
    }).slice(begin);
    all.push(...fragments);
    return fragments;
  };
  const streams = [produce(first)];
  // What is wrong for ever is not all that a stream ends with.
  for (const each of [...events, { kind: 'produced', count: 3 } as const]) {
    const last = streams.at(-1) ?? [];
    if (each.kind === 'remade') {
      numbers = { from: each.from, step: each.step };
      made = 0;
      generation++;
      streams.push(produce(each.count));
    } else if (each.kind === 'expired') {
      streams.push(last.slice(Math.min(each.count, last.length - 1)));
    } else {
      streams.push([...last, ...produce(each.count)]);
    }
  }
  const alter = (fragment: StoredFragment, call: number): StoredFragment => {
    const at = all.indexOf(fragment);
    if (at >= all.length - 3) return fragment;
    const found = wrongs.find((each) => each.at === at && call < each.calls);
    return found === undefined ? fragment : alteredBy(found.what, fragment);
  };
  return { all, streams, alter };
}

function alteredBy(what: Wrong['what'], fragment: StoredFragment): StoredFragment {
  const number = BigInt(fragment.number);
  const change = (to: string | undefined, time = fragment.receivedAt) =>
    renumber([fragment], [to], () => time)[0] ?? fragment;
  switch (what) {
    case 'no number':
      return change(undefined);
    case 'larger number':
      return change(String(number * 3n));
    case 'smaller number':
      return change(String(number / 3n));
    case 'no time': {
      const bytes = Buffer.from(fragment.bytes);
      const at = bytes.indexOf('SERVER_TIMESTAMP');
      bytes[at] = (bytes[at] ?? 0) ^ 2;
      return { ...fragment, bytes };
    }
    default:
      return change(fragment.number, fragment.receivedAt + (what === 'later' ? 1000 : -1000) * HOUR_MS);
  }
}

/** Tells fragments from each other whatever their numbers say. */
const framesOf = (identity: string) => identity.split(' ').slice(1).join(' ');

/**
 * Runs a consumer until it has handed out the last fragment of all.
 *
 * @returns the questions that have brought, more often than they may, what was neither handed out nor told
 */
async function consume(plan: Scenario): Promise<{ readonly repeated: string[]; readonly ended: string }> {
  const { all, streams, alter } = history(plan);
  const clock = new FakeClock();
  const service = new FakeService(clock, streams[0] ?? []);
  service.strict = plan.strict;
  service.tokenStartsWithOwn = plan.tokenStartsWithOwn;
  service.fault = () => ({ type: 'few', documents: plan.documents });
  const controller = new AbortController();
  const { signal } = controller;
  const handedOut = new Set<string>();
  const questions = new Map<string, Set<number>>();
  const repeated: string[] = [];
  let stage = 0;
  let stageCalls = 0;
  const next = () => {
    stage++;
    stageCalls = 0;
    service.replace(streams[stage] ?? []);
  };
  service.alter = (fragment, call) => {
    // What looks whether there is anything newer is no question for the next fragment.
    const hasBegun = plan.start.type !== 'NOW' || handedOut.size > 0;
    const isLook = hasBegun && service.selectors()[call]?.StartSelectorType === 'NOW';
    const isNamed = [plan.checkpoint?.fragmentNumber, String(START)].includes(fragment.number);
    const isKnown = handedOut.has(framesOf(fragment.identity)) || isNamed;
    if (!isLook && !isKnown) {
      const question = JSON.stringify(service.selectors()[call]);
      const calls = questions.get(question) ?? new Set();
      questions.set(question, calls.add(call));
      if (calls.size > MOST_QUESTIONS) repeated.push(question);
    }
    return alter(fragment, call);
  };
  const fault = service.fault;
  service.fault = (call) => {
    // A stream that brings nothing more goes on.
    if (stage < streams.length - 1 && ++stageCalls > 12) next();
    if (call > MOST_CALLS || repeated.length > 0) controller.abort('stuck');
    return fault(call);
  };
  const consumer = new GetMediaConsumer({
    streamName: 'stream',
    client: service.control,
    createMediaClient: service.createMediaClient,
    start: plan.start,
    resumeBy: plan.resumeBy,
    checkpointStore: { load: () => plan.checkpoint, save: () => {} },
    clock,
    signal,
    random: seeded(3),
    onGap: (_: GapEvent) => questions.clear(),
  });
  const last = framesOf(lastOf(all));
  const work = async () => {
    for await (const fragment of consumer) {
      questions.clear();
      const frames = framesOf(identify(fragment));
      handedOut.add(frames);
      const known = streams[stage] ?? [];
      if (stage < streams.length - 1 && frames === framesOf(lastOf(known))) next();
      if (frames === last) return 'read to the end';
    }
    return 'ended';
  };
  const ended = await clock.run(work()).catch((error: unknown) => String(error));
  return { repeated, ended };
}

/** How a consumer may end that never gets to the last fragment: it was told to begin behind a fragment that there is not. */
const MAY_END = /FRAGMENT_NOT_FOUND|InvalidArgumentException/;

describe('a consumer', () => {
  it('does not ask the same again and again, whatever becomes of the stream', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (plan) => {
        const { repeated, ended } = await consume(plan);
        expect(repeated).toEqual([]);
        if (plan.start.type !== 'FRAGMENT_NUMBER' || !MAY_END.test(ended)) expect(ended).toBe('read to the end');
      }),
      { numRuns: 150 },
    );
  });
});
