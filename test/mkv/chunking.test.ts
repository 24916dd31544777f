import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, writeElement, writeMaster } from '../../src/ebml/writer.js';
import { MKV_SCHEMA, Mkv } from '../../src/mkv/elements.js';
import { type MkvReaderOptions, StreamingMkvReader } from '../../src/mkv/reader.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { arbitraryDocuments } from '../support/ebml-generator.js';
import { readEvents } from '../support/events.js';
import { documentHead } from '../support/kvs-documents.js';
import { arbitraryKvsStream } from '../support/kvs-generator.js';

const OPTIONS: [string, MkvReaderOptions][] = [
  ['no options', {}],
  ['recover', { recover: true }],
  ['verifyCrc', { verifyCrc: true }],
  ['recover and verifyCrc', { recover: true, verifyCrc: true }],
];
const RUNS = { numRuns: 60 };

describe('elements are those that were written, for every chunking', () => {
  for (const [name, options] of OPTIONS) {
    it(`with ${name}`, () => {
      fc.assert(
        fc.property(arbitraryDocuments(), arbitraryChunking(), (documents, chunking) => {
          const whole = readEvents([documents.bytes], options);
          expect(whole.elements).toEqual(documents.elements.map((element) => element.line));
          expect(whole.all.filter((line) => !/^(start|end|data|warning)/.test(line))).toEqual(['the end']);
          expect(Buffer.compare(whole.bytes, documents.bytes)).toBe(0);
          expect(readEvents(split(documents.bytes, chunking), options).all).toEqual(whole.all);
        }),
        RUNS,
      );
    });
  }

  it('with an elements filter', () => {
    const types = fc.subarray([...MKV_SCHEMA.values()], { minLength: 0 });
    const common = fc.subarray([Mkv.Segment, Mkv.Cluster, Mkv.SimpleBlock, Mkv.Tags, Mkv.TagName, Mkv.Void, Mkv.EBML]);
    fc.assert(
      fc.property(
        arbitraryDocuments(),
        fc.oneof(types, common),
        fc.boolean(),
        arbitraryChunking(),
        (documents, elements, verifyCrc, chunking) => {
          const wanted = new Set(elements.map((type) => type.id));
          const options = { elements, verifyCrc };
          const whole = readEvents([documents.bytes], options);
          expect(whole.elements).toEqual(documents.elements.filter(({ id }) => wanted.has(id)).map(({ line }) => line));
          expect(readEvents(split(documents.bytes, chunking), options).all).toEqual(whole.all);
        },
      ),
      RUNS,
    );
  });
});

describe('an elements filter', () => {
  it('gives a recursive element wherever it stands in itself', () => {
    const inner = writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'inner')]);
    const outer = writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'outer'), inner]);
    const tags = writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [outer])]);
    const bytes = concatBytes([writeMaster(Mkv.EBML, []), writeMaster(Mkv.Segment, [tags])]);
    const { elements } = readEvents([bytes], { elements: [Mkv.SimpleTag] });
    expect(elements.map((line) => line.split(' ')[0])).toEqual(['start', 'start', 'end', 'end']);
  });

  it('gives a global element wherever it stands', () => {
    const empty = writeElement(Mkv.Void, new Uint8Array(3));
    const tags = writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [empty])]);
    const bytes = concatBytes([writeMaster(Mkv.EBML, [empty]), writeMaster(Mkv.Segment, [tags, empty])]);
    expect(readEvents([bytes], { elements: [Mkv.Void] }).elements).toHaveLength(3);
  });
});

describe('broken documents give the same events and the same error for every chunking', () => {
  const damage = fc.record({
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.constant(new Uint8Array(40))),
    cut: fc.nat(3),
  });
  for (const [name, options] of [...OPTIONS, ['strict', { strict: true }] as const]) {
    it(`with ${name}`, () => {
      fc.assert(
        fc.property(
          fc.oneof(arbitraryDocuments(), arbitraryKvsStream()),
          fc.array(damage, { minLength: 1, maxLength: 3 }),
          arbitraryChunking(),
          (documents, damages, chunking) => {
            let bytes = documents.bytes.slice();
            for (const { place, bytes: wrong, cut } of damages) {
              const at = Math.floor(place * bytes.length);
              if (cut === 0) bytes = bytes.slice(0, at);
              else bytes.set(wrong.subarray(0, bytes.length - at), at);
            }
            const whole = readEvents([bytes], options);
            expect(readEvents(split(bytes, chunking), options).all).toEqual(whole.all);
          },
        ),
        { numRuns: 100 },
      );
    });
  }
});

describe('a Kinesis Video stream', () => {
  it('is read as it was written, for every chunking', () => {
    fc.assert(
      fc.property(arbitraryKvsStream(), arbitraryChunking(), (stream, chunking) => {
        const whole = readEvents([stream.bytes], { verifyCrc: true });
        expect(whole.all.filter((line) => !/^(start|end|data)/.test(line))).toEqual(['the end']);
        expect(Buffer.compare(whole.bytes, stream.bytes)).toBe(0);
        expect(readEvents(split(stream.bytes, chunking), { verifyCrc: true }).all).toEqual(whole.all);
      }),
      RUNS,
    );
  });

  it('has the frames that were put in', () => {
    fc.assert(
      fc.property(arbitraryKvsStream(), (stream) => {
        const reader = new StreamingMkvReader({ elements: [Mkv.SimpleBlock, Mkv.Block] });
        reader.push(stream.bytes);
        reader.end();
        const found: [number, Uint8Array][] = [];
        for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
          if (!element.is(Mkv.SimpleBlock) && !element.is(Mkv.Block)) continue;
          if (element.kind !== 'data') continue;
          const { trackNumber, frames } = element.value;
          for (const frame of frames) found.push([trackNumber, frame]);
        }
        const expected = stream.fragments.flatMap(({ frames, input }) =>
          frames.map(({ track, data }) => {
            const header = input.tracks.find((each) => each.number === track)?.strippedHeader;
            return [track, data.subarray(header?.length ?? 0)];
          }),
        );
        expect(found).toEqual(expected);
      }),
      RUNS,
    );
  });
});

it('an id of a landmark with a wrong bit in the last bytes of a stream is seen, for every split', () => {
  const head = concatBytes([documentHead(), Buffer.from('1f43b675ffe78100a38481000080', 'hex')]);
  const ids = [Mkv.EBML, Mkv.Segment, Mkv.Info, Mkv.Tracks, Mkv.Cluster, Mkv.Tags].map(({ id }) => id);
  const options = { recover: true };
  for (const id of ids) {
    for (let bit = 0; bit < 32; bit++) {
      for (const rest of [
        '80',
        '81ec',
        '83e78105',
        '84428180',
        '8ae78105a3848100',
        'ffe78105',
        '0100000000000003e78105',
      ]) {
        const damaged = Buffer.alloc(4);
        damaged.writeUInt32BE((id ^ (1 << bit)) >>> 0);
        const bytes = concatBytes([head, damaged, Buffer.from(rest, 'hex')]);
        const whole = readEvents([bytes], options).all;
        for (let cut = head.length - 2; cut < bytes.length; cut++) {
          expect(readEvents([bytes.subarray(0, cut), bytes.subarray(cut)], options).all).toEqual(whole);
        }
      }
    }
  }
});
