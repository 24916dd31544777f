import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assembler } from '../../src/ebml/assembler.js';
import { ByteRun } from '../../src/ebml/byte-run.js';
import { ChunkQueue } from '../../src/ebml/chunk-queue.js';
import { type SyncMark, SyncScanner } from '../../src/ebml/sync-scanner.js';
import { concatBytes } from '../../src/ebml/writer.js';
import { chunksOf } from '../support/read-all.js';

describe('ChunkQueue', () => {
  it('gives the bytes in order, each with its place, whatever is put back and gathered meanwhile', () => {
    const step = fc.record({
      push: fc.uint8Array({ maxLength: 5 }),
      read: fc.nat(6),
      unread: fc.nat(6),
      gather: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const queue = new ChunkQueue();
        const whole: number[] = [];
        let at = 0;
        const next = () => {
          if (queue.position === queue.bytes.length && !queue.advance()) return false;
          expect(queue.offset).toBe(at);
          expect(queue.bytes[queue.position++]).toBe(whole[at++]);
          return true;
        };
        for (const { push, read, unread, gather } of steps) {
          queue.push(push);
          whole.push(...push);
          for (let i = 0; i < read && next(); i++);
          const back = Math.min(unread, at);
          if (back > 0) queue.unread(Uint8Array.from(whole.slice(at - back, at)));
          at -= back;
          const left = whole.length - at;
          expect(queue.gather(gather)).toBe(left >= gather);
          expect(queue.offset).toBe(at);
          const there = [...queue.bytes.subarray(queue.position)];
          expect(there.length).toBeGreaterThanOrEqual(Math.min(left, gather));
          expect(there).toEqual(whole.slice(at, at + there.length));
          expect(queue.hasMore).toBe(left > there.length);
        }
        while (next());
        expect(at).toBe(whole.length);
      }),
      { numRuns: 300 },
    );
  });

  it('goes on to a place, and counts bytes that were read without it', () => {
    const queue = new ChunkQueue();
    queue.skip(10);
    expect(queue.offset).toBe(10);
    queue.push(Uint8Array.of(1, 2));
    queue.push(Uint8Array.of(3, 4));
    queue.stepTo(13);
    expect([queue.offset, queue.bytes[queue.position]]).toEqual([13, 4]);
    queue.drain();
    expect(queue.offset).toBe(14);
    queue.skip(5);
    expect(queue.offset).toBe(19);
  });

  it('gathers many small pieces with each byte copied about twice', () => {
    const queue = new ChunkQueue();
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 4096; i++) {
      queue.push(Uint8Array.of(i));
      expect(queue.gather(i + 1)).toBe(true);
      buffers.add(queue.bytes.buffer);
    }
    expect(buffers.size).toBeLessThan(12);
    expect(queue.bytes).toEqual(Uint8Array.from({ length: 4096 }, (_, i) => i));
  });
});

it('a run of bytes gives views of its part of a buffer, not copies', () => {
  const buffer = Uint8Array.of(1, 2, 3, 4, 5);
  const run = new ByteRun(buffer.subarray(1, 4));
  expect([run.bytes, run.view(1, 2), run.view(0, 0)]).toEqual([
    Uint8Array.of(2, 3, 4),
    Uint8Array.of(3, 4),
    new Uint8Array(0),
  ]);
  expect(run.view(1, 2).buffer).toBe(buffer.buffer);
});

describe('Assembler', () => {
  const MIB = 1 << 20;
  const NOISE = Uint8Array.from({ length: 3 * MIB + 5 }, (_, i) => (i * 7919) >> 3);
  const sizes = fc.oneof(
    fc.nat(100),
    fc.integer({ min: MIB - 2, max: MIB + 2 }),
    fc.integer({ min: MIB, max: 3 * MIB }),
  );
  const steps = fc.array(fc.oneof(fc.nat(40), fc.nat(MIB)), { minLength: 1, maxLength: 6 });

  const trusts = fc.constantFrom([0, 2 ** 14], [2 ** 15, 2 ** 15], [MIB, MIB], [2 ** 40, MIB]);

  it('puts pieces together in a buffer of the exact size, and takes no memory for bytes that have not come', () => {
    fc.assert(
      fc.property(sizes, steps, fc.nat(5), trusts, (size, lengths, before, [trust = 0, believed = 0]) => {
        const whole = NOISE.subarray(0, size + before);
        const assembler = new Assembler(size, trust);
        const first = assembler.bytes;
        for (let at = before, turn = 0; at < whole.length; turn++) {
          // Steps of no bytes at all would never end.
          const step = (lengths[turn % lengths.length] ?? 0) + (turn >= lengths.length ? 1000 : 0);
          const end = Math.min(whole.length, at + step);
          assembler.append(whole, at, end);
          at = end;
          expect(assembler.bytes.length).toBeLessThanOrEqual(Math.min(size, Math.max(believed, 2 * (at - before))));
        }
        expect(assembler.bytes.length).toBe(size);
        expect(Buffer.compare(assembler.bytes, whole.subarray(before))).toBe(0);
        if (size <= believed) expect(assembler.bytes).toBe(first);
      }),
      { numRuns: 30 },
    );
  });

  it('copies each byte of a large element twice on average, not once for each piece', () => {
    const size = 3 * MIB;
    const assembler = new Assembler(size, size);
    const buffers = new Set<Uint8Array>();
    for (let at = 0; at < size; at += 4096) {
      assembler.append(new Uint8Array(4096), 0, 4096);
      buffers.add(assembler.bytes);
    }
    expect([...buffers].map(({ length }) => length)).toEqual([MIB, 2 * (MIB + 4096), size]);
  });
});

