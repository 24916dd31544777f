import { describe, expect, it } from 'vitest';
import { EbmlParseError } from '../../src/ebml/errors.js';
import type { EbmlHandler, EbmlParserOptions } from '../../src/ebml/handler.js';
import { EbmlParser } from '../../src/ebml/parser.js';
import { concatBytes, writeElement, writeHeader, writeMaster } from '../../src/ebml/writer.js';
import { MKV_SCHEMA, Mkv } from '../../src/mkv/elements.js';
import { chunksOf } from '../support/read-all.js';

const EBML = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'other')]);
const TAG = writeMaster(Mkv.Tag, [writeElement(Mkv.Void, Uint8Array.of(1, 2, 3))]);
const TAGS = writeMaster(Mkv.Tags, [TAG, TAG]);
const BYTES = concatBytes([EBML, writeMaster(Mkv.Segment, [TAGS, writeElement(Mkv.Void, Uint8Array.of(4, 5))])]);
const EVENTS = [
  'EBML',
  'DocType 6f74686572',
  '/EBML',
  'Segment',
  'Tags',
  'Tag',
  'Void 010203',
  '/Tag',
  'Tag',
  'Void 010203',
  '/Tag',
  '/Tags',
  'Void 0405',
  '/Segment',
];

/** A parser that writes down what it tells; `then` is called after each of it. */
function open(
  options: Partial<EbmlParserOptions> = {},
  then: (line: string, parser: EbmlParser<string>) => void = () => {},
  takeMaster?: EbmlHandler<string>['takeMaster'],
) {
  const told: string[] = [];
  const tell = (line: string) => {
    told.push(line);
    then(line, parser);
  };
  const handler: EbmlHandler<string> = {
    masterStart: (type, _offset, _headerSize, _dataSize, _parent, asked) => {
      if (asked) tell(`${type.name}`);
      return `${type.name}`;
    },
    masterEnd: (name) => tell(`/${name}`),
    data: (type, _offset, _headerSize, dataSize, run, start) =>
      tell(`${type.name} ${Buffer.from(run.bytes.subarray(start, start + dataSize)).toString('hex')}`),
    ...(takeMaster && { takeMaster }),
  };
  const parser = new EbmlParser(handler, { schema: MKV_SCHEMA, ...options });
  return { parser, told };
}

