import { describe, expect, it, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  compareFragmentNumbers,
  FragmentMetadataVisitor,
  GET_MEDIA_ERRORS,
  Mkv,
  type MkvElement,
  type MkvTag,
  writeElement,
  writeMaster,
} from '../../src/index.js';
import { writeGetMediaFragment, writeTags } from '../../src/testing/get-media-writer.js';
import { writeTrackEntry } from '../../src/testing/track-writer.js';
import { metadataFacts, pairs } from '../support/fragment-facts.js';
import {
  cluster,
  clusterOf,
  documentHead,
  fragmentInput,
  leadingTags,
  mergedDocument,
  numberOf,
  serviceTags,
} from '../support/kvs-documents.js';
import { chunksOf, readChunks } from '../support/read-all.js';

/** Shows the elements to a visitor; `after` is called after each. */
function show(
  bytes: Uint8Array,
  visitor = new FragmentMetadataVisitor(),
  after: (element: MkvElement, visitor: FragmentMetadataVisitor) => void = () => {},
): FragmentMetadataVisitor {
  for (const element of readChunks([bytes])) {
    element.accept(visitor);
    after(element, visitor);
  }
  return visitor;
}

/** What the visitor says at the beginning of each Cluster, and at the end. */
function story(bytes: Uint8Array): string[] {
  const told: string[] = [];
  const tell = (visitor: FragmentMetadataVisitor) => {
    const { currentFragmentMetadata: current, previousFragmentMetadata: previous } = visitor;
    const tags = (current?.tags ?? visitor.tags).map(({ value }) => value).join();
    told.push(`${indexOf(previous?.fragmentNumber)} > ${indexOf(current?.fragmentNumber)} [${tags}]`);
  };
  tell(
    show(bytes, undefined, (element, visitor) => {
      if (element.kind === 'start' && element.is(Mkv.Cluster)) tell(visitor);
    }),
  );
  return told;
}

function indexOf(number: string | undefined): string {
  for (let index = 0; index < 10; index++) if (number === numberOf(index)) return String(index);
  return String(number);
}

