import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  type Fragment,
  type FragmentMetadata,
  MkvParseError,
  type MkvWarning,
  type ReadFragmentsOptions,
  readFragments,
  readFrames,
  StreamingMkvReader,
} from '../../src/index.js';
import {
  type GetMediaWriteOptions,
  writeGetMediaError,
  writeGetMediaFragment,
  writeServiceTags,
} from '../../src/testing/get-media-writer.js';
import { fragmentFacts } from '../support/fragment-facts.js';
import {
  clusterOf,
  documentHead,
  fragmentInput,
  leadingTags,
  mergedDocument,
  numberOf,
  serviceTags,
} from '../support/kvs-documents.js';

async function fragmentsOf(bytes: Uint8Array, options?: ReadFragmentsOptions): Promise<Fragment[]> {
  const fragments: Fragment[] = [];
  for await (const fragment of readFragments([bytes], options)) fragments.push(fragment);
  return fragments;
}

async function framesOf(bytes: Uint8Array): Promise<string[]> {
  const frames: string[] = [];
  for await (const frame of readFrames([bytes])) {
    frames.push(`${frame.fragment?.fragmentNumber} ${frame.timestamp} ${frame.data}`);
  }
  return frames;
}

const KINDS: [string, GetMediaWriteOptions][] = [
  ['of known sizes', { knownSizeSegment: true, crc: true }],
  ['as GetMedia writes them', {}],
  ['with Clusters of unknown size', { unknownSizeCluster: true, tagsFirst: true }],
];

it.each([
  ['an EBML header', Uint8Array.of(0x1a, 0x45)],
  ['an EBML header of which the size is there', Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 0x90, 0x42)],
  ['a Void', Uint8Array.of(0xec, 0x85, 0)],
  ['a Segment', Uint8Array.of(0x18, 0x53, 0x80)],
])('a stream that ends inside %s behind its documents: all is given, and the end told', async (_name, end) => {
  const document = writeGetMediaFragment(fragmentInput(0));
  for (const chunks of [
    [concatBytes([document, end])],
    [document, end],
    [document, ...[...end].map((byte) => Uint8Array.of(byte))],
  ]) {
    for (const read of [readFragments, readFrames]) {
      const warnings: MkvWarning[] = [];
      const given: unknown[] = [];
      for await (const one of read(chunks, { onWarning: (warning) => warnings.push(warning) })) given.push(one);
      expect(given).toHaveLength(read === readFrames ? 3 : 1);
      expect(warnings.map(({ code, offset }) => [code, offset])).toEqual([['Truncated', document.length + end.length]]);
      await expect(async () => {
        for await (const _ of read(chunks, { strict: true }));
      }).rejects.toThrow(MkvParseError);
    }
  }
});

describe.each(KINDS)('a stream of fragments %s that is cut at any byte', (_, options) => {
  const documents = [0, 1].map((index) => writeGetMediaFragment(fragmentInput(index), options));
  const bytes = concatBytes(documents);
  const ends = documents.map((document, index) =>
    documents.slice(0, index).reduce((sum, { length }) => sum + length, document.length),
  );

  it('gives its whole fragments, and the one that is cut as truncated or not at all', async () => {
    const whole = (await fragmentsOf(bytes)).map(fragmentFacts);
    expect(whole.map(({ frames, truncated }) => [frames, truncated])).toEqual([
      [3, false],
      [3, false],
    ]);
    const passed: number[] = [];
    for (let length = 0; length < bytes.length; length++) {
      const expected = ends.filter((end) => end <= length).length;
      const found = await fragmentsOf(bytes.subarray(0, length), { expectTrailingTags: true });
      expect(found.slice(0, expected).map(fragmentFacts)).toEqual(whole.slice(0, expected));
      expect(found.length).toBeLessThanOrEqual(expected + 1);
      if (found.slice(expected).some(({ truncated }) => !truncated)) passed.push(length);
      const guessed = await fragmentsOf(bytes.subarray(0, length));
      if (expected > 0) expect(guessed.map(fragmentFacts)).toEqual(found.map(fragmentFacts));
    }
    expect(passed).toEqual([]);
  });

  it('gives the frames that are there', async () => {
    const all = await framesOf(bytes);
    expect(all.length).toBe(6);
    let most = 0;
    for (let length = 0; length < bytes.length; length++) {
      const found = await framesOf(bytes.subarray(0, length));
      expect(found).toEqual(all.slice(0, found.length));
      expect(found.length).toBeGreaterThanOrEqual(most);
      most = found.length;
    }
    expect(most).toBe(6);
  });

  it('is told once, as a warning or as a gap', async () => {
    const [start = 0, end = 0] = ends;
    for (let length = start; length <= end; length++) {
      for (const recover of [false, true]) {
        const told: number[] = [];
        await fragmentsOf(bytes.subarray(0, length), {
          recover,
          onWarning: ({ code, offset }: MkvWarning) => {
            // That the frames, which are made up, are not what their tracks say, is told too.
            if (code !== 'TrackMismatch') told.push(code === 'Truncated' ? offset : -1);
          },
          onGap: (gap) => told.push(gap.offset + gap.length),
        });
        const reader = new StreamingMkvReader();
        reader.push(bytes.subarray(0, length));
        reader.end();
        while (reader.nextIfAvailable() !== undefined);
        expect(told, `cut at ${length}, recover ${recover}`).toEqual(reader.truncated ? [length] : []);
      }
    }
  });

  it('is an error when it is read strictly, unless it is cut between elements', async () => {
    await expect(fragmentsOf(bytes.subarray(0, (ends[1] ?? 0) - 1), { strict: true })).rejects.toThrow(MkvParseError);
    expect(await fragmentsOf(bytes.subarray(0, ends[0]), { strict: true })).toHaveLength(1);
  });
});

