import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { readFragments } from '../../src/fragments/read.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { fragmentFile } from '../../src/view/fragment-file.js';
import { Inspection } from '../../src/view/inspection.js';
import type { ElementQuery, ElementRecord, ModelUpdate } from '../../src/view/protocol.js';
import { type IndexLimits, StreamIndexer } from '../../src/view/stream-indexer.js';
import { StreamModel } from '../../src/view/stream-model.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { cluster, documentHead, fragmentInput, mergedDocument } from '../support/kvs-documents.js';
import { arbitraryKvsStream } from '../support/kvs-generator.js';
import { smallDocument } from '../support/small-document.js';
import { localWorker, openBytes } from './support.js';

/** The model of a stream that comes in these chunks. */
function modelOf(chunks: Iterable<Uint8Array>, limits?: Partial<IndexLimits>): StreamModel {
  const index = new StreamIndexer(limits);
  const model = new StreamModel();
  const apply = () => model.update(structuredClone(index.takeUpdates()));
  for (const chunk of chunks) {
    index.push(chunk);
    apply();
  }
  index.end();
  model.update([...index.takeUpdates(), { type: 'summary', summary: index.summary }] satisfies ModelUpdate[]);
  return model;
}

/** All that a model says, to compare. */
function facts({ tracks, fragments, frames, findings, damage, summary }: StreamModel): unknown {
  const rows = Array.from({ length: frames.count }, (_, at) => frames.row(frames.first + at));
  return { tracks, fragments, rows, findings, damage, summary };
}

const fragments = (count: number) => Array.from({ length: count }, (_, index) => fragmentInput(index));
const body = (count: number) => concatBytes(fragments(count).map((input) => writeGetMediaFragment(input)));

