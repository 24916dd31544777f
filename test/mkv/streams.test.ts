import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  applyVisitor,
  CompositeMkvElementVisitor,
  type ElementVisitor,
  type MkvElement,
  MkvElementStream,
  MkvParseError,
  readElements,
  StreamingMkvReader,
} from '../../src/index.js';
import { STREAM_LIBRARIES, sourceKinds } from '../support/byte-sources.js';
import { smallDocument } from '../support/small-document.js';

const DOCUMENT = smallDocument();
const EXPECTED = readWhole(DOCUMENT);
const BROKEN = new Uint8Array([0, 0, 0, 0]);

function describeElement({ kind, type, offset, headerSize, dataSize }: MkvElement): string {
  return `${kind} ${type.name} ${offset} ${headerSize} ${dataSize}`;
}

function readWhole(bytes: Uint8Array): string[] {
  const reader = new StreamingMkvReader();
  reader.push(bytes);
  reader.end();
  const found: string[] = [];
  for (let e = reader.nextIfAvailable(); e !== undefined; e = reader.nextIfAvailable()) found.push(describeElement(e));
  return found;
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

async function collect(elements: AsyncIterable<MkvElement>, found: string[] = []): Promise<string[]> {
  for await (const element of elements) found.push(describeElement(element));
  return found;
}

/** A visitor that writes down what it is shown, then does `then`. */
function recorder(found: string[], then: () => void | Promise<void> = () => {}): ElementVisitor {
  const visit = (element: MkvElement) => {
    found.push(describeElement(element));
    return then();
  };
  return { visitStart: visit, visitEnd: visit, visitData: visit };
}

/** Lets everything run that is not waiting for something outside. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

it('the small document has the elements that were written', () => {
  expect(EXPECTED).toHaveLength(39);
  expect(EXPECTED.filter((line) => line.startsWith('data SimpleBlock'))).toHaveLength(6);
  expect(EXPECTED.at(-1)).toBe(`end Segment ${DOCUMENT.length} 0 0`);
});

for (const library of STREAM_LIBRARIES) {
  describe(library.name, () => {
    for (const kind of sourceKinds(library)) describe(kind.name, () => testKind(kind));
    describe('MkvElementStream', () => testElementStream(library));

    it('is not locked any more when it has been read, or left', async () => {
      const open = () =>
        new library.ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(DOCUMENT);
            controller.close();
          },
        });
      const read = open();
      expect(await collect(readElements(read))).toEqual(EXPECTED);
      expect(read.locked).toBe(false);
      const left = open();
      for await (const _ of readElements(left)) break;
      expect(left.locked).toBe(false);
    });
  });
}

function testKind(kind: ReturnType<typeof sourceKinds>[number]): void {
  describe('readElements', () => {
    it.each([1, 7, 100, DOCUMENT.length])('gives all elements from chunks of %i bytes', async (size) => {
      const source = kind.open({ chunks: cut(DOCUMENT, size) });
      expect(await collect(readElements(source.stream))).toEqual(EXPECTED);
    });

    it('gives no element of an empty stream', async () => {
      expect(await collect(readElements(kind.open({ chunks: [] }).stream))).toEqual([]);
    });

    it('takes a chunk only when nothing is left of those before', async () => {
      const chunks = cut(DOCUMENT, 16);
      const source = kind.open({ chunks });
      let complete = 0;
      const reader = new StreamingMkvReader();
      // The element that is given next must be one that the chunks taken complete, but for the one that completes it.
      const completedBy: number[] = [];
      chunks.forEach((chunk, index) => {
        reader.push(chunk);
        while (reader.nextIfAvailable() !== undefined) completedBy.push(index + 1);
      });
      for await (const element of readElements(source.stream)) {
        const needed = completedBy[complete++] ?? chunks.length;
        // A Node stream fills its own buffer as well.
        if (kind.name === 'Node Readable') expect(source.taken).toBeLessThanOrEqual(needed + 2);
        else expect(source.taken, describeElement(element)).toBe(needed);
        await settle();
      }
      expect(complete).toBe(EXPECTED.length);
    });

    it('passes on an error of the source, after the elements that came before it', async () => {
      const error = new Error('the camera fell into the river');
      const source = kind.open({ chunks: cut(DOCUMENT, 50), ending: error });
      const found: string[] = [];
      await expect(collect(readElements(source.stream), found)).rejects.toBe(error);
      expect(found).toEqual(EXPECTED.filter((line) => line !== EXPECTED.at(-1)));
    });

    it('cancels the source when the loop is left', async () => {
      const source = kind.open({ chunks: cut(DOCUMENT, 16) });
      for await (const element of readElements(source.stream)) if (element.type.name === 'Info') break;
      expect(source.cancelled).toBe(true);
      expect(source.taken).toBeLessThan(8);
    });

    it('cancels the source when the loop throws', async () => {
      const source = kind.open({ chunks: cut(DOCUMENT, 16) });
      const loop = async () => {
        for await (const element of readElements(source.stream)) throw new Error(element.type.name);
      };
      await expect(loop()).rejects.toThrow('EBML');
      expect(source.cancelled).toBe(true);
    });

    it('is done for good once it is left', async () => {
      const elements = readElements(kind.open({ chunks: cut(DOCUMENT, 16) }).stream);
      expect((await elements.next()).done).toBe(false);
      expect(await elements.return?.()).toEqual({ done: true, value: undefined });
      expect(await elements.next()).toEqual({ done: true, value: undefined });
    });

    it('rejects on broken bytes and cancels the source with the error', async () => {
      const source = kind.open({ chunks: [DOCUMENT, BROKEN, DOCUMENT] });
      const found: string[] = [];
      const failed = await collect(readElements(source.stream), found).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(MkvParseError);
      expect(failed).toMatchObject({ offset: DOCUMENT.length });
      expect(found).toEqual(EXPECTED.filter((line) => line !== EXPECTED.at(-1)));
      await settle();
      expect(source.cancelled).toBe(true);
      if (kind.hearsReason) expect(source.reason).toBe(failed);
    });

    it('stops at a signal with its reason', async () => {
      const source = kind.open({ chunks: cut(DOCUMENT, 16) });
      const controller = new AbortController();
      const reason = new Error('enough');
      const found: string[] = [];
      const reading = (async () => {
        for await (const element of readElements(source.stream, { signal: controller.signal })) {
          found.push(describeElement(element));
          if (found.length === 5) controller.abort(reason);
        }
      })();
      await expect(reading).rejects.toBe(reason);
      expect(found).toEqual(EXPECTED.slice(0, 5));
      await settle();
      expect(source.cancelled).toBe(true);
      if (kind.hearsReason) expect(source.reason).toBe(reason);
    });

    it('reads nothing when the signal is aborted already', async () => {
      const source = kind.open({ chunks: cut(DOCUMENT, 16) });
      const reading = collect(readElements(source.stream, { signal: AbortSignal.abort() }));
      await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
      expect(source.taken).toBe(0);
    });

    it('cancels the source at once when the signal is aborted, read or not', async () => {
      for (const early of [true, false]) {
        const source = kind.open({ chunks: cut(DOCUMENT, 16) });
        const controller = new AbortController();
        const reason = new Error('enough');
        if (early) controller.abort(reason);
        const elements = readElements(source.stream, { signal: controller.signal });
        if (!early) {
          await elements.next();
          controller.abort(reason);
        }
        await settle();
        // A generator that has not begun has nothing to end.
        if (!early || kind.hearsReason) expect(source.cancelled).toBe(true);
        if (kind.hearsReason) expect(source.reason).toBe(reason);
      }
    });

    it.runIf(kind.waits)('stops at a signal while the source is silent', async () => {
      const source = kind.open({ chunks: [DOCUMENT], ending: 'hang' });
      const controller = new AbortController();
      const reason = new Error('enough');
      const found: string[] = [];
      const reading = collect(readElements(source.stream, { signal: controller.signal }), found);
      reading.catch(() => {});
      await settle();
      expect(found).toEqual(EXPECTED.filter((line) => line !== EXPECTED.at(-1)));
      controller.abort(reason);
      await expect(reading).rejects.toBe(reason);
      await settle();
      // A generator that waits cannot be told.
      if (kind.name !== 'async generator') expect(source.cancelled).toBe(true);
      if (kind.hearsReason) expect(source.reason).toBe(reason);
    });

    it.runIf(kind.waits)('can be left while the source is silent', async () => {
      const source = kind.open({ chunks: [], ending: 'hang' });
      const elements = readElements(source.stream);
      const next = elements.next();
      next.catch(() => {});
      await settle();
      expect(await elements.return?.()).toEqual({ done: true, value: undefined });
      if (kind.name === 'async generator') return;
      expect(await next).toEqual({ done: true, value: undefined });
      expect(source.cancelled).toBe(true);
    });

    it('listens to the signal no longer when it is done', async () => {
      const listening = new Set<unknown>();
      const { signal } = new AbortController();
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
        listening.add(args[1]);
        addEventListener.apply(signal, args);
      };
      signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
        listening.delete(args[1]);
        removeEventListener.apply(signal, args);
      };
      const elements = readElements(kind.open({ chunks: [DOCUMENT] }).stream, { signal });
      expect(listening.size).toBe(1);
      await collect(elements);
      expect(listening.size).toBe(0);
      await applyVisitor(kind.open({ chunks: [DOCUMENT] }).stream, recorder([]), { signal });
      expect(listening.size).toBe(0);
    });

    it('answers calls of next() that are made ahead in their order', async () => {
      const elements = readElements(kind.open({ chunks: cut(DOCUMENT, 16) }).stream);
      const results = await Promise.all(Array.from({ length: EXPECTED.length + 2 }, () => elements.next()));
      expect(results.map(({ value }) => (value === undefined ? undefined : describeElement(value)))).toEqual([
        ...EXPECTED,
        undefined,
        undefined,
      ]);
    });
  });

  describe('applyVisitor', () => {
    it.each([1, 7, 100, DOCUMENT.length])('shows all elements from chunks of %i bytes', async (size) => {
      const found: string[] = [];
      await applyVisitor(kind.open({ chunks: cut(DOCUMENT, size) }).stream, recorder(found));
      expect(found).toEqual(EXPECTED);
    });

    it('shows nothing and reads nothing while a method has not finished', async () => {
      const source = kind.open({ chunks: cut(DOCUMENT, 16) });
      const found: string[] = [];
      let running = 0;
      const visitor = recorder(found, async () => {
        expect(++running).toBe(1);
        const { taken } = source;
        await settle();
        if (kind.name !== 'Node Readable') expect(source.taken).toBe(taken);
        running--;
      });
      await applyVisitor(source.stream, visitor);
      expect(found).toEqual(EXPECTED);
    });

    it.each([
      ['a whole stream', DOCUMENT, false],
      ['one that ends in a header behind the document', concatBytes([DOCUMENT, Uint8Array.of(0x1a, 0x45)]), true],
      ['one that ends in a Void behind the document', concatBytes([DOCUMENT, Uint8Array.of(0xec, 0x85, 0)]), true],
      ['one that ends in an element', DOCUMENT.subarray(0, -1), true],
    ])('tells the visitor last how the stream has ended: %s', async (_name, bytes, truncated) => {
      const found: string[] = [];
      const told: [number, boolean][] = [];
      const visitor = {
        ...recorder(found),
        visitStreamEnd: async (isCut: boolean) => void told.push([found.length, isCut]),
      };
      const others = recorder([]);
      const composite = new CompositeMkvElementVisitor(visitor, others, visitor);
      await applyVisitor(kind.open({ chunks: cut(bytes, 16) }).stream, composite);
      expect(told).toEqual([
        [found.length, truncated],
        [found.length, truncated],
      ]);
    });

    it('stops when the visitor is done and cancels the source', async () => {
      const source = kind.open({ chunks: cut(DOCUMENT, 16) });
      const found: string[] = [];
      await applyVisitor(source.stream, { ...recorder(found), isDone: () => found.length === 7 });
      expect(found).toEqual(EXPECTED.slice(0, 7));
      expect(source.cancelled).toBe(true);
      expect(source.taken).toBeLessThan(10);
    });

    it('passes on what a method throws, and cancels the source', async () => {
      for (const wait of [false, true]) {
        const source = kind.open({ chunks: cut(DOCUMENT, 16) });
        const error = new Error('no more room');
        const found: string[] = [];
        const visitor = recorder(found, () => {
          if (found.length < 4) return;
          if (wait) return Promise.reject(error);
          throw error;
        });
        await expect(applyVisitor(source.stream, visitor)).rejects.toBe(error);
        expect(found).toHaveLength(4);
        await settle();
        expect(source.cancelled).toBe(true);
        if (kind.hearsReason) expect(source.reason).toBe(error);
      }
    });

    it('passes on an error of the source', async () => {
      const error = new Error('the camera fell into the river');
      const found: string[] = [];
      const source = kind.open({ chunks: cut(DOCUMENT, 50), ending: error });
      await expect(applyVisitor(source.stream, recorder(found))).rejects.toBe(error);
      expect(found).toHaveLength(EXPECTED.length - 1);
    });

    it('rejects on broken bytes and cancels the source', async () => {
      const source = kind.open({ chunks: [DOCUMENT, BROKEN, DOCUMENT] });
      await expect(applyVisitor(source.stream, recorder([]))).rejects.toBeInstanceOf(MkvParseError);
      await settle();
      expect(source.cancelled).toBe(true);
    });

    it('stops at a signal while a method runs', async () => {
      const source = kind.open({ chunks: cut(DOCUMENT, 16) });
      const controller = new AbortController();
      const reason = new Error('enough');
      const found: string[] = [];
      const visitor = recorder(found, async () => {
        await settle();
        if (found.length === 3) controller.abort(reason);
      });
      await expect(applyVisitor(source.stream, visitor, { signal: controller.signal })).rejects.toBe(reason);
      expect(found).toHaveLength(3);
      expect(source.cancelled).toBe(true);
    });

    it.runIf(kind.waits)('stops at a signal while the source is silent', async () => {
      const source = kind.open({ chunks: [DOCUMENT], ending: 'hang' });
      const controller = new AbortController();
      const reason = new Error('enough');
      const reading = applyVisitor(source.stream, recorder([]), { signal: controller.signal });
      reading.catch(() => {});
      await settle();
      controller.abort(reason);
      await expect(reading).rejects.toBe(reason);
      await settle();
      if (kind.name !== 'async generator') expect(source.cancelled).toBe(true);
    });
  });
}

function testElementStream(library: (typeof STREAM_LIBRARIES)[number]): void {
  const readable = sourceKinds(library)[0]!;
  const open = (script: Parameters<typeof readable.open>[0]) => {
    const source = readable.open(script);
    if (!(source.stream instanceof library.ReadableStream)) throw new TypeError('not a stream of this library');
    return { source, stream: source.stream };
  };
  const elementStream = () => new MkvElementStream({ TransformStream: library.TransformStream });

  async function drain(elements: ReadableStream<MkvElement>, found: string[] = []): Promise<string[]> {
    const reader = elements.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read())
      found.push(describeElement(next.value));
    return found;
  }

  it.each([1, 7, 100, DOCUMENT.length])('gives all elements from chunks of %i bytes', async (size) => {
    const { stream } = open({ chunks: cut(DOCUMENT, size) });
    expect(await drain(stream.pipeThrough(elementStream()))).toEqual(EXPECTED);
  });

  it('takes no more chunks than are read', async () => {
    const { source, stream } = open({ chunks: Array.from({ length: 100 }, () => DOCUMENT) });
    const reader = stream.pipeThrough(elementStream()).getReader();
    await settle();
    // The pipe itself holds one.
    expect(source.taken).toBeLessThanOrEqual(1);
    for (let i = 0; i < EXPECTED.length - 1; i++) await reader.read();
    await settle();
    expect(source.taken).toBeLessThanOrEqual(2);
    expect(describeElement((await reader.read()).value!)).toBe(EXPECTED.at(-1));
    await reader.cancel();
  });

  it('errors on broken bytes and cancels the source', async () => {
    const { source, stream } = open({ chunks: [DOCUMENT, BROKEN, DOCUMENT, DOCUMENT, DOCUMENT] });
    const failed = await drain(stream.pipeThrough(elementStream())).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(MkvParseError);
    await settle();
    expect(source.cancelled).toBe(true);
    expect(source.reason).toBe(failed);
  });

  it('passes on an error of the source', async () => {
    const error = new Error('the camera fell into the river');
    const { stream } = open({ chunks: [DOCUMENT], ending: error });
    await expect(drain(stream.pipeThrough(elementStream()))).rejects.toBe(error);
  });

  it('passes on a cancellation', async () => {
    const { source, stream } = open({ chunks: cut(DOCUMENT, 16) });
    const reader = stream.pipeThrough(elementStream()).getReader();
    await reader.read();
    await reader.cancel('enough');
    await settle();
    expect(source.cancelled).toBe(true);
    expect(source.reason).toBe('enough');
  });

  it('stops at the signal of the pipe', async () => {
    const { source, stream } = open({ chunks: [DOCUMENT], ending: 'hang' });
    const controller = new AbortController();
    const reason = new Error('enough');
    const found: string[] = [];
    const reading = drain(stream.pipeThrough(elementStream(), { signal: controller.signal }), found);
    reading.catch(() => {});
    await settle();
    expect(found).toHaveLength(EXPECTED.length - 1);
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await settle();
    expect(source.cancelled).toBe(true);
  });

  it('can be piped on', async () => {
    const { stream } = open({ chunks: cut(DOCUMENT, 16) });
    const sink: string[] = [];
    await stream.pipeThrough(elementStream()).pipeTo(
      new library.WritableStream<MkvElement>({
        write(element) {
          sink.push(describeElement(element));
        },
      }),
    );
    expect(sink).toEqual(EXPECTED);
  });
}

describe('other byte streams', () => {
  it('are one Uint8Array', async () => {
    expect(await collect(readElements(DOCUMENT))).toEqual(EXPECTED);
    expect(await collect(readElements(Buffer.from(DOCUMENT)))).toEqual(EXPECTED);
    const found: string[] = [];
    await applyVisitor(DOCUMENT, recorder(found));
    expect(found).toEqual(EXPECTED);
  });

  it('are arrays and sets of chunks', async () => {
    expect(await collect(readElements(cut(DOCUMENT, 16)))).toEqual(EXPECTED);
    expect(await collect(readElements(new Set(cut(DOCUMENT, 16))))).toEqual(EXPECTED);
  });

  it('are the body of a Response', async () => {
    const { body } = new Response(new Uint8Array(DOCUMENT));
    if (body === null) throw new Error('no body');
    expect(await collect(readElements(body))).toEqual(EXPECTED);
  });

  it('are a Blob, as a file that a user chose is one', async () => {
    const blob = new Blob(cut(DOCUMENT, 16).map((chunk) => new Uint8Array(chunk)));
    expect(await collect(readElements(blob))).toEqual(EXPECTED);
  });

  it('are asked for a chunk only when they have given the one before', async () => {
    const chunks = cut(DOCUMENT, 16);
    let asked = 0;
    let open = 0;
    const slow: AsyncIterator<Uint8Array> = {
      async next() {
        expect(++open).toBe(1);
        // Later chunks come faster.
        for (let wait = chunks.length - asked++; wait > 0; wait--) await Promise.resolve();
        open--;
        const value = chunks.shift();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
    };
    const elements = readElements({ [Symbol.asyncIterator]: () => slow });
    const results = await Promise.all(EXPECTED.map(() => elements.next()));
    expect(results.map(({ value }) => value && describeElement(value))).toEqual(EXPECTED);
  });

  it('are nothing else', () => {
    for (const wrong of [undefined, null, 3, 'text', {}, new ArrayBuffer(3)]) {
      expect(() => readElements(wrong as unknown as Uint8Array)).toThrow(TypeError);
    }
  });

  it('have chunks of Uint8Array and of nothing else', async () => {
    await expect(collect(readElements(['text'] as unknown as Uint8Array[]))).rejects.toThrow(TypeError);
  });

  it('may be unable to close', async () => {
    const iterator = {
      next: () => ({ done: false, value: DOCUMENT }),
      return: () => {
        throw new Error('no');
      },
    };
    const stubborn = [
      { [Symbol.iterator]: () => iterator },
      { [Symbol.asyncIterator]: () => ({ next: async () => iterator.next(), return: iterator.return }) },
      { [Symbol.asyncIterator]: () => ({ next: async () => iterator.next(), return: async () => iterator.return() }) },
    ];
    for (const stream of stubborn) {
      for await (const element of readElements(stream)) if (element.type.name === 'Info') break;
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(collect(readElements(stream, { signal }))).rejects.toThrow('enough');
    }
    await settle();
  });
});