describe('a merged document that is cut at any byte', () => {
  it('gives its whole fragments, and the one that is cut as truncated', async () => {
    const inputs = [0, 1, 2].map((index) => fragmentInput(index));
    const bytes = mergedDocument(inputs);
    const whole = (await fragmentsOf(bytes)).map(fragmentFacts);
    const ends = inputs.map((_, index) => mergedDocument(inputs.slice(0, index + 1)).length);
    for (let length = 0; length < bytes.length; length++) {
      const expected = ends.filter((end) => end <= length).length;
      const found = (await fragmentsOf(bytes.subarray(0, length), { expectTrailingTags: true })).map(fragmentFacts);
      // Tags of the producer between two fragments are the later one's; nobody knows when no later one comes.
      const same = ({ tags: _, ...rest }: ReturnType<typeof fragmentFacts>) => rest;
      expect(found.slice(0, expected).map(same)).toEqual(whole.slice(0, expected).map(same));
      expect(found.length).toBeLessThanOrEqual(expected + 1);
      expect(found.slice(expected).every(({ truncated }) => truncated)).toBe(true);
    }
  });
});

const NO_TAGS = {
  fragmentNumber: undefined,
  serverTimestamp: undefined,
  producerTimestamp: undefined,
  millisBehindNow: undefined,
  continuationToken: undefined,
  tags: [],
};

