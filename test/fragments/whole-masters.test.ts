import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Mkv,
  type MkvTag,
  type ReadFragmentsOptions,
  readFragments,
  writeElement,
  writeMaster,
} from '../../src/index.js';
import { TagCollector } from '../../src/visitors/tag.js';
import { TagsReader } from '../../src/visitors/tags-reader.js';
import { cluster, clusterOf, documentHead, fragmentInput, leadingTags } from '../support/kvs-documents.js';
import { chunksOf, readChunks } from '../support/read-all.js';

/** Everything that a tag says. */
function facts(tag: MkvTag): unknown {
  const { name, value, binary, language, trackUids, children } = tag;
  return [name, value, binary && [...binary], language, trackUids.map(String), children.map(facts)];
}

/** What the elements of Tags make, one by one. */
function collected(tags: Uint8Array): readonly MkvTag[] | undefined {
  const collector = new TagCollector();
  for (const element of readChunks([concatBytes([documentHead(), tags])])) {
    if (element.kind === 'start') collector.start(element);
    else if (element.kind === 'data') collector.data(element);
    else if (element.is(Mkv.Tags)) return collector.end(element);
    else collector.end(element);
  }
  return undefined;
}

const RUNS = { numRuns: 60 };

const text = fc.oneof(
  fc.constantFrom('', 'a', 'AWS_KINESISVIDEO_MILLIS_BEHIND_NOW', 'é', 'a\0b', 'x'.repeat(39), 'x'.repeat(41)),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);
const sizeLength = fc.constantFrom(undefined, undefined, undefined, 1, 4, 8);
const namedAs = (type: typeof Mkv.TagName | typeof Mkv.TagString) =>
  fc
    .tuple(text, sizeLength)
    .filter(([value, length]) => length !== 1 || value.length < 30)
    .map(([value, length]) => writeElement(type, value, { sizeLength: length }));
const named = fc.oneof(namedAs(Mkv.TagName), namedAs(Mkv.TagString));
/** A name and a value, once each at the most: of several, only the elements tell. */
const plain = fc
  .tuple(fc.option(namedAs(Mkv.TagName)), fc.option(namedAs(Mkv.TagString)), fc.boolean())
  .map(([name, value, isTurned]) => (isTurned ? [value, name] : [name, value]))
  .map((children) =>
    writeMaster(
      Mkv.SimpleTag,
      children.filter((child) => child !== null),
    ),
  );
const odd = fc.oneof(
  fc.uint8Array({ maxLength: 5 }).map((data) => writeElement(Mkv.TagBinary, data)),
  fc.constant(writeElement(Mkv.TagLanguage, 'und')),
  fc.constant(writeElement(Mkv.Void, new Uint8Array(3))),
  fc.constant(writeElement(Mkv.TagDefault, 1)),
  plain,
);
const simpleTag = fc.oneof(
  { weight: 6, arbitrary: plain },
  {
    weight: 1,
    arbitrary: fc.array(fc.oneof(named, odd), { maxLength: 5 }).map((children) => writeMaster(Mkv.SimpleTag, children)),
  },
);
const targets = fc.oneof(
  fc.constant([]),
  fc.constant([writeMaster(Mkv.Targets, [])]),
  fc.constant([writeMaster(Mkv.Targets, [writeElement(Mkv.TagTrackUID, 7n)])]),
);
const tag = fc
  .tuple(targets, fc.array(simpleTag, { maxLength: 4 }))
  .map(([first, tags]) => writeMaster(Mkv.Tag, [...first, ...tags]));
const tags = fc.array(tag, { maxLength: 4 }).map((all) => writeMaster(Mkv.Tags, all));

describe('TagsReader', () => {
  const plainTags = (all: readonly Uint8Array[]) => concatBytes(all.map((one) => writeMaster(Mkv.Tag, [one])));

  it('reads plain tags', () => {
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 12 }), (all) => {
        const data = plainTags(all);
        const irregular = data.some((_, at) => data[at] === 1 && data[at + 1] === 0 && data[at + 2] === 0);
        fc.pre(!irregular);
        const found = new TagsReader().read(concatBytes([new Uint8Array(3), data]), 3, 3 + data.length);
        expect(found?.map(facts)).toEqual(collected(writeMaster(Mkv.Tags, [data]))?.map(facts));
        expect(found).toHaveLength(all.length);
      }),
    );
  });

  it('gives what the elements give, or leaves them to be shown', () => {
    let read = 0;
    fc.assert(
      fc.property(tags, (bytes) => {
        const [root] = [...readChunks([concatBytes([documentHead(), bytes])])].filter((element) =>
          element.is(Mkv.Tags),
        );
        const found = new TagsReader().read(bytes, root?.headerSize ?? 0, bytes.length);
        if (found === undefined) return;
        read++;
        expect(found.map(facts)).toEqual(collected(bytes)?.map(facts));
      }),
    );
    expect(read).toBeGreaterThan(10);
  });

  it('leaves what is wrong to be shown, so that the error is the same', () => {
    const bytes = writeMaster(Mkv.Tags, [
      plainTags(['first', 'second'].map((name) => writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, name)]))),
    ]);
    const start = 5;
    expect(new TagsReader().read(bytes, start, bytes.length)).toHaveLength(2);
    for (let at = start; at < bytes.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const damaged = bytes.slice();
        damaged[at] = byte;
        const found = new TagsReader().read(damaged, start, damaged.length);
        if (found !== undefined) expect(found.map(facts)).toEqual(collected(damaged)?.map(facts));
      }
    }
  });
});

