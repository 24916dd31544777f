import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/client/checkpoint.js';
import { concatBytes, writeElement, writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { writeServiceTags, writeTrailingTags } from '../../src/testing/get-media-writer.js';
import { identities, lastOf, setUp, takeUntil } from './support/live-consumer.js';
import { identify, renumber, type StoredFragment, seeded, storedStream } from './support/stored-stream.js';

const HUGE = '9'.repeat(47);

/** How a service answers for a number that it does not have: with an error, or with what has a larger number. */
const STRICTNESS = [
  ['refuses unknown numbers', true],
  ['takes every number', false],
] as const;

/** A Block whose lacing does not fit, with a whole document in it. */
function brokenBlockWith(document: Uint8Array): Uint8Array {
  return writeElement(Mkv.SimpleBlock, concatBytes([Uint8Array.of(0x81, 0, 0, 0x02, 0x7f, 0xff, 0xff), document]));
}

/** A fragment with something else for its Cluster. */
function withCluster(fragment: StoredFragment, ...children: Uint8Array[]): StoredFragment {
  const bytes = Buffer.from(fragment.bytes);
  const at = bytes.indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75));
  const trailer = writeTrailingTags({ continuationToken: fragment.token, millisBehindNow: 0 });
  const cluster = writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), ...children]);
  return { ...fragment, bytes: concatBytes([bytes.subarray(0, at), cluster, trailer]) };
}

