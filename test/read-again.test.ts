import { createReadStream, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAudio, readPictures, writeWav } from '../src/decode/index.js';
import { Packager } from '../src/hls/index.js';
import {
  applyVisitor,
  type ByteStream,
  CountVisitor,
  checkStream,
  mergeSeekable,
  readDocuments,
  readElements,
  readFragments,
  readFrames,
} from '../src/index.js';
import { mp4SegmentStream, remuxToMp4 } from '../src/mp4/index.js';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../src/testing/local-kinesis-video.js';
import { RECORDING } from './testing/support.js';

let server: LocalKinesisVideo;
let streams = 0;
beforeAll(async () => {
  server = await startLocalKinesisVideo();
});
afterAll(() => server.close());

async function all(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

/** Everything that takes a stream of bytes. */
const READERS: readonly (readonly [name: string, read: (stream: ByteStream) => Promise<unknown>])[] = [
  ['readElements', (stream) => all(readElements(stream))],
  ['applyVisitor', (stream) => applyVisitor(stream, new CountVisitor([]))],
  ['readFragments', (stream) => all(readFragments(stream))],
  ['readFrames', (stream) => all(readFrames(stream))],
  ['readDocuments', (stream) => all(readDocuments(stream))],
  ['checkStream', (stream) => checkStream(stream)],
  ['mergeSeekable', (stream) => mergeSeekable(stream)],
  ['remuxToMp4', (stream) => remuxToMp4(stream, async () => {})],
  ['mp4SegmentStream', (stream) => all(mp4SegmentStream(stream))],
  ['readPictures', (stream) => all(readPictures(stream, { every: 'keyframe' }))],
  ['readAudio', (stream) => all(readAudio(stream))],
  ['writeWav', (stream) => writeWav(stream, async () => {})],
  ['Packager.feed', (stream) => new Packager().feed(stream)],
  ['LocalStream.fill', (stream) => server.createStream(`again-${++streams}`).fill(stream)],
];

describe.each([
  ['a Node stream', () => createReadStream(RECORDING)],
  ['a ReadableStream', () => new Blob([readFileSync(RECORDING)]).stream()],
])('%s that was read to its end', (_, make) => {
  it.each(READERS)('is no empty stream to %s', async (_name, read) => {
    const stream = make();
    await all(stream);
    await expect(read(stream)).rejects.toThrow('the byte stream has been read already');
  });
});