describe('FragmentMetadataVisitor', () => {
  it('changes current and previous at the start of a Segment, and the rest at the end of the Tags that carry it', () => {
    const bytes = concatBytes([0, 1].map((index) => writeGetMediaFragment(fragmentInput(index))));
    const changes: string[] = [];
    let before = '';
    show(bytes, undefined, (element, visitor) => {
      const { currentFragmentMetadata: current, previousFragmentMetadata: previous } = visitor;
      const now = `${indexOf(previous?.fragmentNumber)} > ${indexOf(current?.fragmentNumber)}, ${current?.millisBehindNow}`;
      if (now !== before) changes.push(`${element.kind} ${element.type.name}: ${now}`);
      before = now;
    });
    expect(changes).toEqual([
      'start EBML: undefined > undefined, undefined',
      'end Tags: undefined > 0, undefined',
      'end Tags: undefined > 0, 1000',
      'start Segment: 0 > undefined, undefined',
      'end Tags: 0 > 1, undefined',
      'end Tags: 0 > 1, 999',
    ]);
  });

  it('has the newest token and millis-behind-now of the stream until others come', () => {
    const bytes = concatBytes([0, 1].map((index) => writeGetMediaFragment(fragmentInput(index))));
    const seen = new Set<string>();
    const visitor = show(bytes, undefined, (_, { continuationToken, millisBehindNow }) => {
      seen.add(`${indexOf(continuationToken)} ${millisBehindNow}`);
    });
    expect([...seen]).toEqual(['undefined undefined', '0 1000', '1 999']);
    expect(visitor.continuationToken).toBe(numberOf(1));
    expect(visitor.millisBehindNow).toBe(999);
  });

  it('has the tracks of the current Segment', () => {
    const other = { number: 7, codecId: 'V_VP9', name: 'other' };
    const bytes = concatBytes([
      writeGetMediaFragment(fragmentInput(0)),
      writeGetMediaFragment(fragmentInput(1, { tracks: [other], blocks: [] })),
    ]);
    const seen: (string | undefined)[][] = [];
    show(bytes, undefined, (element, visitor) => {
      if (element.kind !== 'end' || !element.is(Mkv.Tracks)) return;
      seen.push([1, 2, 7].map((number) => visitor.getTrackMetadata(number)?.codecId));
    });
    expect(seen).toEqual([
      ['V_MPEG4/ISO/AVC', 'A_AAC', undefined],
      [undefined, undefined, 'V_VP9'],
    ]);
  });

  it('keeps a track that is described in the same bytes, and no other', () => {
    const names = ['a', 'a', 'b', 'a'];
    const bytes = concatBytes(
      names.map((name, index) =>
        writeGetMediaFragment(fragmentInput(index, { tracks: [{ number: 1, codecId: 'V_VP9', name }], blocks: [] })),
      ),
    );
    const tracks: unknown[] = [];
    const visitor = new FragmentMetadataVisitor();
    show(bytes, visitor, (element) => {
      if (element.kind === 'end' && element.is(Mkv.Tracks)) tracks.push(visitor.getTrackMetadata(1));
    });
    expect(tracks).toMatchObject(names.map((name) => ({ name })));
    expect(tracks[1]).toBe(tracks[0]);
    expect(tracks[2]).not.toBe(tracks[1]);
    expect(tracks[3]).not.toBe(tracks[0]);
  });

  it('gives maps of tracks that stay what they are', () => {
    const more = writeMaster(Mkv.Tracks, [writeTrackEntry({ number: 9, codecId: 'V_VP8' })]);
    const maps: ReadonlyMap<number, unknown>[] = [];
    show(concatBytes([documentHead(), more, documentHead([])]), undefined, (element, { tracks }) => {
      if (element.kind === 'end') maps.push(tracks);
    });
    const sizes = maps.map(({ size }) => size);
    expect(sizes.filter((size, at) => size !== sizes[at - 1])).toEqual([0, 1, 2, 3, 0]);
  });

  it('knows no fragment in a document that is not of Kinesis Video Streams, but its tags', () => {
    const bytes = writeGetMediaFragment({ tracks: [], tags: [['ENCODER', 'x']], blocks: [] });
    const visitor = show(bytes);
    expect(visitor.currentFragmentMetadata).toBeUndefined();
    expect(visitor.previousFragmentMetadata).toBeUndefined();
    expect(pairs(visitor.tags)).toEqual([['ENCODER', 'x']]);
  });

  it('takes tags of the producer that begin with AWS for the producer’s', () => {
    const tags = [
      ['AWS_KINESISVIDEO_IMAGE_PREFIX', 'a'],
      ['AWS_KINESISVIDEO_NOTIFICATION', 'b'],
      ['AWS_KINESISVIDEO_IMAGE_GENERATION', 'c'],
      ['AWS_KINESISVIDEO_constructor', 'd'],
    ] as const;
    const visitor = show(writeGetMediaFragment(fragmentInput(0, { tags })));
    expect(pairs(visitor.currentFragmentMetadata?.tags ?? [])).toEqual(tags);
  });

  it('shows a tag processor the producer’s tags only, as they come', () => {
    const seen: string[] = [];
    const process = (tag: MkvTag, fragment: { fragmentNumber: string | undefined } | undefined) => {
      seen.push(`${tag.name}=${tag.value} in ${indexOf(fragment?.fragmentNumber)}`);
    };
    const bytes = concatBytes([
      documentHead(),
      leadingTags(fragmentInput(0)),
      writeTags([['Late', 'x']]),
      clusterOf(fragmentInput(0)),
    ]);
    show(bytes, new FragmentMetadataVisitor({ process, clear: () => {} }));
    expect(seen).toEqual(['Index=0 in undefined', 'Late=x in 0']);
  });
});