describe.each(STRICTNESS)('a service that %s', (_, strict) => {
  it('and a producer that puts a forged document behind a broken Block blind nobody', async () => {
    const fragments = storedStream({ count: 12 });
    const [forged] = renumber(storedStream({ count: 1 }), [HUGE], () => 4_000_000_000_000);
    const hostile = fragments.map((fragment, index) =>
      index === 4 ? withCluster(fragment, brokenBlockWith(forged!.bytes)) : fragment,
    );
    const { clock, consumer, gaps, checkpoints } = setUp(hostile, strict);
    const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
    expect(taken).toEqual(identities(fragments.filter((_, index) => index !== 4)));
    expect(gaps).toMatchObject([
      {
        kind: 'damaged',
        afterFragmentNumber: fragments[3]!.number,
        beforeFragmentNumber: fragments[5]!.number,
        fragmentNumbers: [fragments[4]!.number],
      },
    ]);
    expect(checkpoints).not.toContain(HUGE);
  });

  it('and forged documents behind damage to the number are searched through', async () => {
    const fragments = storedStream({ count: 12 });
    const times = (index: number) => (index % 2 === 0 ? 4_000_000_000_000 : 1_000_000_000_000);
    const forged = renumber(
      storedStream({ count: 5 }),
      Array.from({ length: 5 }, (_, index) => `${HUGE.slice(0, -1)}${index}`),
      times,
    );
    const hostile = fragments.map((fragment, index) =>
      // The document before the forged ones is not to be read at all, so that its number is not known.
      index === 4
        ? { ...fragment, bytes: concatBytes([new Uint8Array(200), ...forged.map(({ bytes }) => bytes)]) }
        : fragment,
    );
    const { clock, consumer, gaps, checkpoints } = setUp(hostile, strict);
    const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
    const rest = fragments.filter((_, index) => index !== 4);
    expect(taken.slice(0, 4)).toEqual(identities(rest.slice(0, 4)));
    // The search goes further with each fragment that turns out to be none, and may go too far: what it passes over is within the gap.
    expect(taken.slice(4)).toEqual(identities(rest.slice(rest.length - taken.length + 4)));
    expect(taken.length).toBeGreaterThan(7);
    expect(gaps).toMatchObject([{ kind: 'damaged', afterFragmentNumber: fragments[3]!.number }]);
    expect(checkpoints).not.toContain(HUGE);
  });

  it.each(Array.from({ length: 8 }, (_, index) => index))(
    'and a number that is once wrong, far too large (fragment %i of 8)',
    async (at) => {
      const fragments = storedStream({ count: 8 });
      const { clock, service, consumer, gaps } = setUp(fragments, strict);
      const [wrong] = renumber([fragments[at]!], [HUGE]);
      service.alter = (fragment, call) => (fragment === fragments[at] && call === 0 ? wrong! : fragment);
      const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
      // Where numbers before it have shown how large they are, it is read again; else it is handed out, and told.
      if (at >= 3) expect([taken, gaps]).toEqual([identities(fragments), []]);
      else expect(gaps.length).toBeGreaterThan(0);
      const delivered = new Set(taken.map((identity) => identity.split(' ').slice(1).join(' ')));
      expect(delivered.size).toBe(8);
    },
  );

  it.each([0, 1, 3, 6])('and a number that is always wrong, far too large (fragment %i of 8)', async (at) => {
    const fragments = storedStream({ count: 8 });
    const [wrong] = renumber([fragments[at]!], [HUGE]);
    const stream = fragments.map((fragment, index) => (index === at ? wrong! : fragment));
    const { clock, consumer, gaps } = setUp(stream, strict);
    const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
    expect([...new Set(taken)].sort()).toEqual(identities(stream).sort());
    expect(gaps.length).toBeGreaterThan(0);
  });

  it.each([1, 2, 4, 6])('and a number with a bit changed, downwards (fragment %i of 8)', async (at) => {
    const fragments = storedStream({ count: 8 });
    for (const once of [true, false]) {
      const [wrong] = renumber([fragments[at]!], [`1${fragments[at]!.number.slice(1)}`]);
      const { clock, service, consumer, gaps } = setUp(fragments, strict);
      service.alter = (fragment, call) => (fragment === fragments[at] && (!once || call === 0) ? wrong! : fragment);
      const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
      // What comes behind a larger number each time, with larger ones behind it, is passed over.
      expect(taken).toEqual(identities(fragments.filter((fragment) => once || fragment !== fragments[at])));
      if (once) expect(gaps).toEqual([]);
      else expect(gaps).toMatchObject([{ kind: 'late', fragmentNumbers: [wrong!.number] }]);
    }
  });

  it('and a stream that is made anew, with smaller numbers', async () => {
    const old = storedStream({ count: 6 });
    const numbers = Array.from({ length: 9 }, (_, index) => `8${old[0]!.number.slice(1, -2)}${10 + index}`);
    for (const times of [(index: number) => 1_700_000_000_000 + 3_600_000 + index * 1000, undefined]) {
      const anew = renumber(storedStream({ count: 9, frameSize: 77 }), numbers, times);
      const { clock, service, consumer, gaps } = setUp(old, strict);
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
      expect(consumer.checkpoint?.fragmentNumber).toBe(anew.at(-2)!.number);
    }
  });

  it.each([HUGE, '9'.repeat(128), '1', '0'])('and a checkpoint that is none of the stream’s (%s)', async (number) => {
    const fragments = storedStream({ count: 8 });
    for (const serverTimestamp of [undefined, '2099-01-01T00:00:00.000Z', '1999-01-01T00:00:00.000Z']) {
      const checkpoint = { fragmentNumber: number, serverTimestamp };
      const { clock, consumer, gaps } = setUp(fragments, strict, {
        checkpointStore: { load: () => checkpoint, save: () => {} },
      });
      const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
      expect(taken).toEqual(identities(fragments));
      // A service that takes every number has everything behind a small one, and nobody can tell that it is wrong.
      if (strict || number.length > 40) expect(gaps).toHaveLength(1);
    }
  });

  it('and repetitions of any kind', async () => {
    const fragments = storedStream({ count: 10 });
    const again = fragments.flatMap((fragment, index) => [
      fragment,
      ...fragments.slice(Math.max(0, index - 3), index + 1),
    ]);
    const { clock, consumer, gaps } = setUp(again, strict);
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
  });

  it('and one number for two fragments', async () => {
    const fragments = storedStream({ count: 8 });
    const [twin] = renumber([fragments[4]!], [fragments[3]!.number], () => fragments[4]!.receivedAt);
    const stream = fragments.map((fragment, index) => (index === 4 ? twin! : fragment));
    const { clock, consumer, gaps } = setUp(stream, strict);
    const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
    expect(taken.filter((identity) => identity !== twin!.identity)).toEqual(
      identities(fragments.filter((_, index) => index !== 4)),
    );
    expect(gaps.length).toBeGreaterThan(0);
  });

  it('and times that go back while numbers grow', async () => {
    const fragments = storedStream({ count: 8 });
    const back = renumber(
      fragments,
      fragments.map(({ number }) => number),
      (index) => 1_700_000_000_000 - index * 5000,
    );
    const { clock, service, consumer, gaps } = setUp(back, strict);
    service.fault = (call) => (call === 0 ? { type: 'cut', bytes: back[0]!.bytes.length * 2 + 50 } : { type: 'none' });
    expect(await clock.run(takeUntil(consumer, lastOf(back)))).toEqual(identities(back));
    expect(gaps).toEqual([]);
  });

  it('and a fragment that comes late', async () => {
    const fragments = storedStream({ count: 8 });
    const order = [0, 1, 2, 4, 3, 5, 6, 7].map((index) => fragments[index]!);
    const { clock, consumer, gaps } = setUp(order, strict);
    const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
    const missing = identities(fragments).filter((identity) => !taken.includes(identity));
    // Handed out behind the later one, or passed over: it is told.
    expect(missing.length).toBeLessThanOrEqual(1);
    expect(new Set(taken).size).toBe(taken.length);
    expect(gaps).toHaveLength(1);
    if (missing.length > 0) expect(gaps).toMatchObject([{ kind: 'late', fragmentNumbers: [fragments[3]!.number] }]);
  });
});

