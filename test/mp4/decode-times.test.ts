import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reorderDepth, toMicroseconds, toTicks, VideoClock } from '../../src/mp4/decode-times.js';
import { AudioClock } from '../../src/visitors/audio-clock.js';

/** A group of pictures as encoders order them: anchors with pyramids of B-frames between them, in decode order. */
function pyramid(low: number, high: number): number[] {
  if (high - low < 2) return [];
  const middle = (low + high) >> 1;
  return [middle, ...pyramid(low, middle), ...pyramid(middle, high)];
}

/** Presentation order numbers of a stream, in decode order, cut into runs anywhere. */
const stream = fc
  .tuple(
    fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 12 }),
    fc.boolean(),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 40, maxLength: 40 }),
  )
  .map(([groups, nested, cuts]) => {
    const order = [0];
    let at = 0;
    for (const between of groups) {
      const next = at + between + 1;
      const within = Array.from({ length: between }, (_, i) => at + 1 + i);
      order.push(next, ...(nested ? pyramid(at, next) : within));
      at = next;
    }
    const runs: number[][] = [];
    for (const size of cuts) if (order.length > 0) runs.push(order.splice(0, size));
    if (order.length > 0) runs.push(order);
    return runs;
  });

describe('VideoClock', () => {
  test('decode times increase, are never after presentation, and presentation stays', () => {
    fc.assert(
      fc.property(
        stream,
        fc.constantFrom(1500, 3000, 3003, 3600),
        fc.integer({ min: 0, max: 1.5e14 }),
        (runs, step, start) => {
          const depth = reorderDepth(runs.flat());
          const clock = new VideoClock(depth);
          let last = Number.NEGATIVE_INFINITY;
          for (const run of runs) {
            const wanted = run.map((order) => start + order * step);
            const { decode, presentation, nextDecode } = clock.time(wanted, step);
            expect(presentation).toEqual(wanted);
            decode.forEach((time, i) => {
              expect(time).toBeGreaterThan(last);
              expect(time).toBeLessThanOrEqual(wanted[i]!);
              // A decoder with that depth needs it no earlier.
              expect(time).toBeGreaterThanOrEqual(wanted[i]! - step * (depth + run.length + 16));
              last = time;
            });
            expect(nextDecode).toBeGreaterThan(last);
          }
        },
      ),
    );
  });

  test('with a constant frame rate the decode times are as regular as the frames', () => {
    const order = [0, 4, 2, 1, 3, 8, 6, 5, 7];
    const clock = new VideoClock(2);
    const first = clock.time(
      order.map((n) => n * 3600 + 90_000),
      3600,
    );
    expect(first.decode).toEqual(order.map((_, i) => 90_000 + (i - 2) * 3600));
    const second = clock.time(
      order.map((n) => (n + 9) * 3600 + 90_000),
      3600,
    );
    expect(second.decode).toEqual(order.map((_, i) => 90_000 + (i + 9 - 2) * 3600));
    expect(first.nextDecode).toBe(second.decode[0]);
  });

  test('after a gap decoding begins no earlier than it has to', () => {
    const clock = new VideoClock(2);
    const order = [0, 3, 1, 2];
    clock.time(
      order.map((n) => n * 10),
      10,
    );
    expect(
      clock.time(
        order.map((n) => 1000 + n * 10),
        10,
      ).decode,
    ).toEqual([980, 990, 1000, 1010]);
  });

  test('a run that reorders more than the parameter sets say still has valid times', () => {
    const clock = new VideoClock(0);
    expect(clock.time([0, 10, 20], 10).decode).toEqual([0, 10, 20]);
    const { decode, presentation } = clock.time([30, 70, 50, 40, 60], 10);
    expect(presentation).toEqual([30, 70, 50, 40, 60]);
    decode.forEach((time, i) => {
      expect(time).toBeGreaterThan(decode[i - 1] ?? 20);
      expect(time).toBeLessThanOrEqual(presentation[i]!);
    });
  });

  test('equal and backward times are moved as little as decode order wants', () => {
    const clock = new VideoClock(0);
    expect(clock.time([0, 0, 0, 90], 90).presentation).toEqual([0, 1, 2, 90]);
    const { decode, presentation } = clock.time([80, 180], 90);
    expect(decode[0]).toBe(91);
    expect(presentation).toEqual([91, 180]);
  });

  test('any times at all give increasing decode times before presentation', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 20 })),
        fc.nat(16),
        (runs, depth) => {
          const clock = new VideoClock(depth);
          let last = Number.NEGATIVE_INFINITY;
          for (const run of runs) {
            const { decode, presentation } = clock.time(run, 10);
            decode.forEach((time, i) => {
              expect(time).toBeGreaterThan(last);
              expect(time).toBeLessThanOrEqual(presentation[i]!);
              last = time;
            });
          }
        },
      ),
    );
  });
});

