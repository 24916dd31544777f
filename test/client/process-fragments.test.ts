import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, GetMediaConsumer, type ProcessMetrics, processFragments } from '../../src/client/index.js';
import { type Fragment, readFragments } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { fragmentInput, numberOf } from '../support/kvs-documents.js';
import { sdkConfig, startWith } from './support/local.js';

/** So many fragments, as a source that counts how many were taken. */
function source(count: number) {
  const taken: string[] = [];
  const state = { taken, closed: false };
  async function* fragments(): AsyncGenerator<Fragment, undefined> {
    try {
      for (let index = 0; index < count; index++) {
        for await (const fragment of readFragments(writeGetMediaFragment(fragmentInput(index)))) {
          taken.push(fragment.fragmentNumber ?? '');
          yield fragment;
        }
      }
      return undefined;
    } finally {
      state.closed = true;
    }
  }
  return { fragments: fragments(), state };
}

/** A store that remembers all that was saved. */
function store() {
  const saved: string[] = [];
  return { saved, save: ({ fragmentNumber }: Checkpoint) => void saved.push(fragmentNumber) };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = (count: number) => Array.from({ length: count }, (_, index) => numberOf(index));

describe('processFragments', () => {
  it('has so many handlers at once at the most, and moves the checkpoint in order, never past unfinished work', async () => {
    const { saved, save } = store();
    const done = new Set<string>();
    let running = 0;
    let most = 0;
    const checkpointStore = {
      save(checkpoint: Checkpoint) {
        const behind = numbers(9).slice(0, numbers(9).indexOf(checkpoint.fragmentNumber) + 1);
        expect(behind.every((number) => done.has(number))).toBe(true);
        save(checkpoint);
      },
    };
    const metrics = await processFragments(
      source(9).fragments,
      async ({ fragmentNumber = '' }) => {
        most = Math.max(most, ++running);
        // The first of each three takes longest.
        await pause(numbers(9).indexOf(fragmentNumber) % 3 === 0 ? 40 : 5);
        done.add(fragmentNumber);
        running--;
      },
      { concurrency: 3, checkpointStore },
    );
    expect(most).toBe(3);
    expect(saved.at(-1)).toBe(numberOf(8));
    expect(saved).toEqual([...saved].sort());
    expect(metrics).toMatchObject({ processed: 9, skipped: 0, retries: 0, running: 0, queued: 0 });
    expect(metrics.checkpoint?.fragmentNumber).toBe(numberOf(8));
  });

  it('reads no further ahead than it may', async () => {
    const { fragments, state } = source(20);
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const run = processFragments(fragments, () => gate, { concurrency: 2, maxQueued: 3 });
    await pause(50);
    expect(state.taken).toHaveLength(5);
    release();
    expect((await run).processed).toBe(20);
  });

  it('tries again, and then ends with the error, with all before it saved', async () => {
    const { saved, save } = store();
    const tries: number[] = [];
    const { fragments, state } = source(9);
    const run = processFragments(
      fragments,
      ({ fragmentNumber }, { attempt }) => {
        if (fragmentNumber !== numberOf(4)) return;
        tries.push(attempt);
        throw new Error('no use');
      },
      { retries: 2, baseDelayMs: 1, checkpointStore: { save } },
    );
    await expect(run).rejects.toThrow('no use');
    expect(tries).toEqual([1, 2, 3]);
    expect(saved.at(-1)).toBe(numberOf(3));
    expect(state.closed).toBe(true);
  });

  it('passes over what cannot be dealt with, where that is asked for', async () => {
    const failed: string[] = [];
    const metrics = await processFragments(
      source(5).fragments,
      ({ fragmentNumber }) => {
        if (fragmentNumber === numberOf(2)) throw new Error('no use');
      },
      {
        retries: 0,
        onFailure(error, { fragmentNumber = '' }) {
          failed.push(`${fragmentNumber} ${error instanceof Error ? error.message : error}`);
          return 'skip';
        },
      },
    );
    expect(failed).toEqual([`${numberOf(2)} no use`]);
    expect(metrics).toMatchObject({ processed: 4, skipped: 1 });
    expect(metrics.checkpoint?.fragmentNumber).toBe(numberOf(4));
  });

  it('ends a handler that hangs by its timeout, and tries again', async () => {
    const reasons: unknown[] = [];
    const metrics = await processFragments(
      source(3).fragments,
      ({ fragmentNumber }, { attempt, signal }) => {
        if (fragmentNumber !== numberOf(1) || attempt > 1) return undefined;
        signal.addEventListener('abort', () => reasons.push(signal.reason));
        return new Promise(() => {});
      },
      { timeoutMs: 30, baseDelayMs: 1 },
    );
    expect(metrics).toMatchObject({ processed: 3, retries: 1 });
    expect(reasons).toEqual([expect.objectContaining({ name: 'TimeoutError' })]);
  });

  it('ends at once when its signal is aborted, also while handlers hang', async () => {
    const abort = new AbortController();
    const { saved, save } = store();
    const { fragments, state } = source(9);
    const signals: AbortSignal[] = [];
    const run = processFragments(
      fragments,
      ({ fragmentNumber }, { signal }) => {
        signals.push(signal);
        return fragmentNumber === numberOf(0) ? undefined : new Promise(() => {});
      },
      { concurrency: 3, signal: abort.signal, checkpointStore: { save } },
    );
    setTimeout(() => abort.abort(new Error('enough')), 30);
    await expect(run).rejects.toThrow('enough');
    expect(saved).toEqual([numberOf(0)]);
    expect(state.closed).toBe(true);
    expect(signals.slice(1).every(({ aborted }) => aborted)).toBe(true);
  });

  it('ends with what a store throws', async () => {
    const save = () => {
      throw new Error('the table is gone');
    };
    await expect(processFragments(source(3).fragments, () => {}, { checkpointStore: { save } })).rejects.toThrow(
      'the table is gone',
    );
  });

  it('tells how far it is, and how late', async () => {
    const told: ProcessMetrics[] = [];
    // Of the first fragment by the documents' own times.
    const server = 1_600_000_000_013;
    await processFragments(source(2).fragments, () => {}, {
      now: () => server + 2000,
      onProgress: (metrics) => told.push(metrics),
    });
    expect(told.map(({ processed, ingestToProcessLatencyMs }) => [processed, ingestToProcessLatencyMs])).toEqual([
      [1, 2000],
      [2, 0],
    ]);
  });

  it.each([{ concurrency: 0 }, { maxQueued: -1 }, { retries: 0.5 }, { timeoutMs: 0 }])(
    'refuses %o',
    async (options) => {
      await expect(processFragments(source(1).fragments, () => {}, options)).rejects.toThrow(RangeError);
    },
  );
});

describe('processFragments, over a GetMediaConsumer', () => {
  it('saves the consumer’s checkpoint in order, and takes no other store', async () => {
    const { server, fragments } = await startWith({ count: 9 });
    const saved: string[] = [];
    const abort = new AbortController();
    const consumer = new GetMediaConsumer({
      streamName: 'camera',
      clientConfig: sdkConfig(server),
      start: { type: 'EARLIEST' },
      checkpointStore: { load: () => undefined, save: ({ fragmentNumber }) => void saved.push(fragmentNumber) },
      signal: abort.signal,
    });
    await expect(processFragments(consumer, () => {}, { checkpointStore: { save() {} } })).rejects.toThrow(TypeError);
    const done: string[] = [];
    const run = processFragments(
      consumer,
      async ({ fragmentNumber = '' }) => {
        await pause(done.length % 3 === 0 ? 30 : 1);
        done.push(fragmentNumber);
        if (done.length === 9) setTimeout(() => abort.abort(new Error('all')), 50);
      },
      { concurrency: 3 },
    );
    await expect(run).rejects.toThrow('all');
    expect([...done].sort()).toEqual(fragments.map(({ number }) => number));
    expect(saved.at(-1)).toBe(fragments.at(-1)?.number);
    expect(saved).toEqual([...saved].sort());
  });

  it('loses nothing when its process is killed, and repeats no more than what was unfinished', async () => {
    const { server, fragments } = await startWith({ count: 9 });
    const folder = mkdtempSync(join(tmpdir(), 'kvs-process-'));
    try {
      const once = (killAfter: number) =>
        new Promise<string[]>((resolve, reject) => {
          const handled: string[] = [];
          const words = [server.endpoint, join(folder, 'checkpoint.json'), String(killAfter)];
          const child = fork(new URL('support/processor.mjs', import.meta.url), words);
          child.on('message', (number) => {
            handled.push(String(number));
            if (handled.length === killAfter) child.kill('SIGKILL');
          });
          child.on('error', reject);
          child.on('exit', () => resolve(handled));
        });
      const before = await once(4);
      const checkpoint: Checkpoint = JSON.parse(readFileSync(join(folder, 'checkpoint.json'), 'utf8'));
      const after = await once(Number.POSITIVE_INFINITY);
      const all = fragments.map(({ number }) => number);
      expect([...new Set([...before, ...after])].sort()).toEqual(all);
      const committed = all.slice(0, all.indexOf(checkpoint.fragmentNumber) + 1);
      expect(after.filter((number) => committed.includes(number))).toEqual([]);
      expect(after.length).toBe(9 - committed.length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