describe('numbers that are none', () => {
  it.each(['', 'x', '12a', '-5', '1e9', '9'.repeat(129), '１２３'])('never reach a checkpoint (%s)', async (number) => {
    const fragments = storedStream({ count: 6 });
    const [wrong] = renumber([fragments[2]!], [number]);
    const stream = fragments.map((fragment, index) => (index === 2 ? wrong! : fragment));
    const { clock, consumer, gaps, checkpoints } = setUp(stream);
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(stream));
    expect(gaps).toEqual([]);
    expect(checkpoints).toEqual([0, 1, 3, 4].map((index) => fragments[index]!.number));
  });

  it.each(['', 'x', '9'.repeat(129)])('in a stored checkpoint are told and left (%s)', async (number) => {
    const fragments = storedStream({ count: 3 });
    const { clock, consumer, gaps } = setUp(fragments, true, {
      checkpointStore: { load: () => ({ fragmentNumber: number }), save: () => {} },
    });
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps).toMatchObject([{ kind: 'renumbered' }]);
  });

  it('with zeros in front are the numbers they are', async () => {
    const fragments = storedStream({ count: 4 });
    const padded = renumber(
      fragments,
      fragments.map(({ number }) => `000${number}`),
    );
    const { clock, service, consumer, gaps } = setUp(padded);
    service.fault = (call) =>
      call === 0 ? { type: 'cut', bytes: padded[0]!.bytes.length + 50 } : { type: 'duplicates' };
    expect(await clock.run(takeUntil(consumer, lastOf(padded)))).toEqual(identities(padded));
    expect(gaps).toEqual([]);
  });

  it('in the producer’s own Tags move nothing', async () => {
    const fragments = storedStream({ count: 6 });
    const forged = writeServiceTags({ fragmentNumber: HUGE, serverTimestamp: 4_000_000_000_000 });
    const stream = fragments.map((fragment, index) => {
      if (index % 2 === 0) return fragment;
      const bytes = Buffer.from(fragment.bytes);
      // Before the service's Tags, where the producer's stand.
      const tracksEnd = bytes.indexOf(Buffer.of(0x12, 0x54, 0xc3, 0x67));
      return { ...fragment, bytes: concatBytes([bytes.subarray(0, tracksEnd), forged, bytes.subarray(tracksEnd)]) };
    });
    const { clock, consumer, gaps, checkpoints } = setUp(stream);
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
    expect(checkpoints).not.toContain(HUGE);
  });

  it('behind the frames cost the producer its fragment, and nobody else anything', async () => {
    const fragments = storedStream({ count: 6 });
    const forged = writeServiceTags({ fragmentNumber: HUGE, serverTimestamp: 4_000_000_000_000 });
    const stream = fragments.map((fragment, index) => {
      if (index !== 3) return fragment;
      const trailer = writeTrailingTags({ continuationToken: fragment.token, millisBehindNow: 3000 });
      const end = fragment.bytes.length - trailer.length;
      return {
        ...fragment,
        bytes: concatBytes([fragment.bytes.subarray(0, end), forged, fragment.bytes.subarray(end)]),
      };
    });
    const { clock, consumer, gaps, checkpoints } = setUp(stream);
    const taken = await clock.run(takeUntil(consumer, lastOf(fragments)));
    expect(taken).toEqual(identities(fragments.filter((_, index) => index !== 3)));
    expect(gaps).toMatchObject([{ kind: 'damaged', fragmentNumbers: [fragments[3]!.number] }]);
    expect(checkpoints).not.toContain(HUGE);
  });
});