describe('a stream', () => {
  it('gives the same model in every chunking', () => {
    fc.assert(
      fc.property(arbitraryKvsStream(), arbitraryChunking(), ({ bytes }, chunking) => {
        expect(facts(modelOf(split(bytes, chunking)))).toEqual(facts(modelOf([bytes])));
      }),
      { numRuns: 40 },
    );
  });

  it('has the frames and tags that were written, wherever it is cut', () => {
    fc.assert(
      fc.property(
        arbitraryKvsStream({ minFragments: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (stream, part) => {
          const whole = modelOf([stream.bytes]);
          const cut = modelOf([stream.bytes.subarray(0, Math.floor(part * stream.bytes.length))]);
          expect(whole.frames.count).toBe(stream.fragments.flatMap(({ frames }) => frames).length);
          const { count } = cut.frames;
          expect(cut.frames.timestamp).toEqual(whole.frames.timestamp.subarray(0, count));
          expect(cut.frames.data).toEqual(whole.frames.data.subarray(0, count));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('of random or damaged bytes ends, and its elements lie within it', async () => {
    const damaged = fc
      .tuple(fc.constant(body(3)), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 20 }))
      .map(([bytes, changes]) => {
        const copy = bytes.slice();
        for (const [at, value] of changes) copy[at % copy.length] = value;
        return copy;
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 5000 }), damaged), async (bytes) => {
        const { model, inspection } = await openBytes(bytes);
        expect(['done', 'failed']).toContain(model.state.phase);
        const visit = async (parent: number | undefined): Promise<void> => {
          const { elements } = await inspection.ask('children', { parent, from: 0, count: 2000 });
          for (const element of elements) {
            expect(element.offset + element.headerSize).toBeLessThanOrEqual(bytes.length);
            if (element.master && element.level < 12) await visit(element.element);
          }
        };
        await visit(undefined);
      }),
      { numRuns: 60 },
    );
  });

  it('shows damage among its elements and in its fragment', async () => {
    const bytes = body(3);
    const second = body(1).length + 60;
    bytes.fill(0xff, second, second + 40);
    const { model, inspection } = await openBytes(bytes);
    expect(model.damage.length).toBeGreaterThan(0);
    expect(model.findings.map(({ rule }) => rule)).toContain('Damage');
    const found: ElementRecord[] = [];
    await inspection.ask('search', { name: 'damaged' }, { onPart: (part) => found.push(...part) });
    expect(found.map(({ offset, dataSize }) => [offset, dataSize])).toEqual(
      model.damage.map(({ offset, length }) => [offset, length]),
    );
  });

  it('whose tags stand behind the Cluster is put at its producer time all the same', () => {
    const late = concatBytes([smallDocument({ clusters: 1 }), writeGetMediaFragment({ ...fragmentInput(1) })]);
    const model = modelOf([late]);
    expect(model.state.clock).toBe('presentation');
    const [first, second] = model.fragments;
    // What has no producer timestamp ends where the first one that has begins.
    expect((first?.time ?? 0) + (first?.duration ?? 0) / 1000).toBeCloseTo(second?.time ?? 0, 3);
    expect(second?.time).toBe(second?.producerTimestamp);
  });

  it('keeps no more than its limits, and says so', () => {
    const index = new StreamIndexer({ elements: 50, frames: 4, fragments: 2, findings: 1 });
    index.push(body(5));
    index.end();
    expect(index.elements.end).toBe(50);
    expect(index.frames.count).toBe(4);
    expect(index.fragments.end).toBe(2);
    expect(index.limits).toHaveLength(4);
    expect(index.limits[1]).toBe('The first 4 frames are shown; 11 more are not.');
  });
});

describe('a file that is none', () => {
  it.each([
    ['empty', '', 'the file is empty'],
    ['text', 'hello, this is no video at all', 'this is text, not Matroska'],
    [
      'a JSON error',
      '{"__type":"ResourceNotFoundException","message":"no stream"}',
      /ResourceNotFoundException: no stream/,
    ],
    ['MP4', '\0\0\0\x18ftypisom\0\0\0\0isommp42', 'this is MP4, not Matroska'],
    ['gzip', '\x1f\x8b\x08\0\0\0\0\0', 'this is gzip, not Matroska'],
  ])('%s says what it is', async (_, text, message) => {
    const { model } = await openBytes(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    expect(model.state.phase).toBe('failed');
    expect(model.state.error).toMatch(message);
  });
});

describe('tags that mean harm', () => {
  const values = [
    '<img src=x onerror=alert(1)>',
    '</script><script>alert(1)</script>',
    '\u202egnp.exe\u202c',
    '\x1b[2J\x07\x01\r\n',
    '\ud83d\ude00\u0000after',
    'x'.repeat(1_000_000),
  ];

  it('pass as plain text; what is cut can be had whole', async () => {
    const tags = values.map((value, index): [string, string] => [`<b>${index}</b>`, value]);
    const bytes = writeGetMediaFragment(fragmentInput(0, { tags }));
    const { model, inspection } = await openBytes(bytes);
    // A TagString ends at its first NUL.
    const expected = values.map((value) => value.split('\0')[0] ?? '');
    const records = model.fragment(0)?.tags ?? [];
    expect(records.map(({ name }) => name)).toEqual(tags.map(([name]) => name));
    expect(records.map(({ value }) => value)).toEqual(expected.map((value) => value.slice(0, 4096)));
    expect(records.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
    for (const [index, { element }] of records.entries()) {
      expect(await inspection.ask('value', { element: element ?? -1 })).toBe(expected[index]);
    }
  });
});

describe('a stream with a million characters where a name is', () => {
  it('is shown with the beginning of them', () => {
    const long = '9'.repeat(1_000_000);
    const tracks = [{ number: 1, codecId: `V_${long}`, name: long, video: { pixelWidth: 64, pixelHeight: 48 } }];
    const inputs = Array.from({ length: 5 }, (_, index) =>
      fragmentInput(index, {
        tracks,
        fragmentNumber: long,
        continuationToken: long,
        tags: [[long, long]],
        error: { id: 5000, code: long },
      }),
    );
    const model = modelOf([concatBytes(inputs.map((input) => writeGetMediaFragment(input)))]);
    expect(model.fragments).toHaveLength(5);
    expect(model.fragment(0)?.fragmentNumber).toBe(`${long.slice(0, 256)}…`);
    expect(model.fragment(0)?.tags[0]?.length).toBe(1_000_000);
    const { tracks: records, fragments: shown, findings } = model;
    expect(findings.length).toBeGreaterThan(0);
    // The values of the tags have 4,096 characters each.
    expect(JSON.stringify({ records, shown, findings }).length).toBeLessThan(100_000);
  });
});

describe('searching', () => {
  const search = async (query: ElementQuery) => {
    const { inspection } = await openBytes(body(3));
    const found: ElementRecord[] = [];
    const result = await inspection.ask('search', query, { onPart: (part) => found.push(...part) });
    return { ...result, found, names: found.map(({ name }) => name) };
  };

  it('finds by name, in any case', async () => {
    expect((await search({ name: 'simpleb' })).names).toEqual(Array(9).fill('SimpleBlock'));
  });

  it('finds by id', async () => {
    expect((await search({ id: 0x1f43b675 })).names).toEqual(['Cluster', 'Cluster', 'Cluster']);
  });

  it('finds what holds a byte', async () => {
    const { found } = await search({ id: 0xe7 });
    const { offset = 0 } = found[0] ?? {};
    expect((await search({ offset })).names).toEqual(['Segment', 'Cluster', 'Timestamp']);
  });

  it('finds by value', async () => {
    expect((await search({ value: 'avc' })).names).toEqual(['CodecID', 'CodecID', 'CodecID']);
    expect((await search({ value: 'aws_kinesisvideo_fragment' })).names).toEqual(['TagName', 'TagName', 'TagName']);
    expect((await search({ name: 'TagString', value: 'nothing has this' })).found).toEqual([]);
  });

  it('stops at its limit, and says that there is more', async () => {
    const { found, more } = await search({ name: 'TagName', limit: 2 });
    expect([found.length, more]).toEqual([2, true]);
  });

  it('needs a stream', async () => {
    const inspection = new Inspection(localWorker(), () => {});
    await expect(inspection.ask('search', { name: 'Cluster' })).rejects.toThrow('no stream is open');
  });

  it('can be given up', async () => {
    const { inspection } = await openBytes(body(3));
    const abort = new AbortController();
    const searching = inspection.ask('search', { value: 'x' }, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(searching).rejects.toThrow('enough');
    expect((await inspection.ask('search', { name: 'Segment' })).found).toBe(3);
  });
});

describe('a fragment to save', () => {
  const saved = async (bytes: Uint8Array) => {
    const { model, inspection } = await openBytes(bytes);
    const files = [];
    for (const { index } of model.fragments) files.push(await inspection.ask('fragment', { fragment: index }));
    return { model, files };
  };
  const read = async (bytes: Uint8Array) => {
    const all = [];
    for await (const each of readFragments([bytes])) all.push(each);
    return all;
  };

  it('is its document, byte for byte', async () => {
    const { files } = await saved(body(3));
    expect(Buffer.compare(concatBytes(files.map(({ bytes }) => bytes)), body(3))).toBe(0);
    expect(files[0]?.name).toBe(`${fragmentInput(0).fragmentNumber}.mkv`);
  });

  it('of a merged document is a document of its own', async () => {
    const { files } = await saved(mergedDocument(fragments(3)));
    expect(files).toHaveLength(3);
    for (const [index, { bytes }] of files.entries()) {
      const [fragment, ...others] = await read(bytes);
      expect(others).toEqual([]);
      expect(fragment?.fragmentNumber).toBe(fragmentInput(index).fragmentNumber);
      expect(fragment?.tags.map(({ value }) => value)).toEqual([String(index)]);
      expect(fragment?.frames.map(({ data }) => data[0])).toEqual([index, index, index]);
    }
  });

  it('of another file has its Cluster with what describes it', async () => {
    const file = concatBytes([
      documentHead(),
      ...fragments(3).map((input) => cluster(input.timestamp ?? 0, input.blocks ?? [])),
    ]);
    const whole = await read(file);
    const { files } = await saved(file);
    expect(files).toHaveLength(3);
    const parts = await Promise.all(files.map(({ bytes }) => read(bytes)));
    const times = parts.flat().flatMap(({ frames }) => frames.map(({ timestamp }) => timestamp));
    expect(times).toEqual(whole.flatMap(({ frames }) => frames.map(({ timestamp }) => timestamp)));
    expect(parts.flat().every(({ tracks }) => tracks.length === whole[0]?.tracks.length)).toBe(true);
  });

  it('whose bytes are gone says so', async () => {
    const index = new StreamIndexer();
    index.push(body(1));
    index.end();
    const record = index.fragments.get(0);
    const source = { size: undefined, read: async () => new Uint8Array(0) };
    if (record === undefined) throw new Error('no fragment');
    await expect(fragmentFile(record, index.fragments, index.elements, source)).rejects.toThrow('no longer held');
  });
});

describe('a fragment of a hundred thousand tags', () => {
  it('is read, with the places of the first ones', () => {
    const tags = (count: number) => Array.from({ length: count }, (_, at): [string, string] => [`name ${at}`, 'x']);
    const bytes = writeGetMediaFragment(fragmentInput(0, { tags: tags(100_000) }));
    const model = modelOf([bytes]);
    const shown = model.fragment(0)?.tags ?? [];
    // More than 4 MiB of tags are left out by the library.
    expect(shown.length).toBeGreaterThan(10_000);
    expect(shown[100]).toMatchObject({ name: 'name 100', element: expect.any(Number) });
  });
});
