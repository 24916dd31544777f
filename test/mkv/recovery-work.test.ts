import { describe, expect, it } from 'vitest';
import { type EbmlElementType, unknownElementType } from '../../src/ebml/element-type.js';
import { EbmlParser } from '../../src/ebml/parser.js';
import { concatBytes, writeHeader } from '../../src/ebml/writer.js';
import { Mkv, type MkvGap } from '../../src/index.js';
import { MKV_SCHEMA } from '../../src/mkv/elements.js';
import { documentHead } from '../support/kvs-documents.js';

const CLUSTER = Buffer.from('1f43b675ffe78100', 'hex');
const BLOCK = Buffer.from('a38481000080', 'hex');
/** An element that nobody knows, of 4,085 bytes, and a byte at which no element begins. */
const REACHING = Buffer.from('824ff500', 'hex');

/** Four Blocks and an unknown element that ends where another one begins, again and again; behind all of them nothing is right. */
function reachingOver(count: number): Uint8Array {
  const unit = concatBytes([BLOCK, BLOCK, BLOCK, BLOCK, REACHING]);
  const units = Array.from({ length: count }, () => unit);
  return concatBytes([documentHead(), CLUSTER, ...units, new Uint8Array(5000), documentHead(), CLUSTER, BLOCK]);
}

/** The schema, which counts the headers that are looked at. */
class CountingSchema extends Map<number, EbmlElementType> {
  headers = 0;

  override get(id: number): EbmlElementType | undefined {
    this.headers++;
    return super.get(id);
  }
}

function read(bytes: Uint8Array) {
  const gaps: MkvGap[] = [];
  let blocks = 0;
  let looks = 0;
  const schema = new CountingSchema(MKV_SCHEMA);
  const parser = new EbmlParser<undefined>(
    {
      masterStart: () => undefined,
      masterEnd: () => {},
      data: (type) => {
        if (type === Mkv.SimpleBlock) blocks++;
      },
    },
    {
      schema,
      recoverAt: [
        { id: 0x1a45dfa3, firstChildren: [0x42, 0xec, 0xbf] },
        { id: 0x1f43b675, firstChildren: [0xe7] },
      ],
      dataLook: (_, data, start) => {
        looks++;
        return data[start]! > 0x80;
      },
      onGap: (gap) => gaps.push(gap),
    },
  );
  parser.push(bytes);
  parser.end();
  return { blocks, looks, gaps, headers: schema.headers };
}

describe('unknown elements that reach over Blocks and each other', () => {
  it('cost no Block', () => {
    const { blocks, gaps } = read(reachingOver(500));
    expect(blocks).toBe(4 * 500 + 1);
    expect(gaps.slice(0, -1).every(({ length }) => length === REACHING.length)).toBe(true);
  });

  it('are looked at a number of times that goes with their number', () => {
    const [few, many] = [1000, 8000].map((count) => read(reachingOver(count)).looks / count);
    expect(few).toBeLessThan(40);
    expect(many).toBeLessThan(40);
  });
});

it('unknown elements behind each other are followed once, not from each of them anew', () => {
  // Each ends with the first byte of a Cluster's id, so that it is in doubt until it is known what follows.
  const chain = (count: number) =>
    concatBytes([documentHead(), CLUSTER, ...Array.from({ length: count }, () => Buffer.from('82901f', 'hex'))]);
  for (const count of [1000, 16_000]) expect(read(chain(count)).headers / count).toBeLessThan(40);
});

it('elements within one that is unknown are followed once where all of them end with it', () => {
  const holding = (count: number) => {
    const held = concatBytes([CLUSTER, ...Array.from({ length: count }, () => BLOCK)]);
    const header = writeHeader(unknownElementType(0x82), held.length, { sizeLength: 8 });
    const behind = Array.from({ length: 20 }, () => Buffer.from('8280', 'hex'));
    return concatBytes([documentHead(), CLUSTER, header, held, ...behind]);
  };
  for (const count of [1000, 16_000]) expect(read(holding(count)).headers / count).toBeLessThan(10);
});

it('elements that swallow each other’s beginnings and go on to the end of the stream are followed once', () => {
  // Two bytes before each Cluster make an unknown element of 59 bytes of it; what it ends in is one of 5, up to the next.
  const unit = Buffer.from('1a45 1f43b675 89 e78101 a38483000080'.replaceAll(' ', ''), 'hex');
  const stream = (count: number) =>
    concatBytes([documentHead(), CLUSTER, ...Array.from({ length: count }, () => unit)]);
  const [few, many] = [1000, 16_000].map((count) => read(stream(count)).headers / count);
  expect(few).toBeLessThan(100);
  expect(many).toBeLessThan(100);
});
