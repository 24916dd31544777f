import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompletenessCheck } from '../../src/client/completeness.js';
import { FragmentListConsumer } from '../../src/client/fragment-list-consumer.js';
import type { FailedFragment, FragmentListConsumerSettings } from '../../src/client/fragment-list-options.js';
import { FragmentReader, type ReadFragment } from '../../src/client/fragment-reader.js';
import { writeElement } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { StreamingMkvReader } from '../../src/mkv/reader.js';
import { writeTags } from '../../src/testing/get-media-writer.js';
import { FakeArchive, type FragmentFault } from './support/fake-archive.js';
import { FakeClock } from './support/fake-clock.js';
import { type StoredFragment, type StoredStreamOptions, seeded, storedStream } from './support/stored-stream.js';

const range = { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date(2e12) } as const;
/** Tags of the producer and a Void behind the Cluster. */
const AFTER = Buffer.concat([writeTags([['behind', 'the Cluster']]), writeElement(Mkv.Void, new Uint8Array(3))]);

function setUp(count: number, options: Partial<StoredStreamOptions>, named = false) {
  const fragments = storedStream({ count, bare: true, framesEach: 10, afterCluster: AFTER, ...options });
  const clock = new FakeClock();
  const archive = new FakeArchive(clock, fragments, seeded(count));
  const failures: FailedFragment[] = [];
  const fragmentNumbers = fragments.map(({ number }) => number);
  const make = (settings: FragmentListConsumerSettings = {}) =>
    new FragmentListConsumer({
      streamName: 'stream',
      client: archive.control,
      createArchivedMediaClient: archive.createArchivedMediaClient,
      clock,
      random: () => 0.5,
      batchSize: 4,
      onFailure: (failure) => failures.push(failure),
      ...settings,
      ...(named ? { fragmentNumbers } : { range }),
    });
  return { fragments, clock, archive, failures, make, consumer: make() };
}

/** The documents that were handed out. */
async function documents({ clock, consumer }: Pick<ReturnType<typeof setUp>, 'clock' | 'consumer'>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  const read = async () => {
    for await (const { bytes } of consumer.documents()) all.push(Buffer.concat(bytes));
  };
  await clock.run(read());
  return all;
}

const stored = (fragments: readonly StoredFragment[]) => fragments.map(({ bytes }) => Buffer.from(bytes));

/**
 * Where elements of a document begin, behind the Tags that name the fragment.
 *
 * @param clean those alone that are in no master whose size would show that something is missing
 */
function borders(bytes: Uint8Array, clean = false): number[] {
  const reader = new StreamingMkvReader();
  reader.push(bytes);
  reader.end();
  const found: number[] = [];
  let named = false;
  for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
    if (element.kind === 'end' && element.is(Mkv.Tags)) named = true;
    const shows = clean && element.path.some(({ dataSize }) => dataSize !== undefined);
    if (named && element.kind !== 'end' && !shows) found.push(element.offset);
  }
  return found;
}

const sizes = fc.constantFrom('all bytes' as const, 'bytes without the service’s' as const);

/** Bytes of a document without the service's own Tags, which are all the Tags before the Cluster here. */
function producerBytes({ bytes }: StoredFragment): number {
  const at = Buffer.from(bytes).indexOf(Buffer.of(0x12, 0x54, 0xc3, 0x67));
  const cluster = Buffer.from(bytes).indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75));
  return bytes.length - (cluster - at);
}

