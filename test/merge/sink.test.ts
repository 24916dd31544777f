import fc from 'fast-check';
import { expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { PieceQueue } from '../../src/merge/piece-queue.js';
import { SinkWriter } from '../../src/merge/sink-writer.js';

/** Pieces of which those of more than a kilobyte leave each by itself. */
const piece = fc
  .tuple(fc.constantFrom(0, 1, 10, 1024, 1500), fc.nat(255))
  .map(([length, value]) => new Uint8Array(length).fill(value));
const writes = fc.array(
  fc.record({ pieces: fc.array(piece, { maxLength: 3 }), awaited: fc.boolean(), pauses: fc.nat(2) }),
  {
    maxLength: 6,
  },
);
const pause = () => new Promise<void>((done) => setImmediate(done));
const total = (parts: readonly Uint8Array[]) => parts.reduce((sum, { length }) => sum + length, 0);

it('a queue is emptied in order, one piece at a time, whether the sink takes its time and the caller waits or not', async () => {
  await fc.assert(
    fc.asyncProperty(writes, fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), async (steps, waits) => {
      const given: Uint8Array[] = [];
      const taken: Uint8Array[] = [];
      let calls = 0;
      let running = false;
      const queue = new PieceQueue();
      const writer = new SinkWriter((bytes) => {
        expect(running).toBe(false);
        expect(bytes.length).toBeGreaterThan(0);
        if (!waits[calls++ % waits.length]) return void taken.push(bytes.slice());
        running = true;
        return pause().then(() => {
          taken.push(bytes.slice());
          running = false;
        });
      });
      let last: unknown;
      for (const { pieces, awaited, pauses } of steps) {
        for (const each of pieces) queue.add(each);
        given.push(...pieces);
        last = writer.write(queue);
        expect(queue.take()).toEqual([]);
        // Nobody waits for a sink that takes all at once.
        if (!waits.includes(true)) expect(last).toBeUndefined();
        for (let i = 0; i < pauses; i++) await pause();
        if (awaited) await last;
        if (awaited || (last === undefined && pauses === 0)) expect(total(taken)).toBe(total(given));
        writer.check();
      }
      await last;
      expect(Buffer.compare(concatBytes(taken), concatBytes(given))).toBe(0);
      // Nobody has to wait for a sink that has taken all.
      expect(writer.write(queue)).toBeUndefined();
    }),
    { numRuns: 100 },
  );
});

it.each([
  ['throws', false],
  ['rejects', true],
])('nothing more is written once the sink %s, and everybody is told why', async (_, rejects) => {
  for (const fatal of [1, 2, 3, 4]) {
    for (const slow of [false, true]) {
      const error = new Error('no more room');
      let calls = 0;
      const queue = new PieceQueue();
      const writer = new SinkWriter(() => {
        if (++calls < fatal) return slow ? pause() : undefined;
        if (rejects) return Promise.reject(error);
        throw error;
      });
      const write = async (count: number) => {
        for (let i = 0; i < count; i++) queue.add(new Uint8Array(2000));
        await writer.write(queue);
      };
      const results = await Promise.allSettled([write(1), write(2), write(2)]);
      expect(results[2]).toEqual({ status: 'rejected', reason: error });
      expect(calls).toBe(fatal);
      expect(() => writer.check()).toThrow(error);
      await expect(write(1)).rejects.toBe(error);
      expect(calls).toBe(fatal);
    }
  }
});

it('a sink that only fails later is not asked again by a caller that did not wait', async () => {
  const error = new Error('lost');
  let calls = 0;
  const writer = new SinkWriter(() => {
    calls++;
    return pause().then(() => Promise.reject(error));
  });
  const queue = new PieceQueue();
  const write = () => {
    queue.add(new Uint8Array(5));
    return writer.write(queue);
  };
  const all = [write(), write(), write()];
  await expect(all[0]).rejects.toBe(error);
  await expect(all[1]).rejects.toBe(error);
  await expect(all[2]).rejects.toBe(error);
  expect(calls).toBe(1);
});
