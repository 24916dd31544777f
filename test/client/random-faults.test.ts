import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/client/checkpoint.js';
import { GetMediaConsumer } from '../../src/client/get-media-consumer.js';
import { FakeClock } from './support/fake-clock.js';
import { FakeService, type Fault } from './support/fake-service.js';
import { identify, seeded, storedStream } from './support/stored-stream.js';

const ERRORS = [
  ['ClientLimitExceededException', 400],
  ['ConnectionLimitExceededException', 400],
  ['InvalidEndpointException', 400],
  ['InternalFailure', 500],
  ['ServiceUnavailable', 503],
] as const;

/** A fault that passes; half of the connections have none. */
function randomFault(random: () => number, longest: number): Fault {
  const some = (count: number) => Math.floor(random() * count);
  switch (some(14)) {
    case 0:
      return { type: 'cut', bytes: some(longest) };
    case 1:
      return { type: 'cut', bytes: some(longest), clean: true };
    case 2:
      return { type: 'stall', bytes: some(longest) };
    case 3:
      return { type: 'silent' };
    case 4: {
      const [name, status] = ERRORS[some(ERRORS.length)] ?? ERRORS[0];
      return { type: 'error', name, status };
    }
    case 5:
      return { type: 'error', name: 'Error', code: ['ECONNREFUSED', 'ENOTFOUND', 'EPIPE'][some(3)] ?? '' };
    case 6:
      return { type: 'stream-error', fragments: some(5), id: [3002, 4503, 5000][some(3)] ?? 5000 };
    case 7:
      return some(2) === 0 ? { type: 'duplicates' } : { type: 'back', fragments: some(6) };
    case 8:
      return { type: 'damage', byte: some(longest), mask: 1 + some(255) };
    default:
      return { type: 'none' };
  }
}

describe('GetMediaConsumer under random faults', () => {
  it('loses nothing, gives nothing twice, keeps the order, and stays within the rates', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.constantFrom('FRAGMENT_NUMBER' as const, 'CONTINUATION_TOKEN' as const),
        fc.constantFrom('EARLIEST' as const, 'NOW' as const),
        fc.boolean(),
        fc.constantFrom(0, 400, 2500),
        fc.integer({ min: 1, max: 40 }),
        async (seed, resumeBy, start, restarts, intervalMs, count) => {
          const random = seeded(seed);
          const clock = new FakeClock();
          const fragments = storedStream({ count, intervalMs, crc: true });
          const service = new FakeService(clock, fragments);
          service.fault = () => randomFault(random, 6000);
          service.endpointFault = () =>
            random() < 0.1 ? { type: 'error', name: 'ClientLimitExceededException' } : undefined;
          service.chunkSize = () => Math.floor(random() * 1500);
          let saved: Checkpoint | undefined;
          const make = () =>
            new GetMediaConsumer({
              streamName: 'stream',
              client: service.control,
              createMediaClient: service.createMediaClient,
              start: { type: start },
              resumeBy,
              clock,
              random,
              verifyCrc: true,
              checkpointStore: {
                load: () => saved,
                save: (checkpoint) => {
                  saved = checkpoint;
                },
              },
              onGap: (gap) => expect(gap).toBe('no gap'),
            });
          const last = fragments.at(-1)?.identity;
          const taken: string[] = [];
          const work = async () => {
            while (taken.at(-1) !== last) {
              const consumer = make();
              const stopAfter = restarts ? taken.length + 1 + Math.floor(random() * 8) : Number.POSITIVE_INFINITY;
              for await (const fragment of consumer) {
                taken.push(identify(fragment));
                if (taken.at(-1) === last || taken.length >= stopAfter) {
                  await consumer.commit();
                  break;
                }
              }
            }
          };
          await clock.run(work());
          // NOW is the fragment that was the newest when the first connection came about.
          const expected = start === 'NOW' ? fragments.slice(-taken.length) : fragments;
          expect(taken).toEqual(expected.map(({ identity }) => identity));
          if (!restarts) {
            expect(service.mostPerSecond('GetMedia')).toBeLessThanOrEqual(5);
            expect(service.mostPerSecond('GetDataEndpoint')).toBeLessThanOrEqual(5);
          }
        },
      ),
      { numRuns: 80, seed: 20261122 },
    );
  });

  it('stays within the rates when every call fails at once', async () => {
    const clock = new FakeClock();
    const service = new FakeService(clock, storedStream({ count: 60 }));
    const sizes = seeded(1);
    service.fault = () => ({ type: 'cut', bytes: 700 + Math.floor(sizes() * 900) });
    const consumer = new GetMediaConsumer({
      streamName: 'stream',
      client: service.control,
      createMediaClient: service.createMediaClient,
      start: { type: 'EARLIEST' },
      clock,
      random: () => 0,
    });
    const work = async () => {
      let count = 0;
      for await (const _ of consumer) if (++count === 60) return;
    };
    await clock.run(work());
    expect(service.selectors().length).toBeGreaterThan(40);
    expect(service.mostPerSecond('GetMedia')).toBe(5);
  });
});
