import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { Mkv, MkvParseError, OutputSegmentMerger, writeElement, writeHeader, writeMaster } from '../../src/index.js';
import { documentHead } from '../support/kvs-documents.js';
import { readChunks } from '../support/read-all.js';

const MOST = 64 * 1024 * 1024;
const SIZE = 1_000_000;
const TIMESTAMP = writeElement(Mkv.Timestamp, 5);
const CLUSTER = writeHeader(Mkv.Cluster, undefined);
const VOID = writeElement(Mkv.Void, new Uint8Array(SIZE));

/** Merges as far as it goes. */
function merge(chunks: Iterable<Uint8Array>) {
  let bytes = 0;
  const merger = new OutputSegmentMerger((piece) => {
    bytes += piece.length;
  });
  let error: MkvParseError | undefined;
  try {
    for (const element of readChunks(chunks)) element.accept(merger);
  } catch (thrown) {
    if (!(thrown instanceof MkvParseError)) throw thrown;
    error = thrown;
  }
  return { error, bytes };
}

const repeat = (bytes: Uint8Array, count: number) => Array.from({ length: count }, () => bytes);

describe.each([
  ['a Cluster before its Timestamp', [CLUSTER], VOID, [TIMESTAMP], 1],
  [
    'Tags',
    [Mkv.Tags, Mkv.Tag, Mkv.SimpleTag].map((type) => writeHeader(type, undefined)),
    VOID,
    [CLUSTER, TIMESTAMP],
    4,
  ],
  ['what stands before the first Cluster', [], VOID, [CLUSTER, TIMESTAMP], 3],
  ['a BlockGroup', [CLUSTER, TIMESTAMP, writeHeader(Mkv.BlockGroup, undefined)], VOID, [CLUSTER, TIMESTAMP], 1],
])('%s', (_, start, unit, end, others) => {
  const head = concatBytes([documentHead(), ...start]);
  /** As many as fit, if all that is held besides takes little. */
  const most = Math.floor(MOST / (unit.length + 200));

  it('is held up to 64 MiB', () => {
    const { error } = merge([head, ...repeat(unit, most + 1)]);
    expect(error).toMatchObject({
      name: 'MkvParseError',
      code: 'ElementTooLarge',
      offset: head.length + most * unit.length,
    });
    expect(error?.message).toMatch(/^byte \d+: Segment\/.* more than 67108864 bytes would have to be held/);
    const fine = merge([head, ...repeat(unit, most), ...end]);
    expect(fine.error).toBeUndefined();
    expect(fine.bytes).toBeGreaterThan(most * unit.length);
  });

  it('counts for what elements take besides their bytes', () => {
    // Small ones, as many as fit with some room for what is held besides. Of Void before the first Cluster, see below.
    const small = others === 3 ? writeMaster(Mkv.Tags, []) : writeElement(Mkv.Void, new Uint8Array(1));
    const count = Math.floor((MOST - others * 10_000) / (small.length + 200));
    const many = concatBytes(repeat(small, 1000));
    const chunks = (thousands: number) => [head, ...repeat(many, thousands)];
    expect(merge(chunks(Math.floor(count / 1000))).error).toBeUndefined();
    expect(merge(chunks(Math.floor(count / 1000) + 1)).error).toMatchObject({ code: 'ElementTooLarge' });
  });

  it('counts no more when it has been written', () => {
    const half = repeat(unit, Math.floor(most * 0.6));
    const { error } = merge([head, ...half, ...end, head, ...half, ...end]);
    expect(error).toBeUndefined();
  });
});

it('short Void elements before the first Cluster take little more than their bytes', () => {
  const small = writeElement(Mkv.Void, new Uint8Array(1));
  const many = concatBytes(repeat(small, 1000));
  const head = documentHead();
  const input = [head, ...repeat(many, 350), CLUSTER, TIMESTAMP];
  // Each by itself, they would be 70 MB.
  const { error, bytes } = merge(input);
  expect(error).toBeUndefined();
  expect(bytes).toBe(input.reduce((sum, { length }) => sum + length, 0));
  const few = concatBytes([head, concatBytes(repeat(small, 2000)), CLUSTER, TIMESTAMP]);
  const out: Uint8Array[] = [];
  const merger = new OutputSegmentMerger((piece) => void out.push(piece));
  for (const element of readChunks([few])) element.accept(merger);
  expect(Buffer.compare(concatBytes(out), few)).toBe(0);
});

it('a large element that stands in a Cluster is not held', () => {
  const blocks = repeat(
    writeElement(Mkv.SimpleBlock, concatBytes([Uint8Array.of(0x81, 0, 0, 0), new Uint8Array(SIZE)])),
    70,
  );
  const { error, bytes } = merge([documentHead(), writeMaster(Mkv.Info, []), CLUSTER, TIMESTAMP, ...blocks]);
  expect(error).toBeUndefined();
  expect(bytes).toBeGreaterThan(70 * SIZE);
});
