import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { Mkv, type MkvGap, MkvParseError, StreamingMkvReader } from '../../src/index.js';
import { CAPTURES, captureBytes, captureFacts } from '../support/captures.js';
import { below, random } from '../support/random.js';
import { describeNeeding } from '../support/tools.js';

const PLACES = 200;
const KILOBYTE = 1000;

/** A Cluster of a stream: where its bytes lie and what is in it. */
interface ClusterContent {
  readonly start: number;
  readonly end: number;
  /** Type and data of its elements, hashed. */
  readonly content: string;
}

interface Reading {
  readonly clusters: ClusterContent[];
  readonly gaps: MkvGap[];
  /** Offsets of the elements that no Block, for those are the most by far. */
  readonly headers: number[];
  /** Bytes of all elements that were given. */
  readonly given: number;
  readonly truncated: boolean;
}

function read(bytes: Uint8Array, recover: boolean, chunkSize = 50_000): Reading {
  const gaps: MkvGap[] = [];
  const clusters: ClusterContent[] = [];
  const reader = new StreamingMkvReader({ recover, onGap: (gap) => gaps.push(gap) });
  const headers: number[] = [];
  let given = 0;
  let hash = createHash('sha256');
  let start = -1;
  let end = 0;
  const take = () => {
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      if (element.kind !== 'end' && !element.is(Mkv.SimpleBlock)) headers.push(element.offset);
      given += element.headerSize + (element.kind === 'data' ? element.dataSize : 0);
      if (element.is(Mkv.Cluster)) {
        if (element.kind === 'start') {
          start = element.offset;
          hash = createHash('sha256');
          end = start + element.headerSize;
        } else {
          clusters.push({ start, end, content: hash.digest('hex') });
          start = -1;
        }
      } else if (start >= 0) {
        hash.update(`${element.kind} ${element.type.id} `);
        if (element.kind === 'data') hash.update(element.data);
        if (element.kind !== 'end') end = element.offset + element.headerSize + (element.dataSize ?? 0);
      }
    }
  };
  for (let at = 0; at < bytes.length; at += chunkSize) {
    reader.push(bytes.subarray(at, at + chunkSize));
    take();
  }
  reader.end();
  take();
  expect(reader.mightHaveNext()).toBe(false);
  return { clusters, gaps, headers, given, truncated: reader.truncated };
}

interface Damage {
  readonly bytes: Uint8Array;
  /** The bytes of the original that are not as they were, from `start` to `end`; `start === end` for an insertion. */
  readonly start: number;
  readonly end: number;
  /** How many bytes of the damaged stream stand for them. */
  readonly length: number;
}

function splice(bytes: Uint8Array, start: number, end: number, inserted: Uint8Array): Damage {
  const damaged = new Uint8Array(start + inserted.length + bytes.length - end);
  damaged.set(bytes.subarray(0, start));
  damaged.set(inserted, start);
  damaged.set(bytes.subarray(end), start + inserted.length);
  return { bytes: damaged, start, end, length: inserted.length };
}

/** A random place; every other one near a header, where damage does the most and chance alone would seldom hit. */
function place(next: () => number, limit: number, headers: readonly number[]): number {
  if (next() < 0.5) return below(next, limit);
  const near = headers[below(next, headers.length)]! + below(next, 40) - 20;
  return Math.max(0, Math.min(limit - 1, near));
}

const DAMAGES: readonly [string, (bytes: Uint8Array, next: () => number, headers: readonly number[]) => Damage][] = [
  [
    '1 byte changed',
    (bytes, next, headers) => {
      const at = place(next, bytes.length, headers);
      return splice(bytes, at, at + 1, Uint8Array.of(bytes[at]! ^ (1 + below(next, 255))));
    },
  ],
  [
    '1 kB missing',
    (bytes, next, headers) => {
      const at = place(next, bytes.length - Math.min(KILOBYTE, bytes.length - 1), headers);
      return splice(bytes, at, Math.min(bytes.length, at + KILOBYTE), new Uint8Array(0));
    },
  ],
  [
    '1 kB of noise inserted',
    (bytes, next, headers) => {
      const at = place(next, bytes.length, headers);
      return splice(
        bytes,
        at,
        at,
        Uint8Array.from({ length: KILOBYTE }, () => below(next, 256)),
      );
    },
  ],
];

describeNeeding('a damaged capture', [CAPTURES], () => {
  const files = CAPTURES.missing === undefined ? captureFacts().map(({ file }) => file) : [];
  for (const file of files) {
    const bytes = captureBytes(file);
    const whole = read(bytes, false);

    for (const [name, damage] of DAMAGES) {
      it(`${file}, ${name}: recovery loses no Cluster that was not touched`, () => {
        for (let seed = 0; seed < PLACES; seed++) {
          const { bytes: damaged, start, end, length } = damage(bytes, random(seed), whole.headers);
          const shift = length - (end - start);
          const { clusters, gaps, given } = read(damaged, true, 1 + below(random(seed), 100_000));
          const found = new Set(clusters.map(({ start: at, content }) => `${at} ${content}`));
          for (const cluster of whole.clusters) {
            // The damage touches a Cluster when it changes its bytes or lies between two of them.
            const before = cluster.end <= start;
            const after = cluster.start >= end;
            if (!before && !after) continue;
            const at = cluster.start + (after && !before ? shift : 0);
            if (!found.has(`${at} ${cluster.content}`))
              throw new Error(`seed ${seed}: the Cluster at ${cluster.start} is lost`);
          }
          let reached = 0;
          for (const gap of gaps) {
            expect(gap.length).toBeGreaterThan(0);
            expect(gap.offset, 'gaps are told in order, each once').toBeGreaterThanOrEqual(reached);
            reached = gap.offset + gap.length;
          }
          // Nothing is lost silently, nothing is given twice.
          expect(given + gaps.reduce((sum, gap) => sum + gap.length, 0)).toBe(damaged.length);
        }
      });

      it(`${file}, ${name}: without recovery, well-formed or an error in the damage or after it`, () => {
        for (let seed = 0; seed < PLACES; seed++) {
          const { bytes: damaged, start } = damage(bytes, random(seed), whole.headers);
          try {
            const { given, truncated } = read(damaged, false);
            if (!truncated) expect(given).toBe(damaged.length);
          } catch (error) {
            if (!(error instanceof MkvParseError)) throw error;
            expect(error.offset, `seed ${seed}: ${error.message}`).toBeGreaterThanOrEqual(start);
            expect(error.offset).toBeLessThanOrEqual(damaged.length);
          }
        }
      });
    }
  }
});
