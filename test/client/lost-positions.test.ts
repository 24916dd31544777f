import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import type { FakeService } from './support/fake-service.js';
import { identities, lastOf, setUp, takeUntil } from './support/live-consumer.js';
import { identify, renumber, type StoredFragment, storedStream } from './support/stored-stream.js';

/**
 * Makes a stream anew when so many fragments were taken and the service has shown that it knows the last one.
 *
 * @param documents how many fragments a connection brings from then on
 */
function replaceLater(
  service: FakeService,
  taken: readonly string[],
  count: number,
  anew: readonly StoredFragment[],
  documents = 100,
): void {
  let calls = 0;
  service.fault = () => {
    if (taken.length >= count && ++calls === 3) service.replace(anew);
    return { type: 'few', documents: calls < 3 ? 100 : documents };
  };
}

describe('a stream that is made anew', () => {
  it.each([
    ['FRAGMENT_NUMBER', false],
    ['CONTINUATION_TOKEN', false],
    ['CONTINUATION_TOKEN', true],
  ] as const)(
    'with far larger steps is read to its end, by %s (its own fragment comes again: %s)',
    async (resumeBy, withOwn) => {
      const old = storedStream({ count: 6 });
      // 2 seconds are 1.98e28 in the service's numbers.
      const number = (index: number) => String(80n * 10n ** 45n + BigInt(index) * 19807040628566084398385987584n);
      const anew = storedStream({ count: 9, frameSize: 77, number, epoch: 1_700_003_600_000 });
      const { clock, service, consumer, gaps } = setUp(old, true, { resumeBy });
      service.tokenStartsWithOwn = withOwn;
      // Each connection brings a few fragments only.
      const lengths = [...old, ...anew].map(({ bytes }) => bytes.length);
      service.fault = () => ({ type: 'cut', bytes: Math.max(...lengths) * 2 + 60 });
      const taken: string[] = [];
      const work = async () => {
        for await (const fragment of consumer) {
          taken.push(identify(fragment));
          if (taken.length === 6) service.replace(anew);
          if (taken.at(-1) === lastOf(anew)) break;
        }
      };
      await clock.run(work());
      expect(taken).toEqual([...identities(old), ...identities(anew)]);
      expect(gaps).toHaveLength(1);
    },
  );

  it('with smaller numbers is found behind a token whose own fragment comes first', async () => {
    const old = storedStream({ count: 3, number: (index) => String(1000 + index) });
    const anew = storedStream({
      count: 5,
      frameSize: 77,
      number: (index) => String(100 + index),
      epoch: 1_700_003_600_000,
    });
    // The service goes on with the new numbers behind the old ones.
    const { clock, service, consumer, gaps } = setUp([...old, ...anew], true, { resumeBy: 'CONTINUATION_TOKEN' });
    service.tokenStartsWithOwn = true;
    const taken = await clock.run(takeUntil(consumer, lastOf(anew)));
    expect(taken).toEqual([...identities(old), ...identities(anew)]);
    expect(gaps).toMatchObject([{ kind: 'renumbered' }]);
  });
});

describe('a stream that is made anew, and a time of the old one that was wrong', () => {
  const NAME = 'SERVER_TIMESTAMP';

  it.each([
    ['is lost', 0, 2],
    ['is of a later year', NAME.length + 4, 8],
  ])('is read, though its numbers are smaller (the time %s)', async (_, at, mask) => {
    const old = storedStream({ count: 6, number: (index) => String(1000 + index) });
    const anew = storedStream({
      count: 5,
      frameSize: 77,
      number: (index) => String(1 + index),
      epoch: 1_700_003_600_000,
    });
    const { clock, service, consumer, gaps } = setUp(old);
    service.alter = (fragment) => {
      if (fragment !== old[0]) return fragment;
      const bytes = Buffer.from(fragment.bytes);
      bytes[bytes.indexOf(NAME) + at]! ^= mask;
      return { ...fragment, bytes };
    };
    const taken: string[] = [];
    replaceLater(service, taken, old.length, anew);
    const work = async () => {
      for await (const fragment of consumer) if (taken.push(identify(fragment)) && taken.at(-1) === lastOf(anew)) break;
    };
    await clock.run(work());
    expect(taken).toEqual([...identities(old), ...identities(anew)]);
    expect(gaps).toMatchObject([{ kind: 'expired' }]);
  });
});