describe('EbmlParser', () => {
  it('reports what a chunk completes before push() returns, and is done when the end has been said', () => {
    const { parser, told } = open();
    const length = EBML.length;
    parser.push(BYTES.subarray(0, length - 1));
    expect(told).toEqual(['EBML']);
    parser.push(BYTES.subarray(length - 1, length));
    expect(told).toEqual(['EBML', 'DocType 6f74686572', '/EBML']);
    parser.push(BYTES.subarray(length));
    expect([told, parser.done]).toEqual([EVENTS, false]);
    parser.end();
    expect(told).toEqual(EVENTS);
    expect([parser.done, parser.truncated, parser.error]).toEqual([true, false, undefined]);
    parser.end();
    expect(told).toEqual(EVENTS);
  });

  it.each([1, 3, BYTES.length])('stops after the call in which it is paused, in chunks of %i bytes', (size) => {
    const { parser, told } = open({}, (_, own) => own.pause());
    for (const chunk of chunksOf(BYTES, size)) parser.push(chunk);
    parser.end();
    const counts = [told.length];
    while (!parser.done) {
      parser.resume();
      counts.push(told.length);
    }
    expect(told).toEqual(EVENTS);
    // One each time; the last time there is nothing left but to see that.
    expect(counts.slice(0, EVENTS.length)).toEqual(EVENTS.map((_, i) => i + 1));
  });

  it('only keeps what comes while it is paused', () => {
    const { parser, told } = open();
    parser.pause();
    parser.push(BYTES.subarray(0, 20));
    parser.push(BYTES.subarray(20));
    parser.end();
    expect([told, parser.done]).toEqual([[], false]);
    parser.resume();
    expect([told, parser.done]).toEqual([EVENTS, true]);
  });

  it('takes nothing but bytes, and none after the end', () => {
    const { parser } = open();
    for (const wrong of ['text', [1, 2], new ArrayBuffer(4), undefined]) {
      expect(() => parser.push(wrong as never)).toThrow(TypeError);
    }
    parser.push(BYTES);
    parser.end();
    expect(() => parser.push(BYTES)).toThrow(TypeError);
    expect(parser.error).toBeUndefined();
  });

  it('throws what is wrong, and again at every call from then on', () => {
    const { parser, told } = open();
    let error: unknown;
    try {
      parser.push(concatBytes([EBML, new Uint8Array(4)]));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(EbmlParseError);
    expect(error).toMatchObject({ name: 'EbmlParseError', code: 'InvalidId', offset: EBML.length });
    expect(parser.error).toBe(error);
    for (const call of [() => parser.push(EBML), () => parser.resume(), () => parser.end()]) {
      expect(call).toThrow(expect.toSatisfy((thrown) => thrown === error));
    }
    expect(told).toEqual(EVENTS.slice(0, 3));
  });

  it.each([undefined, [{ id: 0x1a45dfa3, firstChildren: [0x42] }]])('lets errors of its handler pass', (recoverAt) => {
    const error = new Error('the disk is full');
    const { parser } = open({ recoverAt }, (line) => {
      if (line.startsWith('Void')) throw error;
    });
    expect(() => {
      parser.push(BYTES);
      parser.end();
    }).toThrow(error);
    expect(parser.error).toBeUndefined();
  });

  it.each([1, 7, BYTES.length])('copies chunks of %i bytes where that is asked for, also those that wait', (size) => {
    for (const paused of [true, false]) {
      const runs: Uint8Array[] = [];
      const own: Uint8Array[] = [];
      const handler: EbmlHandler<undefined> = {
        masterStart: () => undefined,
        masterEnd: () => {},
        data: (_type, _offset, _headerSize, dataSize, { bytes }, start) => {
          runs.push(bytes.subarray(start, start + dataSize));
        },
      };
      const parser = new EbmlParser(handler, { schema: MKV_SCHEMA, copyChunks: true });
      if (paused) parser.pause();
      for (const part of chunksOf(BYTES, size)) {
        const chunk = Uint8Array.from(part);
        own.push(chunk);
        parser.push(chunk);
        chunk.fill(0xee);
      }
      parser.resume();
      expect(runs.map((run) => Buffer.from(run).toString('hex'))).toEqual(['6f74686572', '010203', '010203', '0405']);
      expect(runs.some((run) => own.some((chunk) => chunk.buffer === run.buffer))).toBe(false);
    }
  });

  it.each([1, BYTES.length])('tells of the elements asked for alone, in chunks of %i bytes', (size) => {
    const of = (...elements: EbmlParserOptions['elements'] extends Iterable<infer T> | undefined ? T[] : never) => {
      const { parser, told } = open({ elements });
      for (const chunk of chunksOf(BYTES, size)) parser.push(chunk);
      parser.end();
      return told;
    };
    expect(of(Mkv.Void)).toEqual(EVENTS.filter((line) => line.startsWith('Void')));
    expect(of(Mkv.Tags, Mkv.Segment)).toEqual(['Segment', 'Tags', '/Tags', '/Segment']);
    expect(of(Mkv.Tag, Mkv.DocType)).toEqual(['DocType 6f74686572', 'Tag', '/Tag', 'Tag', '/Tag']);
    expect(of()).toEqual([]);
  });

  it('gives data where it lies in the chunk', () => {
    const buffers: unknown[] = [];
    const handler: EbmlHandler<undefined> = {
      masterStart: () => undefined,
      masterEnd: () => {},
      data: (_type, _offset, _headerSize, _dataSize, { bytes }) => void buffers.push(bytes),
    };
    new EbmlParser(handler, { schema: MKV_SCHEMA }).push(BYTES);
    expect(buffers).toHaveLength(4);
    expect(buffers.every((bytes) => bytes === BYTES)).toBe(true);
  });

  it('reads any DocType when it is not said which there may be', () => {
    const warnings: unknown[] = [];
    open({ onWarning: (warning) => warnings.push(warning) }).parser.push(EBML);
    expect(warnings).toEqual([]);
    open({ onWarning: (warning) => warnings.push(warning), docTypes: ['this', 'that'] }).parser.push(EBML);
    expect(warnings).toEqual([expect.objectContaining({ code: 'UnsupportedDocument', offset: EBML.length - 1 })]);
  });

  it('accepts a data element of 64 MiB and no more, and 64 masters in each other, unless told otherwise', () => {
    const start = concatBytes([EBML, writeHeader(Mkv.Segment, undefined), writeHeader(Mkv.Cluster, undefined)]);
    const of = (size: number) => concatBytes([start, writeHeader(Mkv.SimpleBlock, size)]);
    expect(() => open().parser.push(of(64 * 2 ** 20))).not.toThrow();
    expect(() => open().parser.push(of(64 * 2 ** 20 + 1))).toThrow(
      expect.objectContaining({ code: 'ElementTooLarge' }),
    );
    const nested = (depth: number) => {
      let inner: Uint8Array = new Uint8Array(0);
      // A Segment, its Tags and their Tag are around them.
      for (let i = 3; i < depth; i++) inner = writeMaster(Mkv.SimpleTag, [inner]);
      return concatBytes([EBML, writeMaster(Mkv.Segment, [writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [inner])])])]);
    };
    expect(() => open().parser.push(nested(64))).not.toThrow();
    expect(() => open().parser.push(nested(65))).toThrow(expect.objectContaining({ code: 'TooDeep' }));
  });
});

