import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, writeElement, writeHeader, writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { readEvents } from '../support/events.js';

const FORGED = '9'.repeat(40);

const tag = (name: string, value: string) =>
  writeMaster(Mkv.Tags, [
    writeMaster(Mkv.Tag, [
      writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, name), writeElement(Mkv.TagString, value)]),
    ]),
  ]);

/** A document as the service sends it, with a number that the stream does not have. */
function forged(unknownSize: boolean): Uint8Array {
  const content = [
    writeElement(Mkv.Timestamp, 7),
    writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1, 2)),
  ];
  return concatBytes([
    writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]),
    writeHeader(Mkv.Segment, undefined),
    tag('AWS_KINESISVIDEO_FRAGMENT_NUMBER', FORGED),
    ...(unknownSize ? [writeHeader(Mkv.Cluster, undefined), ...content] : [writeMaster(Mkv.Cluster, content)]),
  ]);
}

const part = fc.oneof(
  fc.constantFrom(
    Uint8Array.of(0x1f, 0x43, 0xb6, 0x75, 0x80, 0xe7),
    Uint8Array.of(0x1f, 0x43, 0xb6, 0x75, 0x83, 0xe7, 0x81, 5),
    Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 0x84, 0x42),
    forged(true),
    forged(false),
    concatBytes([forged(false), forged(false)]),
  ),
  fc.uint8Array({ maxLength: 30 }),
);
const block = fc.array(part, { maxLength: 3 }).map((parts) => concatBytes([Uint8Array.of(0x81, 0, 0, 0x80), ...parts]));

interface Piece {
  /** Whether its Cluster says where it ends. */
  readonly bounded: boolean;
  readonly start: number;
  readonly end: number;
}

interface Stream {
  readonly bytes: Uint8Array;
  /** The Blocks. */
  readonly blocks: readonly Piece[];
}

const fragment = fc.record({
  blocks: fc.array(block, { minLength: 1, maxLength: 6 }),
  unknownCluster: fc.boolean(),
  unknownSegment: fc.boolean(),
  grouped: fc.boolean(),
  padding: part,
});

const stream: fc.Arbitrary<Stream> = fc.array(fragment, { minLength: 1, maxLength: 3 }).map((fragments) => {
  const pieces: { bytes: Uint8Array; isBlock: boolean; bounded?: boolean }[] = [];
  for (const { blocks, unknownCluster, unknownSegment, grouped, padding } of fragments) {
    const elements = blocks.map((data) =>
      grouped ? writeMaster(Mkv.BlockGroup, [writeElement(Mkv.Block, data)]) : writeElement(Mkv.SimpleBlock, data),
    );
    const timestamp = writeElement(Mkv.Timestamp, 1);
    const content = concatBytes([timestamp, ...elements]);
    const before = concatBytes([
      writeElement(Mkv.Void, padding),
      writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, 1_000_000)]),
      writeMaster(Mkv.Tracks, [writeMaster(Mkv.TrackEntry, [writeElement(Mkv.TrackNumber, 1)])]),
      writeHeader(Mkv.Cluster, unknownCluster ? undefined : content.length),
    ]);
    const after = tag('AWS_KINESISVIDEO_CONTINUATION_TOKEN', '1000');
    const size = before.length + content.length + after.length;
    pieces.push(
      { bytes: writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]), isBlock: false },
      { bytes: writeHeader(Mkv.Segment, unknownSegment ? undefined : size), isBlock: false },
      { bytes: before, isBlock: false },
      { bytes: timestamp, isBlock: false },
      ...elements.map((bytes) => ({ bytes, isBlock: true, bounded: !unknownCluster })),
      { bytes: after, isBlock: false },
    );
  }
  let start = 0;
  const found: Piece[] = [];
  for (const { bytes, isBlock, bounded = false } of pieces) {
    if (isBlock) found.push({ start, end: start + bytes.length, bounded });
    start += bytes.length;
  }
  return { bytes: concatBytes(pieces.map(({ bytes }) => bytes)), blocks: found };
});

/** Where TagStrings with the forged number were given as elements. */
function forgeries(lines: readonly string[]): number[] {
  const hex = Buffer.from(FORGED).toString('hex');
  return lines.flatMap((line) => {
    const [, at] = /^data \S*\/4487 at (\d+) /.exec(line) ?? [];
    return at !== undefined && line.endsWith(hex) ? [Number(at)] : [];
  });
}

const IN_CLUSTER = '18538067/1f43b675/';
const IN_TAGS = '18538067/1254c367/';

const RECOVERING = [{ recover: true }, { recover: true, verifyCrc: true }];

describe('what frames hold is payload', () => {
  it('in an undamaged stream: recover gives what is given without it, in every chunking', () => {
    fc.assert(
      fc.property(stream, arbitraryChunking(), ({ bytes }, chunking) => {
        const plain = readEvents([bytes], {}).all;
        expect(forgeries(plain)).toEqual([]);
        for (const options of RECOVERING) {
          expect(readEvents([bytes], options).all).toEqual(plain);
          expect(readEvents(split(bytes, chunking), options).all).toEqual(plain);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('in a damaged Cluster too, whose size tells where it ends, and damage gives the same in every chunking', () => {
    const change = fc.record({ block: fc.nat(), place: fc.nat(6), bit: fc.nat(7) });
    fc.assert(
      fc.property(stream, change, arbitraryChunking(), ({ bytes, blocks }, { block, place, bit }, chunking) => {
        const target = blocks[block % blocks.length] ?? { start: 0, end: 0, bounded: false };
        const damaged = bytes.slice();
        const at = Math.min(target.start + place, target.end - 1);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        const whole = readEvents([damaged], { recover: true }).all;
        expect(readEvents(split(damaged, chunking), { recover: true }).all).toEqual(whole);
        // Where nothing says how long a Cluster is, damage may hide which of its Blocks ends where.
        if (target.bounded) expect(forgeries(whole)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('in each bit of each Block, Timestamp and tag of such a Cluster', () => {
    const streams = fc.sample(stream, { seed: 11, numRuns: 40 });
    for (const { bytes, blocks } of streams.filter((each) => each.blocks.every(({ bounded }) => bounded))) {
      for (const line of readEvents([bytes], {}).elements) {
        const [, kind, path = '', offset, header, size] =
          /^(\w+) (\S+) at (\d+) header (\d+) size (\w+)/.exec(line) ?? [];
        const isWithin = path.startsWith(IN_CLUSTER) || path.startsWith(IN_TAGS);
        if (!isWithin || kind === 'end') continue;
        const from = Number(offset);
        const to = from + Number(header) + (kind === 'data' ? Math.min(4, Number(size)) : 0);
        for (let bit = 8 * from; bit < 8 * to; bit++) {
          const damaged = bytes.slice();
          damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          expect(forgeries(readEvents([damaged], { recover: true }).all), `bit ${bit}, ${blocks.length}`).toEqual([]);
        }
      }
    }
  });
});
