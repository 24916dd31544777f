import { describe, expect, it, vi } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  applyVisitor,
  BasicMkvTagProcessor,
  CompositeMkvElementVisitor,
  CopyVisitor,
  CountVisitor,
  type ElementPlace,
  ElementSizeAndOffsetVisitor,
  FragmentMetadataVisitor,
  LogVisitor,
  Mkv,
  MkvChildElementCollector,
  type MkvElement,
  MkvElementVisitor,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { writeGetMediaFragment, writeTags } from '../../src/testing/get-media-writer.js';
import { CAPTURES, captureBytes, captureFacts } from '../support/captures.js';
import { documentHead, fragmentInput, TRACKS } from '../support/kvs-documents.js';
import { chunksOf, readChunks } from '../support/read-all.js';
import { describeNeeding } from '../support/tools.js';

const STREAM = concatBytes(
  [0, 1].map((index) => writeGetMediaFragment(fragmentInput(index), { crc: true, voidSize: 3 })),
);

function show(bytes: Uint8Array, visitor: MkvElementVisitor): void {
  for (const element of readChunks([bytes])) expect(element.accept(visitor)).toBeUndefined();
}

/** Writes down what it is shown, and waits before some. */
class Witness extends MkvElementVisitor {
  readonly #name: string;
  readonly #log: string[];
  readonly #waits: boolean;

  constructor(name: string, log: string[], waits: boolean) {
    super();
    this.#name = name;
    this.#log = log;
    this.#waits = waits;
  }

  override visitStart(element: MkvElement) {
    return this.#see(element);
  }
  override visitEnd(element: MkvElement) {
    return this.#see(element);
  }
  override visitData(element: MkvElement) {
    return this.#see(element);
  }

