import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { FragmentSplitter, type SplitFragment } from '../../src/testing/fragment-splitter.js';
import { type GetMediaFragmentInput, writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { arbitraryKvsStream } from '../support/kvs-generator.js';
import { readBody } from './support.js';

function splitAll(chunks: Iterable<Uint8Array>): SplitFragment[] {
  const splitter = new FragmentSplitter();
  const fragments: SplitFragment[] = [];
  const drain = () => {
    for (let event = splitter.nextIfAvailable(); event !== undefined; event = splitter.nextIfAvailable()) {
      if (event.kind === 'fragment') fragments.push(event.fragment);
    }
  };
  for (const chunk of chunks) {
    splitter.push(chunk);
    drain();
  }
  splitter.end();
  drain();
  return fragments;
}

/** A fragment's document without the service's tags, read. */
async function content({ head, media, tail }: SplitFragment) {
  const document = concatBytes([head, media, tail]);
  const [fragment] = await readBody(
    (async function* () {
      yield document;
    })(),
  );
  return fragment;
}

const TRACKS = [{ number: 1, codecId: 'V_MJPEG', video: { pixelWidth: 2, pixelHeight: 2 } }];

/** One document with several fragments in it, as a merged recording has them. */
function merged(inputs: readonly Omit<GetMediaFragmentInput, 'tracks'>[]): Uint8Array {
  const parts = inputs.map((input, index) => {
    const blocks = [{ track: 1, timestamp: index * 1e6, keyframe: true, frames: [Uint8Array.of(index)] }];
    const first = index === 0;
    const bytes = writeGetMediaFragment({ ...input, blocks, tracks: first ? TRACKS : [] }, { noInfo: !first });
    // What follows the header of the Segment: its id, and an unknown size of 8 bytes.
    return first ? bytes : bytes.subarray(Buffer.from(bytes).indexOf(Buffer.of(0x18, 0x53, 0x80, 0x67)) + 12);
  });
  return concatBytes(parts);
}

describe('FragmentSplitter', () => {
  it('finds the fragments that were put in, in any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryKvsStream(), arbitraryChunking(), async (stream, chunking) => {
        const fragments = splitAll(split(stream.bytes, chunking));
        const expected = stream.fragments.filter(
          ({ input }) => input.blocks !== undefined || input.fragmentNumber !== undefined,
        );
        expect(fragments.map(({ service }) => service.get('FRAGMENT_NUMBER'))).toEqual(
          expected.map(({ input }) => input.fragmentNumber),
        );
        for (const [i, { input }] of expected.entries()) {
          const fragment = fragments[i];
          const found = fragment === undefined ? undefined : await content(fragment);
          expect(found?.producerTags).toEqual(input.tags ?? []);
          expect([...(found?.tags.keys() ?? [])]).toEqual([]);
          expect(found?.frames).toEqual((input.blocks ?? []).flatMap(({ frames }) => frames));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('tells whose tags are whose in a merged document, by the tags of the service after a Cluster', async () => {
    const fragments = splitAll([
      merged([
        { fragmentNumber: '1', tags: [['a', '1']], millisBehindNow: 5, continuationToken: '2' },
        { fragmentNumber: '2', tags: [['b', '2']], millisBehindNow: 3, continuationToken: '3' },
        { fragmentNumber: '3', millisBehindNow: 0, continuationToken: '4' },
      ]),
    ]);
    const tags = await Promise.all(fragments.map(async (fragment) => (await content(fragment))?.producerTags));
    // The tags of the document are those of all its fragments.
    expect(tags).toEqual([
      [['a', '1']],
      [
        ['a', '1'],
        ['b', '2'],
      ],
      [['a', '1']],
    ]);
  });

  it('tells it by the next fragment number where the service has said nothing after the Clusters', async () => {
    const fragments = splitAll([
      merged([{ fragmentNumber: '1' }, { fragmentNumber: '2', tags: [['b', '2']] }, { fragmentNumber: '3' }]),
    ]);
    const tags = await Promise.all(fragments.map(async (fragment) => (await content(fragment))?.producerTags));
    expect(tags).toEqual([[], [['b', '2']], []]);
  });

  it('gives up a Cluster that is not whole', () => {
    const bytes = merged([{ tags: [] }, { tags: [] }]);
    for (const cut of [1, 2, 5]) expect(splitAll([bytes.subarray(0, bytes.length - cut)])).toHaveLength(1);
  });
});