describe('fragments that share a Segment', () => {
  it('are found again in a merged document', () => {
    expect(story(mergedDocument([0, 1, 2].map((index) => fragmentInput(index))))).toEqual([
      'undefined > 0 [0]',
      '0 > 1 [1]',
      '1 > 2 [2]',
      '1 > 2 [2]',
    ]);
  });

  it('take tags after a Cluster for the next one’s where another Cluster follows with a number', () => {
    const bytes = concatBytes([
      documentHead(),
      leadingTags(fragmentInput(0)),
      clusterOf(fragmentInput(0)),
      writeTags([['a', 'next']]),
      serviceTags(['FRAGMENT_NUMBER', numberOf(1)]),
      clusterOf(fragmentInput(1)),
      writeTags([['a', 'last']]),
    ]);
    expect(story(bytes)).toEqual(['undefined > 0 [0]', '0 > 1 [next]', '0 > 1 [next,last]']);
  });

  it('take tags before the service’s trailing Tags, and those at the end, for the current one’s', () => {
    const bytes = concatBytes([
      documentHead(),
      leadingTags(fragmentInput(0)),
      clusterOf(fragmentInput(0)),
      writeTags([['a', 'own']]),
      serviceTags(['CONTINUATION_TOKEN', numberOf(0)]),
      writeTags([['a', 'at the end']]),
    ]);
    expect(story(bytes)).toEqual(['undefined > 0 [0]', 'undefined > 0 [0,own,at the end]']);
  });

  it('keep tags that stand before their trailing Tags when another fragment follows', () => {
    const bytes = concatBytes([
      documentHead(),
      leadingTags(fragmentInput(0)),
      clusterOf(fragmentInput(0)),
      writeTags([['a', 'own']]),
      serviceTags(['MILLIS_BEHIND_NOW', '1']),
      writeTags([['a', 'next']]),
      serviceTags(['FRAGMENT_NUMBER', numberOf(1)]),
      clusterOf(fragmentInput(1)),
    ]);
    expect(story(bytes)).toEqual(['undefined > 0 [0]', '0 > 1 [next]', '0 > 1 [next]']);
    const visitor = show(bytes);
    expect(visitor.previousFragmentMetadata?.tags.map(({ value }) => value)).toEqual(['0', 'own']);
  });

  it('take a Cluster without a number before it for the same fragment’s', () => {
    const { blocks = [] } = fragmentInput(0);
    const bytes = concatBytes([
      documentHead(),
      leadingTags(fragmentInput(0)),
      clusterOf(fragmentInput(0)),
      writeTags([['a', 'between']]),
      cluster(1_600_000_001_000_000, blocks),
    ]);
    expect(story(bytes)).toEqual(['undefined > 0 [0]', 'undefined > 0 [0,between]', 'undefined > 0 [0,between]']);
  });
});