describe('a fragment that came with a wrong time', () => {
  it('is the same when it comes again with the right one, as the own fragment of a token', async () => {
    const fragments = storedStream({ count: 5 });
    const { clock, service, consumer, gaps } = setUp(fragments, true, { resumeBy: 'CONTINUATION_TOKEN' });
    service.tokenStartsWithOwn = true;
    service.fault = (call) => (call === 0 ? { type: 'few', documents: 1 } : { type: 'none' });
    let readings = 0;
    service.alter = (fragment) => {
      if (fragment !== fragments[0] || readings++ > 0) return fragment;
      const bytes = Buffer.from(fragment.bytes);
      const digits = bytes.indexOf('SERVER_TIMESTAMP') + 'SERVER_TIMESTAMP'.length + 3;
      // A later second.
      bytes[digits + 9]! ^= 1;
      return { ...fragment, bytes };
    };
    const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
    expect(readings).toBeGreaterThan(1);
    expect(taken).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
  });
});

describe('a connection that ends behind fragments that were handed out before', () => {
  it('is followed by one that begins behind them', async () => {
    const fragments = storedStream({ count: 8 });
    const { clock, service, consumer, gaps } = setUp(fragments.slice(0, 6));
    const taken: string[] = [];
    // The last one that was handed out is lost, and no connection reaches as far as the first one did.
    replaceLater(service, taken, 6, [...fragments.slice(0, 5), ...fragments.slice(6)], 2);
    const work = async () => {
      for await (const fragment of consumer) {
        if (taken.push(identify(fragment)) && taken.at(-1) === lastOf(fragments)) break;
      }
    };
    await clock.run(work());
    expect(taken).toEqual(identities(fragments));
    expect(gaps).toMatchObject([{ kind: 'expired' }]);
  });
});

describe('a number that is far ahead', () => {
  it('is believed, though the last fragment comes again before it', async () => {
    const near = storedStream({ count: 5, number: (index) => String(1000 + index) });
    const far = storedStream({ count: 3, frameSize: 77, number: (index) => `9${'0'.repeat(30)}${index}` });
    const { clock, service, consumer, gaps } = setUp([...near, ...far], true, { resumeBy: 'CONTINUATION_TOKEN' });
    service.tokenStartsWithOwn = true;
    expect(await clock.run(takeUntil(consumer, lastOf(far)))).toEqual([...identities(near), ...identities(far)]);
    expect(gaps).toEqual([]);
  });
});

describe('a number that the service refuses', () => {
  const refused = { type: 'error', name: 'InvalidArgumentException' } as const;

  it.each([1, 2])('%i times is asked for again', async (times) => {
    const fragments = storedStream({ count: 5 });
    const { clock, service, consumer, gaps } = setUp(fragments);
    const length = fragments[0]!.bytes.length;
    service.fault = (call) =>
      call === 0 ? { type: 'cut', bytes: length + 50 } : call <= times ? refused : { type: 'none' };
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
  });

  it.each([1, 2, 4])('again and again is left, and what was handed out does not come again (%i)', async (count) => {
    const fragments = storedStream({ count: 6 });
    const { clock, service, consumer, gaps } = setUp(fragments);
    const length = fragments.slice(0, count).reduce((sum, { bytes }) => sum + bytes.length, 0);
    service.fault = (call) =>
      call === 0 ? { type: 'cut', bytes: length + 50 } : call < 12 && !isEarliest() ? refused : { type: 'none' };
    const isEarliest = () => service.selectors().at(-1)?.StartSelectorType === 'EARLIEST';
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps.length).toBeGreaterThan(0);
  });
});

describe('the first fragment of a stream', () => {
  it('is read again when its number is lost once, and does not come twice', async () => {
    const fragments = storedStream({ count: 4 });
    const { clock, service, consumer, gaps } = setUp(fragments);
    service.alter = (fragment, call) => {
      if (call > 0 || fragment !== fragments[0]) return fragment;
      const bytes = Buffer.from(fragment.bytes);
      bytes[bytes.indexOf('FRAGMENT_NUMBER')]! ^= 2;
      return { ...fragment, bytes };
    };
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
  });
});

