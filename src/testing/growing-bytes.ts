const SMALLEST = 256;

/** Bytes that grow at their end and are forgotten from their beginning, in one buffer: each is copied a few times at most. */
export class GrowingBytes {
  #buffer = new Uint8Array(0);
  /** Where in the buffer the bytes begin and end. */
  #start = 0;
  #end = 0;
  /** How many bytes have been forgotten. */
  #forgotten = 0;

  /** How many there are. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds a copy of the bytes. */
  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The bytes from one place to another, counted from the first that was ever added. They stay what they are until the next call. */
  view(from: number, to: number): Uint8Array {
    const shift = this.#start - this.#forgotten;
    return this.#buffer.subarray(from + shift, to + shift);
  }

  /** A copy of all that there are. */
  copy(): Uint8Array {
    return this.#buffer.slice(this.#start, this.#end);
  }

  /** Lets go of the bytes before a place, counted from the first that was ever added. */
  forget(before: number): void {
    const count = Math.min(this.length, Math.max(0, before - this.#forgotten));
    this.#start += count;
    this.#forgotten += count;
  }

  /** Lets go of all, and of the buffer. */
  clear(): void {
    this.#forgotten += this.length;
    this.#buffer = new Uint8Array(0);
    this.#start = 0;
    this.#end = 0;
  }

  #makeRoom(more: number): void {
    const { length } = this;
    const needed = length + more;
    // Moving them within the buffer is worth it only where that leaves as much room as they are long.
    const buffer = needed * 2 <= this.#buffer.length ? this.#buffer : new Uint8Array(Math.max(SMALLEST, needed * 2));
    buffer.set(this.#buffer.subarray(this.#start, this.#end));
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = length;
  }
}
