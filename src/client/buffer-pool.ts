import type { Bytes } from '../ebml/bytes.js';

/** How many bytes of buffers of one size wait for the next user at the most. */
const MOST_FREE = 64 * 1024 * 1024;

/** How often it is looked for buffers that nobody has wanted. */
const IDLE_MS = 10_000;

/** A buffer of a pool. */
export interface PooledBuffer {
  readonly pool: BufferPool;
  readonly bytes: Bytes;
  /** Who still reads it, or writes to it. */
  users: number;
}

/**
 * Buffers of one size that are used again and again. What lives for ever costs the garbage collector nothing; memory that lives as long as a
 * fragment costs it more than all else that a consumer does.
 */
export class BufferPool {
  readonly #size: number;
  readonly #free: PooledBuffer[] = [];
  /** How many have been free at all times since it was looked for those that nobody wants. */
  #idle = 0;
  #isWatched = false;

  /** @param size of a buffer, in bytes */
  constructor(size: number) {
    this.#size = size;
  }

  /** How many buffers wait for a user. */
  get free(): number {
    return this.#free.length;
  }

  /** A buffer with one user. Its bytes are what they are. */
  take(): PooledBuffer {
    const free = this.#free.pop();
    this.#idle = Math.min(this.#idle, this.#free.length);
    if (free === undefined) return { pool: this, bytes: new Uint8Array(this.#size), users: 1 };
    free.users = 1;
    return free;
  }

  /** One user less. */
  release(buffer: PooledBuffer): void {
    if (--buffer.users > 0) return;
    // The length of a buffer that somebody has transferred to another thread is 0.
    if ((this.#free.length + 1) * this.#size > MOST_FREE || buffer.bytes.length === 0) return;
    this.#free.push(buffer);
    this.#watch();
  }

  /** Lets go of the buffers that nobody has wanted since the last time. */
  shrink(): void {
    this.#free.splice(0, this.#idle);
    this.#idle = this.#free.length;
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#idle = 0;
    const timer: unknown = setInterval(() => {
      this.shrink();
      if (this.#free.length > 0) return;
      clearInterval(timer as Parameters<typeof clearInterval>[0]);
      this.#isWatched = false;
    }, IDLE_MS);
    // In Node, a timer keeps the process running unless it is told not to.
    if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
      timer.unref();
  }
}

/** The pools of all consumers of this process, by the size of their buffers. */
const pools: BufferPool[] = [];
const SMALLEST = 64 * 1024;
const LARGEST = 512 * 1024;

/** A buffer for a fragment of so many bytes: in one that it fits, no frame has to be put together. There are none above 512 KiB. */
export function bufferFor(fragmentSize: number): PooledBuffer {
  let index = 0;
  let size = SMALLEST;
  for (; size < fragmentSize && size < LARGEST; size *= 2) index++;
  const pool = pools[index] ?? new BufferPool(size);
  pools[index] = pool;
  return pool.take();
}
