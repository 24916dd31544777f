import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool, bufferFor, type PooledBuffer } from '../../src/client/buffer-pool.js';
import { ReusedMemory } from '../../src/client/reused-memory.js';
import { noise } from '../support/bytes.js';

const OVERWRITTEN = 0xdd;
const BUFFER_SIZE = 128 * 1024;

describe('BufferPool', () => {
  const takeMany = (pool: BufferPool, count: number) => Array.from({ length: count }, () => pool.take());
  const releaseAll = (pool: BufferPool, buffers: readonly PooledBuffer[]) => {
    for (const buffer of buffers) pool.release(buffer);
  };

  it('gives again what is released, when its last user has', () => {
    const pool = new BufferPool(BUFFER_SIZE);
    const buffer = pool.take();
    expect(buffer.bytes.length).toBe(BUFFER_SIZE);
    buffer.users++;
    pool.release(buffer);
    expect(pool.take()).not.toBe(buffer);
    pool.release(buffer);
    expect(pool.take()).toBe(buffer);
    expect(buffer.users).toBe(1);
  });

  it('keeps no more than a number of buffers, and none that is another thread’s now', () => {
    const pool = new BufferPool(BUFFER_SIZE);
    releaseAll(pool, takeMany(pool, 600));
    expect(pool.free).toBe(512);
    const others = new BufferPool(BUFFER_SIZE);
    const [buffer] = takeMany(others, 1);
    structuredClone(buffer?.bytes, { transfer: buffer === undefined ? [] : [buffer.bytes.buffer] });
    releaseAll(others, buffer === undefined ? [] : [buffer]);
    expect(others.free).toBe(0);
  });

  it('lets go of what nobody has wanted for a while', () => {
    const pool = new BufferPool(BUFFER_SIZE);
    const buffers = takeMany(pool, 10);
    releaseAll(pool, buffers);
    // They have just come.
    pool.shrink();
    expect(pool.free).toBe(10);
    releaseAll(pool, takeMany(pool, 4));
    pool.shrink();
    expect(pool.free).toBe(4);
    pool.shrink();
    expect(pool.free).toBe(0);
  });
});

describe('bufferFor', () => {
  it('gives a buffer that a fragment fits, of 64 to 512 KiB', () => {
    const kibibytes = (size: number) => bufferFor(size).bytes.length / 1024;
    expect([0, 65_536, 65_537, 300_000, 524_288, 5e7].map(kibibytes)).toEqual([64, 64, 128, 512, 512, 512]);
  });

  it('gives a buffer again', () => {
    const buffer = bufferFor(100_000);
    buffer.pool.release(buffer);
    expect(bufferFor(120_000)).toBe(buffer);
  });
});

describe('ReusedMemory', () => {
  it('keeps the bytes of fragments as they are until these are released, and no longer', () => {
    const chunk = fc.oneof(fc.nat(3000), fc.nat(3 * BUFFER_SIZE));
    const step = fc.record({ size: chunk, ends: fc.boolean(), releases: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const pool = new BufferPool(BUFFER_SIZE);
        const memory = new ReusedMemory(true, () => pool.take());
        const held: { views: Uint8Array[]; bytes: Uint8Array; release: () => void }[] = [];
        let [views, pieces]: [Uint8Array[], Uint8Array[]] = [[], []];
        let length = 0;
        let taken = 0;
        const check = () => {
          for (const one of held) expect(Buffer.compare(Buffer.concat(one.views), one.bytes)).toBe(0);
          expect(Buffer.compare(Buffer.concat(views), Buffer.concat(pieces))).toBe(0);
        };
        for (const { size, ends, releases } of steps) {
          const bytes = noise(size, length);
          pieces.push(bytes);
          views.push(...memory.store(bytes));
          length += size;
          check();
          if (ends) {
            held.push({ views, bytes: Buffer.concat(pieces), ...memory.take(length) });
            [views, pieces] = [[], []];
          }
          for (const one of held.splice(0, releases)) {
            one.release();
            one.release();
            taken++;
            expect(Buffer.concat(one.views).every((byte) => byte === OVERWRITTEN)).toBe(true);
          }
          check();
        }
        for (const one of held) one.release();
        memory.close();
        const most = Math.ceil(length / BUFFER_SIZE) + taken + held.length;
        expect(pool.free).toBeLessThanOrEqual(most);
      }),
      { numRuns: 60 },
    );
  });

  it('shares a buffer between a fragment and the beginning of the next', () => {
    const pool = new BufferPool(BUFFER_SIZE);
    const memory = new ReusedMemory(true, () => pool.take());
    const [view] = memory.store(noise(1000, 1));
    const first = memory.take(600);
    first.release();
    expect(view?.subarray(0, 600).every((byte) => byte === OVERWRITTEN)).toBe(true);
    expect(Buffer.compare(view?.subarray(600) ?? Buffer.alloc(0), noise(1000, 1).subarray(600))).toBe(0);
    const [more] = memory.store(noise(500, 2));
    expect(more?.buffer).toBe(view?.buffer);
    expect(more?.byteOffset).toBe(1000);
    const second = memory.take(1500);
    expect(pool.free).toBe(0);
    second.release();
    expect(pool.free).toBe(1);
    expect(more?.every((byte) => byte === OVERWRITTEN)).toBe(true);
  });

  it('has buffers of the size of the last fragment', () => {
    const sizes: number[] = [];
    const memory = new ReusedMemory(false, (size) => {
      sizes.push(size);
      return bufferFor(size);
    });
    let length = 0;
    for (const size of [1000, 100_000, 400_000, 5000]) {
      memory.store(noise(size, size));
      length += size;
      memory.take(length).release();
    }
    // The second needs two of the smallest, the third four of the next.
    expect(sizes).toEqual([0, 1000, 1000, ...Array(4).fill(100_000), 400_000]);
  });

  it('gives back what has not been taken when the connection ends', () => {
    const pool = new BufferPool(BUFFER_SIZE);
    const memory = new ReusedMemory(true, () => pool.take());
    memory.store(noise(3 * BUFFER_SIZE, 1));
    const fragment = memory.take(BUFFER_SIZE + 1);
    memory.close();
    expect(pool.free).toBe(1);
    fragment.release();
    expect(pool.free).toBe(3);
  });
});
