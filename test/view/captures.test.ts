import { expect, it } from 'vitest';
import { checkStream } from '../../src/check/check-stream.js';
import { readElements } from '../../src/mkv/streams.js';
import type { ElementRecord } from '../../src/view/protocol.js';
import { CAPTURES, captureBytes, captureFacts } from '../support/captures.js';
import { describeNeeding } from '../support/tools.js';
import { type Opened, openBytes } from './support.js';

/** The elements of a tree, in document order, as the page gets them when it opens every node. */
async function wholeTree({ inspection }: Opened): Promise<ElementRecord[]> {
  const all: ElementRecord[] = [];
  const visit = async (parent: number | undefined) => {
    for (let from = 0, total = 1; from < total; ) {
      const page = await inspection.ask('children', { parent, from, count: 500 });
      total = page.total;
      from += page.elements.length;
      for (const element of page.elements) {
        all.push(element);
        if (element.master) await visit(element.element);
      }
    }
  };
  await visit(undefined);
  return all;
}

describeNeeding('captures', [CAPTURES], () => {
  it.each(captureFacts())(
    '$file has the fragments, frames and tags that it has',
    async ({ file, fragments, counts }) => {
      const { model } = await openBytes(captureBytes(file));
      expect(model.state).toMatchObject({ phase: 'done', error: undefined, limits: [] });
      const segments = fragments.length;
      const frames = fragments.reduce((sum, each) => sum + each.frames, 0);
      expect(model.frames.count).toBe(frames);
      const frameBytes = fragments.reduce((sum, each) => sum + each.frameBytes, 0);
      expect(model.fragments.reduce((sum, each) => sum + each.frameBytes, 0)).toBe(frameBytes);
      expect(model.frames.size.reduce((sum, size) => sum + size, 0)).toBe(frameBytes);
      // The fragments of a Segment of several are its Clusters.
      const { Cluster: clusters = 0 } = counts;
      expect(model.fragments).toHaveLength(Math.max(segments, clusters));
      if (clusters > segments) return;
      for (const [index, facts] of fragments.entries()) {
        const record = model.fragment(index);
        const service = record?.serviceTags.map(({ name, value }) => [name.replace('AWS_KINESISVIDEO_', ''), value]);
        expect(Object.fromEntries(service ?? [])).toEqual(facts.kvs);
        // A TagString ends at its first NUL.
        const producer = facts.producerTags.map(([name, value]) => [name, value.split('\0')[0]]);
        expect(record?.tags.map(({ name, value }) => [name, value])).toEqual(producer);
      }
    },
  );

  it('output_get_media.mkv has 5 fragments of 60 frames, and 25 tags of the service', async () => {
    const { model } = await openBytes(captureBytes('output_get_media.mkv'));
    expect(model.fragments.map(({ frames, keyframes }) => [frames, keyframes])).toEqual(Array(5).fill([60, 1]));
    expect(model.fragments.flatMap(({ serviceTags }) => serviceTags)).toHaveLength(25);
    expect(model.state.clock).toBe('producer');
    expect(model.fragments.map(({ time }) => time)).toEqual(
      model.fragments.map(({ producerTimestamp }) => producerTimestamp),
    );
    expect(model.fragments.every(({ gap }) => gap === undefined)).toBe(true);
    expect(model.tracks.map(({ codecString }) => codecString)).toEqual(['avc1.4d401e']);
    const fields = model.tracks[0]?.description.flatMap((part) => part.fields);
    expect(fields).toContainEqual({ name: 'profile_idc', value: '77 (Main)' });
    expect(fields).toContainEqual({ name: 'picture', value: '640x360' });
  });

  it('tags that come in each fragment are persistent, others are not', async () => {
    const { model } = await openBytes(captureBytes('output_get_media.mkv'));
    expect(model.fragments.flatMap(({ tags }) => tags).every(({ persistent }) => persistent)).toBe(true);
  });

  it('missing fragments are gaps on the time axis', async () => {
    const { model } = await openBytes(captureBytes('output_get_media_sparse_fragments.mkv'));
    const gaps = model.fragments.map(({ gap }) => gap && Math.round(gap / 1000));
    expect(gaps).toEqual([undefined, 2000, 2000]);
  });

  it.each(captureFacts())('$file: the tree has every element, with offset, sizes and value', async ({ file }) => {
    const bytes = captureBytes(file);
    const opened = await openBytes(bytes);
    const expected: unknown[] = [];
    for await (const element of readElements([bytes], { recover: true })) {
      if (element.kind === 'end') continue;
      const { type, offset, headerSize, path } = element;
      expected.push([type.name, type.id, offset, headerSize, path.length, element.kind === 'start']);
    }
    const tree = await wholeTree(opened);
    const found = tree.map(({ name, id, offset, headerSize, level, master }) => [
      name,
      id,
      offset,
      headerSize,
      level,
      master,
    ]);
    expect(found).toEqual(expected);
  });

  it('the bytes of an element are those of the file', async () => {
    const bytes = captureBytes('output_get_media.mkv');
    const opened = await openBytes(bytes);
    const tree = await wholeTree(opened);
    const number = tree.find(({ value }) => value === 'AWS_KINESISVIDEO_FRAGMENT_NUMBER');
    expect(number?.name).toBe('TagName');
    const { offset = 0, headerSize = 0, dataSize = 0 } = number ?? {};
    const data = await opened.inspection.ask('bytes', { offset, length: headerSize + dataSize });
    expect(data).toEqual(new Uint8Array(bytes.subarray(offset, offset + headerSize + dataSize)));
    expect(new TextDecoder().decode(data.subarray(headerSize))).toBe('AWS_KINESISVIDEO_FRAGMENT_NUMBER');
  });

  it('from a frame to its Block and back', async () => {
    const opened = await openBytes(captureBytes('output_get_media.mkv'));
    const row = opened.model.frames.row(137);
    const at = await opened.inspection.ask('at', { offset: row?.block ?? 0 });
    const path = await opened.inspection.ask('path', { element: at ?? 0 });
    expect(path.map(({ element }) => element.name)).toEqual(['Segment', 'Cluster', 'SimpleBlock']);
    expect(path.at(-1)?.element).toMatchObject({ offset: row?.block, frame: 137, frames: 1 });
    expect(row?.data).toBe((row?.block ?? 0) + (path.at(-1)?.element.headerSize ?? 0) + 4);
  });

  it.each(captureFacts())('$file: findings are those of checkStream', async ({ file }) => {
    const bytes = captureBytes(file);
    const { model } = await openBytes(bytes);
    const report = await checkStream([bytes]);
    expect(model.findings).toEqual(report.findings);
    expect(model.summary).toEqual({ playable: report.playable, obstacles: report.obstacles, omitted: 0 });
  });
});
