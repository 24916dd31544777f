import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { CAPTURES, captureBytes, splitDocuments } from '../support/captures.js';
import { MEDIA, type MediaName, mediaBytes } from '../support/media.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';
import { type FromFileOptions, getMediaFromFile } from './get-media-from-file.js';
import { complaints, packetsOf } from './judges.js';
import { checkAll, merge } from './merging.js';

const JUDGES = tools('ffmpeg', 'ffprobe', 'mkvinfo', 'mkvmerge');
const EPOCH = 1_511_852_109_126n;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-merge-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Merges and lets the judges look at each document and at the frames. */
function judge(input: Uint8Array, documentsOut: number): void {
  const { bytes, merger } = merge(input);
  const documents = splitDocuments(bytes);
  expect(documents).toHaveLength(documentsOut);
  expect(merger.counters.documentsOut).toBe(documentsOut);
  checkAll(bytes);
  for (const document of documents) expect(complaints(document, folder)).toEqual([]);
  const before = splitDocuments(input).flatMap((document) => packetsOf(document, folder));
  const after = documents.flatMap((document) => packetsOf(document, folder));
  expect(after).toEqual(before);
  for (const document of splitDocuments(merge(input, { packClusters: true }).bytes)) {
    expect(complaints(document, folder)).toEqual([]);
  }
}

describeNeeding('what others say of merged captures', [CAPTURES, JUDGES], () => {
  it.each(['output_get_media.mkv', 'output_get_media_sparse_fragments.mkv', 'vogels_480.mkv'])('%s', (file) =>
    judge(captureBytes(file), 1),
  );

  it('output_get_media.mkv, twice in a row', () => {
    const once = captureBytes('output_get_media.mkv');
    judge(concatBytes([once, once]), 2);
  });
});

describeNeeding('what others say of merged streams', [MEDIA, JUDGES], () => {
  const streams: [string, MediaName, FromFileOptions][] = [
    ['audio and video, B-frames, CRC-32, SeekHead, Cues', 'h264-aac.mkv', {}],
    ['time since 1970', 'h264-aac.mkv', { shift: EPOCH }],
    ['BlockGroups', 'block-groups.mkv', {}],
    ['Segment of unknown size', 'live.webm', {}],
    ['Clusters of unknown size', 'unknown-clusters.webm', {}],
    ['a fine TimestampScale', 'fine-timestamps.mkv', {}],
    ['EBML lacing', 'ebml-lacing.mkv', {}],
    ['DiscardPadding', 'opus.mkv', {}],
  ];
  it.each(streams)('%s', async (_, name, options) => {
    judge(getMediaFromFile(await mediaBytes(name), options), 1);
  });

  it('an ordinary file', async () => judge(await mediaBytes('h264-aac.mkv'), 1));

  it('a changed CodecPrivate in the middle', async () => {
    const other = encode('baseline.mkv', '-an', ...H264, '-profile:v', 'baseline');
    const first = encode('main.mkv', '-an', ...H264, '-profile:v', 'main');
    judge(concatBytes([getMediaFromFile(first), getMediaFromFile(other, { shift: 5000n, first: 10 })]), 2);
  });

  it('a track that appears in the middle', async () => {
    const silent = encode('silent.mkv', '-an', ...H264);
    const other = getMediaFromFile(await mediaBytes('h264-aac.mkv'), { shift: 5000n, first: 10 });
    judge(concatBytes([getMediaFromFile(silent), other]), 2);
  });
});

const H264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '25', '-pix_fmt', 'yuv420p'];

function encode(name: string, ...args: string[]): Uint8Array {
  const path = join(folder, name);
  runTool('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=s=160x120:r=25:d=2', ...args, path]);
  return new Uint8Array(readFileSync(path));
}
