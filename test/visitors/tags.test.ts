import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { FragmentMetadataVisitor, Mkv, MkvTag, writeElement, writeHeader, writeMaster } from '../../src/index.js';
import { NO_UIDS, TagList } from '../../src/visitors/tag.js';
import { TagsReader } from '../../src/visitors/tags-reader.js';
import { documentHead } from '../support/kvs-documents.js';
import { readChunks } from '../support/read-all.js';

const MIB = 1 << 20;

function tag(more: { name?: string; binary?: Uint8Array; children?: MkvTag[] }): MkvTag {
  return new MkvTag(
    { name: '', value: '', binary: undefined, language: undefined, children: undefined, ...more },
    NO_UIDS,
  );
}

describe('a list of tags', () => {
  const binary = new Uint8Array(MIB);

  it.each<[string, MkvTag]>([
    ['binary data', tag({ binary })],
    ['names', tag({ name: 'x'.repeat(MIB / 2) })],
    [
      'tags within tags',
      tag({ children: [tag({ binary: binary.subarray(MIB / 2) }), tag({ binary: binary.subarray(MIB / 2) })] }),
    ],
  ])('stops growing at 4 MiB, of %s as well', (_, large) => {
    const list = new TagList();
    for (let i = 0; i < 10; i++) list.add(large);
    expect(list.tags).toHaveLength(4);
    expect(list.take()).toHaveLength(4);
    list.add(large);
    expect(list.tags).toHaveLength(1);
  });

  it('stops growing at 4 MiB of tags that say nothing', () => {
    const list = new TagList();
    for (let i = 0; i < 50_000; i++) list.add(tag({}));
    expect(list.tags.length).toBeGreaterThan(10_000);
    expect(list.tags.length).toBeLessThan(40_000);
  });
});

describe('the tags of a stream', () => {
  const tagsOf = (...children: Uint8Array[]) => {
    const visitor = new FragmentMetadataVisitor();
    const bytes = concatBytes([documentHead(), writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, children)])]);
    for (const element of readChunks([bytes])) element.accept(visitor);
    bytes.fill(0);
    return visitor.tags;
  };
  const simple = (...children: Uint8Array[]) => writeMaster(Mkv.SimpleTag, children);
  const name = writeElement(Mkv.TagName, 'x');

  it('have bytes of their own, and only what is theirs', () => {
    const [one] = tagsOf(
      simple(name, writeElement(Mkv.TagBinary, Uint8Array.of(1, 2)), writeElement(Mkv.TagDefault, 1)),
    );
    expect(one).toMatchObject({ name: 'x', binary: Uint8Array.of(1, 2), language: undefined });
    const [other] = tagsOf(simple(name, writeElement(Mkv.TagLanguageBCP47, 'de-CH')));
    expect(other?.language).toBe('de-CH');
  });

  it('speak of no more than a hundred tracks', () => {
    const uids = Array.from({ length: 150 }, (_, i) => writeElement(Mkv.TagTrackUID, i + 1));
    const [one] = tagsOf(writeMaster(Mkv.Targets, uids), simple(name));
    expect(one?.trackUids).toEqual(Array.from({ length: 100 }, (_, i) => BigInt(i + 1)));
  });
});

describe('TagsReader', () => {
  const read = (bytes: Uint8Array) => new TagsReader().read(bytes, 0, bytes.length);
  const name = writeElement(Mkv.TagName, 'n'.repeat(130));
  const simpleTag = (named: string, value: string) =>
    writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, named), writeElement(Mkv.TagString, value)]);

  it('takes plain tags, also behind Targets that say nothing', () => {
    const simple = writeMaster(Mkv.SimpleTag, [name]);
    expect(read(writeMaster(Mkv.Tag, [writeMaster(Mkv.Targets, []), simple, simple]))).toMatchObject([
      { name: 'n'.repeat(130), value: '' },
      { name: 'n'.repeat(130), value: '' },
    ]);
  });

  it('passes tags over whose names do not begin as is asked', () => {
    const names = ['AWS_A', 'AWS', 'AWS_', 'aws_A', 'XAWS_A', 'AWS_é', 'AWS_\0A', ''];
    const all = names.map((each) => simpleTag(each, `of ${each}`));
    // A tag without a name, and one without a value.
    const bare = [
      writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagString, 'AWS_A')]),
      writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'AWS_B')]),
    ];
    const bytes = writeMaster(Mkv.Tag, [...all, ...bare]);
    const wanted = new TagsReader('AWS_').read(bytes, 0, bytes.length);
    expect(wanted).toEqual(read(bytes)?.filter(({ name }) => name.startsWith('AWS_')));
    expect(wanted?.map(({ value }) => value)).toEqual(['of AWS_A', 'of AWS_', 'of AWS_é', 'of AWS_', '']);
    // What is wrong with one of the others is wrong all the same.
    const twice = writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'x'), writeElement(Mkv.TagName, 'y')]);
    const wrong = writeMaster(Mkv.Tag, [...all, twice]);
    expect(new TagsReader('AWS_').read(wrong, 0, wrong.length)).toBeUndefined();
  });

  it('leaves what has an unknown size, of any width, to the elements', () => {
    for (const sizeLength of [1, 2]) {
      const simple = concatBytes([writeHeader(Mkv.SimpleTag, undefined, { sizeLength }), new Uint8Array(20_000)]);
      expect(read(writeMaster(Mkv.Tag, [simple]))).toBeUndefined();
      expect(
        read(concatBytes([writeHeader(Mkv.Tag, undefined, { sizeLength }), new Uint8Array(20_000)])),
      ).toBeUndefined();
    }
    const inner = concatBytes([writeHeader(Mkv.TagName, undefined), new Uint8Array(127).fill(0x61)]);
    expect(read(writeMaster(Mkv.Tag, [writeMaster(Mkv.SimpleTag, [inner])]))).toBeUndefined();
  });
});