describe('a fragment that does not come whole, and does not look it', () => {
  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('is asked for again (Cluster of unknown size: %s, once: %s)', async (unknownSizeCluster, once) => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(6),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom<FragmentFault>('short', 'short-end', 'twice'),
        sizes,
        fc.boolean(),
        async (index, place, fault, told, reversed) => {
          const set = setUp(7, { unknownSizeCluster });
          const { fragments, archive, failures } = set;
          const bad = fragments[index]!;
          const all = borders(bad.bytes, fault === 'twice');
          archive.shortLength = () => all[Math.floor(place * (all.length - 1))]!;
          archive.fragmentFault = (number, time) => (number === bad.number && (!once || time === 1) ? fault : 'none');
          archive.told = (fragment) => ({
            size: told === 'all bytes' ? fragment.bytes.length : producerBytes(fragment),
            durationMs: 400,
          });
          if (reversed) archive.order = (numbers) => [...numbers].reverse();
          const given = await documents(set);
          const lost = !once && fault !== 'twice';
          const expected = stored(fragments.filter((fragment) => !lost || fragment !== bad));
          expect(given.map((bytes) => bytes.equals(expected.shift()!))).toEqual(given.map(() => true));
          expect(expected).toHaveLength(0);
          expect(failures.map(({ fragmentNumber }) => fragmentNumber)).toEqual(lost ? [bad.number] : []);
          if (lost) expect(failures[0]).toMatchObject({ attempts: 4, error: { kind: 'media' } });
        },
      ),
      { numRuns: 20 },
    );
  });

  it('is told by the length where no size is', async () => {
    const set = setUp(5, { unknownSizeCluster: true });
    const { fragments, archive, failures } = set;
    archive.told = () => ({ durationMs: 400 });
    // Four of ten frames.
    archive.shortLength = (bytes) => borders(bytes)[6]!;
    archive.fragmentFault = (number) => (number === fragments[4]!.number ? 'short-end' : 'none');
    expect(await documents(set)).toEqual(stored(fragments.slice(0, 4)));
    expect(failures[0]?.error.code).toBe('FragmentIncomplete');
  });

  it('is told by what does not come behind it where its number is all that is known', async () => {
    const set = setUp(4, { unknownSizeCluster: true }, true);
    const { fragments, archive, failures } = set;
    archive.shortLength = (bytes) => borders(bytes)[6]!;
    archive.fragmentFault = (number) => (number === fragments[3]!.number ? 'short-end' : 'none');
    expect(await documents(set)).toEqual(stored(fragments.slice(0, 3)));
    expect(failures.map(({ fragmentNumber }) => fragmentNumber)).toEqual([fragments[3]!.number]);
    archive.fragmentFault = () => 'none';
    expect(await documents(set)).toEqual(stored(fragments));
  });

  it('takes every fragment where sizes count something else', async () => {
    const counts: ((bytes: number, index: number) => number)[] = [
      () => 1,
      () => 1_000_000,
      (bytes) => bytes + 100,
      (bytes) => bytes - 100,
      (bytes, index) => bytes - (index % 3 === 0 ? 100 : 0),
    ];
    for (const [index, count] of counts.entries()) {
      for (const durationMs of [undefined, 1, 400, 100_000]) {
        const set = setUp(9, {});
        const { archive, fragments } = set;
        archive.told = (fragment) => ({
          size: count(fragment.bytes.length, fragments.indexOf(fragment)),
          durationMs,
        });
        const given = await documents(set);
        expect(given.length, `${index}, ${durationMs} ms`).toBe(9);
        expect(Buffer.concat(given).equals(Buffer.concat(stored(fragments)))).toBe(true);
        expect(set.failures).toEqual([]);
      }
    }
  });

  it.each([1, 4])(
    'takes fragments of few frames at odd times, where sizes count something else (batches of %i)',
    async (batchSize) => {
      for (const count of [100, 300]) {
        // Three frames within 80 ms of two seconds; nothing tells how many there are.
        const set = setUp(6, { unknownSizeCluster: true, framesEach: 3 });
        const { archive, fragments, failures } = set;
        archive.told = ({ bytes }) => ({ size: bytes.length - count, durationMs: 2000 });
        expect(await documents({ ...set, consumer: set.make({ batchSize }) })).toEqual(stored(fragments));
        expect(failures).toEqual([]);
        // One that is always cut between two frames with nothing behind it is not taken for whole, whatever is counted.
        archive.shortLength = (bytes) => borders(bytes)[4]!;
        archive.fragmentFault = (number) => (number === fragments[5]!.number ? 'short-end' : 'none');
        expect(await documents({ ...set, consumer: set.make({ batchSize }) })).toEqual(stored(fragments.slice(0, 5)));
        expect(failures.map(({ fragmentNumber }) => fragmentNumber)).toEqual([fragments[5]!.number]);
        failures.length = 0;
      }
    },
  );

  it('makes no second call where all is well', async () => {
    for (const unknownSizeCluster of [false, true]) {
      const set = setUp(8, { unknownSizeCluster });
      expect(await documents(set)).toEqual(stored(set.fragments));
      expect(set.archive.calls.map(({ operation }) => operation)).toEqual([
        'ListFragments',
        'GetMediaForFragmentList',
        'GetMediaForFragmentList',
      ]);
      expect(set.consumer.metrics).toMatchObject({
        fragments: 8,
        frames: 80,
        calls: 3,
        retries: 0,
        failed: 0,
        held: 0,
      });
    }
  });
});

