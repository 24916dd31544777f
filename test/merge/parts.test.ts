import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { ByteRun } from '../../src/ebml/byte-run.js';
import { crc32 } from '../../src/ebml/crc32.js';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Block,
  type EbmlElementType,
  Mkv,
  type MkvElement,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { type BlockPeek, peekBlock } from '../../src/merge/block-peek.js';
import { ClusterHead, type ClusterPlace, rewritePosition } from '../../src/merge/cluster-head.js';
import { copyOf, extentOf, isSame, lengthOf, lengthOfAll } from '../../src/merge/extent.js';
import { crcData, GatheredElement, isPosition } from '../../src/merge/gathered-element.js';
import { integerOf } from '../../src/merge/integer-of.js';
import { MadeUpBytes } from '../../src/merge/made-up-bytes.js';
import { describeReason } from '../../src/merge/merge-options.js';
import { PieceQueue } from '../../src/merge/piece-queue.js';
import { voidElement, voidHeader } from '../../src/merge/void-element.js';
import { chunksOf, readChunks } from '../support/read-all.js';

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The elements of a Segment of these children, the Segment aside. */
function elementsOf(...children: Uint8Array[]): MkvElement[] {
  return [...readChunks([writeMaster(Mkv.Segment, children)])].slice(1, -1);
}

function dataElement(type: EbmlElementType, data: Uint8Array) {
  const bytes = concatBytes([writeHeader(type, data.length), data]);
  for (const element of elementsOf(bytes)) if (element.kind === 'data') return element;
  throw new Error('no data element');
}

describe('a glance at a Block', () => {
  /** The Block lies among other bytes, which must not be taken for its own. */
  const glance = (data: Uint8Array, result: BlockPeek) =>
    peekBlock(concatBytes([Uint8Array.of(0x81), data, new Uint8Array(12).fill(0x86)]), 1, 1 + data.length, result);

  const number = fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.integer({ min: 0, max: 2 ** 20 }),
    fc.integer({ min: 0, max: 2 ** 53 - 1 }),
  );

  it('tells what the Block itself tells, of every width of the track number', () => {
    fc.assert(
      fc.property(
        number,
        fc.integer({ min: 1, max: 8 }),
        fc.uint8Array({ minLength: 4, maxLength: 8 }),
        (track, width, rest) => {
          fc.pre(track < 2 ** (7 * width));
          const vint = BigInt(track) | (1n << BigInt(7 * width));
          const data = concatBytes([Buffer.from(vint.toString(16).padStart(2 * width, '0'), 'hex'), rest]);
          const laced = ((rest[2] ?? 0) & 6) !== 0;
          const result: BlockPeek = { track: 0, timestamp: 0, frames: 0, keyframe: false };
          expect(glance(data, result)).toBe(true);
          // Of the same header with a single frame, for the laces are not looked at.
          const plain = Uint8Array.from(data);
          plain[width + 2]! &= ~6;
          const { trackNumber, relativeTimestamp, keyframe } = new Block(new ByteRun(plain), 0, plain.length, 0, true);
          expect(result).toEqual({
            track: trackNumber,
            timestamp: relativeTimestamp,
            frames: laced ? (rest[3] ?? 0) + 1 : 1,
            keyframe,
          });
          expect(glance(data.subarray(0, width + 3), result)).toBe(true);
          expect(result.frames).toBe(1);
          expect(glance(data.subarray(0, width + 2), result)).toBe(false);
        },
      ),
    );
  });

  it('is not taken of what has no track number', () => {
    const result: BlockPeek = { track: 5, timestamp: 5, frames: 5, keyframe: true };
    expect(glance(new Uint8Array(20), result)).toBe(false);
    expect(glance(new Uint8Array(0), result)).toBe(false);
    expect(result).toEqual({ track: 5, timestamp: 5, frames: 5, keyframe: true });
  });
});

