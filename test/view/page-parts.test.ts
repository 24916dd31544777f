import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowerBound } from '../../src/view/lower-bound.js';
import { breaksOf, Intervals, lanesOf } from '../../src/view/page/axis-model.js';
import { bitRates } from '../../src/view/page/bit-rates.js';
import { queryOf } from '../../src/view/page/element-query.js';
import { bitRateText, momentText, offsetText, secondsText, sizeText, spanText } from '../../src/view/page/format.js';
import { hexRows } from '../../src/view/page/hex-rows.js';
import { panned, showing, ticksOf, tickText, timeAt, xOf, zoomed } from '../../src/view/page/time-scale.js';
import { cutText, textParts, visibleText } from '../../src/view/page/visible-text.js';
import type { ElementRecord } from '../../src/view/protocol.js';

/** In milliseconds since 1970, as cameras have them: within a double's precision of a pixel at every zoom. */
const times = fc.double({ min: -2e12, max: 2e12, noNaN: true });
const views = fc
  .tuple(times, fc.double({ min: 1, max: 1e9, noNaN: true }))
  .map(([from, length]) => ({ from, to: from + length }));

describe('text of a stream', () => {
  it('shows each character, or names it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = visibleText(text);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
        // Nothing is left out but marks piled on one character.
        const parts = textParts(text);
        const named = parts.filter((part) => part.named).length;
        const unseen = [...text].filter((character) => visibleText(character) !== character).length;
        expect(named).toBe(unseen);
        const characters = [...text].map((character) => visibleText(character));
        if (!/\p{M}{5}/u.test(text)) expect(shown).toBe(characters.join(''));
      }),
    );
  });

  it('names what turns it around, and cuts piles of marks', () => {
    expect(visibleText('a\u202eb\u200bc\x1b')).toBe('a⟨U+202E⟩b⟨U+200B⟩c⟨ESC⟩');
    expect(visibleText(`z${'\u0300'.repeat(500)}`).length).toBeLessThan(10);
    expect(visibleText('Eingang Süd 第二章 😀')).toBe('Eingang Süd 第二章 😀');
  });

  it('is cut between characters', () => {
    expect(cutText('a😀b', 2)).toBe('a');
    expect(cutText('a😀b', 3)).toBe('a😀');
    expect(cutText('abc', 5)).toBe('abc');
  });
});

describe('figures', () => {
  it.each([
    [sizeText(0), '0 B'],
    [sizeText(999), '999 B'],
    [sizeText(9131), '9.13 kB'],
    [sizeText(999_600), '1.00 MB'],
    [bitRateText(373_000), '373 kbit/s'],
    [bitRateText(12), '12 bit/s'],
    [secondsText(2_000_333), '2.000333'],
    [secondsText(-40_000), '-0.040'],
    [secondsText(undefined), ''],
    [momentText(1_511_852_108_513), '2017-11-28 06:55:08.513'],
    [momentText(9e15), ''],
    [momentText(undefined), ''],
    [spanText(613), '613 ms'],
    [spanText(-1900), '−1.9 s'],
    [spanText(-0.3), '0 ms'],
    [spanText(15_858), '15.9 s'],
    [spanText(78_000), '1 min 18 s'],
    [spanText(40_020_000), '11 h 7 min'],
    [offsetText(4096), '4\u2009096 (0x1000)'],
  ])('%s', (shown, wanted) => {
    expect(shown).toBe(wanted);
  });
});

describe('a view of time', () => {
  it('keeps a time at its place while it is zoomed', () => {
    fc.assert(
      fc.property(
        views,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.integer({ min: 0, max: 999 }),
        (view, by, x) => {
          const time = timeAt(x, view, 1000);
          expect(Math.abs(xOf(time, zoomed(view, by, time), 1000) - x)).toBeLessThan(1);
        },
      ),
    );
  });

  it('never leaves what there is out of sight, and moves no more than it must', () => {
    fc.assert(
      fc.property(views, views, fc.double({ min: -5, max: 5, noNaN: true }), times, (view, whole, part, time) => {
        const moved = panned(view, part, whole);
        expect(moved.from).toBeLessThan(whole.to);
        expect(moved.to).toBeGreaterThan(whole.from);
        const seen = showing(view, time);
        expect(seen.from).toBeLessThanOrEqual(time);
        expect(seen.to).toBeGreaterThanOrEqual(time);
      }),
    );
  });

  it('has a ruler that is never crowded', () => {
    fc.assert(
      fc.property(views, fc.integer({ min: 1, max: 4000 }), (view, width) => {
        const { times: ticks, step } = ticksOf(view, width, 96);
        expect(ticks.length).toBeLessThanOrEqual(width / 96 + 1);
        for (const tick of ticks) expect(typeof tickText(tick, step, true)).toBe('string');
      }),
    );
    expect(tickText(1_511_852_108_500, 500, true)).toBe('06:55:08.500');
    expect(tickText(1_511_852_108_000, 1000, true)).toBe('06:55:08');
    expect(tickText(2500, 500, false)).toBe('2.500 s');
  });
});