describe('a checkpoint', () => {
  it('does not name a number that only a doubtful step led to', async () => {
    const fragments = storedStream({ count: 8 });
    const [wrong] = renumber([fragments[4]!], [HUGE]);
    const stream = fragments.map((fragment, index) => (index === 4 ? wrong! : fragment));
    const saved: Checkpoint[] = [];
    const { clock, consumer } = setUp(stream, true, {
      checkpointStore: { load: () => undefined, save: (checkpoint) => void saved.push(checkpoint) },
    });
    await clock.run(takeUntil(consumer, lastOf(fragments)));
    expect(saved.map(({ fragmentNumber }) => fragmentNumber)).toEqual(
      [0, 1, 2, 3, 5, 6].map((index) => fragments[index]!.number),
    );
  });
});

describe('bodies that are no media', () => {
  const bodies: [string, Uint8Array][] = [
    ['HTML', Buffer.from('<!DOCTYPE html><html><body>Welcome to the hotel</body></html>')],
    ['HTML behind white space', Buffer.from('\r\n  <html></html>')],
    ['gzip', Buffer.concat([Buffer.of(0x1f, 0x8b, 8, 0), Buffer.alloc(900, 0x55)])],
    ['JSON', Buffer.from('{"message":"no"}')],
    ['text', Buffer.from('Bad gateway')],
    ['zeros', new Uint8Array(3000)],
    ['noise', Uint8Array.from({ length: 5000 }, (_, index) => (index * 167 + 13) % 251)],
    ['one byte', Uint8Array.of(0x42)],
  ];

  it.each(bodies)('are survived, told, and no damage of the next fragment (%s)', async (_, page) => {
    const fragments = storedStream({ count: 6, crc: true });
    const { clock, service, consumer, gaps, reconnects } = setUp(fragments, true, { verifyCrc: true });
    // Three pages, then the next fragment damaged once: it is read again.
    service.body = (call) => (call > 0 && call < 4 ? page : undefined);
    const length = fragments[0]!.bytes.length + fragments[1]!.bytes.length;
    service.fault = (call) =>
      call === 0
        ? { type: 'cut', bytes: length + 10 }
        : call === 4
          ? { type: 'damage', byte: 0, mask: 4 }
          : { type: 'none' };
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
    const told = reconnects.filter(({ error }) => error?.code === 'NotMatroska');
    expect(told.map(({ reason }) => reason)).toEqual(['service', 'service', 'service']);
  });

  it.each(bodies)('count towards giving up (%s)', async (_, page) => {
    const { clock, service, consumer } = setUp(storedStream({ count: 2 }), true, { giveUpAfterMs: 30_000 });
    service.body = () => page;
    await expect(clock.run(takeUntil(consumer, 'none'))).rejects.toMatchObject({ code: 'NotMatroska' });
    expect(clock.now()).toBeGreaterThan(30_000);
    expect(clock.now()).toBeLessThan(90_000);
  });
});

describe('a fragment that is too large', () => {
  it('is tried a few times, and passed over with a gap', async () => {
    const fragments = storedStream({ count: 6 });
    const [large] = storedStream({ count: 1, padding: 400_000 });
    const stream = fragments.map((fragment, index) =>
      index === 2
        ? { ...renumber([large!], [fragment.number], () => fragment.receivedAt)[0]!, token: fragment.token }
        : fragment,
    );
    for (const documents of [false, true]) {
      const { clock, service, consumer, gaps } = setUp(stream, true, { maxFragmentSize: 100_000 });
      const taken: string[] = [];
      const work = async () => {
        const from = documents ? consumer.documents() : consumer;
        for await (const each of from) {
          taken.push(identify('fragment' in each ? each.fragment : each));
          if (taken.length === 5) break;
        }
      };
      await clock.run(work());
      expect(taken).toEqual(identities(fragments.filter((_, index) => index !== 2)));
      expect(gaps).toMatchObject([{ kind: 'damaged', fragmentNumbers: [fragments[2]!.number] }]);
      expect(String(gaps[0]?.reason)).toContain('100000 bytes');
      expect(service.selectors().length).toBeLessThanOrEqual(5);
    }
  });
});