describe('a Void element', () => {
  const limits = [2 ** 7, 2 ** 14, 2 ** 21].flatMap((limit) => [-2, -1, 0, 1, 2, 3, 4, 5].map((more) => limit + more));

  it('takes up as many bytes as are asked for, all zeros', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: 2, max: 400 }), fc.constantFrom(...limits)), (length) => {
        const bytes = voidElement(length);
        expect(bytes.length).toBe(length);
        const elements = elementsOf(bytes);
        expect(elements.map(({ type }) => type.name)).toEqual(['Void']);
        const [element] = elements;
        if (element?.kind !== 'data') throw new Error('no data element');
        expect(element.dataSize).toBe(length - voidHeader(length).length);
        expect(element.data.every((byte) => byte === 0)).toBe(true);
      }),
    );
    expect([2, 128, 129, 2 ** 40].map((length) => hexOf(voidHeader(length)))).toEqual([
      'ec80',
      'ecfe',
      'ec407e',
      'ec04fffffffff9',
    ]);
  });

  test.each([1, 0, -1])('of %i bytes there is none', (length) => {
    expect(() => voidElement(length)).toThrow(new RangeError(`no element has ${length} bytes`));
  });
});

test('an integer of more than 8 bytes is none', () => {
  expect(integerOf(dataElement(Mkv.TrackNumber, Uint8Array.of(1, 0)))).toBe(256);
  expect(integerOf(dataElement(Mkv.TrackNumber, new Uint8Array(8).fill(255)))).toBe(2 ** 64);
  expect(integerOf(dataElement(Mkv.TimestampScale, new Uint8Array(0)))).toBe(1_000_000);
  expect(integerOf(dataElement(Mkv.TrackNumber, new Uint8Array(9)))).toBeUndefined();
});

describe('where elements lie', () => {
  const bytes = concatBytes([
    writeMaster(Mkv.Tags, []),
    writeMaster(Mkv.Info, [writeElement(Mkv.Title, 'abc'), writeElement(Mkv.MuxingApp, 'd')]),
    writeMaster(Mkv.Tags, []),
  ]);
  /** Info and what stands in it, the stream being cut into chunks of a size. */
  const infoOf = (chunkSize: number) => {
    const all = [...readChunks(chunksOf(writeMaster(Mkv.Segment, [bytes]), chunkSize))];
    const from = all.findIndex((element) => element.is(Mkv.Info));
    return all.slice(from, from + 3).flatMap((element) => (element.kind === 'end' ? [] : [element]));
  };
  const whole = writeMaster(Mkv.Info, [writeElement(Mkv.Title, 'abc'), writeElement(Mkv.MuxingApp, 'd')]);

  it('is told where all of them are in one chunk, one behind the other', () => {
    const elements = infoOf(1000);
    expect(lengthOfAll(elements)).toBe(whole.length);
    const extent = extentOf(elements, whole.length);
    expect(extent?.bytes.subarray(extent.start, extent.end)).toEqual(whole);
    for (let size = 1; size < whole.length; size++) expect(extentOf(infoOf(size), whole.length)).toBeUndefined();
    const [info, title, application] = elements;
    if (info === undefined || title === undefined || application === undefined) throw new Error('no elements');
    expect(extentOf([info, application], lengthOfAll([info, application]))).toBeUndefined();
    expect(extentOf([info], info.headerSize)).toBeUndefined();
    expect(extentOf([], 0)).toBeUndefined();
    expect(lengthOf(info)).toBe(info.headerSize);
  });

  it('is what is copied, and compared with the copy', () => {
    const around = Uint8Array.of(9, 1, 2, 3, 9);
    const copy = copyOf({ bytes: around, start: 1, end: 4 });
    expect(copy).toEqual(Uint8Array.of(1, 2, 3));
    const same = (other: number[]) =>
      isSame({ bytes: around, start: 1, end: 4 }, { bytes: Uint8Array.from(other), start: 0, end: other.length });
    expect([same([1, 2, 3]), same([1, 2]), same([1, 2, 4]), same([9, 2, 3]), same([1, 2, 3, 9])]).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    around.fill(0);
    expect(copy).toEqual(Uint8Array.of(1, 2, 3));
  });
});