describe('SyncScanner', () => {
  const MARKS: SyncMark[] = [
    { id: 0x1a45dfa3, firstChildren: [0x42, 0xec] },
    { id: 0x1f43b675, firstChildren: [0xe7] },
  ];

  /** Where marks are, looked for at every byte of the whole. */
  function marksIn(bytes: Uint8Array): number[] {
    const found: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const [id, size] = [Buffer.from(bytes.subarray(at, at + 4)).toString('hex'), bytes[at + 4] ?? 0];
      const mark = MARKS.find((each) => each.id.toString(16) === id);
      if (mark === undefined || size === 0) continue;
      const child = bytes[at + 4 + (Math.clz32(size) - 23)];
      if (child !== undefined && mark.firstChildren.includes(child)) found.push(at);
    }
    return found;
  }

  const noise = fc.array(fc.constantFrom(0x1a, 0x45, 0x1f, 0x43, 0x10, 0, 0x42, 0xff, 0xe7), { maxLength: 14 });
  const id = fc.constantFrom([0x1a, 0x45, 0xdf, 0xa3], [0x1f, 0x43, 0xb6, 0x75], [0x1f, 0x43, 0xb6, 0x74]);
  const size = fc.constantFrom(0x80, 0xff, 0x40, 0x23, 0x10, 0x08, 0x04, 0x02, 0x01, 0);
  const likely = fc
    .tuple(id, size, fc.constantFrom(0x42, 0xec, 0xe7, 0))
    .map(([own, first, child]) => [
      ...own,
      first,
      ...Array<number>(Math.max(0, Math.clz32(first) - 24)).fill(0),
      child,
    ]);

  const stream = fc.array(fc.oneof(noise, likely), { maxLength: 8 }).map((parts) => Uint8Array.from(parts.flat()));

  it('finds what a search at every byte finds, in any chunks, and is at most 12 bytes behind', () => {
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 40 }), (bytes, step) => {
        const given: Uint8Array[] = [];
        const marks: number[] = [];
        let length = 0;
        const scanner = new SyncScanner(MARKS, (piece, marked) => {
          expect(piece.length).toBeGreaterThan(0);
          if (marked) marks.push(length);
          given.push(piece.slice());
          length += piece.length;
        });
        let pushed = 0;
        for (const chunk of chunksOf(bytes, step)) {
          const [before, found] = [given.length, marks.length];
          const passes = scanner.held.length === 0 && scanner.find(chunk, 0, chunk.length) < 0;
          const held = pushed > length;
          scanner.push(chunk);
          expect(scanner.held.length).toBe(pushed + chunk.length - length);
          pushed += chunk.length;
          expect(pushed - length).toBeLessThanOrEqual(12);
          // What passes leaves in one piece; what does not is held, or was, or has a mark.
          if (passes) expect([given.length, length, marks.length]).toEqual([before + 1, pushed, found]);
          else expect(held || length < pushed || marks.length > found).toBe(true);
        }
        scanner.end();
        expect(concatBytes(given)).toEqual(bytes);
        expect(marks).toEqual(marksIn(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('holds nothing but what may be the beginning of a mark, and gives the rest as it came', () => {
    const given: Uint8Array[] = [];
    const scanner = new SyncScanner(MARKS, (piece) => given.push(piece));
    const chunk = Buffer.alloc(1000, 0x43);
    scanner.push(chunk);
    expect(given[0]).toBe(chunk);
    scanner.push(Uint8Array.of(1, 2, 3, 0x1f, 0x43));
    expect(given[1]).toEqual(Uint8Array.of(1, 2, 3));
    scanner.push(Uint8Array.of(0xb6, 4));
    expect(given.slice(2)).toEqual([Uint8Array.of(0x1f, 0x43, 0xb6, 4)]);
  });
});

it('a run of bytes is its own head, and all of it is the array itself unless that is a Buffer', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const run = new ByteRun(bytes);
  expect([run.head, run.headStart]).toEqual([bytes, 0]);
  expect(run.view(0, 3)).toBe(bytes);
  expect(run.views(1, 2)).toEqual([Uint8Array.of(2, 3)]);
  const buffer = Buffer.from(bytes);
  const view = new ByteRun(buffer).view(0, 3);
  expect([view.constructor, view.buffer, view.byteOffset]).toEqual([Uint8Array, buffer.buffer, buffer.byteOffset]);
});