describe('AudioClock', () => {
  test.each([
    [44_100, 1024],
    [48_000, 1024],
    [22_050, 960],
    [8000, 160],
  ])('%i Hz, %i samples a frame: an hour without drift and without jitter from milliseconds', (rate, frame) => {
    const clock = new AudioClock(rate);
    const start = 1_700_000_000_123_000;
    const count = Math.round((3600 * rate) / frame);
    let expected = Math.round(toTicks(start, rate));
    for (let at = 0; at < count; at += 50) {
      const times = Array.from({ length: 50 }, (_, i) => {
        const exact = start + ((at + i) * frame * 1e6) / rate;
        return toTicks(Math.round(exact / 1000) * 1000, rate);
      });
      const { decode } = clock.time(times, new Array<number>(50).fill(frame));
      for (const time of decode) {
        if (time !== expected) expect(time).toBe(expected);
        expected += frame;
      }
    }
    expect(toMicroseconds(expected, rate) - start).toBeGreaterThan(3_590_000_000);
  });

  test('starts again where frames are missing, and where they overlap', () => {
    const clock = new AudioClock(48_000);
    const frames = (...numbers: number[]) =>
      clock.time(
        numbers.map((n) => n * 1024),
        numbers.map(() => 1024),
      ).decode;
    expect(frames(0, 1, 2)).toEqual([0, 1024, 2048]);
    expect(frames(4, 5)).toEqual([4096, 5120]);
    expect(frames(100)).toEqual([102_400]);
    // Back, as far as decode order allows.
    expect(frames(50, 51)).toEqual([102_401, 102_402]);
  });

  test('gives no two samples one time, also where frames without bytes last none, and over the end of a run', () => {
    const run = fc.array(fc.tuple(fc.double({ min: 0, max: 1e13, noNaN: true }), fc.nat({ max: 3 })), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 4 }), (runs) => {
        const clock = new AudioClock(8000);
        let last = Number.NEGATIVE_INFINITY;
        for (const samples of runs) {
          const { decode, nextDecode } = clock.time(
            samples.map(([time]) => time),
            samples.map(([, duration]) => duration),
          );
          for (const time of [...decode, nextDecode]) {
            expect(time).toBeGreaterThan(last);
            last = time;
          }
          last = decode.at(-1) ?? last;
        }
      }),
    );
  });

  test('follows a producer whose clock is not quite the sampling clock', () => {
    const clock = new AudioClock(48_000);
    // 100 ppm, for 10 minutes: 60 ms off at the end, were it not followed.
    for (let i = 0; i < 28_125; i++) {
      const time = i * 1024 * 1.0001;
      const { decode } = clock.time([time], [1024]);
      expect(Math.abs(decode[0]! - time)).toBeLessThanOrEqual(513);
    }
  });
});

test('ticks and microseconds are exact since 1970', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1e9, max: 1.9e12 }),
      fc.constantFrom(8000, 44_100, 48_000, 90_000),
      (ms, timescale) => {
        const ticks = toTicks(ms * 1000, timescale);
        const exact = (BigInt(ms) * BigInt(timescale)) / 1000n;
        expect(Math.abs(Number(BigInt(Math.round(ticks)) - exact))).toBeLessThanOrEqual(1);
        expect(Math.abs(toMicroseconds(Math.round(ticks), timescale) - ms * 1000)).toBeLessThanOrEqual(1e6 / timescale);
      },
    ),
  );
});