test('a reason is put into words', () => {
  const unknown: MkvElement | undefined = elementsOf(Uint8Array.of(0x42, 0x99, 0x80))[0];
  expect(describeReason({ kind: 'timestamp', timestamp: 2n, previous: 3n })).toBe('the Timestamp 2 comes after 3');
  expect(describeReason({ kind: 'element', master: Mkv.Tracks, element: Mkv.CodecID })).toBe(
    'CodecID in Tracks is not the same',
  );
  expect(describeReason({ kind: 'element', master: Mkv.Tracks, element: unknown?.type ?? Mkv.Void })).toBe(
    '0x4299 in Tracks is not the same',
  );
});

describe('a gathered element', () => {
  const written = (element: GatheredElement, keepPositions: boolean) => {
    const queue = new PieceQueue();
    element.writeTo(queue, keepPositions);
    return concatBytes(queue.take());
  };
  const gather = (bytes: Uint8Array) => {
    let gathered: GatheredElement | undefined;
    for (const element of elementsOf(bytes)) {
      if (element.kind === 'end') continue;
      if (gathered === undefined) gathered = new GatheredElement(element);
      else gathered.add(element);
    }
    if (gathered === undefined) throw new Error('no element');
    return gathered;
  };
  const withCrc = (type: EbmlElementType, ...children: Uint8Array[]) => {
    const rest = concatBytes(children);
    return writeMaster(type, [writeElement(Mkv['CRC-32'], crcData(crc32(rest))), rest]);
  };
  const duration = writeElement(Mkv.Duration, 5);
  const title = writeElement(Mkv.Title, 'x');
  const application = writeElement(Mkv.MuxingApp, 'y');

  it('is written as it is, where no position is in it', () => {
    for (const bytes of [
      writeMaster(Mkv.Info, [title]),
      withCrc(Mkv.Info, title),
      withCrc(Mkv.Tags, writeMaster(Mkv.Tag, [])),
      writeElement(Mkv.Void, new Uint8Array(3)),
    ]) {
      for (const keep of [false, true]) {
        expect(written(gather(bytes), keep)).toEqual(bytes);
      }
    }
  });

  it('is Void where it is nothing but positions, or the CRC-32 of what more is going to belong to', () => {
    const seek = writeMaster(Mkv.SeekHead, [writeMaster(Mkv.Seek, [writeElement(Mkv.SeekPosition, 5)])]);
    const cues = writeMaster(Mkv.Cues, [writeMaster(Mkv.CuePoint, [])]);
    const crc = writeElement(Mkv['CRC-32'], new Uint8Array(4));
    for (const bytes of [seek, cues, crc]) expect(written(gather(bytes), false)).toEqual(voidElement(bytes.length));
    for (const bytes of [seek, cues]) expect(written(gather(bytes), true)).toEqual(bytes);
    expect(written(gather(crc), true)).toEqual(voidElement(crc.length));
    expect([Mkv.SeekHead, Mkv.Cues, Mkv.Info].map(isPosition)).toEqual([true, true, false]);
  });

  it('has no Duration, and the CRC-32 of what it then is', () => {
    const empty = voidElement(duration.length);
    for (const around of [[], [title]]) {
      const children = (middle: Uint8Array) => [...around, middle, application];
      expect(written(gather(writeMaster(Mkv.Info, children(duration))), false)).toEqual(
        writeMaster(Mkv.Info, children(empty)),
      );
      const bytes = withCrc(Mkv.Info, ...children(duration));
      expect(written(gather(bytes), false)).toEqual(withCrc(Mkv.Info, ...children(empty)));
      expect(written(gather(bytes), true)).toEqual(bytes);
    }
    const twice = withCrc(Mkv.Info, duration, title, duration);
    expect(written(gather(twice), false)).toEqual(withCrc(Mkv.Info, empty, title, empty));
  });

  it('has no Duration that is not that of Info, and no CRC-32 that is none', () => {
    const inner = writeMaster(Mkv.ChapterTranslate, [duration]);
    const nested = writeMaster(Mkv.Info, [inner]);
    expect(written(gather(nested), false)).toEqual(writeMaster(Mkv.Info, [writeMaster(Mkv.ChapterTranslate, [])]));
    const other = writeMaster(Mkv.Tags, [duration]);
    expect(written(gather(other), false)).toEqual(writeMaster(Mkv.Tags, []));
    const short = writeElement(Mkv['CRC-32'], new Uint8Array(3));
    expect(written(gather(writeMaster(Mkv.Info, [short, title, duration])), false)).toEqual(
      writeMaster(Mkv.Info, [title]),
    );
  });

  it('tells whether it has a tag of a name', () => {
    const tags = writeMaster(Mkv.Tags, [
      writeMaster(Mkv.Tag, [
        writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'a'), writeElement(Mkv.TagString, 'b')]),
      ]),
    ]);
    expect([gather(tags).hasTag('a'), gather(tags).hasTag('b')]).toEqual([true, false]);
  });
});