describe('fragments without the service’s Tags', () => {
  const untag = (fragment: StoredFragment): StoredFragment => {
    const [bare] = renumber([fragment], [undefined], undefined, true);
    return bare!;
  };

  it('are handed out, once each, where none has any', async () => {
    const stream = storedStream({ count: 6, bare: true }).map(untag);
    const { clock, service, consumer, gaps } = setUp(stream);
    service.fault = (call) => (call === 0 ? { type: 'cut', bytes: 2500 } : { type: 'none' });
    expect(await clock.run(takeUntil(consumer, lastOf(stream)))).toEqual(identities(stream));
    expect(gaps).toEqual([]);
    expect(consumer.checkpoint).toBeUndefined();
  });

  it('are handed out in a stream whose others have numbers, when they come so again and again', async () => {
    const fragments = storedStream({ count: 6, bare: true });
    const stream = fragments.map((fragment, index) => (index === 2 ? untag(fragment) : fragment));
    const { clock, service, consumer, gaps } = setUp(stream);
    service.fault = (call) => (call === 2 ? { type: 'cut', bytes: 800 } : { type: 'none' });
    expect(await clock.run(takeUntil(consumer, lastOf(stream)))).toEqual(identities(stream));
    expect(gaps).toEqual([]);
  });

  it('are handed out where others have had Tags behind their frames, when they come so again and again', async () => {
    const fragments = storedStream({ count: 6 });
    const stream = fragments.map((fragment, index) => (index === 2 ? untag(fragment) : fragment));
    const { clock, service, consumer, gaps } = setUp(stream);
    expect(await clock.run(takeUntil(consumer, lastOf(stream)))).toEqual(identities(stream));
    expect(gaps).toEqual([]);
    expect(service.selectors()).toHaveLength(3);
  });

  it.each([false, true])('are not waited for at the end of a stream; Cluster without a size: %s', async (unknown) => {
    const fragments = storedStream({ count: 4 });
    const [bare] = storedStream({ count: 1, bare: true, unknownSizeCluster: unknown });
    const [last] = renumber([bare!], [fragments[3]!.number], () => fragments[3]!.receivedAt);
    const stream = [...fragments.slice(0, 3), last!];
    const { clock, consumer, gaps, checkpoints } = setUp(stream);
    expect(await clock.run(takeUntil(consumer, last!.identity))).toEqual(identities(stream));
    // One that has no size may be cut between two frames.
    if (unknown) expect(gaps).toMatchObject([{ kind: 'damaged', beforeFragmentNumber: last!.number }]);
    else expect(gaps).toEqual([]);
    expect(checkpoints).toHaveLength(3);
  });
});

describe('error 4000 in the stream', () => {
  it('is survived where no fragment is named to begin behind', async () => {
    const fragments = storedStream({ count: 3 });
    const { clock, service, consumer, gaps } = setUp(fragments);
    service.fault = (call) => (call < 3 ? { type: 'stream-error', fragments: 0, id: 4000 } : { type: 'none' });
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
  });
});

describe('going on by tokens', () => {
  it.each([false, true])('is exact when the service begins with the token’s own fragment: %s', async (withOwn) => {
    const fragments = storedStream({ count: 20 });
    const { clock, service, consumer, gaps } = setUp(fragments, true, { resumeBy: 'CONTINUATION_TOKEN' });
    service.tokenStartsWithOwn = withOwn;
    const random = seeded(2);
    service.fault = () => ({ type: 'cut', bytes: Math.floor(random() * 4000), clean: random() < 0.5 });
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
    const start = { type: 'CONTINUATION_TOKEN', continuationToken: fragments[4]!.token! } as const;
    const other = setUp(fragments, true, { start, resumeBy: 'CONTINUATION_TOKEN' });
    other.service.tokenStartsWithOwn = withOwn;
    expect(await other.clock.run(takeUntil(other.consumer, lastOf(fragments)))).toEqual(identities(fragments.slice(5)));
  });
});

describe('an error in the stream that nobody knows', () => {
  it.each([4999, 1, 7777])('is told, and survived (%i)', async (id) => {
    const fragments = storedStream({ count: 5 });
    const { clock, service, consumer, reconnects } = setUp(fragments);
    service.fault = (call) => (call < 3 ? { type: 'stream-error', fragments: call, id } : { type: 'none' });
    expect(await clock.run(takeUntil(consumer, lastOf(fragments)))).toEqual(identities(fragments));
    expect(reconnects.filter(({ reason }) => reason === 'unknown').map(({ error }) => error?.code)).toEqual(
      Array(3).fill(`CODE_${id}`),
    );
  });
});
