import { describe, expect, it } from 'vitest';
import { runLiveSession } from '../../fuzz/consumers/live-session.js';
import { FakeService } from '../../fuzz/consumers/service.js';
import type { Run } from '../../fuzz/consumers/session.js';
import { runStoredSession } from '../../fuzz/consumers/stored-session.js';

/** The same seeds each time: what fails here is to be seen again by its number. */
const SESSIONS = Array.from({ length: 100 }, (_, i) => 9_000_000 + i);
const AT_ONCE = 12;

describe('consumers against a service of another kind', () => {
  it('give each fragment once, in order, or tell that it is missing', async () => {
    const service = new FakeService();
    await service.start();
    const tally = { sessions: 0, fragments: 0, missing: 0, faults: 0, calls: 0, consumers: 0 };
    const run: Run = { tally, trace: () => {} };
    const failures: string[] = [];
    const onRejection = (error: unknown) => failures.push(`nobody caught ${String(error)}`);
    process.on('unhandledRejection', onRejection);
    try {
      const left = [...SESSIONS];
      const work = async () => {
        for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
          try {
            await (seed % 3 === 2 ? runStoredSession : runLiveSession)(service, seed, run);
          } catch (error) {
            failures.push(`session ${seed}: ${String(error)}`);
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    } finally {
      process.off('unhandledRejection', onRejection);
      await service.close();
    }
    expect(failures).toEqual([]);
    expect(tally.sessions).toBe(SESSIONS.length);
    expect(tally.fragments).toBeGreaterThan(SESSIONS.length * 10);
    expect(tally.faults).toBeGreaterThan(SESSIONS.length * 3);
  }, 300_000);
});
