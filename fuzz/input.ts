import { random } from '../test/support/random.js';

/** What a target is run on. All that a run does follows from it. */
export interface Input {
  /** Decides what the bytes do not: options, chunks. From 0 to 2^32 - 1. */
  readonly choice: number;
  readonly bytes: Uint8Array;
}

/** An input as a file: 4 bytes of choice, most significant first, and the bytes. */
export function encodeInput({ choice, bytes }: Input): Uint8Array {
  const file = new Uint8Array(4 + bytes.length);
  new DataView(file.buffer).setUint32(0, choice);
  file.set(bytes, 4);
  return file;
}

/** Reads what {@link encodeInput} wrote. */
export function decodeInput(file: Uint8Array): Input {
  const bytes = Uint8Array.from(file);
  return { choice: new DataView(bytes.buffer).getUint32(0), bytes: bytes.slice(4) };
}

/** Decisions that follow from an input's `choice`. */
export class Choices {
  readonly next: () => number;

  constructor(choice: number) {
    this.next = random(choice);
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** `true` one time in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[this.below(items.length)] as T;
  }

  /** The bytes in chunks: whole, in single bytes, in pieces small or large, with empty ones between; each in memory of its own. */
  chunks(bytes: Uint8Array): Uint8Array[] {
    const largest = this.pick([0, 1, 1, 3, 16, 100, 1000, 5000]);
    if (largest === 0) return [bytes.slice()];
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = largest === 1 ? 1 : this.below(largest + 1);
      chunks.push(bytes.slice(at, at + length));
      at += length;
    }
    return chunks;
  }
}
