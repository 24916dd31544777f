import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MkvElementStream, MkvParseError } from '../../src/index.js';
import { type ByteStream, openByteStream } from '../../src/mkv/byte-stream.js';

const CHUNK = Uint8Array.of(1, 2);

/** Lets everything run that is not waiting for something outside. */
const settle = () => new Promise<void>((done) => setImmediate(done));

/** Whether a promise is settled when everything else has run. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await settle();
  return settled;
}

describe('a byte stream', () => {
  it.each([
    [
      'a generator',
      async () =>
        (async function* () {
          yield CHUNK;
        })(),
    ],
    ['an iterator', async () => [CHUNK].values()],
    ['a ReadableStream', async () => new Blob([CHUNK]).stream()],
    ['a Node stream', async () => Readable.from([CHUNK])],
  ] as const)('that was read to its end is no empty one: %s', async (_, make) => {
    const stream = await make();
    const first = openByteStream(stream);
    expect(await first.read()).toHaveLength(2);
    expect(await first.read()).toBeUndefined();
    await expect(openByteStream(stream).read()).rejects.toThrow('the byte stream has been read already');
  });

  it('that someone else has read to its end is no empty one', async () => {
    const node = Readable.from([CHUNK]);
    for await (const _ of node);
    await expect(openByteStream(node).read()).rejects.toThrow(TypeError);
    const web = new Blob([CHUNK]).stream();
    for await (const _ of web);
    await expect(openByteStream(web).read()).rejects.toThrow('the byte stream has been read already');
  });

  it('that is empty, or gives its bytes each time, may be read', async () => {
    expect(await openByteStream(new Blob([]).stream()).read()).toBeUndefined();
    expect(await openByteStream(Readable.from([])).read()).toBeUndefined();
    for (const stream of [[CHUNK], CHUNK, new Blob([CHUNK])]) {
      for (let times = 0; times < 2; times++) expect(await openByteStream(stream).read()).toHaveLength(2);
    }
  });

  it('has what an iterable yields, not what it returns', async () => {
    const generator = (function* () {
      yield CHUNK;
      return CHUNK;
    })();
    const source = openByteStream(generator);
    expect([await source.read(), await source.read(), await source.read()]).toEqual([CHUNK, undefined, undefined]);
  });

  it.each([0, 1])('that is closed after %i chunks is closed when its source is', async (reads) => {
    let close: () => void = () => {};
    const closing = new Promise<void>((done) => {
      close = done;
    });
    const iterator = {
      next: async () => ({ done: false as const, value: CHUNK }),
      return: async () => {
        await closing;
        return { done: true as const, value: undefined };
      },
    };
    const source = openByteStream({ [Symbol.asyncIterator]: () => iterator });
    for (let i = 0; i < reads; i++) await source.read();
    const closed = source.cancel();
    expect(await settles(closed)).toBe(false);
    close();
    expect(await settles(closed)).toBe(true);
  });

  it('that is being read is closed at once, for its source may never answer', async () => {
    const never = new Promise<never>(() => {});
    const source = openByteStream({ [Symbol.asyncIterator]: () => ({ next: () => never, return: () => never }) });
    void source.read();
    expect(await settles(source.cancel())).toBe(true);
  });

  it('that cannot be destroyed is closed by return(), with or without a property of that name', async () => {
    for (const more of [{}, { destroy: 5 }, { destroy: () => {} }]) {
      let returned = 0;
      const iterator = {
        next: async () => ({ done: false as const, value: CHUNK }),
        return: async () => {
          returned++;
          return { done: true as const, value: undefined };
        },
      };
      await openByteStream({ ...more, [Symbol.asyncIterator]: () => iterator }).cancel();
      expect(returned).toBe(1);
    }
  });

  it('is told the reason it is closed for, where it is a ReadableStream, and is not locked any more', async () => {
    const reasons: unknown[] = [];
    const stream = new ReadableStream<Uint8Array>({ cancel: (reason) => void reasons.push(reason) });
    await openByteStream(stream).cancel('enough');
    expect([reasons, stream.locked]).toEqual([['enough'], false]);
  });

  it.each([undefined, null, 3, 'text', true, {}, new ArrayBuffer(3), () => {}])('is not %s', (wrong) => {
    expect(() => openByteStream(wrong as unknown as ByteStream)).toThrow(
      new TypeError('a byte stream is a ReadableStream, an (async) iterable of Uint8Array, a Blob or a Uint8Array'),
    );
  });
});

describe('without a TransformStream', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('MkvElementStream asks for one', () => {
    vi.stubGlobal('TransformStream', undefined);
    expect(() => new MkvElementStream()).toThrow(
      new TypeError('this runtime has no TransformStream: pass one of a polyfill in the options'),
    );
  });
});

it('an error is known by its name, where classes cannot be compared', () => {
  const error = new MkvParseError('InvalidValue', 7, 'nothing');
  expect([error.name, error.code, error.offset, String(error)]).toEqual([
    'MkvParseError',
    'InvalidValue',
    7,
    'MkvParseError: byte 7: nothing',
  ]);
});