describe('fragments without trailing Tags', () => {
  const list = { millisBehindNow: undefined, continuationToken: undefined };
  const bytes = concatBytes([0, 1].map((index) => writeGetMediaFragment(fragmentInput(index, list))));

  it('are whole where no fragment has them, as those of GetMediaForFragmentList', async () => {
    expect((await fragmentsOf(bytes)).map(({ truncated }) => truncated)).toEqual([false, false]);
    expect((await fragmentsOf(bytes.subarray(0, -1))).map(({ truncated }) => truncated)).toEqual([false, true]);
  });

  it('are whole also where the fragment has no Tags at all', async () => {
    const untagged = writeGetMediaFragment({ ...fragmentInput(0), ...NO_TAGS });
    for (const expectTrailingTags of [undefined, false]) {
      const found = await fragmentsOf(concatBytes([untagged, untagged]), { expectTrailingTags });
      expect(found.map(({ truncated, frames, metadata }) => [truncated, frames.length, metadata])).toEqual([
        [false, 3, undefined],
        [false, 3, undefined],
      ]);
      const after = await fragmentsOf(concatBytes([untagged, writeGetMediaFragment(fragmentInput(1)), untagged]), {
        expectTrailingTags,
      });
      expect(after.map(({ truncated }) => truncated)).toEqual([false, false, expectTrailingTags === undefined]);
    }
  });

  it('are truncated where they are expected, or one before had them and they are not said to be missing', async () => {
    const options = { expectTrailingTags: true };
    expect((await fragmentsOf(bytes, options)).map(({ truncated }) => truncated)).toEqual([true, true]);
    const first = writeGetMediaFragment(fragmentInput(5));
    const notExpected = await fragmentsOf(concatBytes([first, bytes]), { expectTrailingTags: false });
    expect(notExpected.map(({ truncated }) => truncated)).toEqual([false, false, false]);
    expect((await fragmentsOf(concatBytes([first, bytes]))).map(({ truncated }) => truncated)).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('trailing Tags', () => {
  it.each([
    ['token and millis-behind-now apart', ['MILLIS_BEHIND_NOW', '7'], ['CONTINUATION_TOKEN', numberOf(0)]],
    ['in the other order', ['CONTINUATION_TOKEN', numberOf(0)], ['MILLIS_BEHIND_NOW', '7']],
  ] as const)('may come one by one: %s', async (_, first, second) => {
    const before = writeGetMediaFragment(fragmentInput(9));
    const input = fragmentInput(0);
    const head = concatBytes([before, documentHead(), leadingTags(input), clusterOf(input)]);
    const [, fragment, ...more] = await fragmentsOf(
      concatBytes([head, serviceTags([...first]), serviceTags([...second])]),
    );
    expect(more).toEqual([]);
    expect(fragment).toMatchObject({ truncated: false, millisBehindNow: 7, continuationToken: numberOf(0) });
  });
});

describe('what the service reports in the stream', () => {
  it('comes as a fragment that is not whole but in error, among the others', async () => {
    const bytes = concatBytes([
      writeGetMediaFragment(fragmentInput(0)),
      writeGetMediaError({ error: { id: 4502, code: 'KMS_KEY_VALIDATION_ERROR' } }),
    ]);
    const fragments = await fragmentsOf(bytes);
    expect(
      fragments.map(({ fragmentNumber, error, frames, truncated }) => [
        fragmentNumber,
        error?.id,
        frames.length,
        truncated,
      ]),
    ).toEqual([
      [numberOf(0), undefined, 3, false],
      [undefined, 4502, 0, false],
    ]);
  });

  it('may come behind the frames of a fragment', async () => {
    const bytes = concatBytes([
      documentHead(),
      leadingTags(fragmentInput(0)),
      clusterOf(fragmentInput(0)),
      serviceTags(['ERROR_CODE', 'INTERNAL_ERROR'], ['ERROR_ID', '5000']),
    ]);
    const [fragment] = await fragmentsOf(bytes);
    expect(fragment).toMatchObject({ fragmentNumber: numberOf(0), error: { id: 5000, code: 'INTERNAL_ERROR' } });
  });

  it('tells of GetMediaForFragmentList which fragment failed, and goes on with the next', async () => {
    const list = { sideTimestamps: true };
    const none = { millisBehindNow: undefined, continuationToken: undefined };
    const exception = { code: 'ResourceNotFoundException', message: 'no such fragment' };
    const bytes = concatBytes([
      writeGetMediaFragment(fragmentInput(0, none), list),
      writeGetMediaError({ fragmentNumber: numberOf(1), exception }, list),
      writeGetMediaFragment(fragmentInput(2, none), list),
      concatBytes([documentHead([]), writeServiceTags({ fragmentNumber: numberOf(3), exception })]),
    ]);
    const told = (await fragmentsOf(bytes)).map(({ fragmentNumber, error, frames, serverTimestamp, truncated }) => {
      return [fragmentNumber, error, frames.length, serverTimestamp !== undefined, truncated];
    });
    const error = { operation: 'GetMediaForFragmentList', ...exception, id: undefined };
    expect(told).toEqual([
      [numberOf(0), undefined, 3, true, false],
      [numberOf(1), error, 0, false, false],
      [numberOf(2), undefined, 3, true, false],
      [numberOf(3), error, 0, false, false],
    ]);
  });
});

describe('damage that is passed over', () => {
  const inputs = [0, 1, 2, 3].map((index) => fragmentInput(index));
  const documents = inputs.map((input) => writeGetMediaFragment(input, { crc: true }));

  it('makes the fragment truncated, and leaves the others whole, wherever it strikes', async () => {
    const contents = ({ frames }: Fragment) => frames.map(({ data }) => data.join()).join(' ');
    const whole = (await fragmentsOf(concatBytes(documents))).map(contents);
    const start = documents[0]?.length ?? 0;
    const end = start + (documents[1]?.length ?? 0);
    for (let at = start; at < end; at++) {
      const bytes = concatBytes(documents);
      bytes.fill(0xff, at, at + 3);
      const found = await fragmentsOf(bytes, { recover: true, verifyCrc: true, expectTrailingTags: true });
      const sound = found.filter(({ truncated }) => !truncated).map(contents);
      // Damage at the end of a document may take the next one's header with it.
      expect(sound, `damage at ${at}`).toEqual(expect.arrayContaining([whole[0], whole[3]]));
      expect(
        sound.filter((each) => !whole.includes(each)),
        `damage at ${at}`,
      ).toEqual([]);
    }
  });

  it('may be a Block that cannot be taken apart', async () => {
    const documents = [0, 1].map((index) => writeGetMediaFragment(fragmentInput(index)));
    const block = Buffer.from(documents[0] ?? []).indexOf(Buffer.of(0, 1, 2, 3));
    // Its flags say that it is laced, its first byte how many frames it has.
    documents[0]?.set([0x82, 200], block - 1);
    const bytes = concatBytes(documents);
    await expect(fragmentsOf(bytes)).rejects.toThrow(MkvParseError);
    const gaps: number[] = [];
    const found = await fragmentsOf(bytes, { recover: true, onGap: ({ length }) => gaps.push(length) });
    expect(found.map(({ frames, truncated }) => [frames.length, truncated])).toEqual([
      [2, true],
      [3, false],
    ]);
    expect(gaps).toEqual([10]);
  });

  it('does not give frames to a fragment that they may not be of', async () => {
    // All between two Clusters is lost: the second one may be of any fragment.
    const bytes = concatBytes([
      documentHead(),
      leadingTags(fragmentInput(0)),
      clusterOf(fragmentInput(0)),
      new Uint8Array(300).fill(0xff),
      clusterOf(fragmentInput(1)),
    ]);
    const seen: [number, FragmentMetadata | undefined][] = [];
    for await (const frame of readFrames(bytes, { recover: true })) seen.push([frame.data[0] ?? -1, frame.fragment]);
    expect(seen.map(([index, fragment]) => [index, fragment?.fragmentNumber])).toEqual([
      [0, numberOf(0)],
      [0, numberOf(0)],
      [0, numberOf(0)],
      [1, undefined],
      [1, undefined],
      [1, undefined],
    ]);
  });
});