describe('the answer to a list', () => {
  it('may have a fragment under the number of another', async () => {
    // All are of one size.
    const set = setUp(8, { unknownSizeCluster: true, frameSize: 1 });
    const { fragments, archive, failures } = set;
    // The third comes under the number of the sixth at first: a digit of it is wrong.
    const [one, other] = [fragments[2]!, fragments[5]!];
    const renamed = Buffer.from(one.bytes);
    Buffer.from(other.number).copy(renamed, renamed.indexOf(one.number));
    archive.replaced = (number, time) => (number === one.number && time === 1 ? renamed : undefined);
    archive.order = (numbers) => [...numbers].sort();
    expect(await documents({ ...set, consumer: set.make({ batchSize: 8 }) })).toEqual(stored(fragments));
    expect(failures).toEqual([]);
  });

  it('may have fragments in another order, twice, and some that nobody asked for', async () => {
    const set = setUp(8, { unknownSizeCluster: true });
    const { fragments, archive } = set;
    archive.order = (numbers) => [...numbers].reverse().flatMap((number) => [number, fragments[0]!.number, number]);
    expect(await documents(set)).toEqual(stored(fragments));
  });
});

describe('how much there is of a document', () => {
  const measure = (bytes: Uint8Array, chunk: number) => {
    const reader = new FragmentReader({ verifyCrc: false, keepDocuments: false, measure: true });
    const found: ReadFragment[] = [];
    const take = () => {
      for (let read = reader.next(); read !== undefined; read = reader.next()) found.push(read);
    };
    for (let at = 0; at < bytes.length; at += chunk) {
      reader.push(bytes.subarray(at, at + chunk));
      take();
    }
    reader.end();
    take();
    return found;
  };

  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('is counted, with and without the service’s Tags (trailing Tags: %s, known size: %s)', (trailing, known) => {
    const options = { unknownSizeCluster: !known, knownSizeSegment: known, tagsFirst: false };
    const fragments = storedStream({ count: 4, bare: !trailing, framesEach: 3, ...options });
    for (const chunk of [1, 7, 1000, 100_000]) {
      const found = measure(Buffer.concat(stored(fragments)), chunk);
      expect(found.map(({ size }) => size?.bytes)).toEqual(fragments.map(({ bytes }) => bytes.length));
      if (!trailing) expect(found.map(({ size }) => size?.producerBytes)).toEqual(fragments.map(producerBytes));
      expect(found.every(({ size }) => size?.sizedCluster === known)).toBe(true);
    }
  });

  it('is believed to be all when the size is one that has been right before', () => {
    const [one, two] = storedStream({ count: 2, bare: true }).map(({ bytes }) => measure(bytes, 1000)[0]!);
    const listed = (size: number) => ({
      fragmentNumber: String(size),
      size,
      durationMs: undefined,
      producerTimestamp: undefined,
      serverTimestamp: undefined,
    });
    const check = new CompletenessCheck();
    expect(check.check(listed(one!.size!.bytes), one!.fragment, one!.size!, true)).toBe('whole');
    for (let more = 1; more < 10; more++) {
      expect(check.check(listed(two!.size!.bytes + more), two!.fragment, two!.size!, true)).toBe('short');
    }
  });
});