describe('the time axis', () => {
  const fragment = (from: number, to: number, ...values: string[]) => ({
    from,
    to,
    gap: undefined,
    tags: values.map((value) => ({ name: 'Door', value })),
  });

  it('makes a bar of a tag that fragments in a row repeat, and a mark of another', () => {
    const [lane] = lanesOf([
      fragment(0, 10, 'open'),
      fragment(10, 20, 'open'),
      fragment(20, 30),
      fragment(30, 40, 'shut'),
    ]);
    expect(lane?.items).toEqual([
      { from: 0, to: 20, value: 'open', lasts: true, row: 0 },
      { from: 30, to: 40, value: 'shut', lasts: false, row: 0 },
    ]);
    // Two at once are beside each other.
    const [both] = lanesOf([fragment(0, 1000, 'a', 'b'), fragment(1000, 2000, 'a', 'b')]);
    expect(both?.items.map(({ row }) => row)).toEqual([0, 1]);
  });

  it('loses no tag of many names and values', () => {
    const tag = fc.record({ name: fc.constantFrom(...'abcdefghijkl'), value: fc.constantFrom('x', 'y', 'z') });
    fc.assert(
      fc.property(fc.array(fc.array(tag, { maxLength: 4 }), { maxLength: 30 }), (lists) => {
        const fragments = lists.map((tags, index) => ({ from: index * 10, to: index * 10 + 10, tags }));
        const lanes = lanesOf(fragments);
        expect(lanes.length).toBeLessThanOrEqual(8);
        for (const { from, tags } of fragments) {
          for (const { name, value } of tags) {
            const found = lanes.some((lane) =>
              lane.items.some(
                (item) => item.from <= from && item.to > from && [value, `${name}: ${value}`].includes(item.value),
              ),
            );
            expect(found).toBe(true);
          }
        }
      }),
    );
  });

  it('has gaps and overlaps where the fragments say so', () => {
    expect(
      breaksOf([
        { from: 0, to: 10, gap: undefined },
        { from: 2010, to: 2020, gap: 2000 },
        { from: 1920, to: 1930, gap: -100 },
      ]),
    ).toEqual([
      { kind: 'gap', from: 10, to: 2010 },
      { kind: 'overlap', from: 1920, to: 1930 },
    ]);
  });

  it('finds all intervals in sight', () => {
    const interval = fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 300 }));
    fc.assert(
      fc.property(fc.array(interval), interval, (list, [start, length]) => {
        const all = list.map(([from, long]) => ({ from, to: from + long }));
        const intervals = new Intervals(all);
        const view = { from: start, to: start + length };
        const [from, to] = intervals.within(view);
        const found = new Set(intervals.order.subarray(from, to));
        all.forEach((each, index) => {
          if (each.to >= view.from && each.from < view.to) expect(found).toContain(index);
        });
      }),
    );
  });

  it('has bit rates that add up to the bytes in sight', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 1e6 }))),
        (list) => {
          const sorted = list.sort(([a], [b]) => a - b);
          const at = Float64Array.from(sorted, ([time]) => time);
          const sizes = sorted.map(([, size]) => size);
          const { times: steps, rates } = bitRates(at, sizes, 0, 100_001);
          const step = (steps[1] ?? 0) - (steps[0] ?? 0);
          const bytes = rates.reduce((sum, rate) => sum + (rate * step) / 8000, 0);
          expect(bytes).toBeCloseTo(
            sizes.reduce((a, b) => a + b, 0),
            2,
          );
        },
      ),
    );
  });
});

describe('elements', () => {
  it('are looked for by what a user writes', () => {
    expect(queryOf('name', ' SimpleBlock ')).toEqual({ name: 'SimpleBlock' });
    expect(queryOf('id', 'A3')).toEqual({ id: 0xa3 });
    expect(queryOf('id', '0x1A45DFA3')).toEqual({ id: 0x1a45dfa3 });
    expect(queryOf('id', 'zebra')).toBe(undefined);
    expect(queryOf('offset', '1\u2009180')).toEqual({ offset: 1180 });
    expect(queryOf('offset', '0x49c')).toEqual({ offset: 1180 });
    expect(queryOf('offset', '-1')).toBe(undefined);
    expect(queryOf('value', ' a')).toEqual({ value: ' a' });
    expect(queryOf('value', '  ')).toBe(undefined);
  });

  it('have each of their bytes in the hex pane, once and marked', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(50),
        fc.nat(12),
        fc.nat(60),
        (bytes, offset, headerSize, dataSize) => {
          const element = { offset: offset + 3, headerSize, dataSize } as ElementRecord;
          const rows = hexRows(bytes, offset, element);
          const runs = rows.flatMap((row) => row.runs);
          const hex = runs.map((run) => run.hex.replaceAll(' ', '')).join('');
          expect(hex).toBe(Buffer.from(bytes).toString('hex'));
          const count = (part: string) =>
            runs.filter((run) => run.part === part).reduce((sum, { text }) => sum + text.length, 0);
          const inside = Math.max(0, bytes.length - 3);
          expect(count('header')).toBe(Math.min(headerSize, inside));
          expect(count('data')).toBe(Math.min(dataSize, Math.max(0, inside - headerSize)));
        },
      ),
    );
  });

  it('are found by binary search', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (list, value) => {
        const sorted = list.sort((a, b) => a - b);
        const place = sorted.findIndex((each) => each >= value);
        expect(lowerBound(sorted, value)).toBe(place < 0 ? sorted.length : place);
      }),
    );
  });
});