describe('the beginning of a Cluster', () => {
  interface Input {
    readonly crc: boolean;
    readonly timestamp: number;
    readonly timestampWidth: number;
    readonly position: number | undefined;
    readonly previousSize: number | undefined;
    readonly sizeLength: number;
    readonly unknownSize: boolean;
    readonly payload: number;
  }
  const padded = (type: EbmlElementType, value: number, width: number) => {
    const data = new Uint8Array(width);
    data.set(Buffer.from(value.toString(16).padStart(2 * width, '0'), 'hex'));
    return concatBytes([writeHeader(type, width), data]);
  };
  const input = fc.record<Input>({
    crc: fc.boolean(),
    timestamp: fc.nat(70_000),
    timestampWidth: fc.constantFrom(3, 4, 8),
    position: fc.option(fc.nat(300), { nil: undefined }),
    previousSize: fc.option(fc.nat(300), { nil: undefined }),
    sizeLength: fc.constantFrom(2, 8),
    unknownSize: fc.boolean(),
    payload: fc.integer({ min: 0, max: 300 }),
  });

  function write(c: Input): Uint8Array {
    const children = concatBytes([
      padded(Mkv.Timestamp, c.timestamp, c.timestampWidth),
      ...(c.position === undefined ? [] : [padded(Mkv.Position, c.position, 2)]),
      ...(c.previousSize === undefined ? [] : [padded(Mkv.PrevSize, c.previousSize, 2)]),
      writeElement(Mkv.SimpleBlock, new Uint8Array(c.payload).fill(0x81)),
    ]);
    const checksum = c.crc ? [writeElement(Mkv['CRC-32'], crcData(crc32(children)))] : [];
    return writeMaster(Mkv.Cluster, [...checksum, children], { sizeLength: c.sizeLength, unknownSize: c.unknownSize });
  }

  function headOf(bytes: Uint8Array): ClusterHead {
    let head: ClusterHead | undefined;
    for (const element of elementsOf(bytes)) {
      if (element.is(Mkv.Cluster)) {
        if (element.kind === 'start') head = new ClusterHead(element);
      } else head?.add(element);
    }
    if (head === undefined) throw new Error('no Cluster');
    return head;
  }

  /** The whole Cluster with the new head. */
  function rewrite(head: ClusterHead, place: ClusterPlace): Uint8Array {
    const { header, replaced } = head.rewrite(place);
    return concatBytes([
      header,
      ...head.elements.flatMap((element) => {
        const other = replaced.get(element);
        if (other !== undefined) return [other];
        return element.kind === 'data' ? [element.rawHeader, element.data] : [element.rawHeader];
      }),
    ]);
  }

  const STRICT = { verifyCrc: true, strict: true };
  const values = (bytes: Uint8Array) => {
    const found = new Map<string, unknown>();
    for (const element of readChunks([writeMaster(Mkv.EBML, []), writeMaster(Mkv.Segment, [bytes])], STRICT)) {
      if (element.kind !== 'data') continue;
      const value = element.is(Mkv.SimpleBlock)
        ? element.dataSize
        : element.type.type === 'uinteger'
          ? element.value
          : true;
      found.set(element.type.name ?? '', value);
    }
    return found;
  };

  it('has the new time and place, and a CRC-32 that is right', () => {
    const place = fc.record({
      timestamp: fc.option(fc.oneof(fc.nat(70_000), fc.maxSafeNat()).map(BigInt), { nil: undefined }),
      position: fc.option(fc.nat(70_000), { nil: undefined }),
      previousSize: fc.option(fc.nat(70_000), { nil: undefined }),
    });
    fc.assert(
      fc.property(input, place, (c, to) => {
        const bytes = write(c);
        const head = headOf(bytes);
        expect(head.timestamp).toBe(BigInt(c.timestamp));
        const found = values(rewrite(head, to));
        expect(found.get('Timestamp')).toBe(Number(to.timestamp ?? BigInt(c.timestamp)));
        expect(found.get('SimpleBlock')).toBe(c.payload);
        // A Position of 0 is that of a live stream; what does not fit, or is not there, is left out.
        const moved = to.position !== undefined;
        const fits = (value: number | undefined) => (value === undefined || value > 0xffff ? undefined : value);
        const position = moved && c.position !== 0 ? fits(to.position) : c.position;
        expect(found.get('Position')).toBe(c.position === undefined ? undefined : position);
        const size = moved ? fits(to.previousSize) : c.previousSize;
        expect(found.get('PrevSize')).toBe(c.previousSize === undefined ? undefined : size);
        if (c.crc && !c.unknownSize) expect(found.get('CRC-32')).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('stays as it is, byte for byte, where nothing changes', () => {
    fc.assert(
      fc.property(input, (c) => {
        const bytes = write(c);
        expect(rewrite(headOf(bytes), { timestamp: undefined, position: undefined, previousSize: undefined })).toEqual(
          bytes,
        );
        const same = { timestamp: BigInt(c.timestamp), position: c.position, previousSize: c.previousSize };
        if (c.position !== undefined || c.previousSize === undefined) {
          if (c.previousSize !== undefined || c.position !== undefined)
            expect(rewrite(headOf(bytes), same)).toEqual(bytes);
        }
      }),
    );
  });

  const PLAIN: Input = {
    crc: false,
    timestamp: 7,
    timestampWidth: 1,
    position: undefined,
    previousSize: undefined,
    sizeLength: 1,
    unknownSize: false,
    payload: 4,
  };

  it('grows where the new time needs more bytes, and its size with it', () => {
    const place = { timestamp: 256n, position: undefined, previousSize: undefined };
    const grown = rewrite(headOf(write(PLAIN)), place);
    expect(hexOf(grown)).toBe('1f43b6758ae7820100a38481818181');
    // From 126 bytes on, the size needs another byte as well.
    const wide = rewrite(headOf(write({ ...PLAIN, payload: 121 })), place);
    expect(hexOf(wide).slice(0, 20)).toBe('1f43b675407fe7820100');
    expect(Object.fromEntries(values(wide))).toEqual({ Timestamp: 256, SimpleBlock: 121 });
    const unknown = rewrite(headOf(write({ ...PLAIN, unknownSize: true, sizeLength: 8 })), place);
    expect(hexOf(unknown).slice(0, 24)).toBe('1f43b67501ffffffffffffff');
  });

  it('gives up a CRC-32 that cannot be told', () => {
    const change = { timestamp: 8n, position: undefined, previousSize: undefined };
    const crcs = (bytes: Uint8Array) =>
      elementsOf(rewrite(headOf(bytes), change))
        .map(({ type }) => type.name)
        .slice(1, -1);
    const timestamp = writeElement(Mkv.Timestamp, 7);
    const [three, four] = [3, 4].map((size) => writeElement(Mkv['CRC-32'], new Uint8Array(size)));
    const cluster = (children: (Uint8Array | undefined)[], unknownSize = false) =>
      writeMaster(
        Mkv.Cluster,
        children.map((child) => child ?? timestamp),
        { unknownSize },
      );
    expect(crcs(cluster([four, timestamp]))).toEqual(['CRC-32', 'Timestamp']);
    expect(crcs(cluster([three, timestamp]))).toEqual(['Void', 'Timestamp']);
    expect(crcs(cluster([timestamp, four]))).toEqual(['Timestamp', 'Void']);
    expect(crcs(cluster([four, timestamp], true))).toEqual(['Void', 'Timestamp']);
    // A Cluster that says it ends within its Timestamp.
    const children = concatBytes([four ?? timestamp, timestamp]);
    const lying = concatBytes([writeHeader(Mkv.Cluster, children.length - 1), children]);
    expect(crcs(lying)).toEqual(['Void', 'Timestamp']);
  });

  it('leaves alone what stands deeper, and counts it into the CRC-32', () => {
    const block = writeElement(Mkv.Block, Uint8Array.of(0x81, 0, 0, 0, 1));
    const inner = concatBytes([block, writeElement(Mkv.PrevSize, 9), writeElement(Mkv.Position, 9)]);
    const group = writeMaster(Mkv.BlockGroup, [writeElement(Mkv['CRC-32'], crcData(crc32(inner))), inner]);
    for (const order of [0, 1]) {
      const of = (ms: number) => {
        const timestamp = writeElement(Mkv.Timestamp, ms);
        const children = concatBytes(order === 0 ? [timestamp, group] : [group, timestamp]);
        return writeMaster(Mkv.Cluster, [writeElement(Mkv['CRC-32'], crcData(crc32(children))), children]);
      };
      expect(rewrite(headOf(of(7)), { timestamp: 8n, position: 5, previousSize: 5 })).toEqual(of(8));
    }
  });

  it('keeps its Timestamp as wide as it was, size field and all', () => {
    const cluster = (...timestamp: number[]) => writeMaster(Mkv.Cluster, [Uint8Array.from(timestamp)]);
    const to = (value: bigint) => ({ timestamp: value, position: undefined, previousSize: undefined });
    expect(rewrite(headOf(cluster(0xe7, 0x40, 2, 0, 7)), to(8n))).toEqual(cluster(0xe7, 0x40, 2, 0, 8));
    expect(rewrite(headOf(cluster(0xe7, 0x40, 1, 7)), to(256n))).toEqual(cluster(0xe7, 0x40, 2, 1, 0));
  });

  it('is complete with its Timestamp, but where a CRC-32 has to be right, with its first Block', () => {
    const completeAfter = (c: Partial<Input>, keep: boolean) => {
      const whole = headOf(write({ ...PLAIN, ...c }));
      const head = new ClusterHead(whole.start);
      const names: unknown[] = [];
      for (const element of whole.elements) {
        names.push(element.type.name);
        head.add(element);
        if (head.isComplete(keep)) return names.join(' ');
      }
      return 'never';
    };
    expect(completeAfter({}, false)).toBe('Timestamp');
    expect(completeAfter({ crc: true }, false)).toBe('CRC-32 Timestamp SimpleBlock');
    expect(completeAfter({ crc: true, position: 5 }, false)).toBe('CRC-32 Timestamp Position SimpleBlock');
    expect(completeAfter({ crc: true }, true)).toBe('CRC-32 Timestamp');
    for (const [type, master] of [
      [Mkv.BlockGroup, true],
      [Mkv.EncryptedBlock, false],
    ] as const) {
      const block = master ? writeMaster(type, []) : writeElement(type, new Uint8Array(1));
      const crc = writeElement(Mkv['CRC-32'], new Uint8Array(4));
      const whole = headOf(writeMaster(Mkv.Cluster, [crc, writeElement(Mkv.Timestamp, 1), block]));
      expect(whole.isComplete(false)).toBe(true);
    }
    const late = headOf(writeMaster(Mkv.Cluster, [writeElement(Mkv.SimpleBlock, new Uint8Array(4))]));
    expect([late.isComplete(false), late.timestamp]).toEqual([false, undefined]);
  });

  it('has the first Timestamp of its own, if that is a number', () => {
    const cluster = (...children: Uint8Array[]) => headOf(writeMaster(Mkv.Cluster, children));
    const [one, two] = [1, 2].map((value) => writeElement(Mkv.Timestamp, value));
    expect(cluster(one ?? two ?? new Uint8Array(0), two ?? new Uint8Array(0)).timestamp).toBe(1n);
    expect(cluster(concatBytes([writeHeader(Mkv.Timestamp, 9), new Uint8Array(9)])).timestamp).toBeUndefined();
    expect(cluster(writeMaster(Mkv.BlockGroup, [one ?? new Uint8Array(0)])).timestamp).toBeUndefined();
  });

  it('is of unknown size where its size is beyond belief', () => {
    const anything = new (class extends MadeUpBytes {
      override allows = () => true;
    })();
    const size = (dataSize: number | undefined, madeUp?: MadeUpBytes) => {
      const bytes = concatBytes([
        writeHeader(Mkv.Segment, undefined),
        writeHeader(Mkv.Cluster, dataSize, { sizeLength: 8 }),
        writeElement(Mkv.Timestamp, 1),
      ]);
      for (const element of readChunks([bytes])) {
        if (element.is(Mkv.Cluster) && element.kind === 'start') return new ClusterHead(element, madeUp);
      }
      throw new Error('no Cluster');
    };
    const MAX = 64 * 1024 * 1024;
    expect([undefined, MAX + 1, MAX].map((each) => size(each, anything).end)).toEqual([undefined, undefined, 17 + MAX]);
    // What may be made up in place of what is missing: a mebibyte, and as much as has come.
    const most = 1024 * 1024 + 5;
    expect([size(most).end, size(most + 1).end]).toEqual([17 + most, undefined]);
    const { header } = size(MAX + 1).rewrite({ timestamp: undefined, position: undefined, previousSize: undefined });
    expect(hexOf(header)).toBe('1f43b67501ffffffffffffff');
  });

  it('has places of which it is known whether they change', () => {
    const place = { timestamp: undefined, position: 256, previousSize: 5 };
    const of = (type: EbmlElementType, data: number[], to: ClusterPlace = place) => {
      const bytes = rewritePosition(dataElement(type, Uint8Array.from(data)), to);
      return bytes && hexOf(bytes);
    };
    expect(of(Mkv.Position, [1, 0])).toBeUndefined();
    expect(of(Mkv.Position, [9, 9])).toBe('a7820100');
    expect(of(Mkv.Position, [0, 0])).toBeUndefined();
    expect(of(Mkv.Position, [9])).toBe('ec8100');
    expect(of(Mkv.Position, [9], { ...place, position: 255 })).toBe('a781ff');
    expect(of(Mkv.Position, new Array<number>(9).fill(0))).toBe(`ec89${'00'.repeat(9)}`);
    expect(of(Mkv.Position, [0, 0, 0, 0, 0, 0, 1, 0])).toBeUndefined();
    expect(of(Mkv.Position, [9, 9, 9, 9, 9, 9, 9, 9])).toBe('a7880000000000000100');
    expect(of(Mkv.PrevSize, [5])).toBeUndefined();
    expect(of(Mkv.PrevSize, [1], { ...place, previousSize: undefined })).toBe('ec8100');
    expect(of(Mkv.PrevSize, [6])).toBe('ab8105');
    expect(of(Mkv.PrevSize, [0])).toBe('ab8105');
    expect(of(Mkv.PrevSize, [6], { ...place, previousSize: undefined })).toBe('ec8100');
    expect(of(Mkv.PrevSize, [6], { ...place, position: undefined })).toBeUndefined();
    expect(of(Mkv.Timestamp, [6])).toBeUndefined();
  });
});