describe('what the service says', () => {
  const metadataOf = (...tags: [string, string][]) =>
    show(concatBytes([documentHead(), serviceTags(...tags)])).currentFragmentMetadata;

  test.each([
    ['1511852109.126', '2017-11-28T06:55:09.126Z'],
    ['1511852109.1', '2017-11-28T06:55:09.100Z'],
    ['1511852109.1269999', '2017-11-28T06:55:09.126Z'],
    ['1511852109', '2017-11-28T06:55:09.000Z'],
    ['1511852109.', '2017-11-28T06:55:09.000Z'],
    ['0.000', '1970-01-01T00:00:00.000Z'],
    ['-1.500', '1969-12-31T23:59:58.500Z'],
    ['4294967296.999', '2106-02-07T06:28:16.999Z'],
    ['', undefined],
    ['soon', undefined],
    ['1.5e3', undefined],
    ['99999999999999.000', undefined],
    ['9999999999999.000', undefined],
  ])('the time %s, in both spellings', (text, time) => {
    for (const side of ['', '_SIDE']) {
      const metadata = metadataOf([`SERVER${side}_TIMESTAMP`, text], [`PRODUCER${side}_TIMESTAMP`, text]);
      expect(metadata?.serverTimestamp?.toISOString()).toBe(time);
      expect(metadata?.producerTimestamp?.toISOString()).toBe(time);
    }
  });

  it('has times exact to the millisecond', () => {
    for (let ms = 1_511_852_109_000; ms < 1_511_852_110_000; ms++) {
      const metadata = metadataOf([
        'SERVER_TIMESTAMP',
        `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')}`,
      ]);
      if (metadata?.serverTimestamp?.getTime() !== ms) expect(metadata?.serverTimestamp?.getTime()).toBe(ms);
    }
  });

  test.each([3002, 4000, 4500, 4501, 4502, 4503, 4504, 4505, 4506, 5000])('error %i of GetMedia', (id) => {
    expect(metadataOf(['ERROR_CODE', 'SOME_CODE'], ['ERROR_ID', String(id)])?.error).toEqual({
      operation: 'GetMedia',
      code: 'SOME_CODE',
      id,
      message: GET_MEDIA_ERRORS[id],
    });
    expect(GET_MEDIA_ERRORS[id]).toMatch(/\w+ \w+/);
  });

  test.each([
    [4000, 'FRAGMENT_NOT_FOUND'],
    [4500, 'KMS_KEY_ACCESS_DENIED'],
    [4503, 'KMS_KEY_UNAVAILABLE'],
    [4506, 'KMS_KEY_NOT_FOUND'],
    [5000, 'INTERNAL_ERROR'],
  ])('error %i of GetMediaForFragmentList, and of GetMedia without a code', (id, code) => {
    const operation = 'GetMediaForFragmentList';
    const said = ['EXCEPTION_ERROR_CODE', String(id)] as const;
    const message = ['EXCEPTION_MESSAGE', 'in words'] as const;
    expect(metadataOf([...said], [...message])?.error).toEqual({ operation, code, id, message: 'in words' });
    expect(metadataOf([...message], [...said])?.error).toEqual({ operation, code, id, message: 'in words' });
    expect(metadataOf([...said])?.error).toEqual({ operation, code, id, message: GET_MEDIA_ERRORS[id] });
    expect(metadataOf(['ERROR_ID', String(id)])?.error).toEqual({
      operation: 'GetMedia',
      code,
      id,
      message: GET_MEDIA_ERRORS[id],
    });
  });

  it('has an error of GetMediaForFragmentList with an id that is not known', () => {
    const error = { operation: 'GetMediaForFragmentList', code: '4999', id: 4999, message: undefined };
    expect(metadataOf(['EXCEPTION_ERROR_CODE', '4999'])?.error).toEqual(error);
  });

  it('has an error of GetMedia with an id that is not known, or none, or in the other order', () => {
    expect(metadataOf(['ERROR_ID', '4999'], ['ERROR_CODE', 'X'])?.error).toEqual({
      operation: 'GetMedia',
      code: 'X',
      id: 4999,
      message: undefined,
    });
    expect(metadataOf(['ERROR_CODE', 'X'])?.error).toMatchObject({ code: 'X', id: undefined });
    expect(metadataOf(['ERROR_ID', 'constructor'])?.error).toMatchObject({
      code: '',
      id: undefined,
      message: undefined,
    });
  });

  it('has an error of GetMediaForFragmentList', () => {
    const metadata = metadataOf(
      ['FRAGMENT_NUMBER', numberOf(3)],
      ['EXCEPTION_ERROR_CODE', 'ResourceNotFoundException'],
      ['EXCEPTION_MESSAGE', 'gone'],
    );
    expect(metadata?.fragmentNumber).toBe(numberOf(3));
    expect(metadata?.error).toEqual({
      operation: 'GetMediaForFragmentList',
      code: 'ResourceNotFoundException',
      id: undefined,
      message: 'gone',
    });
  });

  it('reads millis-behind-now only where it is a number', () => {
    expect(metadataOf(['MILLIS_BEHIND_NOW', '0'])?.millisBehindNow).toBe(0);
    expect(metadataOf(['MILLIS_BEHIND_NOW', ''])?.millisBehindNow).toBeUndefined();
    expect(metadataOf(['MILLIS_BEHIND_NOW', '1e3'])?.millisBehindNow).toBeUndefined();
  });

  it('ends text at its first NUL', () => {
    const visitor = show(concatBytes([documentHead(), writeTags([['DURATION', '00:00:10.000000000\0\0']])]));
    expect(pairs(visitor.tags)).toEqual([['DURATION', '00:00:10.000000000']]);
  });
});

describe('compareFragmentNumbers', () => {
  it('goes by value, whatever the length', () => {
    const sorted = ['0', '00', '1', '002', '9', '10', '091', '9'.repeat(47), `1${'0'.repeat(47)}`, '9'.repeat(128)];
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) {
        const expected = BigInt(a) === BigInt(b) ? 0 : i < j ? -1 : 1;
        expect(Math.sign(compareFragmentNumbers(a, b)), `${a} and ${b}`).toBe(expected);
      }
    }
  });
});

