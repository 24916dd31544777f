import { describe, expect, it } from 'vitest';
import { type ConsumerKind, consume, consumedStream, findConsumerSilences } from '../../fuzz/flips/consumers.js';
import { placesIn } from '../../fuzz/flips/flips.js';
import { writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { identities, lastOf, setUp, takeUntil } from './support/live-consumer.js';
import { identify, type StoredFragment, storedStream } from './support/stored-stream.js';

const KINDS: readonly ConsumerKind[] = ['GetMediaConsumer', 'FragmentListConsumer'];

/** A fragment with bytes of its document changed, wherever they stand before its Cluster. */
function withBytes(fragment: StoredFragment, from: string | Uint8Array, to: string | Uint8Array): StoredFragment {
  const bytes = Buffer.from(fragment.bytes);
  const at = bytes.indexOf(from);
  expect(at).toBeGreaterThan(0);
  bytes.set(Buffer.from(to), at);
  return { ...fragment, bytes };
}

/** The number of the bit, from the beginning of the fragment's document, in the byte at `by` behind `text`. */
function bitBehind(fragment: StoredFragment, text: string | Uint8Array, by: number, mask: number): number {
  return 8 * (Buffer.from(fragment.bytes).indexOf(text) + by) + Math.clz32(mask) - 24;
}

describe.each(KINDS)('%s', (kind) => {
  it.each([
    [0, false],
    [2, false],
    [0, true],
    [2, true],
  ])(
    'reads again what one wrong bit makes unlike the other fragments (fragment %i, unknown size: %s)',
    async (place, unknownSize) => {
      const stream = consumedStream({ unknownSizeCluster: unknownSize });
      const places = placesIn(stream[place]!.bytes);
      // An odd step meets every bit of a byte.
      const bits = places.filter((_, index) => index % 53 === 0);
      const silences = await findConsumerSilences(kind, stream, place, bits);
      // The times and flags of single Blocks, and a millisecond, are like those of any other fragment.
      const known = silences.filter(
        ({ element, part }) => part === 'value' && ['SimpleBlock', 'Timestamp'].includes(element),
      );
      expect(silences.filter((silence) => !known.includes(silence))).toEqual([]);
      expect(known.length).toBeLessThan(6);
    },
  );

  it.each([1_000_000, 500_000])('believes no TimestampScale that comes once, of %i', async (scale) => {
    const stream = consumedStream({ timestampScale: scale });
    const expected = await consume(kind, stream, 0, undefined);
    for (const place of [0, 1, 4]) {
      // The element of three bytes, with its id: each bit of its value, and the id itself.
      for (const bit of [0, 30, 32, 36, 39, 40, 45, 52, 55]) {
        const at = bitBehind(stream[place]!, Buffer.of(0x2a, 0xd7, 0xb1), 0, 0x80) + bit;
        const { lines } = await consume(kind, stream, place, at);
        expect([place, bit, lines]).toEqual([place, bit, expected.lines]);
      }
    }
  });

  it('is not fooled by a CRC-32 element that takes in the TimestampScale, so that nothing is verified', async () => {
    const stream = consumedStream({ crc: true, timestampScale: 500_000 });
    const expected = await consume(kind, stream, 0, undefined);
    const info = bitBehind(stream[0]!, Buffer.of(0x15, 0x49, 0xa9, 0x66), 0, 0x80);
    // The id and size of Info, and of the CRC-32 in it.
    for (let bit = info; bit < info + 8 * 7; bit++) {
      const { lines, told } = await consume(kind, stream, 0, bit);
      expect([bit - info, told || lines.join() === expected.lines.join()]).toEqual([bit - info, true]);
    }
  });

  it('asks no more than once where nothing is odd', async () => {
    const { calls } = await consume(kind, consumedStream({}), 0, undefined);
    expect(calls).toBe(1);
  });
});

describe('a codec that is wrong once, of another codec', () => {
  const wrong = (stream: readonly StoredFragment[]) => bitBehind(stream[0]!, 'V_VP8', 4, 1);

  it('in the first fragment of a live stream is told when the second one shows it', async () => {
    const stream = consumedStream({});
    const expected = await consume('GetMediaConsumer', stream, 0, undefined);
    const { lines, told } = await consume('GetMediaConsumer', stream, 0, wrong(stream));
    expect(told).toBe(true);
    expect(lines[0]).not.toBe(expected.lines[0]);
    expect(lines.slice(1)).toEqual(expected.lines.slice(1));
  });

  it('in the first fragment of a list is read again', async () => {
    const stream = consumedStream({});
    const expected = await consume('FragmentListConsumer', stream, 0, undefined);
    const { lines, told } = await consume('FragmentListConsumer', stream, 0, wrong(stream));
    expect([lines, told]).toEqual([expected.lines, false]);
  });
});

describe('a producer that really changes', () => {
  const changed = (fragment: StoredFragment) => withBytes(fragment, 'V_MPEG4/ISO/AVC', 'V_MPEG4/ISO/ASP');
  const calls = (service: { selectors(): readonly unknown[] }) => service.selectors().length;

  async function read(stream: readonly StoredFragment[]) {
    const { clock, service, consumer, gaps } = setUp(stream);
    const taken = await clock.run(takeUntil(consumer, lastOf(stream)));
    expect(taken).toEqual(identities(stream));
    expect(gaps).toEqual([]);
    return calls(service);
  }

  it('is believed when it comes the same again', async () => {
    const stream = storedStream({ count: 12 });
    expect(await read(stream)).toBe(1);
    for (const from of [1, 5]) {
      const more = await read(stream.map((fragment, index) => (index < from ? fragment : changed(fragment))));
      // The second fragment has the first one looked at again.
      expect(more).toBe(from === 1 ? 3 : 2);
    }
  });

  it('to and fro is read again once', async () => {
    const stream = storedStream({ count: 12 });
    expect(await read(stream.map((fragment, index) => (index % 3 === 2 ? changed(fragment) : fragment)))).toBe(2);
  });

  it('with each fragment is not read again each time', async () => {
    const stream = storedStream({ count: 40 });
    const each = stream.map((fragment, index) =>
      withBytes(fragment, 'V_MPEG4/ISO/AVC', `V_MPEG4/ISO/${String(index).padStart(3, '0')}`),
    );
    expect(await read(each)).toBeLessThan(8);
  });

  it('in its times is believed when they come the same again', async () => {
    const stream = storedStream({ count: 6 });
    const later = storedStream({ count: 12, epoch: 1_700_009_000_000, padding: 500 }).slice(6);
    expect(await read([...stream, ...later])).toBe(2);
  });
});

describe('a fragment that comes otherwise each time', () => {
  it('is handed out in the end, and told', async () => {
    const stream = storedStream({ count: 6 });
    const { clock, service, consumer, gaps } = setUp(stream);
    service.alter = (fragment, call) =>
      fragment === stream[3]
        ? withBytes(fragment, 'V_MPEG4/ISO/AVC', `V_MPEG4/ISO/${String(call).padStart(3, '0')}`)
        : fragment;
    expect(await clock.run(takeUntil(consumer, lastOf(stream)))).toEqual(identities(stream));
    expect(gaps).toMatchObject([{ kind: 'damaged', fragmentNumbers: [stream[3]!.number] }]);
  });
});

describe('an element that the standard forbids', () => {
  it('in every fragment is read again once', async () => {
    // A date of 9 bytes is tolerated, and warned of.
    const odd = writeMaster(Mkv.Info, [Buffer.from('446189000000000000000000', 'hex')]);
    const stream = storedStream({ count: 6 }).map((fragment) => {
      const bytes = Buffer.from(fragment.bytes);
      const at = bytes.indexOf(Buffer.of(0x16, 0x54, 0xae, 0x6b));
      return { ...fragment, bytes: Buffer.concat([bytes.subarray(0, at), odd, bytes.subarray(at)]) };
    });
    const { clock, service, consumer, gaps } = setUp(stream);
    const taken: string[] = [];
    const work = async () => {
      for await (const fragment of consumer) if (taken.push(identify(fragment)) === 6) break;
    };
    await clock.run(work());
    expect(taken).toEqual(identities(stream));
    expect([service.selectors().length, gaps]).toEqual([2, []]);
  });
});