describe('a master that lies whole in a chunk', () => {
  /** What is offered of the bytes, in chunks of `size`; what is `taken` by name is not told of. */
  function offered(
    options: Partial<EbmlParserOptions> = {},
    taken: readonly string[] = [],
    bytes = BYTES,
    size = 1000,
  ) {
    const offers: string[] = [];
    const { parser, told } = open(options, undefined, (type, run, start, end) => {
      offers.push(`${type.name} ${Buffer.from(run.subarray(start, end)).toString('hex')}`);
      return taken.includes(`${type.name}`);
    });
    for (const chunk of chunksOf(bytes, size)) parser.push(chunk);
    parser.end();
    expect(parser.done).toBe(true);
    return { names: offers.map((offer) => offer.split(' ')[0]), offers, told };
  }
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const dataOf = (master: Uint8Array, type: typeof Mkv.Tag | typeof Mkv.Tags, size: number) =>
    hex(master.subarray(writeHeader(type, size).length));

  it('is offered with its data, and told of like others when it is not taken', () => {
    const { names, offers, told } = offered();
    expect(names).toEqual(['EBML', 'Segment', 'Tags', 'Tag', 'Tag']);
    expect(offers[2]).toBe(`Tags ${dataOf(TAGS, Mkv.Tags, 2 * TAG.length)}`);
    expect(told).toEqual(EVENTS);
  });

  it('is not told of when it is taken, and what follows is', () => {
    const { names, told } = offered({}, ['Tags']);
    expect(names).toEqual(['EBML', 'Segment', 'Tags']);
    expect(told).toEqual([...EVENTS.slice(0, 4), ...EVENTS.slice(12)]);
    expect(offered({}, ['Tag']).told).toEqual([...EVENTS.slice(0, 5), ...EVENTS.slice(11)]);
    expect(offered({}, ['Segment']).told).toEqual(EVENTS.slice(0, 3));
  });

  it('is offered only when it was asked for, and its end is known and there', () => {
    expect(offered({ elements: [Mkv.Tags] }, ['Tags']).names).toEqual(['Tags']);
    const unknown = concatBytes([EBML, writeHeader(Mkv.Segment, undefined), writeHeader(Mkv.Tags, undefined), TAG]);
    expect(offered({}, [], unknown).names).toEqual(['EBML', 'Tag']);
    const cut = BYTES.subarray(0, -1);
    expect(offered({}, [], cut).names).toEqual(['EBML', 'Tags', 'Tag', 'Tag']);
    expect(offered({}, ['Tag'], BYTES, 1)).toMatchObject({ names: [], told: EVENTS });
  });

  it('is not offered where every element must be seen, or what is too large for one', () => {
    const quiet = { elements: undefined };
    expect(offered({ ...quiet, maxDepth: 64, strict: false, verifyCrc: false }).names).toHaveLength(5);
    for (const options of [{ verifyCrc: true }, { strict: true }, { onWarning: () => {} }, { maxDepth: 63 }]) {
      expect(offered(options, ['Tags'])).toMatchObject({ names: [], told: EVENTS });
    }
    const size = 2 * TAG.length;
    expect(offered({ maxElementSize: size }).names).toEqual(['EBML', 'Tags', 'Tag', 'Tag']);
    expect(offered({ maxElementSize: size - 1 }).names).toEqual(['EBML', 'Tag', 'Tag']);
  });

  it('is not offered in a document that limits the sizes, which whoever takes it would not know', () => {
    const limited = writeMaster(Mkv.EBML, [writeElement(Mkv.EBMLMaxSizeLength, 7)]);
    expect(offered({}, [], concatBytes([limited, BYTES.subarray(EBML.length), BYTES])).names).toEqual([
      'EBML',
      ...['EBML', 'Segment', 'Tags', 'Tag', 'Tag'],
    ]);
  });
});