describe('metadata of a stream that is cut at any byte', () => {
  it('has nothing that the whole stream has not', () => {
    const tags: [string, string][] = [
      ['a', 'first'],
      ['b', 'second'],
    ];
    const bytes = writeGetMediaFragment(fragmentInput(0, { tags, blocks: [] }));
    const whole = show(bytes);
    const { kvs } = metadataFacts(whole.currentFragmentMetadata, []);
    const found = new Set<number>();
    for (let length = 0; length < bytes.length; length++) {
      const visitor = show(bytes.subarray(0, length));
      const facts = metadataFacts(visitor.currentFragmentMetadata, visitor.tags);
      expect(facts.tags).toEqual(tags.slice(0, facts.tags.length));
      expect(kvs).toMatchObject(facts.kvs);
      found.add(facts.tags.length);
    }
    expect([...found]).toEqual([0, 1, 2]);
  });
});

describe('metadata in 1-byte chunks', () => {
  it('is the same', () => {
    const bytes = concatBytes([0, 1, 2].map((index) => writeGetMediaFragment(fragmentInput(index))));
    const collect = (chunks: Iterable<Uint8Array>) => {
      const visitor = new FragmentMetadataVisitor();
      const found: unknown[] = [];
      for (const element of readChunks(chunks)) {
        element.accept(visitor);
        if (element.kind !== 'data' || !element.is(Mkv.SimpleBlock)) continue;
        found.push(metadataFacts(visitor.currentFragmentMetadata, visitor.tags));
      }
      return found;
    };
    const found = collect(chunksOf(bytes, 1));
    expect(found).toEqual(collect([bytes]));
    expect(found.length).toBe(9);
    expect(found[8]).toMatchObject({ kvs: { FRAGMENT_NUMBER: numberOf(2), SERVER_TIMESTAMP: '1600000004.013' } });
  });
});

describe('a stream that means harm', () => {
  const kept = (visitor: FragmentMetadataVisitor) =>
    visitor.tags.reduce((sum, { name, value }) => sum + name.length + value.length, 0);

  it('cannot fill the memory with tags, in one Tags, in many, or within each other', () => {
    const big: [string, string] = ['x', 'y'.repeat(50_000)];
    const one = writeTags(Array.from({ length: 100 }, () => big));
    const many = concatBytes(Array.from({ length: 100 }, () => writeTags([big])));
    const simple = (...children: Uint8Array[]) => writeMaster(Mkv.SimpleTag, children);
    const inner = Array.from({ length: 100 }, () => simple(writeElement(Mkv.TagString, 'y'.repeat(50_000))));
    const nested = writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [simple(...inner)])]);
    const fragment = serviceTags(['FRAGMENT_NUMBER', numberOf(0)]);
    for (const tags of [one, many, concatBytes([fragment, many]), concatBytes([many, fragment]), nested]) {
      const visitor = show(concatBytes([documentHead(), tags]));
      const all = visitor.tags.flatMap((tag) => [tag, ...tag.children]);
      const size = all.reduce((sum, { value }) => sum + 2 * value.length, 0);
      expect(size).toBeGreaterThan(4_000_000);
      expect(size).toBeLessThan(4_500_000);
    }
    const next = show(concatBytes([documentHead(), many, documentHead(), writeTags([['a', 'b']])]));
    expect(kept(next)).toBe(2);
  });

  it('cannot fill the memory with tracks', () => {
    const entry = writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, 1),
      writeElement(Mkv.CodecPrivate, new Uint8Array(8_000_000)),
    ]);
    const tracks = writeMaster(Mkv.Tracks, [entry]);
    const bytes = concatBytes([documentHead([]), ...Array.from({ length: 8 }, () => tracks)]);
    expect(show(bytes).getTrackMetadata(1)?.codecPrivate?.length).toBe(8_000_000);
    expect(show(concatBytes([bytes, documentHead([]), tracks])).getTrackMetadata(1)?.number).toBe(1);
    expect(() => show(concatBytes([bytes, tracks]))).toThrow(expect.objectContaining({ code: 'ElementTooLarge' }));
  });
});
