import { describe, expect, it } from 'vitest';
import { type ChunkConsumer, pullThrough } from '../../src/mkv/pull.js';

/** Gives each byte of the chunks; 0 is an error, once. */
class Bytes implements ChunkConsumer<number> {
  readonly #bytes: number[] = [];

  push(chunk: Uint8Array): void {
    this.#bytes.push(...chunk);
  }

  end(): void {
    this.#bytes.push(255);
  }

  nextIfAvailable(): number | undefined {
    const next = this.#bytes.shift();
    if (next === 0) throw new Error('a zero');
    return next;
  }
}

/** Chunks that come when they are sent. */
class Source implements AsyncIterableIterator<Uint8Array> {
  /** How often it was told that no more is wanted. */
  cancelled = 0;
  readonly #sent: (number[] | undefined)[];
  #wake: () => void = () => {};

  constructor(...sent: (number[] | undefined)[]) {
    this.#sent = sent;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  send(...bytes: number[]): void {
    this.#sent.push(bytes);
    this.#wake();
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#sent.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const bytes = this.#sent.shift();
    return bytes === undefined ? { done: true, value: undefined } : { done: false, value: Uint8Array.from(bytes) };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.cancelled++;
    return { done: true, value: undefined };
  }
}

/** A signal that counts who listens to it. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const listening = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: EventListener, options?: AddEventListenerOptions) => {
    listening.add(listener);
    add(type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: EventListener) => {
    if (type === 'abort') listening.delete(listener);
    remove(type, listener);
  };
  return { controller, signal, listening };
}

describe('pulling', () => {
  it('answers calls in the order in which they were made, also one that comes when the first is answered', async () => {
    const source = new Source();
    const things = pullThrough(source, new Bytes());
    const order: (number | undefined)[] = [];
    const note = ({ value }: IteratorResult<number, undefined>) => void order.push(value);
    const first = things.next();
    // It is called as soon as the first is answered, before which the second had been called.
    const third = first.then((result) => {
      note(result);
      return things.next().then((last) => [last.value]);
    });
    const second = things.next();
    const noted = second.then(note);
    source.send(1, 2, 3);
    expect(await third).toEqual([3]);
    await noted;
    expect(order).toEqual([1, 2]);
  });

  it('leaves nothing behind at a signal that outlives it', async () => {
    const { controller, signal, listening } = countedSignal();
    const source = new Source([1, 2], undefined);
    const found: number[] = [];
    for await (const each of pullThrough(source, new Bytes(), signal)) {
      found.push(each);
      expect(listening.size).toBe(1);
    }
    expect([found, listening.size]).toEqual([[1, 2, 255], 0]);
    const left = new Source([1, 2], undefined);
    for await (const _ of pullThrough(left, new Bytes(), signal)) break;
    expect([left.cancelled, listening.size]).toEqual([1, 0]);
    controller.abort();
    expect([source.cancelled, left.cancelled]).toEqual([0, 1]);
  });

  it('stays at its end, also when the signal is aborted behind it', async () => {
    const controller = new AbortController();
    const source = new Source([1], undefined);
    const things = pullThrough(source, new Bytes(), controller.signal);
    for (const value of [1, 255, undefined]) expect(await things.next()).toEqual({ done: value === undefined, value });
    controller.abort(new Error('too late'));
    expect(await things.next()).toEqual({ done: true, value: undefined });
    expect(source.cancelled).toBe(0);
  });

  it('tells the source once that it is over, however often it is over', async () => {
    const controller = new AbortController();
    const source = new Source([1, 2]);
    const things = pullThrough(source, new Bytes(), controller.signal);
    await things.next();
    controller.abort(new Error('enough'));
    await expect(things.next()).rejects.toThrow('enough');
    await things.return?.();
    await things.return?.();
    expect(source.cancelled).toBe(1);
  });

  it('is over after an error, whatever is left', async () => {
    for (const sent of [
      [0, 1, 2],
      [1, 0, 2],
    ]) {
      const source = new Source(sent, undefined);
      const things = pullThrough(source, new Bytes());
      if (sent[0] === 1) await things.next();
      await expect(things.next()).rejects.toThrow('a zero');
      expect(await things.next()).toEqual({ done: true, value: undefined });
      expect(await things.next()).toEqual({ done: true, value: undefined });
      expect(source.cancelled).toBe(1);
    }
  });
});
