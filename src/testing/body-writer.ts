import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.js';
import { Pacer } from './limits.js';

/** What a body is written with. */
export interface BodyOptions {
  /** What goes wrong on the way. */
  readonly faults: readonly Fault[];
  /** Bytes a second at most. */
  readonly bytesPerSecond: number;
  /** The connection is closed when the consumer takes nothing for so long. */
  readonly slowConsumerMs: number;
  /** Is called where the credentials are to expire. */
  readonly expireCredentials: () => void;
}

interface Mark {
  readonly at: number;
  readonly fault: Fault;
}

/** Writes the body of a response, as slowly as its reader and the limits want it, and spoils it where that is planned. */
export class BodyWriter {
  readonly #response: ServerResponse;
  readonly #options: BodyOptions;
  readonly #marks: Mark[];
  readonly #pacer: Pacer;
  readonly #closed = new AbortController();
  #written = 0;
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(response: ServerResponse, options: BodyOptions) {
    this.#response = response;
    this.#options = options;
    this.#pacer = new Pacer(options.bytesPerSecond, options.bytesPerSecond);
    this.#marks = options.faults
      .flatMap((fault): Mark[] => {
        if (fault.kind === 'damage') return [{ at: fault.atByte, fault }];
        return 'afterBytes' in fault && fault.afterBytes !== undefined ? [{ at: fault.afterBytes, fault }] : [];
      })
      .sort((a, b) => a.at - b.at);
    response.on('close', () => this.#closed.abort());
  }

  /** Is aborted when the connection is closed, by whichever side. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  /** How many bytes have been written. */
  get written(): number {
    return this.#written;
  }

  /** Writes bytes; what is left of them when the body has been ended is dropped. */
  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    for (let mark = this.#marks[0]; mark !== undefined; mark = this.#marks[0]) {
      const before = mark.at - this.#written;
      if (before >= rest.length || this.#closed.signal.aborted) break;
      this.#marks.shift();
      if (before > 0) await this.#send(rest.subarray(0, before));
      rest = rest.subarray(Math.max(0, before));
      if (mark.fault.kind === 'damage') {
        rest = rest.slice();
        rest[0] = (rest[0] ?? 0) ^ (mark.fault.mask ?? 0xff);
      } else await this.#spoil(mark.fault);
    }
    await this.#send(rest);
  }

  /** Ends the body. */
  end(): void {
    if (!this.#closed.signal.aborted) this.#response.end();
  }

  /** Closes the connection in the middle of the body. */
  cut(): void {
    this.#response.destroy();
    this.#closed.abort();
  }

  /** Waits, but not longer than the connection lasts. */
  async wait(milliseconds: number): Promise<void> {
    if (milliseconds <= 0 || this.#closed.signal.aborted) return;
    const { signal } = this.#closed;
    await (milliseconds === Number.POSITIVE_INFINITY
      ? new Promise((resolve) => signal.addEventListener('abort', resolve))
      : sleep(milliseconds, undefined, { signal }).catch(() => {}));
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || this.#closed.signal.aborted) return;
    await this.wait(this.#pacer.delay(bytes.length));
    if (this.#closed.signal.aborted) return;
    this.#written += bytes.length;
    let accepted = false;
    this.#lastWrite = new Promise((resolve) => {
      accepted = this.#response.write(bytes, resolve);
    });
    if (!accepted) await this.#drained();
  }

  async #drained(): Promise<void> {
    const { signal } = this.#closed;
    await new Promise<void>((resolve) => {
      const { slowConsumerMs } = this.#options;
      const timer =
        slowConsumerMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => this.cut(), slowConsumerMs);
      const done = () => {
        clearTimeout(timer);
        this.#response.off('drain', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#response.on('drain', done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  async #spoil(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'stall':
        await this.wait(fault.forMs ?? Number.POSITIVE_INFINITY);
        break;
      case 'end':
        this.#response.end();
        this.#closed.abort();
        break;
      case 'reset':
        await this.#flush();
        this.#response.socket?.resetAndDestroy();
        this.#closed.abort();
        break;
      case 'expire-credentials':
        this.#options.expireCredentials();
        await this.#flush();
        this.cut();
        break;
      case 'cut':
        await this.#flush();
        this.cut();
        break;
      default:
        break;
    }
  }

  /** Lets the bytes before a fault reach the consumer, so that the fault is where it was planned. */
  async #flush(): Promise<void> {
    this.#response.flushHeaders();
    await Promise.race([this.#lastWrite, this.wait(2000)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