describe('a page between two fragments', () => {
  const pages = [
    ['HTML', `<!DOCTYPE html><html>${'<p>Welcome to the hotel</p>'.repeat(9)}</html>`],
    ['an error', JSON.stringify({ message: 'because of InternalFailure', more: 'x'.repeat(300) })],
    ['text', `Bad gateway${'.'.repeat(40)}`],
    ['white space', ' '.repeat(700)],
  ] as const;

  it.each(pages)('is damage, and read again (%s)', async (_, page) => {
    const fragments = storedStream({ count: 24 });
    const { clock, service, consumer, gaps } = setUp(fragments);
    service.alter = (fragment, call) =>
      call === 0 && fragment === fragments[1]
        ? { ...fragment, bytes: concatBytes([fragment.bytes, Buffer.from(page)]) }
        : fragment;
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
  });
});

describe('the last fragment of a stream', () => {
  it.each([false, true])(
    'is not given up when it was damaged three times, and is not any more (no Tags behind: %s)',
    async (bare) => {
      const fragments = storedStream({ count: 4, crc: true, padding: 1000, bare });
      const { clock, service, consumer, gaps } = setUp(fragments, true, { verifyCrc: true });
      const before = fragments.slice(0, 3).reduce((sum, { bytes }) => sum + bytes.length, 0);
      service.fault = (call) =>
        call < 3 ? { type: 'damage', byte: (call === 0 ? before : 0) + 700, mask: 4 } : { type: 'none' };
      expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
      expect(gaps).toEqual([]);
    },
  );
});

describe('a search behind damage', () => {
  const hole = (index: number) => {
    const fragments = storedStream({ count: 8 });
    // Nothing is left of the fragment, so that its number is not known.
    const stream = fragments.map((fragment, at) =>
      at === index ? { ...fragment, bytes: new Uint8Array(200) } : fragment,
    );
    return { stream, rest: identities(fragments.filter((_, at) => at !== index)) };
  };

  it.each([3, 4])('passes nothing over that is damaged once (call %i)', async (damaged) => {
    const { stream, rest } = hole(2);
    const { clock, service, consumer, gaps } = setUp(stream);
    // Behind the second fragment: the hole, then one that is intact, and damaged in this one reading.
    service.fault = (call) => (call === damaged ? { type: 'erase', document: 1 } : { type: 'none' });
    expect(await clock.run(takeUntil(consumer, lastOf(stream)))).toEqual(rest);
    expect(gaps).toMatchObject([{ kind: 'damaged' }]);
  });

  it.each([5, 6])(
    'does not give up what it has found when the service does not know it once (call %i)',
    async (call) => {
      const { stream, rest } = hole(2);
      const { clock, service, consumer, gaps } = setUp(stream);
      service.fault = (count) => (count === call ? { type: 'stream-error', fragments: 0, id: 4000 } : { type: 'none' });
      expect(await clock.run(takeUntil(consumer, lastOf(stream)))).toEqual(rest);
      expect(gaps).toMatchObject([{ kind: 'damaged' }]);
    },
  );
});

describe('a place that only a fragment without a number tells', () => {
  it.each([
    [1, []],
    [3, [{ kind: 'expired', afterFragmentNumber: undefined }]],
  ])('is found again, or told to be lost (what comes next begins with fragment %i)', async (next, expected) => {
    const fragments = storedStream({ count: 6, framesEach: 2 });
    const stream = renumber(
      fragments,
      fragments.map(({ number }, index) => (index < 2 ? undefined : number)),
    );
    const { clock, service, consumer, gaps } = setUp(stream);
    // What begins with the fragments without numbers is read several times before they are believed.
    const bodies = [0, 0, 0, 0, 0, 0, next];
    service.body = (call) => {
      const from = bodies[call] ?? next;
      return concatBytes(stream.slice(from, from === 0 ? 2 : undefined).map(({ bytes }) => bytes));
    };
    const taken = await clock.run(takeUntil(consumer, lastOf(stream)));
    const missing = stream.slice(2, Math.max(2, next));
    expect(taken).toEqual(identities(stream.filter((fragment) => !missing.includes(fragment))));
    expect(gaps).toMatchObject(expected);
    expect(gaps).toHaveLength(expected.length);
  });
});