/** What there is to say about reading a stream, errors and gaps included. */
async function story(chunks: Iterable<Uint8Array>, options: ReadFragmentsOptions): Promise<unknown[]> {
  const told: unknown[] = [];
  try {
    for await (const fragment of readFragments(chunks, { ...options, onGap: (gap) => told.push(gap) })) {
      const { fragmentNumber, continuationToken, truncated, frames, tracks } = fragment;
      const names = tracks.map(({ number, name, codecId, codecPrivate }) => [number, name, codecId, codecPrivate]);
      told.push([fragmentNumber, continuationToken, truncated, frames.length, names, fragment.tags.map(facts)]);
    }
  } catch (error) {
    told.push(String(error));
  }
  return told;
}

describe('masters that lie whole in a chunk give what they give element by element', () => {
  const changes = fc.array(fc.record({ at: fc.nat(400), byte: fc.nat(255) }), { maxLength: 2 });
  for (const options of [{}, { recover: true }]) {
    it(`Tags, with ${JSON.stringify(options)}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(tags, tags, changes), { minLength: 1, maxLength: 3 }), async (fragments) => {
          const bytes = concatBytes(
            fragments.map(([before, after, changed], index) => {
              const input = fragmentInput(index);
              const damaged = before.slice();
              for (const { at, byte } of changed) if (at < damaged.length) damaged[at] = byte;
              return concatBytes([documentHead(), leadingTags(input), damaged, clusterOf(input), after]);
            }),
          );
          expect(await story([bytes], options)).toEqual(await story(chunksOf(bytes, 1), options));
        }),
        RUNS,
      );
    });

    it(`Tracks that come again, with ${JSON.stringify(options)}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(changes, { minLength: 2, maxLength: 4 }), fc.nat(3), async (damages, repeats) => {
          const documents = damages.flatMap((changed) => {
            const head = documentHead();
            for (const { at, byte } of changed) if (at < head.length) head[at] = byte;
            return Array<Uint8Array>(1 + repeats).fill(concatBytes([head, cluster(5, [])]));
          });
          const bytes = concatBytes(documents);
          expect(await story([bytes], options)).toEqual(await story(chunksOf(bytes, 1), options));
        }),
        RUNS,
      );
    });
  }

  it('a track that is described outside of Tracks does not come again with them', async () => {
    const stray = writeMaster(Mkv.TrackEntry, [writeElement(Mkv.TrackNumber, 7)]);
    const bytes = concatBytes([documentHead(), stray, cluster(0, []), documentHead(), cluster(1, [])]);
    for (const chunks of [[bytes], chunksOf(bytes, 1)]) {
      const numbers: number[][] = [];
      for await (const fragment of readFragments(chunks)) numbers.push(fragment.tracks.map(({ number }) => number));
      expect(numbers).toEqual([
        [1, 2, 7],
        [1, 2],
      ]);
    }
  });

  it('a tag that lies in no Tag is of no track, whatever came before', async () => {
    const uids = writeMaster(Mkv.Targets, [writeElement(Mkv.TagTrackUID, 7n)]);
    const before = writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [uids])]);
    const stray = writeMaster(Mkv.Tags, [writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'stray')])]);
    const bytes = concatBytes([documentHead(), before, stray, cluster(0, [])]);
    for (const chunks of [[bytes], chunksOf(bytes, 1)]) {
      const found: MkvTag[] = [];
      for await (const fragment of readFragments(chunks)) found.push(...fragment.tags);
      expect(found.map(facts)).toEqual([['stray', '', undefined, undefined, [], []]]);
    }
  });

  it('a track whose description is wrong is reported each time it comes', async () => {
    const entry = writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, 1),
      concatBytes([Uint8Array.of(0x23, 0xe3, 0x83, 0x89), new Uint8Array(9)]),
    ]);
    const head = concatBytes([
      writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]),
      writeMaster(Mkv.Segment, [writeMaster(Mkv.Tracks, [entry]), cluster(0, [])]),
    ]);
    const bytes = concatBytes([head, head, head]);
    const gaps = async (chunks: Iterable<Uint8Array>) =>
      (await story(chunks, { recover: true })).filter((one) => !Array.isArray(one));
    expect(await gaps([bytes])).toHaveLength(3);
    expect(await gaps([bytes])).toEqual(await gaps(chunksOf(bytes, 1)));
  });
});