  #see(element: MkvElement): void | Promise<void> {
    if (!this.#waits) this.#log.push(`${this.#name} ${element.kind} ${element.type.name}`);
    else return new Promise((done) => setImmediate(() => done(this.#write(element))));
  }

  #write(element: MkvElement): void {
    this.#log.push(`${this.#name} ${element.kind} ${element.type.name}`);
  }
}

describe('CompositeMkvElementVisitor', () => {
  it.each([
    ['none of which waits', false, false, false],
    ['the first of which waits', true, false, false],
    ['some of which wait', false, true, true],
  ])('shows each element to all visitors in order, %s', async (_, ...waits) => {
    const log: string[] = [];
    const visitors = waits.map((each, index) => new Witness(`${index}`, log, each));
    const bytes = documentHead();
    await applyVisitor(bytes, new CompositeMkvElementVisitor(...visitors));
    const expected = [...readChunks([bytes])].flatMap((element) =>
      waits.map((_, index) => `${index} ${element.kind} ${element.type.name}`),
    );
    expect(log).toEqual(expected);
  });

  it('is done when one of them is, and takes visitors that are never', async () => {
    let seen = 0;
    const never = { visitStart: () => {}, visitEnd: () => {}, visitData: () => void seen++ };
    const done = { ...never, visitData: () => {}, isDone: () => seen === 4 };
    await applyVisitor(STREAM, new CompositeMkvElementVisitor(never, done));
    expect(seen).toBe(4);
    expect(new CompositeMkvElementVisitor(never).isDone()).toBe(false);
  });

  it('costs no promise when its visitors are synchronous', () => {
    show(STREAM, new CompositeMkvElementVisitor(new CountVisitor(), new FragmentMetadataVisitor()));
  });
});

describe('CountVisitor', () => {
  it('counts types that are asked for, and masters at both ends', () => {
    const visitor = new CountVisitor([Mkv.Cluster, Mkv.SimpleBlock]);
    show(STREAM, visitor);
    expect(Object.fromEntries(visitor.counts)).toEqual({ Cluster: 2, SimpleBlock: 6 });
    expect(visitor.getCount(Mkv.SimpleBlock)).toBe(6);
    expect(visitor.getCount(Mkv.Tags)).toBe(0);
    expect(visitor.doEndAndStartMatch(Mkv.Cluster)).toBe(true);
  });

  it('has nothing of elements that Matroska does not know, and is never done', () => {
    const visitor = new CountVisitor();
    const unknown = Uint8Array.of(0x42, 0x99, 0x81, 7);
    show(concatBytes([writeMaster(Mkv.EBML, []), writeMaster(Mkv.Segment, [unknown, unknown])]), visitor);
    expect([...visitor.counts]).toEqual([
      ['EBML', 1],
      ['Segment', 1],
    ]);
    expect(visitor.isDone()).toBe(false);
  });

  it('tells of masters that have not ended', () => {
    const visitor = new CountVisitor();
    const elements = [...readChunks([STREAM])];
    for (const element of elements.slice(0, elements.findIndex((each) => each.is(Mkv.Cluster)) + 1))
      element.accept(visitor);
    expect(visitor.doEndAndStartMatch(Mkv.Cluster)).toBe(false);
    expect(visitor.doEndAndStartMatch(Mkv.Tracks)).toBe(true);
  });
});

describeNeeding('CountVisitor on the captures', [CAPTURES], () => {
  it.each(captureFacts())('counts what an independent reader counted in $file', ({ file, counts }) => {
    const visitor = new CountVisitor();
    show(captureBytes(file), visitor);
    expect(Object.fromEntries(visitor.counts)).toEqual(counts);
  });
});

describe('CopyVisitor', () => {
  it('writes the stream as it came, in any chunks', () => {
    const parts: Uint8Array[] = [];
    const visitor = new CopyVisitor((bytes) => void parts.push(bytes));
    for (const element of readChunks(chunksOf(STREAM, 7))) element.accept(visitor);
    expect(concatBytes(parts)).toEqual(STREAM);
  });

  it('waits for a sink before it goes on', async () => {
    const parts: Uint8Array[] = [];
    let running = 0;
    const sink = async (bytes: Uint8Array) => {
      expect(running++).toBe(0);
      await new Promise((done) => setImmediate(done));
      parts.push(bytes);
      running--;
    };
    const bytes = documentHead();
    await applyVisitor(bytes, new CopyVisitor(sink));
    expect(concatBytes(parts)).toEqual(bytes);
  });
});

describe('CopyVisitor, of an element that spans chunks', () => {
  const bytes = concatBytes([documentHead(), writeElement(Mkv.Void, new Uint8Array(9000).fill(7))]);
  const chunks = [...chunksOf(bytes, 2000)];

  it('writes it from where it lies', () => {
    const parts: Uint8Array[] = [];
    const visitor = new CopyVisitor((part) => void parts.push(part));
    for (const element of readChunks(chunks)) element.accept(visitor);
    expect(concatBytes(parts)).toEqual(bytes);
    const own = parts.filter(({ buffer }) => chunks.every((chunk) => chunk.buffer !== buffer));
    expect(own.every(({ length }) => length < 1000)).toBe(true);
  });

  it('waits for the sink after each part', async () => {
    const parts: Uint8Array[] = [];
    let running = 0;
    const sink = async (part: Uint8Array) => {
      expect(running++).toBe(0);
      await new Promise((done) => setImmediate(done));
      parts.push(part);
      running--;
    };
    await applyVisitor(chunks, new CopyVisitor(sink));
    expect(concatBytes(parts)).toEqual(bytes);
    expect(parts.length).toBeGreaterThan(chunks.length);
  });
});

describe('ElementSizeAndOffsetVisitor', () => {
  it('tells where each element lies', () => {
    const places: ElementPlace[] = [];
    const bytes = concatBytes([documentHead(TRACKS.slice(1)), Uint8Array.of(0x42, 0x99, 0x81, 7)]);
    show(bytes, new ElementSizeAndOffsetVisitor((place) => void places.push(place)));
    const withoutHeader = places.slice(places.findIndex(({ name }) => name === 'Segment'));
    const segment = withoutHeader[0]?.offset ?? 0;
    expect(
      withoutHeader.map((place) => [place.name, place.level, place.offset - segment, place.headerSize, place.dataSize]),
    ).toEqual([
      ['Segment', 0, 0, 12, undefined],
      ['Tracks', 1, 12, 5, 34],
      ['TrackEntry', 2, 17, 2, 32],
      ['TrackNumber', 3, 19, 2, 1],
      ['TrackUID', 3, 22, 3, 1],
      ['TrackType', 3, 26, 2, 1],
      ['CodecID', 3, 29, 2, 5],
      ['Audio', 3, 36, 2, 13],
      ['SamplingFrequency', 4, 38, 2, 8],
      ['Channels', 4, 48, 2, 1],
      [undefined, 1, 51, 3, 1],
    ]);
  });
});

describe('LogVisitor', () => {
  it('writes a line for each element, which cannot steer a terminal', () => {
    const lines: string[] = [];
    const bytes = concatBytes([documentHead([]).subarray(0, -5), writeTags([['a\u001b[2J', 'x']])]);
    show(bytes, new LogVisitor((line) => lines.push(line)));
    expect(lines.slice(lines.findIndex((line) => line.includes('Segment')))).toEqual([
      'start Segment at 40, an unknown number of bytes',
      expect.stringMatching(/^ {2}start Tags at \d+, \d+ bytes$/),
      expect.stringMatching(/^ {4}start Tag at/),
      expect.stringMatching(/^ {6}start SimpleTag at/),
      expect.stringMatching(/^ {8}TagName at \d+, 5 bytes: "a\\u001b\[2J"$/),
      expect.stringMatching(/^ {8}TagString at \d+, 1 byte: "x"$/),
      expect.stringMatching(/^ {6}end SimpleTag at \d+$/),
      expect.stringMatching(/^ {4}end Tag at/),
      expect.stringMatching(/^ {2}end Tags at/),
      expect.stringMatching(/^end Segment at \d+$/),
    ]);
  });

  it('writes an unknown element by its id, a master that is cut short as such, and to the console unless it is told where', () => {
    const lines: unknown[][] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((...values) => void lines.push(values));
    const head = documentHead([]).length;
    try {
      show(concatBytes([documentHead([]), Uint8Array.of(0x42, 0x99, 0x81, 7, 0xec)]), new LogVisitor());
    } finally {
      log.mockRestore();
    }
    expect(lines.slice(-2)).toEqual([[`  0x4299 at ${head}, 1 byte`], [`end Segment at ${head + 5}, truncated`]]);
  });

  it('says of a value that is none that it is invalid, and writes on', () => {
    const lines: string[] = [];
    const info = writeMaster(Mkv.Info, [
      Uint8Array.of(0x44, 0x89, 0x83, 1, 2, 3),
      Uint8Array.of(0x44, 0x61, 0x88, 0, 0, 0, 0, 0, 0, 0, 0),
      Uint8Array.of(0x73, 0xa4, 0x81, 1),
    ]);
    show(concatBytes([documentHead(), info]), new LogVisitor((line) => lines.push(line)));
    expect(lines.slice(-6, -2)).toEqual([
      expect.stringMatching(/start Info/),
      expect.stringMatching(/Duration at \d+, 3 bytes: invalid \(/),
      expect.stringMatching(/DateUTC at \d+, 8 bytes: 2001-01-01T00:00:00.000Z$/),
      expect.stringMatching(/SegmentUUID at \d+, 1 byte$/),
    ]);
  });
});

describe('MkvChildElementCollector', () => {
  const tracksOf = (bytes: Uint8Array) => {
    const collector = new MkvChildElementCollector(Mkv.Tracks);
    show(bytes, collector);
    return collector;
  };

  it('has the elements of the newest master of its type, with bytes of their own', () => {
    const bytes = concatBytes([documentHead(TRACKS.slice(0, 1)), documentHead(TRACKS.slice(1))]);
    const { elements } = tracksOf(bytes);
    expect(elements.map((element) => `${element.kind} ${element.type.name}`)).toEqual([
      'start TrackEntry',
      'data TrackNumber',
      'data TrackUID',
      'data TrackType',
      'data CodecID',
      'start Audio',
      'data SamplingFrequency',
      'data Channels',
      'end Audio',
      'end TrackEntry',
    ]);
    bytes.fill(0);
    const codec = elements.find((element) => element.is(Mkv.CodecID));
    expect(codec?.kind === 'data' ? codec.value : undefined).toBe('A_AAC');
  });

  it.each<[string, Uint8Array[]]>([
    ['one element less', [writeElement(Mkv.TrackNumber, 1)]],
    ['one element more', [1, 2, 3].map((value) => writeElement(Mkv.TrackNumber, value))],
    ['another element with the same data', [writeElement(Mkv.TrackNumber, 1), writeElement(Mkv.TrackType, 2)]],
    [
      'data of which the beginning is the same',
      [writeElement(Mkv.TrackNumber, 1), writeElement(Mkv.TrackNumber, 0x0203)],
    ],
    ['data of another value', [writeElement(Mkv.TrackNumber, 1), writeElement(Mkv.TrackNumber, 0x0103)]],
    ['a master for a data element', [writeElement(Mkv.TrackNumber, 1), writeMaster(Mkv.TrackEntry, [])]],
  ])('finds masters different that have %s', (_, children) => {
    const own = [writeElement(Mkv.TrackNumber, 1), writeElement(Mkv.TrackNumber, 2)];
    const [one, other] = [own, children].map((each) =>
      tracksOf(writeMaster(Mkv.Segment, [writeMaster(Mkv.Tracks, each)])),
    );
    expect(one?.equivalent(one)).toBe(true);
    expect(other && one?.equivalent(other)).toBe(false);
    expect(one && other?.equivalent(one)).toBe(false);
  });

  it('has nothing before a master of its type has come, nor of what is outside', () => {
    expect(new MkvChildElementCollector(Mkv.Tracks).elements).toEqual([]);
  });

  it('counts what elements take besides their bytes', () => {
    const title = writeElement(Mkv.Title, 'a');
    const show = (count: number) => {
      const collector = new MkvChildElementCollector(Mkv.Info);
      const info = writeMaster(
        Mkv.Info,
        Array.from({ length: count }, () => title),
      );
      const head = concatBytes([writeMaster(Mkv.EBML, []), writeHeader(Mkv.Segment, undefined)]);
      for (const element of readChunks([head, info])) element.accept(collector);
    };
    const most = Math.floor((64 * 1024 * 1024) / (700 + title.length));
    show(most);
    expect(() => show(most + 1)).toThrow(expect.objectContaining({ code: 'ElementTooLarge' }));
  });

  it('does not keep more than 64 MiB', () => {
    const collector = new MkvChildElementCollector(Mkv.Attachments);
    const file = writeMaster(Mkv.AttachedFile, [writeElement(Mkv.FileData, new Uint8Array(1_000_000))]);
    const attachments = concatBytes([
      writeHeader(Mkv.Attachments, undefined),
      ...Array.from({ length: 67 }, () => file),
    ]);
    const head = concatBytes([writeMaster(Mkv.EBML, []), writeHeader(Mkv.Segment, undefined)]);
    const show = () => {
      for (const element of readChunks([head, attachments])) element.accept(collector);
    };
    show();
    // A master that begins is a new one.
    show();
    const more = concatBytes([attachments, file]);
    expect(() => {
      for (const element of readChunks([head, more])) element.accept(collector);
    }).toThrow(
      expect.objectContaining({
        code: 'ElementTooLarge',
        offset: head.length + more.length - writeElement(Mkv.FileData, new Uint8Array(1_000_000)).length,
        message: expect.stringContaining('Segment/Attachments/AttachedFile/FileData: more than 67108864 bytes'),
      }),
    );
    const around = [
      writeElement(Mkv.Void, new Uint8Array(3)),
      writeMaster(Mkv.Tracks, []),
      writeElement(Mkv.Void, new Uint8Array(3)),
    ];
    expect(tracksOf(writeMaster(Mkv.Segment, around)).elements).toEqual([]);
  });

  it('finds masters equal however their sizes are written, and others different', () => {
    const entry = [writeElement(Mkv.TrackNumber, 1), writeElement(Mkv.CodecID, 'V_VP8')];
    const write = (children: Uint8Array[], sizeLength?: number) =>
      tracksOf(
        concatBytes([
          documentHead([]).subarray(0, -5),
          writeMaster(Mkv.Tracks, [writeMaster(Mkv.TrackEntry, children, { sizeLength })]),
        ]),
      );
    const one = write(entry);
    expect(one.elements).toHaveLength(4);
    expect(one.equivalent(write(entry, 8))).toBe(true);
    expect(one.equivalent(write([...entry, writeElement(Mkv.TrackUID, 1n)]))).toBe(false);
    expect(one.equivalent(write(entry.slice(0, 1)))).toBe(false);
    expect(one.equivalent(write([writeElement(Mkv.TrackNumber, 2), ...entry.slice(1)]))).toBe(false);
    expect(one.equivalent(write([...entry].reverse()))).toBe(false);
  });
});

describe('BasicMkvTagProcessor', () => {
  const tagsOf = (processor: BasicMkvTagProcessor, bytes: Uint8Array) => {
    show(bytes, new FragmentMetadataVisitor(processor));
    return processor.tags.map(({ name, value }) => `${name}=${value}`);
  };

  it('keeps the producer’s tags in order until it is cleared', () => {
    const processor = new BasicMkvTagProcessor();
    expect(tagsOf(processor, STREAM)).toEqual(['Index=0', 'Index=1']);
    processor.clear();
    expect(processor.tags).toEqual([]);
  });

  it('keeps the newest ones up to its limit', () => {
    const bytes = concatBytes([
      documentHead(),
      writeTags([
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ]),
    ]);
    expect(tagsOf(new BasicMkvTagProcessor(2), bytes)).toEqual(['b=2', 'a=3']);
    expect(tagsOf(new BasicMkvTagProcessor(1), bytes)).toEqual(['a=3']);
    expect(() => new BasicMkvTagProcessor(0)).toThrow(RangeError);
    expect(() => new BasicMkvTagProcessor(Number.NaN)).toThrow(RangeError);
  });
});

describe('MkvTag', () => {
  it('has everything that a SimpleTag says', () => {
    const simple = (...children: Uint8Array[]) => writeMaster(Mkv.SimpleTag, children);
    const bytes = concatBytes([
      documentHead(),
      writeMaster(Mkv.Tags, [
        writeMaster(Mkv.Tag, [
          writeMaster(Mkv.Targets, [writeElement(Mkv.TagTrackUID, 0n), writeElement(Mkv.TagTrackUID, 2n ** 64n - 1n)]),
          simple(
            writeElement(Mkv.TagName, 'TITLE'),
            writeElement(Mkv.TagString, 'outer'),
            writeElement(Mkv.TagLanguage, 'ger'),
            simple(writeElement(Mkv.TagName, 'INNER'), simple(writeElement(Mkv.TagName, 'INMOST'))),
            simple(writeElement(Mkv.TagName, 'SECOND')),
          ),
        ]),
        writeMaster(Mkv.Tag, [simple(writeElement(Mkv.TagBinary, Uint8Array.of(1, 2)))]),
      ]),
    ]);
    const visitor = new FragmentMetadataVisitor();
    show(bytes, visitor);
    expect(visitor.tags).toMatchObject([
      {
        name: 'TITLE',
        value: 'outer',
        language: 'ger',
        trackUids: [2n ** 64n - 1n],
        binary: undefined,
        children: [{ name: 'INNER', children: [{ name: 'INMOST', children: [] }] }, { name: 'SECOND' }],
      },
      { name: '', value: '', language: undefined, trackUids: [], binary: Uint8Array.of(1, 2) },
    ]);
  });
});
