import { setImmediate as immediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/client/clock.js';
import { StartQueue, startTurn, type Turns } from '../../src/client/start-queue.js';
import { FakeClock } from './support/fake-clock.js';

/** Turns of an event loop that the test runs, with a clock that only work makes go on. */
function setUp() {
  let now = 0;
  const ticks: (() => void)[] = [];
  const immediates: (() => void)[] = [];
  const turns: Turns = {
    afterMicrotasks: (callback) => ticks.push(callback),
    nextTurn: (callback) => immediates.push(callback),
  };
  const queue = new StartQueue({ now: () => now, schedule: () => () => {} }, turns);
  const begun: number[] = [];
  /** A call that takes so long to begin. */
  const call = async (index: number, ms: number) => {
    const wait = queue.take();
    if (wait !== undefined) await wait;
    begun.push(index);
    now += ms;
  };
  /** Everything that happens before the next turn. */
  const drain = async () => {
    for (await immediate(); ticks.length > 0; await immediate()) ticks.shift()?.();
  };
  /** The next turn, in which reading takes so long before. */
  const turn = async (readingMs = 0) => {
    now += readingMs;
    for (const callback of immediates.splice(0)) callback();
    await drain();
  };
  return { begun, call, drain, turn, waits: () => queue.take() !== undefined };
}

describe('calls that begin at the same time', () => {
  it('begin one after the other, as many as fit into a turn of the event loop, in order', async () => {
    const { begun, call, drain, turn } = setUp();
    const all = Array.from({ length: 10 }, (_, index) => call(index, 4));
    expect(begun).toEqual([0]);
    await drain();
    expect(begun).toEqual([0, 1, 2]);
    await turn();
    expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
    await turn();
    await turn();
    await Promise.all(all);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('have a part of each turn, however long that takes', async () => {
    const { begun, call, drain, turn } = setUp();
    const all = Array.from({ length: 40 }, (_, index) => call(index, 4));
    await drain();
    expect(begun.length).toBe(3);
    // A turn of 212 ms: the next calls have a quarter of that.
    await turn(200);
    expect(begun.length).toBe(3 + 14);
    let turns = 0;
    for (; begun.length < 40 && turns < 20; turns++) await turn();
    await Promise.all(all);
    // Then there is little to read: four calls, and three in each turn from then on.
    expect(turns).toBe(8);
  });

  it('wait for nothing when they are alone', async () => {
    const { drain, turn, waits } = setUp();
    expect(waits()).toBe(false);
    expect(waits()).toBe(true);
    await drain();
    await turn();
    await turn();
    expect(waits()).toBe(false);
  });

  it('wait for nothing where the runtime has no turns', () => {
    const queue = new StartQueue(systemClock, undefined);
    expect([queue.take(), queue.take()]).toEqual([undefined, undefined]);
  });

  it('let the event loop of Node go on', async () => {
    // A clock that only the work of the calls makes go on.
    let now = 0;
    const clock = { now: () => now, schedule: () => () => {} };
    const begun: number[] = [];
    let turns = 0;
    const call = async () => {
      const wait = startTurn(clock);
      if (wait !== undefined) await wait;
      begun.push(turns);
      now += 3;
    };
    const all = Promise.all(Array.from({ length: 40 }, call));
    for (; begun.length < 40 && turns < 100; turns++) await immediate();
    await all;
    const most = Math.max(...begun.map((turn) => begun.filter((other) => other === turn).length));
    expect(most).toBeLessThanOrEqual(8);
    expect(new Set(begun).size).toBeGreaterThanOrEqual(5);
  });

  it('begin in one turn by a clock that stands still', async () => {
    const clock = new FakeClock();
    let begun = 0;
    const call = async () => {
      const wait = startTurn(clock);
      if (wait !== undefined) await wait;
      begun++;
    };
    const all = Promise.all(Array.from({ length: 1000 }, call));
    await immediate();
    expect(begun).toBe(1000);
    await all;
  });
});
